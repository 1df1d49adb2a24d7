package channeldb

import (
	"context"
	"fmt"

	"cloud.google.com/go/firestore"
	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// shards is how many parts jobs for all tenants share their work out into.
const shards = 16

// Page is a part of a list, newest first, and where the next one begins; Next is empty at the end.
type Page struct {
	Messages []Stored
	Next     string
}

// List returns the tenant's messages of a state.
func (s *Store) List(ctx context.Context, tenant string, state channel.KeptState, cursor string, limit int) (Page, error) {
	q := s.opts.Ledger.Query(tenant, collectionMessages).Where("state", "==", string(state)).
		OrderBy("receivedAt", firestore.Desc).OrderBy(firestore.DocumentID, firestore.Desc)
	if cursor != "" {
		at, id, err := ledgerdb.ParseCursor(cursor)
		if err != nil {
			return Page{}, err
		}
		q = q.StartAfter(at, id)
	}
	objects, err := s.opts.Ledger.List(ctx, q.Limit(limit+1))
	if err != nil {
		return Page{}, fmt.Errorf("list messages: %w", err)
	}
	var p Page
	var last Stored
	for i, o := range objects {
		if i == limit {
			p.Next = ledgerdb.Cursor(last.ReceivedAt, last.ID)
			break
		}
		if last, err = parse(o); err != nil {
			return Page{}, err
		}
		if !s.expired(o) {
			p.Messages = append(p.Messages, last)
		}
	}
	return p, nil
}

// Waiting reads cancellations of all tenants that wait for their order: at most limit of each of the 16 shards, the
// oldest first.
func (s *Store) Waiting(ctx context.Context, limit int) ([]Stored, error) {
	parts := make([][]Stored, shards)
	group, ctx := errgroup.WithContext(ctx)
	for shard := range shards {
		group.Go(func() error {
			objects, err := s.opts.Ledger.List(ctx, s.opts.Ledger.QueryAllTenants(collectionMessages).Where("us", "==", shard).
				OrderBy("waitingSince", firestore.Asc).Limit(limit))
			if err != nil {
				return err
			}
			for _, o := range objects {
				stored, err := parse(o)
				if err != nil {
					return err
				}
				parts[shard] = append(parts[shard], stored)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("find waiting cancellations: %w", err)
	}
	var all []Stored
	for _, part := range parts {
		all = append(all, part...)
	}
	return all, nil
}
