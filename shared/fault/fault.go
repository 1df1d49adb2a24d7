// Package fault holds the errors that cross a boundary of the hub. A fault carries three facts for three readers: a
// kind for the machine, a message for the caller, and a cause for the log.
//
//	return fault.New(fault.Conflict, "order %s is already %s", id, status)  // a rule refused
//	return fault.New(fault.Unavailable, "orders are busy").Because(err)     // a dependency failed
//	return fmt.Errorf("accept order %s: %w", id, err)                       // context on the way up
//
// The message goes to the caller as it stands: it never holds a guest's data, a secret, or a cause's text. An error
// that is no fault is [Unavailable] when a context's time ran out, and otherwise [Internal]: logged whole, and answered
// with nothing but an id. Which HTTP status a kind has is decided in one table, in package httpapi.
package fault

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Kind tells a machine what went wrong. It is the last part of a problem's type, `urn:ryggrad:problem:<kind>`.
type Kind string

// The kinds of fault. Repeating the same request can only help with Limited, Unavailable and Internal.
const (
	Malformed       Kind = "malformed"       // the request could not be read
	Unauthenticated Kind = "unauthenticated" // no credential, or one that does not hold
	StepUp          Kind = "step-up"         // the credential holds, but the person must prove again who they are
	Forbidden       Kind = "forbidden"       // the credential does not allow this
	NotFound        Kind = "not-found"       // there is no such thing, or not for this caller
	Unsupported     Kind = "unsupported"     // a method or media type that this path does not take
	Conflict        Kind = "conflict"        // the present state refuses it
	Stale           Kind = "stale"           // the caller's version is not the newest
	TooLarge        Kind = "too-large"       // more bytes than are taken
	Invalid         Kind = "invalid"         // read, but its content breaks the rules
	Limited         Kind = "limited"         // too many requests
	Unavailable     Kind = "unavailable"     // something the hub depends on failed; try again
	Internal        Kind = "internal"        // the hub's own mistake
)

// Retryable tells whether sending the same request again can help.
func (k Kind) Retryable() bool {
	return k == Limited || k == Unavailable || k == Internal
}

// Detail is one of possibly many faults in a request: where it is and what is wrong there.
type Detail struct {
	Location string // as in `body.items[0].quantity`, `path.id`, `header.Idempotency-Key`
	Message  string // what is wrong, without the offending value
}

// Error is a fault. Build one with [New].
type Error struct {
	Kind       Kind
	Message    string        // for the caller
	Details    []Detail      // for the caller: every fault found, not only the first
	RetryAfter time.Duration // for the caller: when to try again; 0 when there is nothing to say
	cause      error         // for the log only
}

// New returns a fault with a message made by [fmt.Sprintf].
func New(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Because returns a copy of the fault with its cause, which is logged and never shown to the caller.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// With returns a copy of the fault with further details.
func (e *Error) With(details ...Detail) *Error {
	c := *e
	c.Details = append(append([]Detail(nil), e.Details...), details...)
	return &c
}

// After returns a copy of the fault that asks the caller to wait at least d before trying again.
func (e *Error) After(d time.Duration) *Error {
	c := *e
	c.RetryAfter = d
	return &c
}

// Error gives the text for the log: the message and the cause.
func (e *Error) Error() string {
	if e.cause == nil {
		return e.Message
	}
	return e.Message + ": " + e.cause.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.cause }

// KindOf returns the kind of the outermost fault in err's chain. Without one it is Unavailable when a context's time ran
// out, and Internal otherwise. KindOf(nil) is "".
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return Unavailable
	}
	return Internal
}

// Is tells whether err's outermost fault is of the given kind.
func Is(err error, kind Kind) bool { return KindOf(err) == kind }
