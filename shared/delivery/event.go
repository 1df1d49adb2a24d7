package delivery

import (
	"fmt"
	"slices"
	"time"
)

// Type says what happened. It is the `type` of the message.
type Type string

// The types of events.
const (
	OrderReceived      Type = "order.received"       // an order was taken in
	OrderStatusChanged Type = "order.status_changed" // it reached another status than those below, or another time to be ready at
	OrderCancelled     Type = "order.cancelled"      // it was cancelled, by whomever
	OrderFailed        Type = "order.failed"         // it could not be carried out, or expired
	EndpointDisabled   Type = "endpoint.disabled"    // an endpoint was switched off by the hub
	NoticeCreated      Type = "notice.created"       // there is news about the hub itself
)

// Types returns every type that an endpoint can ask for.
func Types() []Type {
	return []Type{OrderReceived, OrderStatusChanged, OrderCancelled, OrderFailed, EndpointDisabled, NoticeCreated}
}

// Known tells whether the type is one of [Types].
func (t Type) Known() bool { return slices.Contains(Types(), t) }

// EventPrefix begins every event's id.
const EventPrefix = "evt_"

// eventLife is how long an event is kept, for the feed and for replays.
const eventLife = 30 * 24 * time.Hour

// Event is something that happened. It holds ids and states, never a guest's data.
type Event struct {
	ID         string // `evt_…`
	Tenant     string
	Type       Type
	Order      string // "" when it is about no order
	Location   string // "" when it concerns the whole tenant
	Sequence   int64  // the order's version: 1, 2, 3 … without gaps; 0 when it is about no order
	OccurredAt time.Time
	Data       map[string]any // what else a thin payload says, as values of a database document
	Pending    bool           // whether deliveries are still to be made of it
}

// Document returns the event as a database document, without its id and tenant. A pending event carries the mark that
// the relay looks for; the dispatched one has lost it.
func (e Event) Document() map[string]any {
	doc := map[string]any{
		"type": string(e.Type), "occurredAt": e.OccurredAt, "expireAt": e.OccurredAt.Add(eventLife), "data": e.Data,
	}
	if e.Order != "" {
		doc["order"], doc["sequence"] = e.Order, e.Sequence
	}
	if e.Location != "" {
		doc["location"] = e.Location
	}
	if e.Pending {
		doc["pending"] = true
	}
	return doc
}

// ParseEvent reads an event that [Event.Document] wrote, under its document's id. Missing fields are zero, unknown ones
// are ignored, and a field of another type is an error.
func ParseEvent(id, tenant string, doc map[string]any) (Event, error) {
	r := reader{}
	e := Event{
		ID:         id,
		Tenant:     tenant,
		Type:       Type(read[string](&r, doc, "type")),
		Order:      read[string](&r, doc, "order"),
		Location:   read[string](&r, doc, "location"),
		Sequence:   read[int64](&r, doc, "sequence"),
		OccurredAt: read[time.Time](&r, doc, "occurredAt"),
		Data:       read[map[string]any](&r, doc, "data"),
		Pending:    read[bool](&r, doc, "pending"),
	}
	if r.err != nil {
		return Event{}, fmt.Errorf("event %s: %w", id, r.err)
	}
	return e, nil
}

// A reader reads fields of documents and keeps the first error.
type reader struct{ err error }

// read returns a field, or the zero value when it is missing.
func read[T any](r *reader, doc map[string]any, name string) (value T) {
	stored, ok := doc[name]
	if !ok || stored == nil {
		return value
	}
	value, ok = stored.(T)
	if !ok && r.err == nil {
		r.err = fmt.Errorf("field %s is of type %T, want %T", name, stored, value)
	}
	return value
}

// readList returns the elements of a list of maps.
func readList[T any](r *reader, doc map[string]any, name string, parse func(*reader, map[string]any) T) []T {
	stored := read[[]any](r, doc, name)
	values := make([]T, 0, len(stored))
	for _, v := range stored {
		values = append(values, parse(r, read[map[string]any](r, map[string]any{name: v}, name)))
	}
	return values
}

// readTexts returns the elements of a list of text.
func readTexts[T ~string](r *reader, doc map[string]any, name string) []T {
	stored := read[[]any](r, doc, name)
	values := make([]T, 0, len(stored))
	for _, v := range stored {
		values = append(values, T(read[string](r, map[string]any{name: v}, name)))
	}
	return values
}

func texts[T ~string](values []T) []any {
	list := make([]any, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	return list
}
