package orderdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order"
)

// Advanced is what became of a change.
type Advanced struct {
	Stored
	Changed bool
	Event   string // the event that was written, or ""
}

// Allow says whether a caller may change an order that was read; its fault is returned as it is.
type Allow func(order.Record) error

// decision says what becomes of a record, and whether that differs.
type decision func(order.Record) (next order.Record, changed bool, err error)

// Advance changes an order's status. A repeat changes nothing and succeeds; who is overtaken by somebody else decides
// anew on what is there then.
func (s *Store) Advance(ctx context.Context, act ledgerdb.Act, id string, change order.Change, allow Allow) (Advanced, error) {
	return s.change(ctx, act, id, allow, func(r order.Record) (order.Record, bool, error) {
		return r.Advance(change, s.opts.Now(), string(act.Actor.Kind))
	})
}

// Retime moves the time that an order is expected to be ready at, as [Store.Advance] changes its status.
func (s *Store) Retime(ctx context.Context, act ledgerdb.Act, id string, readyAt order.Time, allow Allow) (Advanced, error) {
	return s.change(ctx, act, id, allow, func(r order.Record) (order.Record, bool, error) {
		return r.Retime(readyAt, s.opts.Now(), string(act.Actor.Kind))
	})
}

// change commits what is decided about an order.
func (s *Store) change(ctx context.Context, act ledgerdb.Act, id string, allow Allow, decide decision) (Advanced, error) {
	for range tries {
		prior, err := s.Load(ctx, act.Tenant, id)
		if err != nil {
			return Advanced{}, err
		}
		if err := allow(prior.Record); err != nil {
			return Advanced{}, err
		}
		next, changed, err := decide(prior.Record)
		if err != nil || !changed {
			return Advanced{Stored: prior}, err
		}
		done, err := s.advance(ctx, act, prior, next)
		if !errors.Is(err, ledgerdb.ErrStale) {
			return done, err
		}
	}
	return Advanced{}, fault.New(fault.Unavailable, "too many change this order at once; try again").After(time.Second)
}

func (s *Store) advance(ctx context.Context, act ledgerdb.Act, prior Stored, next order.Record) (Advanced, error) {
	fields := next.Document()
	for _, name := range sealedFields() {
		if sealed, there := prior.object.Fields[name]; there { // it goes with an erasure
			fields[name] = sealed
		}
	}
	event, id := announce(next)
	receipt, err := s.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{ledgerdb.Replace(prior.object, fields)}, event)
	done := Advanced{Stored: Stored{Record: next, UpdatedAt: receipt.At, key: prior.key}, Changed: true, Event: id}
	if err == nil {
		return done, nil
	}
	if overtaken(err) {
		now, loadErr := s.Load(ctx, act.Tenant, next.ID)
		if loadErr == nil && receipt.Wrote(now.object) {
			return done, nil
		}
		return Advanced{}, ledgerdb.ErrStale
	}
	return Advanced{}, fmt.Errorf("change order %s: %w", next.ID, err)
}
