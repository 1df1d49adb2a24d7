package orders

import (
	"context"

	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/order/orderdb"
)

const actionAdvance = "order.advance"

type advanceInput struct {
	ID   string `path:"id" maxLength:"64" doc:"The order's id"`
	Body order.Change
}

type advanceOutput struct{ Body advancedBody }

type advancedBody struct {
	ID      string       `json:"id"`
	Status  order.Status `json:"status"`
	Version int64        `json:"version"`
	Changed bool         `json:"changed" doc:"false when the order had this status already"`
	ReadyAt order.Time   `json:"readyAt,omitzero"`
}

func (s *server) advance(ctx context.Context, call httpapi.Call, in *advanceInput) (*advanceOutput, error) {
	if found := in.Body.Check(); len(found) > 0 {
		return nil, fault.New(fault.Invalid, "the change breaks the rules").With(found...)
	}
	done, err := s.move(ctx, ledgerdb.ActOf(call.Caller, actionAdvance, call.RequestID), in.ID, in.Body, reach(call.Caller))
	if err != nil {
		return nil, err
	}
	return &advanceOutput{Body: advancedBody{
		ID: done.ID, Status: done.Status, Version: done.Version, Changed: done.Changed, ReadyAt: done.ReadyAt,
	}}, nil
}

// move changes an order's status and announces it.
func (s *server) move(ctx context.Context, act ledgerdb.Act, id string, change order.Change, allow orderdb.Allow) (orderdb.Advanced, error) {
	done, err := s.orders.Advance(ctx, act, id, change, allow)
	if err == nil && done.Event != "" {
		s.announcer.Announce(ctx, event.Announcement{Tenant: act.Tenant, Event: done.Event})
	}
	return done, err
}
