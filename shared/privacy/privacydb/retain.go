package privacydb

import (
	"context"
	"fmt"
	"strings"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// retainPage is how many documents are read at once, and deleted, unless they are large. All of them are in memory, and
// each may be of a MiB.
const retainPage = 64

// Retain deletes what the tenant has kept for long enough, and what has expired and the database has not deleted yet. Until
// then reading compares the time: this frees space, and bounds how long a backup can hold what nobody may read. It tells how
// many documents it deleted, by collection, and may be repeated.
func (s *Store) Retain(ctx context.Context, tenant string, r identity.Retention) (map[string]int, error) {
	guests, originals, messages := r.Sooner()
	deleted := map[string]int{}
	for collection, of := range map[string]func(id string) time.Duration{
		"orderKeys":     bySubject(guests, messages),
		"originals":     bySubject(originals, messages),
		collectionKeys:  func(string) time.Duration { return 0 },
		collectionParts: func(string) time.Duration { return 0 },
	} {
		n, err := s.retain(ctx, tenant, collection, max(of(""), of(channel.KeptPrefix)), of)
		deleted[collection] = n
		if err != nil {
			return deleted, fmt.Errorf("retain %s: %w", collection, err)
		}
	}
	return deleted, nil
}

// bySubject tells apart what belongs to an order and what to a kept message.
func bySubject(order, message time.Duration) func(string) time.Duration {
	return func(id string) time.Duration {
		if strings.HasPrefix(id, channel.KeptPrefix) {
			return message
		}
		return order
	}
}

// retain goes over a collection's documents that expire within most, and deletes those whose time has come: each is due
// sooner than its `expireAt` by what of tells.
func (s *Store) retain(ctx context.Context, tenant, collection string, most time.Duration, of func(string) time.Duration) (int, error) {
	now, deleted := s.now(), 0
	q := s.opts.Ledger.Query(tenant, collection).Where("expireAt", "<=", now.Add(most)).
		OrderBy("expireAt", firestore.Asc).OrderBy(firestore.DocumentID, firestore.Asc).Limit(retainPage)
	for page := q; ; {
		found, err := s.opts.Ledger.List(ctx, page)
		if err != nil {
			return deleted, err
		}
		var gone []ledgerdb.Object
		for _, o := range found {
			at, _ := o.Fields["expireAt"].(time.Time)
			if !now.Before(at.Add(-of(o.ID))) {
				gone = append(gone, o)
			}
			page = q.StartAfter(at, o.ID)
		}
		for some := range ledgerdb.Portions(gone, retainPage) {
			if err := s.drop(ctx, tenant, some); err != nil {
				return deleted, err
			}
			deleted += len(some)
		}
		if len(found) < retainPage {
			return deleted, nil
		}
	}
}

func (s *Store) drop(ctx context.Context, tenant string, objects []ledgerdb.Object) error {
	writes := make([]ledgerdb.Write, len(objects))
	for i, o := range objects {
		writes[i] = ledgerdb.Drop(o.Ref)
	}
	return s.opts.Ledger.Bookkeep(ctx, tenant, writes...)
}
