package orderdb

import (
	"context"
	"fmt"

	"time"

	"cloud.google.com/go/firestore"
	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// shards is how many parts jobs for all tenants share their work out into.
const shards = 16

// Undecided reads orders of all tenants that nobody has decided and that must be decided by the given time: at most limit
// of each of the 16 shards, the most urgent first. It reads their records alone: nothing of the guest.
func (s *Store) Undecided(ctx context.Context, by time.Time, limit int) ([]Stored, error) {
	parts := make([][]Stored, shards)
	group, ctx := errgroup.WithContext(ctx)
	for shard := range shards {
		group.Go(func() error {
			objects, err := s.opts.Ledger.List(ctx, s.opts.Ledger.QueryAllTenants(collectionOrders).Where("us", "==", shard).
				Where("acceptBy", "<=", by).OrderBy("acceptBy", firestore.Asc).Limit(limit))
			if err != nil {
				return err
			}
			for _, o := range objects {
				stored, err := parse(o, ledgerdb.Object{})
				if err != nil {
					return err
				}
				parts[shard] = append(parts[shard], stored)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("find undecided orders: %w", err)
	}
	var all []Stored
	for _, part := range parts {
		all = append(all, part...)
	}
	return all, nil
}
