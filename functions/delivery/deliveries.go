package delivery

import (
	"context"
	"time"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/webhook"
)

// deliveryBody is a delivery as it is shown.
type deliveryBody struct {
	ID            string          `json:"id"`
	Event         string          `json:"event"`
	Endpoint      string          `json:"endpoint"`
	Type          delivery.Type   `json:"type"`
	Order         string          `json:"order,omitzero"`
	Location      string          `json:"location,omitzero"`
	Sequence      int64           `json:"sequence,omitzero" doc:"The event's place in its order's line, from 1"`
	State         delivery.State  `json:"state" enum:"pending,delivered,failed"`
	Reason        delivery.Reason `json:"reason,omitzero" doc:"Why it failed: exhausted, gone, switched_off, removed or expired"`
	Attempts      []attemptBody   `json:"attempts" nullable:"false" doc:"The newest 20, oldest first"`
	CreatedAt     time.Time       `json:"createdAt"`
	NextAttemptAt time.Time       `json:"nextAttemptAt,omitzero" doc:"When it is looked at again"`
	SettledAt     time.Time       `json:"settledAt,omitzero"`
	Request       string          `json:"request,omitzero" doc:"How the newest message began, with the guest masked"`
}

type attemptBody struct {
	At         time.Time       `json:"at"`
	Status     int             `json:"status" doc:"The status of the answer; 0 when there was none"`
	Failure    webhook.Failure `json:"failure,omitzero" doc:"Why there was no answer: bad_url, refused_address, name_not_found, tls, unreachable or timeout"`
	DurationMS int64           `json:"durationMs"`
	Answer     string          `json:"answer,omitzero" doc:"How the answer began, with contacts, long numbers and the guest masked"`
}

func showDelivery(d delivery.Delivery) deliveryBody {
	body := deliveryBody{
		ID: d.ID, Event: d.Event, Endpoint: d.Endpoint, Type: d.Type, Order: d.Order, Location: d.Location, Sequence: d.Sequence,
		State: d.State, Reason: d.Reason, Attempts: []attemptBody{}, CreatedAt: d.CreatedAt, NextAttemptAt: d.NextAt, SettledAt: d.SettledAt,
		Request: d.Request,
	}
	for _, a := range d.Attempts {
		body.Attempts = append(body.Attempts, attemptBody{a.At, a.Status, a.Failure, a.Duration.Milliseconds(), a.Answer})
	}
	return body
}

type deliveriesInput struct {
	Endpoint string `query:"endpoint" maxLength:"64" doc:"Only deliveries to this endpoint"`
	State    string `query:"state" enum:"pending,delivered,failed" doc:"Only deliveries in this state"`
	Order    string `query:"order" maxLength:"64" doc:"Only deliveries of this order: all of them, in the order of its events"`
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
	Cursor   string `query:"cursor" maxLength:"200" doc:"The nextCursor of the page before"`
}

type deliveriesOutput struct {
	Body struct {
		Items      []deliveryBody `json:"items" doc:"At most limit; fewer where the credential does not reach some"`
		NextCursor string         `json:"nextCursor" doc:"Where the next page begins; empty at the end"`
	}
}

func (s *server) deliveries(ctx context.Context, call httpapi.Call, in *deliveriesInput) (*deliveriesOutput, error) {
	page, err := s.page(ctx, call.Caller, in)
	if err != nil {
		return nil, err
	}
	out := &deliveriesOutput{}
	out.Body.Items, out.Body.NextCursor = []deliveryBody{}, page.Next
	for _, d := range page.Deliveries {
		if reachDelivery(call.Caller)(d) == nil {
			out.Body.Items = append(out.Body.Items, showDelivery(d))
		}
	}
	return out, nil
}

func (s *server) page(ctx context.Context, caller identity.Caller, in *deliveriesInput) (deliverydb.Page, error) {
	if in.Order == "" {
		return s.courier.store.Deliveries(ctx, caller.Tenant, deliverydb.Filter{
			Endpoint: in.Endpoint, State: delivery.State(in.State), Cursor: in.Cursor, Limit: in.Limit,
		})
	}
	if !order.IsID(in.Order) || in.Cursor != "" {
		return deliverydb.Page{}, fault.New(fault.Invalid, "deliveries of an order cannot be listed like this").
			With(fault.Detail{Location: "query.order", Message: "must be an order's id, without a cursor"})
	}
	all, err := s.courier.store.Of(ctx, caller.Tenant, in.Order)
	var page deliverydb.Page
	for _, d := range all {
		if (in.Endpoint == "" || d.Endpoint == in.Endpoint) && (in.State == "" || string(d.State) == in.State) {
			page.Deliveries = append(page.Deliveries, d.Delivery)
		}
	}
	return page, err
}

type deliveryInput struct {
	ID string `path:"id" maxLength:"128" doc:"The delivery's id"`
}

type deliveryOutput struct{ Body deliveryBody }

// again puts a delivery on its way once more. It is bookkeeping and no act: what is sent, and to whom, was decided when
// the endpoint was made.
func (s *server) again(ctx context.Context, call httpapi.Call, in *deliveryInput) (*deliveryOutput, error) {
	d, err := s.courier.store.Again(ctx, call.Caller.Tenant, in.ID, reachDelivery(call.Caller))
	if err != nil {
		return nil, err
	}
	return &deliveryOutput{showDelivery(d)}, nil
}

// reachDelivery lets a caller at a delivery only where the credential reaches its location; what concerns the whole
// tenant needs a credential for all of it. To anybody else it does not exist.
func reachDelivery(caller identity.Caller) func(delivery.Delivery) error {
	return func(d delivery.Delivery) error {
		if caller.Locations.Every() || caller.MayUse(d.Location) {
			return nil
		}
		return fault.New(fault.NotFound, "there is no delivery by this id")
	}
}
