package orders

import (
	"context"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/order/orderdb"
)

// orderBody is an order as it is shown.
type orderBody struct {
	ID         string       `json:"id"`
	Status     order.Status `json:"status"`
	Version    int64        `json:"version"`
	Channel    string       `json:"channel" doc:"The channel link or client that placed it"`
	Adapter    string       `json:"adapter,omitzero" doc:"The delivery platform, if one sent it"`
	Reason     string       `json:"reason,omitzero" doc:"What the last change gave as its reason"`
	ReadyAt    order.Time   `json:"readyAt,omitzero"`
	ReceivedAt time.Time    `json:"receivedAt"`
	UpdatedAt  time.Time    `json:"updatedAt"`
	Erased     bool         `json:"erased" doc:"Whether the guest's data was erased"`
	Order      order.Order  `json:"order" doc:"The order as it was placed; without the permission orders:read.pii the guest is masked"`
}

func show(s orderdb.Stored, content order.Order, erased bool) orderBody {
	return orderBody{
		ID: s.ID, Status: s.Status, Version: s.Version, Channel: s.Link, Adapter: s.Adapter, Reason: s.Reason, ReadyAt: s.ReadyAt,
		ReceivedAt: s.Received, UpdatedAt: s.UpdatedAt, Erased: erased, Order: content,
	}
}

type orderInput struct {
	ID string `path:"id" maxLength:"64" doc:"The order's id"`
}

type orderOutput struct{ Body orderBody }

func (s *server) get(ctx context.Context, call httpapi.Call, in *orderInput) (*orderOutput, error) {
	stored, err := s.load(ctx, call.Caller, in.ID)
	if err != nil {
		return nil, err
	}
	content, err := s.orders.Whole(ctx, stored)
	if err != nil {
		return nil, err
	}
	if !call.Caller.Can(identity.OrdersReadPII) {
		content = content.Masked()
	}
	return &orderOutput{Body: show(stored, content, stored.Erased(s.now()))}, nil
}

type historyOutput struct {
	Body struct {
		Items []stepBody `json:"items"`
	}
}

type stepBody struct {
	Status order.Status `json:"status"`
	At     time.Time    `json:"at"`
	By     string       `json:"by" doc:"What kind of caller: client, user, channel, system"`
}

func (s *server) history(ctx context.Context, call httpapi.Call, in *orderInput) (*historyOutput, error) {
	stored, err := s.load(ctx, call.Caller, in.ID)
	if err != nil {
		return nil, err
	}
	out := &historyOutput{}
	out.Body.Items = []stepBody{}
	for _, step := range stored.History {
		out.Body.Items = append(out.Body.Items, stepBody(step))
	}
	return out, nil
}

type listInput struct {
	Location     string    `query:"location" maxLength:"200" doc:"Only orders of this location"`
	Status       string    `query:"status" enum:"received,accepted,preparing,ready,in_delivery,completed,rejected,cancelled,failed,expired" doc:"Only orders with this status"`
	UpdatedAfter time.Time `query:"updatedAfter" doc:"Only orders that changed after this moment (RFC 3339)"`
	Limit        int       `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor       string    `query:"cursor" maxLength:"200" doc:"The nextCursor of the page before"`
}

type listOutput struct {
	Body struct {
		Items      []orderBody `json:"items" doc:"Without anything of the guest; ask for one order to see it"`
		NextCursor string      `json:"nextCursor" doc:"Where the next page begins; empty at the end"`
	}
}

func (s *server) list(ctx context.Context, call httpapi.Call, in *listInput) (*listOutput, error) {
	filter := orderdb.Filter{Status: order.Status(in.Status), UpdatedAfter: in.UpdatedAfter, Cursor: in.Cursor, Limit: in.Limit}
	switch {
	case in.Location != "" && !call.Caller.MayUse(in.Location):
		return nil, fault.New(fault.Forbidden, "the credential does not reach this location")
	case in.Location != "":
		filter.Locations = []string{in.Location}
	case !call.Caller.Locations.Every():
		filter.Locations = call.Caller.Locations
	}
	page, err := s.orders.List(ctx, call.Caller.Tenant, filter)
	if err != nil {
		return nil, err
	}
	out := &listOutput{}
	out.Body.Items, out.Body.NextCursor = []orderBody{}, page.Next
	for _, stored := range page.Orders {
		out.Body.Items = append(out.Body.Items, show(stored, stored.Order, false))
	}
	return out, nil
}
