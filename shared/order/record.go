package order

import (
	"fmt"
	"time"
	"unicode/utf8"

	"ryggrad.internal/hub/shared/fault"
)

// A Record is an order as the hub keeps it: the order's face (see [Order.Split]) and where it is on its way. Instants
// are UTC and whole microseconds, as the database keeps them.
type Record struct {
	ID       string
	Tenant   string
	Link     string // the channel link it came by; the client's id for orders placed on our own API
	Adapter  string // what read it; "" for our own API
	Order    Order  // the face: nothing that a guest typed or that names one
	Status   Status
	Version  int64  // 1 when received, then one more with every change
	Reason   string // what the newest change gave as its reason
	ReadyAt  Time   // when the location expects it to be ready
	Received time.Time
	AcceptBy time.Time // until when the channel wants it decided; zero when it does not say
	History  []Step    // oldest first, the newest is the present status
}

// A Step is one status that an order reached; the status that it had already, when the time was moved that it will be ready
// at (see [Record.Retime]). There is one for each version.
type Step struct {
	Status Status
	At     time.Time
	By     string // what kind of actor: `client`, `user`, `channel`, `system`; never who
}

// Origin is where an order came from, as far as its id and record are concerned.
type Origin struct {
	Tenant   string
	Link     string
	Adapter  string
	Identity []string  // the channel's identity fields, in the adapter's order
	AcceptBy time.Time // see [DecideBy]
}

// ID returns the id of the order that this origin names.
func (o Origin) ID() string { return ID(o.Tenant, o.Link, o.Identity...) }

// Receive makes the record of a face that has just come in. Give it the face of [Order.Split], never a whole order.
func Receive(from Origin, face Order, now time.Time, by string) Record {
	now = now.UTC().Truncate(time.Microsecond)
	return Record{
		ID: from.ID(), Tenant: from.Tenant, Link: from.Link, Adapter: from.Adapter,
		Order: face, Status: Received, Version: 1, Received: now, AcceptBy: from.AcceptBy,
		History: []Step{{Status: Received, At: now, By: by}},
	}
}

// A Change is what somebody asks to become of an order: the body of `POST /v1/orders/{id}/status`.
type Change struct {
	Status          Status `json:"status" enum:"received,accepted,preparing,ready,in_delivery,completed,rejected,cancelled,failed,expired" doc:"The status to reach."`
	Reason          string `json:"reason,omitzero" maxLength:"1000" doc:"Why, in words for staff. Kept in plain: do not name the guest."`
	ReadyAt         Time   `json:"readyAt,omitzero" format:"date-time" doc:"When the order is expected to be ready (RFC 3339)."`
	ExpectedVersion *int64 `json:"expectedVersion,omitempty" minimum:"1" doc:"Refuse the change (412) unless this is the order's present version."`
}

// MaxReason bounds a reason, in code points.
const MaxReason = 1000

// Check returns every rule that the change breaks by itself, whatever the order's state.
func (c Change) Check() []fault.Detail {
	var found []fault.Detail
	say := func(at, message string) { found = append(found, fault.Detail{Location: at, Message: message}) }
	if !c.Status.Known() {
		say("body.status", "is not a status")
	}
	if n := utf8.RuneCountInString(c.Reason); n > MaxReason {
		say("body.reason", fmt.Sprintf("is longer than %d characters", MaxReason))
	}
	if !utf8.ValidString(c.Reason) {
		say("body.reason", "is not valid UTF-8")
	}
	if _, ok := c.ReadyAt.Instant(); !ok && c.ReadyAt != "" {
		say("body.readyAt", "is not an RFC 3339 time")
	}
	if CardNumber(c.Reason) {
		say("body.reason", cardMessage)
	}
	return found
}

// Advance decides what becomes of the record when somebody (by: a kind of actor, as in [Step]) asks for a change at the
// given moment. It returns the next record and whether it differs; r itself is left as it is.
//
// A change to the present status is a repeat and changes nothing, whatever version it expects: RFC 9110, section
// 13.1.1, lets a server answer success when the change asked for has already been applied, and whoever lost the first
// answer needs exactly that. Otherwise an expected version that is not the present one is [fault.Stale], a way that the
// state machine does not have is [fault.Conflict], and a change that breaks its own rules is [fault.Invalid].
func (r Record) Advance(c Change, now time.Time, by string) (next Record, changed bool, err error) {
	if found := c.Check(); len(found) > 0 {
		return r, false, fault.New(fault.Invalid, "the change of status breaks the rules").With(found...)
	}
	if c.Status == r.Status {
		return r, false, nil
	}
	if c.ExpectedVersion != nil && *c.ExpectedVersion != r.Version {
		return r, false, fault.New(fault.Stale, "order %s is at version %d", r.ID, r.Version)
	}
	if !r.Status.leadsTo(c.Status) {
		return r, false, fault.New(fault.Conflict, "order %s is already %s and cannot become %s", r.ID, r.Status, c.Status)
	}
	return r.step(c, now.UTC().Truncate(time.Microsecond), by), true, nil
}

// step makes the next record. Its time is after that of the step before, even where the clocks of two instances disagree,
// so that times order what happened to an order.
func (r Record) step(c Change, now time.Time, by string) Record {
	if n := len(r.History); n > 0 && !now.After(r.History[n-1].At) {
		now = r.History[n-1].At.Add(time.Microsecond)
	}
	r.Status, r.Reason = c.Status, c.Reason
	r.Version++
	if c.ReadyAt != "" {
		r.ReadyAt = c.ReadyAt
	}
	r.History = append(append([]Step(nil), r.History...), Step{Status: c.Status, At: now, By: by})
	return r
}
