package delivery

import (
	"context"
	"time"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
)

// eventBody is an event as the feed gives it.
type eventBody struct {
	ID        string         `json:"id" doc:"The same as the webhook-id of its messages"`
	Type      delivery.Type  `json:"type"`
	Timestamp time.Time      `json:"timestamp"`
	Order     string         `json:"order,omitzero"`
	Location  string         `json:"location,omitzero"`
	Sequence  int64          `json:"sequence,omitzero" doc:"The event's place in its order's line, from 1 without gaps"`
	Data      map[string]any `json:"data" doc:"What the message's data says beside these"`
}

type feedInput struct {
	After string `query:"after" maxLength:"400" doc:"The nextCursor of the last answer; what came before it is acknowledged by asking on. Without it the feed goes on where the credential last acknowledged, or begins with the oldest event that is kept."`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"100"`
}

type feedOutput struct {
	Body struct {
		Items      []eventBody `json:"items" nullable:"false" doc:"Oldest first, and of an order by its sequence; an event can come twice, never not at all"`
		NextCursor string      `json:"nextCursor" doc:"Where to go on; always there, also when there is nothing new"`
	}
}

// feed gives events to who polls for them.
func (s *server) feed(ctx context.Context, call httpapi.Call, in *feedInput) (*feedOutput, error) {
	after, err := s.from(ctx, call.Caller, in.After)
	if err != nil {
		return nil, err
	}
	events, next, err := s.courier.store.Feed(ctx, call.Caller.Tenant, after, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &feedOutput{}
	out.Body.Items, out.Body.NextCursor = []eventBody{}, next.String()
	for _, e := range events {
		if seesEvent(call.Caller, e) {
			out.Body.Items = append(out.Body.Items, eventBody{e.ID, e.Type, e.OccurredAt, e.Order, e.Location, e.Sequence, e.Data})
		}
	}
	return out, nil
}

func (s *server) from(ctx context.Context, caller identity.Caller, after string) (delivery.FeedCursor, error) {
	if after != "" {
		return delivery.ParseFeedCursor(after)
	}
	return s.courier.store.Acknowledged(ctx, caller.Tenant, caller.Actor.String())
}

// seesEvent tells whether a credential reaches an event: its location, or all of the tenant for what has none.
func seesEvent(caller identity.Caller, e delivery.Event) bool {
	return caller.Locations.Every() || e.Location != "" && caller.MayUse(e.Location)
}

type acknowledgeInput struct {
	Body struct {
		Cursor string `json:"cursor" minLength:"1" maxLength:"400" doc:"The nextCursor behind the last event that was dealt with"`
	}
}

// acknowledge remembers how far the caller is, so that it can go on after it has lost its memory. It is bookkeeping: what
// there is to see does not change.
func (s *server) acknowledge(ctx context.Context, call httpapi.Call, in *acknowledgeInput) (*struct{}, error) {
	at, err := delivery.ParseFeedCursor(in.Body.Cursor)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the cursor is not one of ours").
			With(fault.Detail{Location: "body.cursor", Message: "must be a nextCursor, as it was given"})
	}
	return &struct{}{}, s.courier.store.Acknowledge(ctx, call.Caller.Tenant, call.Caller.Actor.String(), at)
}
