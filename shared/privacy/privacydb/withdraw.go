package privacydb

import (
	"context"
	"fmt"
	"slices"

	"ryggrad.internal/hub/shared/privacy"
)

// withdraw deletes the keys of exports that hold something of what a job erases and were not taken out, also of those that
// are being written: they would outlive the guest by a day.
func (s *Store) withdraw(ctx context.Context, j Job) error {
	found, err := s.opts.Ledger.List(ctx, s.opts.Ledger.Query(j.Tenant, collectionJobs).
		Where("kind", "==", string(privacy.Export)).Where("state", "in", []string{string(privacy.Pending), string(privacy.Done)}))
	if err != nil {
		return fmt.Errorf("find exports of what is erased: %w", err)
	}
	for _, o := range found {
		export, err := s.Load(ctx, j.Tenant, o.ID)
		if err != nil {
			return err
		}
		if !share(export.Orders, j.Orders) && !share(export.Messages, j.Messages) {
			continue
		}
		keys := dropKeys(export.ID, max(export.Attempt, export.Manifest.Attempt))
		if len(keys) == 0 { // nobody has begun to write it
			continue
		}
		if err := s.opts.Ledger.Bookkeep(ctx, j.Tenant, keys...); err != nil {
			return fmt.Errorf("withdraw export %s: %w", export.ID, err)
		}
	}
	return nil
}

// share tells whether two sorted lists of ids have one in common.
func share(a, b []string) bool {
	return slices.ContainsFunc(a, func(id string) bool {
		_, found := slices.BinarySearch(b, id)
		return found
	})
}
