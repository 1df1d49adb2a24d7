package deliverydb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// Forget takes out of the log of an order's deliveries what messages and answers said. These texts are masked already;
// whoever asks to be forgotten need not trust that.
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
		if len(writes) == 0 {
			return nil
		}
		err = s.opts.Ledger.Bookkeep(ctx, tenant, writes...)
		if err == nil {
			return nil
		}
		if !errors.Is(err, ledgerdb.ErrStale) && !errors.Is(err, ledgerdb.ErrContended) {
			return fmt.Errorf("forget the deliveries of order %s: %w", order, err)
		}
	}
	return fault.New(fault.Unavailable, "the deliveries of this order change all the time; try again").After(time.Second)
}
