package incident

import (
	"fmt"
	"time"
)

// Document returns the incident as a database document, without its id.
func (i Incident) Document() map[string]any {
	updates := make([]any, len(i.Updates))
	for n, u := range i.Updates {
		updates[n] = map[string]any{"id": u.ID, "at": u.At, "state": string(u.State), "message": u.Message}
	}
	doc := map[string]any{
		"title": i.Title, "impact": string(i.Impact), "state": string(i.State), "functions": listOf(i.Functions),
		"regions": listOf(i.Regions), "tenants": listOf(i.Tenants), "openedAt": i.OpenedAt, "updates": updates, "signal": i.Signal,
	}
	if !i.ResolvedAt.IsZero() {
		doc["resolvedAt"] = i.ResolvedAt
	}
	return doc
}

// Parse reads what [Incident.Document] wrote under the id. Unknown fields are ignored, missing ones zero, and one of
// another type is an error.
func Parse(id string, doc map[string]any) (Incident, error) {
	r := reader{}
	i := Incident{
		ID: id, Title: read[string](&r, doc, "title"), Impact: Impact(read[string](&r, doc, "impact")),
		State: State(read[string](&r, doc, "state")), Functions: readNames(&r, doc, "functions"),
		Regions: readNames(&r, doc, "regions"), Tenants: readNames(&r, doc, "tenants"),
		OpenedAt: read[time.Time](&r, doc, "openedAt"), ResolvedAt: read[time.Time](&r, doc, "resolvedAt"),
		Signal: read[string](&r, doc, "signal"),
	}
	for _, v := range read[[]any](&r, doc, "updates") {
		m := read[map[string]any](&r, map[string]any{"updates": v}, "updates")
		i.Updates = append(i.Updates, Update{
			ID: read[string](&r, m, "id"), At: read[time.Time](&r, m, "at"), State: State(read[string](&r, m, "state")),
			Message: read[string](&r, m, "message"),
		})
	}
	if r.err != nil {
		return Incident{}, fmt.Errorf("incident %s: %w", id, r.err)
	}
	return i, nil
}

// Document returns the signal as a database document.
func (s Signal) Document() map[string]any {
	alerts := make(map[string]any, len(s.Alerts))
	for id, a := range s.Alerts {
		alerts[id] = map[string]any{"open": a.Open, "at": a.At}
	}
	doc := map[string]any{"incident": s.Incident, "alerts": alerts}
	if !s.QuietSince.IsZero() {
		doc["quietSince"] = s.QuietSince
	}
	return doc
}

// ParseSignal reads what [Signal.Document] wrote; no document is a signal without alerts.
func ParseSignal(key string, doc map[string]any) (Signal, error) {
	r := reader{}
	s := Signal{
		Key: key, Incident: read[string](&r, doc, "incident"), QuietSince: read[time.Time](&r, doc, "quietSince"),
		Alerts: map[string]Alert{},
	}
	for id, v := range read[map[string]any](&r, doc, "alerts") {
		m := read[map[string]any](&r, map[string]any{"alerts": v}, "alerts")
		s.Alerts[id] = Alert{Open: read[bool](&r, m, "open"), At: read[time.Time](&r, m, "at")}
	}
	if r.err != nil {
		return Signal{}, fmt.Errorf("signal %s: %w", key, r.err)
	}
	return s, nil
}

// A reader reads fields of documents and keeps the first error.
type reader struct{ err error }

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

func readNames(r *reader, doc map[string]any, name string) (names []string) {
	for _, v := range read[[]any](r, doc, name) {
		names = append(names, read[string](r, map[string]any{name: v}, name))
	}
	return names
}

func listOf(names []string) []any {
	list := make([]any, len(names))
	for i, n := range names {
		list[i] = n
	}
	return list
}
