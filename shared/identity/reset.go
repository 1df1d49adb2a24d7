package identity

import (
	"time"

	"ryggrad.internal/hub/shared/fault"
)

// ResetDelay is how long the removal of a second factor by operators waits after the second of them agreed, so that the
// person, who is told at once, can object.
const ResetDelay = 24 * time.Hour

// resetLife is how long after that it can be done: an agreement is about the person's trouble now, not about one in a year.
const resetLife = 7 * 24 * time.Hour

// Reset is the removal of somebody's second factors by operators, for those whom nobody else in their tenant can help:
// one operator asks, another agrees, and a day later it can be done.
type Reset struct {
	User     string // `usr_…`
	AskedBy  Actor
	AskedAt  time.Time
	AgreedBy Actor // zero until somebody did
	AgreedAt time.Time
}

// Agree returns the reset as another operator agreed to it. The one who asked cannot.
func (r Reset) Agree(by Actor, now time.Time) (Reset, error) {
	switch {
	case r.AgreedBy != (Actor{}):
		return r, fault.New(fault.Conflict, "%s agreed already", r.AgreedBy.ID)
	case by == r.AskedBy:
		return r, fault.New(fault.Forbidden, "another operator than %s must agree", r.AskedBy.ID)
	}
	r.AgreedBy, r.AgreedAt = by, now
	return r, nil
}

// Ready tells whether the reset can be done now.
func (r Reset) Ready(now time.Time) error {
	switch {
	case r.AgreedBy == (Actor{}):
		return fault.New(fault.Conflict, "no other operator has agreed yet")
	case now.Before(r.AgreedAt.Add(ResetDelay)):
		return fault.New(fault.Conflict, "this can be done from %s", r.AgreedAt.Add(ResetDelay).Format(time.RFC3339))
	case !now.Before(r.AgreedAt.Add(ResetDelay + resetLife)):
		return fault.New(fault.Conflict, "this could be done until %s; cancel it and ask again", r.AgreedAt.Add(ResetDelay+resetLife).Format(time.RFC3339))
	}
	return nil
}

// Document gives the reset's fields for the store.
func (r Reset) Document() map[string]any {
	return map[string]any{
		"user": r.User, "askedBy": r.AskedBy.String(), "askedAt": stored(r.AskedAt),
		"agreedBy": r.AgreedBy.String(), "agreedAt": stored(r.AgreedAt),
	}
}

// ParseReset reads what [Reset.Document] wrote.
func ParseReset(_ string, fields map[string]any) (Reset, error) {
	d := readDocument("reset", fields)
	r := Reset{User: need[string](d, "user"), AskedAt: need[time.Time](d, "askedAt"), AgreedAt: field[time.Time](d, "agreedAt")}
	r.AskedBy, _ = ParseActor(need[string](d, "askedBy"))
	r.AgreedBy, _ = ParseActor(field[string](d, "agreedBy"))
	return r, d.err()
}
