package orderdb

import (
	"context"
	"fmt"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

// fieldCallback holds where the channel wants to hear what became of its order. Whoever knows the address may answer for
// us, so it is sealed as the guest is, and goes with the order's key.
const fieldCallback = "callback"

// sealedFields are the fields of an order's document that are sealed under its key.
func sealedFields() []string { return []string{"guest", fieldCallback} }

// sealCallback adds the sealed address to an order's fields; none adds nothing.
func sealCallback(key *envelope.DataKey, r order.Record, address string, fields map[string]any) (err error) {
	if address == "" {
		return nil
	}
	fields[fieldCallback], err = key.Seal([]byte(address), place(r.Tenant, collectionOrders, r.ID, fieldCallback))
	return err
}

// CalledBack tells whether the channel named where it wants to hear what became of the order.
func (s Stored) CalledBack() bool {
	sealed, _ := s.object.Fields[fieldCallback].([]byte)
	return len(sealed) > 0
}

// Callback returns where the channel wants to hear what became of the order. There being no such address, or none any more,
// is [fault.NotFound].
func (s *Store) Callback(ctx context.Context, o Stored) (string, error) {
	if !o.CalledBack() || o.Erased(s.opts.Now()) {
		return "", fault.New(fault.NotFound, "the channel named no address to hear of order %s", o.ID)
	}
	key, err := s.dataKey(ctx, o)
	if err != nil {
		return "", err
	}
	sealed, _ := o.object.Fields[fieldCallback].([]byte)
	address, err := key.Open(sealed, place(o.Tenant, collectionOrders, o.ID, fieldCallback))
	if err != nil {
		return "", fmt.Errorf("open the callback of order %s: %w", o.ID, err)
	}
	return string(address), nil
}
