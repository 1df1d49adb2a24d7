package order

import (
	"time"

	"ryggrad.internal/hub/shared/fault"
)

// mostSteps bounds an order's history: each time that is moved is a step.
const mostSteps = 100

// Retime decides what becomes of the record when somebody (by: a kind of actor, as in [Step]) says anew when the order will
// be ready, at the given moment. It returns the next record, in the same status, and whether it differs; the time that is
// known already changes nothing. An order that is ready, or at an end, is [fault.Conflict], and so is one whose time was
// moved more often than anybody cooks.
func (r Record) Retime(readyAt Time, now time.Time, by string) (next Record, changed bool, err error) {
	if _, ok := readyAt.Instant(); !ok {
		return r, false, fault.New(fault.Invalid, "the time to be ready at is not an RFC 3339 time")
	}
	switch {
	case r.Status != Received && r.Status != Accepted && r.Status != Preparing:
		return r, false, fault.New(fault.Conflict, "order %s is already %s", r.ID, r.Status)
	case readyAt == r.ReadyAt:
		return r, false, nil
	case len(r.History) >= mostSteps:
		return r, false, fault.New(fault.Conflict, "the time of order %s was moved too often", r.ID)
	}
	return r.step(Change{Status: r.Status, Reason: r.Reason, ReadyAt: readyAt}, now.UTC().Truncate(time.Microsecond), by), true, nil
}

// Retimed tells whether the newest step moved the time that the order will be ready at, and left its status.
func (r Record) Retimed() bool {
	n := len(r.History)
	return n > 1 && r.History[n-1].Status == r.History[n-2].Status
}

// DecidedBefore tells whether somebody had decided about the order before it reached a version: each version is a step.
func (r Record) DecidedBefore(version int64) bool {
	for i, step := range r.History {
		if int64(i)+1 < version && step.Status != Received {
			return true
		}
	}
	return false
}
