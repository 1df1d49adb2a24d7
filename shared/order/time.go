package order

import "time"

// Time is a point in time as its sender wrote it: RFC 3339 text with its zone, or "" for none. The text is kept because
// a channel's own spelling may be part of an order's identity, and because the zone tells what the guest's clock showed.
type Time string

// Instant returns the point in time. It is false for "" and for text that is not RFC 3339.
func (t Time) Instant() (time.Time, bool) {
	var at time.Time
	if t == "" || at.UnmarshalText([]byte(t)) != nil {
		return time.Time{}, false
	}
	return at, true
}

// canonical spells the instant in one way, so that the same moment in two spellings is the same content. Text that is
// no time stays as it is.
func (t Time) canonical() Time {
	at, ok := t.Instant()
	if !ok {
		return t
	}
	return Time(at.UTC().Format(time.RFC3339Nano))
}
