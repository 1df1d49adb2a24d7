package delivery

import (
	"context"
	"fmt"
	"time"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/webhook"
)

// settingsBody is what the owner of an endpoint decides.
type settingsBody struct {
	URL       string           `json:"url" minLength:"1" maxLength:"2048" doc:"Where to send: https, a public host, port 443 or 1024 and above" example:"https://pos.example.com/ryggrad"`
	Events    []delivery.Type  `json:"events" minItems:"1" maxItems:"20" nullable:"false" enum:"order.received,order.status_changed,order.cancelled,order.failed,endpoint.disabled,notice.created" doc:"Which events to send"`
	Locations []string         `json:"locations,omitempty" maxItems:"500" nullable:"false" doc:"Only events of these locations; none means all, also those to come"`
	Payload   delivery.Payload `json:"payload,omitempty" enum:"thin,full" default:"thin" doc:"thin: ids and status; full: the whole order with the guest, which needs the permission orders:read.pii"`
	Format    delivery.Format  `json:"format,omitempty" enum:"ryggrad,deliverect" default:"ryggrad" doc:"In whose form to send; deliverect: orders and cancellations as Deliverect sends them to a POS, which reports back at /v1/pos/deliverect"`
	Disabled  bool             `json:"disabled,omitempty" doc:"Whether the endpoint is switched off"`
}

func (b settingsBody) settings() delivery.Settings {
	return delivery.Settings{URL: b.URL, Events: b.Events, Locations: b.Locations, Payload: b.Payload, Format: b.Format, Disabled: b.Disabled}
}

// endpointBody is an endpoint as it is shown.
type endpointBody struct {
	ID        string           `json:"id"`
	URL       string           `json:"url"`
	Events    []delivery.Type  `json:"events" nullable:"false"`
	Locations []string         `json:"locations" nullable:"false" doc:"None means all"`
	Payload   delivery.Payload `json:"payload"`
	Format    delivery.Format  `json:"format"`
	Disabled  bool             `json:"disabled"`
	Reason    delivery.Reason  `json:"reason,omitzero" doc:"Why it is disabled: switched_off, or gone when it answered 410"`
	CreatedAt time.Time        `json:"createdAt"`
	Secrets   []secretBody     `json:"secrets" nullable:"false" doc:"The secrets that sign, without themselves"`
}

type secretBody struct {
	ID        string    `json:"id"`
	CreatedAt time.Time `json:"createdAt"`
	ExpiresAt time.Time `json:"expiresAt,omitzero" doc:"Until when a former secret goes on signing"`
}

// createdBody is an endpoint with its newest secret, which is never shown again.
type createdBody struct {
	endpointBody
	Secret string `json:"secret" doc:"The secret of Standard Webhooks; keep it, it is not shown again" example:"whsec_…"`
}

func (s *server) show(e delivery.Endpoint) endpointBody {
	body := endpointBody{
		ID: e.ID, URL: e.URL, Events: e.Events, Locations: e.Locations, Payload: e.Payload, Format: e.Format,
		Disabled: e.Disabled, Reason: e.Reason, CreatedAt: e.CreatedAt, Secrets: []secretBody{},
	}
	if body.Locations == nil {
		body.Locations = []string{}
	}
	for _, kept := range e.Live(s.courier.now()) {
		body.Secrets = append(body.Secrets, secretBody{kept.ID, kept.CreatedAt, kept.ExpiresAt})
	}
	return body
}

type createInput struct{ Body settingsBody }

type createdOutput struct {
	Location string `header:"Location" doc:"The endpoint's address"`
	Body     createdBody
}

func (s *server) create(ctx context.Context, call httpapi.Call, in *createInput) (*createdOutput, error) {
	settings := in.Body.settings()
	if err := s.check(ctx, call.Caller, settings); err != nil {
		return nil, err
	}
	act := ledgerdb.ActOf(call.Caller, deliverydb.ActionCreate, call.RequestID)
	e, secret, err := s.courier.store.Create(ctx, act, settings)
	if err != nil {
		return nil, err
	}
	return s.created(e, secret), nil
}

func (s *server) created(e delivery.Endpoint, secret webhook.Secret) *createdOutput {
	return &createdOutput{Location: "/v1/endpoints/" + e.ID, Body: createdBody{s.show(e), secret.Reveal()}}
}

type endpointsInput struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
	Cursor string `query:"cursor" maxLength:"64" doc:"The nextCursor of the page before"`
}

type endpointsOutput struct {
	Body struct {
		Items      []endpointBody `json:"items" doc:"At most limit; fewer where the credential does not reach some"`
		NextCursor string         `json:"nextCursor" doc:"Where the next page begins; empty at the end"`
	}
}

func (s *server) list(ctx context.Context, call httpapi.Call, in *endpointsInput) (*endpointsOutput, error) {
	if in.Cursor != "" && !identity.WellFormed(delivery.EndpointPrefix, in.Cursor) {
		return nil, fault.New(fault.Invalid, "the cursor is not one of ours").
			With(fault.Detail{Location: "query.cursor", Message: "must be a nextCursor, as it was given"})
	}
	found, err := s.courier.store.EndpointsAfter(ctx, call.Caller.Tenant, in.Cursor, in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &endpointsOutput{}
	out.Body.Items = []endpointBody{}
	if len(found) > in.Limit {
		found = found[:in.Limit]
		out.Body.NextCursor = found[in.Limit-1].ID
	}
	for _, e := range found {
		if reach(call.Caller)(e) == nil {
			out.Body.Items = append(out.Body.Items, s.show(e))
		}
	}
	return out, nil
}

type endpointInput struct {
	ID string `path:"id" maxLength:"64" doc:"The endpoint's id"`
}

type endpointOutput struct{ Body endpointBody }

func (s *server) get(ctx context.Context, call httpapi.Call, in *endpointInput) (*endpointOutput, error) {
	e, err := s.load(ctx, call.Caller, in.ID)
	if err != nil {
		return nil, err
	}
	return &endpointOutput{s.show(e)}, nil
}

// load reads an endpoint that the caller may see.
func (s *server) load(ctx context.Context, caller identity.Caller, id string) (delivery.Endpoint, error) {
	e, err := s.courier.store.Endpoint(ctx, caller.Tenant, id)
	if err != nil {
		return e, err
	}
	return e, reach(caller)(e)
}

type changeInput struct {
	ID   string `path:"id" maxLength:"64" doc:"The endpoint's id"`
	Body settingsBody
}

func (s *server) change(ctx context.Context, call httpapi.Call, in *changeInput) (*endpointOutput, error) {
	settings := in.Body.settings()
	if err := s.check(ctx, call.Caller, settings); err != nil {
		return nil, err
	}
	act := ledgerdb.ActOf(call.Caller, deliverydb.ActionChange, call.RequestID)
	e, err := s.courier.store.Change(ctx, act, in.ID, settings, reach(call.Caller))
	if err != nil {
		return nil, err
	}
	return &endpointOutput{s.show(e)}, nil
}

func (s *server) remove(ctx context.Context, call httpapi.Call, in *endpointInput) (*struct{}, error) {
	act := ledgerdb.ActOf(call.Caller, deliverydb.ActionRemove, call.RequestID)
	return &struct{}{}, s.courier.store.Remove(ctx, act, in.ID, reach(call.Caller))
}

func (s *server) rotate(ctx context.Context, call httpapi.Call, in *endpointInput) (*createdOutput, error) {
	act := ledgerdb.ActOf(call.Caller, deliverydb.ActionRotate, call.RequestID)
	e, secret, err := s.courier.store.Rotate(ctx, act, in.ID, reach(call.Caller))
	if err != nil {
		return nil, err
	}
	return s.created(e, secret), nil
}

// check finds everything that is wrong with settings for this caller.
func (s *server) check(ctx context.Context, caller identity.Caller, settings delivery.Settings) error {
	if settings.Payload == delivery.Full && !caller.Can(identity.OrdersReadPII) {
		return fault.New(fault.Forbidden, "full payloads carry the guest's data; this needs the permission %s", identity.OrdersReadPII)
	}
	found := settings.Check(s.policy)
	if len(settings.Locations) == 0 && !caller.Locations.Every() {
		found = append(found, fault.Detail{Location: "body.locations", Message: "must name locations, because the credential does not reach all"})
	}
	for i, id := range settings.Locations {
		known, err := s.knows(ctx, caller, id)
		if err != nil {
			return err
		}
		if !known {
			found = append(found, fault.Detail{Location: fmt.Sprintf("body.locations[%d]", i), Message: "is not a location that the credential reaches"})
		}
	}
	if len(found) > 0 {
		return fault.New(fault.Invalid, "the endpoint breaks the rules").With(found...)
	}
	return nil
}

func (s *server) knows(ctx context.Context, caller identity.Caller, location string) (bool, error) {
	if !caller.MayUse(location) {
		return false, nil
	}
	_, err := s.directory.Location(ctx, caller.Tenant, location)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// reach lets a caller at an endpoint only where the credential reaches all that is sent there. To anybody else it does
// not exist.
func reach(caller identity.Caller) deliverydb.Allow {
	return func(e delivery.Endpoint) error {
		allowed := caller.Locations.Every() || len(e.Locations) > 0
		for _, location := range e.Locations {
			allowed = allowed && caller.MayUse(location)
		}
		if !allowed {
			return fault.New(fault.NotFound, "there is no endpoint by this id")
		}
		return nil
	}
}
