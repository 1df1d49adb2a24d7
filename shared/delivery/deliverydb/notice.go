package deliverydb

import (
	"context"
	"errors"
	"fmt"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/noticedb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// Notify gives the tenant a notice, as an event that the relay announces. It returns the event's id, or "" when the same
// was said already.
func (s *Store) Notify(ctx context.Context, tenant string, n delivery.Notice) (string, error) {
	ev, of := n.Event(tenant, s.now())
	ev.ID = eventID(append(of, tenant)...)
	err := s.opts.Ledger.Bookkeep(ctx, tenant, noticedb.Writes(ev)...)
	if errors.Is(err, ledgerdb.ErrExists) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("notify of %s: %w", n.Kind, err)
	}
	return ev.ID, nil
}
