package deliverydb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// ErrUnderWay says that somebody is sending a message about the order right now, and may still write down what was said.
var ErrUnderWay = fault.New(fault.Unavailable, "a message about this order is on its way; come again when it has arrived").After(delivery.Lease)

// Forget takes out of the log of an order's deliveries what messages and answers said. These texts are masked already;
// whoever asks to be forgotten need not trust that. While one is on its way it fails with [ErrUnderWay], having taken out
// what there is.
func (s *Store) Forget(ctx context.Context, tenant, order string) error {
	for range tries {
		all, err := s.Of(ctx, tenant, order)
		if err != nil {
			return err
		}
		var writes []ledgerdb.Write
		for _, d := range all {
			if forgotten, had := d.Forget(); had {
				writes = append(writes, ledgerdb.Patch(d.object, forgotten.Document()))
			}
		}
		if len(writes) > 0 {
			err = s.opts.Ledger.Bookkeep(ctx, tenant, writes...)
		}
		if err == nil {
			return s.arrived(all)
		}
		if !errors.Is(err, ledgerdb.ErrStale) && !errors.Is(err, ledgerdb.ErrContended) {
			return fmt.Errorf("forget the deliveries of order %s: %w", order, err)
		}
	}
	return fault.New(fault.Unavailable, "the deliveries of this order change all the time; try again").After(time.Second)
}

// arrived tells whether none of the deliveries is on its way.
func (s *Store) arrived(all []Delivery) error {
	now := s.now()
	if slices.ContainsFunc(all, func(d Delivery) bool { return !d.Settled() && now.Before(d.LeaseUntil) }) {
		return ErrUnderWay
	}
	return nil
}
