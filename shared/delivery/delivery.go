package delivery

import (
	"fmt"
	"slices"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/webhook"
)

// State is how far a delivery is.
type State string

// The states. All but Pending are settled.
const (
	Pending   State = "pending"
	Delivered State = "delivered"
	Failed    State = "failed"
)

// Lease is how long whoever claimed a delivery may work on it undisturbed: an attempt's limit, and time to record it.
const Lease = 60 * time.Second

// keptAttempts is how many attempts a delivery tells of, the newest.
const keptAttempts = 20

// Attempt is one request and what came of it.
type Attempt struct {
	At       time.Time
	Status   int // of the answer; 0 when there was none
	Failure  webhook.Failure
	Duration time.Duration
	Answer   string // the answer's beginning, masked
}

// Delivery is one event for one endpoint.
type Delivery struct {
	ID         string // see [ID]
	Tenant     string
	Event      string
	Endpoint   string
	Type       Type
	Order      string
	Location   string
	Sequence   int64
	State      State
	Reason     Reason // why it failed, or ""
	Tries      int    // attempts since it was made, or since a person asked for more
	Attempts   []Attempt
	CreatedAt  time.Time
	FirstTryAt time.Time // of those that Tries counts
	NextAt     time.Time // when to look at it again; zero when settled
	LeaseUntil time.Time // somebody works on it until then, at most
	Claim      string    // who
	SettledAt  time.Time
	Request    string // the newest message's beginning, masked
}

// ID returns the one id of an event's delivery to an endpoint.
func ID(event, endpoint string) string { return event + "_" + endpoint }

// New makes the delivery of an event to an endpoint, claimed by its maker for the first attempt.
func New(ev Event, endpoint, claim string, now time.Time) Delivery {
	d := Delivery{
		ID: ID(ev.ID, endpoint), Tenant: ev.Tenant, Event: ev.ID, Endpoint: endpoint, Type: ev.Type, Order: ev.Order,
		Location: ev.Location, Sequence: ev.Sequence, State: Pending, CreatedAt: now,
	}
	return d.lease(claim, now)
}

// Settled tells whether nothing more will be tried by itself.
func (d Delivery) Settled() bool { return d.State != Pending }

// Take claims a pending delivery that nobody is working on, and reports false for any other.
func (d Delivery) Take(claim string, now time.Time) (Delivery, bool) {
	if d.Settled() || now.Before(d.LeaseUntil) {
		return d, false
	}
	return d.lease(claim, now), true
}

func (d Delivery) lease(claim string, now time.Time) Delivery {
	d.Claim, d.LeaseUntil, d.NextAt = claim, now.Add(Lease), now.Add(Lease)
	return d
}

// Hold gives the delivery back without an attempt, to be looked at again at the given time.
func (d Delivery) Hold(until time.Time) Delivery {
	d.Claim, d.LeaseUntil, d.NextAt = "", time.Time{}, until
	return d
}

// Record decides what follows from an attempt that began at the given time: the delivery is settled, or due again after
// the wait of the schedule or what the answer asked for, whichever is longer. random is a number in [0, 1). The answer's
// text is kept as it is: mask it before, see [Masked].
func (d Delivery) Record(r webhook.Result, at time.Time, random float64) Delivery {
	d = d.tried(r, at)
	done := at.Add(r.Duration)
	switch r.Outcome() {
	case webhook.Delivered:
		return d.settle(Delivered, "", done)
	case webhook.Gone:
		return d.settle(Failed, Gone, done)
	case webhook.Retry:
	}
	return d.retry(r, done, random)
}

// RecordReport decides what follows from telling a platform of a status. A platform that says the same is so already (409)
// has taken it; one that says that the report makes no sense will say so again, and holds up no later one. Nor does an
// address that must not be called.
func (d Delivery) RecordReport(r webhook.Result, at time.Time, random float64) Delivery {
	d = d.tried(r, at)
	done := at.Add(r.Duration)
	switch r.Status {
	case 409:
		return d.settle(Delivered, "", done)
	case 400, 404, 405, 410, 422:
		return d.settle(Failed, Refused, done)
	}
	switch {
	case r.Outcome() == webhook.Delivered:
		return d.settle(Delivered, "", done)
	case r.Failure == webhook.BadURL, r.Failure == webhook.BadAddress:
		return d.settle(Failed, Refused, done)
	}
	return d.retry(r, done, random)
}

// tried notes an attempt.
func (d Delivery) tried(r webhook.Result, at time.Time) Delivery {
	d.Attempts = append(append([]Attempt(nil), d.Attempts...), Attempt{at, r.Status, r.Failure, r.Duration, r.BodyPrefix})
	if extra := len(d.Attempts) - keptAttempts; extra > 0 {
		d.Attempts = d.Attempts[extra:]
	}
	d.Tries++
	if d.Tries == 1 {
		d.FirstTryAt = at
	}
	return d
}

// retry puts the delivery off after an attempt that failed, or settles it after the last.
func (d Delivery) retry(r webhook.Result, done time.Time, random float64) Delivery {
	wait, again := Wait(d.Tries, random)
	next := done.Add(max(wait, min(r.RetryAfter, longestWait)))
	if !again || next.After(d.FirstTryAt.Add(lastAttemptBy)) {
		return d.settle(Failed, Exhausted, done)
	}
	return d.Hold(next)
}

// Log keeps the beginning of what a message said. Give it the message without the guest.
func (d Delivery) Log(request []byte) Delivery {
	d.Request = cut(string(request), maxRequest)
	return d
}

// Forget returns the delivery without the texts that its log keeps, and whether it had any.
func (d Delivery) Forget() (forgotten Delivery, had bool) {
	had = d.Request != ""
	d.Request = ""
	d.Attempts = slices.Clone(d.Attempts)
	for i := range d.Attempts {
		had = had || d.Attempts[i].Answer != ""
		d.Attempts[i].Answer = ""
	}
	return d, had
}

// MaskAnswer returns the result with no more of the answer than may be kept.
func MaskAnswer(r webhook.Result, guest []string) webhook.Result {
	r.BodyPrefix = Masked(r.BodyPrefix, guest, maxAnswer)
	return r
}

// Fail settles the delivery without an attempt.
func (d Delivery) Fail(why Reason, now time.Time) Delivery { return d.settle(Failed, why, now) }

func (d Delivery) settle(s State, why Reason, now time.Time) Delivery {
	d.State, d.Reason, d.SettledAt = s, why, now
	d.Claim, d.LeaseUntil, d.NextAt = "", time.Time{}, time.Time{}
	return d
}

// Again puts the delivery on its way once more because a person asked for it, with all attempts before it: one that is
// waiting goes at once, one that is settled starts anew. While an attempt is running it is [fault.Conflict].
func (d Delivery) Again(now time.Time) (Delivery, error) {
	if !d.Settled() && now.Before(d.LeaseUntil) {
		return d, fault.New(fault.Conflict, "delivery %s is being attempted right now", d.ID)
	}
	d.State, d.Reason, d.SettledAt, d.Tries, d.FirstTryAt = Pending, "", time.Time{}, 0, time.Time{}
	return d.Hold(now), nil
}

// deliveryLife is how long a delivery is kept, from when it was made.
const deliveryLife = 30 * 24 * time.Hour

// Document returns the delivery as a database document, without its id and tenant. Only a pending delivery has the field
// that the retry job looks for.
func (d Delivery) Document() map[string]any {
	attempts := make([]any, len(d.Attempts))
	for i, a := range d.Attempts {
		attempts[i] = a.document()
	}
	doc := map[string]any{
		"event": d.Event, "endpoint": d.Endpoint, "type": string(d.Type), "state": string(d.State), "tries": int64(d.Tries),
		"attempts": attempts, "createdAt": d.CreatedAt, "expireAt": d.CreatedAt.Add(deliveryLife),
	}
	for name, text := range map[string]string{
		"order": d.Order, "location": d.Location, "reason": string(d.Reason), "claim": d.Claim,
		"request": d.Request,
	} {
		if text != "" {
			doc[name] = text
		}
	}
	for name, at := range map[string]time.Time{
		"firstTryAt": d.FirstTryAt, "nextAttemptAt": d.NextAt, "leaseUntil": d.LeaseUntil, "settledAt": d.SettledAt,
	} {
		if !at.IsZero() {
			doc[name] = at
		}
	}
	if d.Sequence != 0 {
		doc["sequence"] = d.Sequence
	}
	return doc
}

func (a Attempt) document() map[string]any {
	doc := map[string]any{"at": a.At, "status": int64(a.Status), "durationMs": a.Duration.Milliseconds()}
	if a.Failure != "" {
		doc["failure"] = string(a.Failure)
	}
	if a.Answer != "" {
		doc["answer"] = a.Answer
	}
	return doc
}

// ParseDelivery reads a delivery that [Delivery.Document] wrote; see [ParseEvent].
func ParseDelivery(id, tenant string, doc map[string]any) (Delivery, error) {
	r := reader{}
	d := Delivery{
		ID: id, Tenant: tenant,
		Event:      read[string](&r, doc, "event"),
		Endpoint:   read[string](&r, doc, "endpoint"),
		Type:       Type(read[string](&r, doc, "type")),
		Order:      read[string](&r, doc, "order"),
		Location:   read[string](&r, doc, "location"),
		Sequence:   read[int64](&r, doc, "sequence"),
		State:      State(read[string](&r, doc, "state")),
		Reason:     Reason(read[string](&r, doc, "reason")),
		Tries:      int(read[int64](&r, doc, "tries")),
		Attempts:   readList(&r, doc, "attempts", (*reader).attempt),
		CreatedAt:  read[time.Time](&r, doc, "createdAt"),
		FirstTryAt: read[time.Time](&r, doc, "firstTryAt"),
		NextAt:     read[time.Time](&r, doc, "nextAttemptAt"),
		LeaseUntil: read[time.Time](&r, doc, "leaseUntil"),
		Claim:      read[string](&r, doc, "claim"),
		SettledAt:  read[time.Time](&r, doc, "settledAt"),
		Request:    read[string](&r, doc, "request"),
	}
	if r.err != nil {
		return Delivery{}, fmt.Errorf("delivery %s: %w", id, r.err)
	}
	return d, nil
}

func (r *reader) attempt(doc map[string]any) Attempt {
	return Attempt{
		At:       read[time.Time](r, doc, "at"),
		Status:   int(read[int64](r, doc, "status")),
		Failure:  webhook.Failure(read[string](r, doc, "failure")),
		Duration: time.Duration(read[int64](r, doc, "durationMs")) * time.Millisecond,
		Answer:   read[string](r, doc, "answer"),
	}
}
