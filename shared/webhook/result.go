package webhook

import "time"

// Result is what came of one attempt to send a message.
type Result struct {
	Status     int           // of the answer; 0 when there was none
	Failure    Failure       // why there was no answer; "" when there was one
	Duration   time.Duration // from the start of the attempt to the end of the answer
	RetryAfter time.Duration // what the answer asked for; 0 when it asked for nothing
	BodyPrefix string        // the answer's first bytes as UTF-8; may quote what was sent, so never store or log it as it is
}

// Failure is why an attempt got no answer. It names a cause, not an address or a certificate.
type Failure string

// The failures of an attempt.
const (
	BadURL      Failure = "bad_url"         // the policy refuses the URL
	BadAddress  Failure = "refused_address" // the host leads to no public address
	BadName     Failure = "name_not_found"  // the host could not be resolved
	BadTLS      Failure = "tls"             // no TLS connection that can be trusted
	Unreachable Failure = "unreachable"     // no connection, or it broke
	Timeout     Failure = "timeout"         // no complete answer within the limit
	TooLong     Failure = "too_long"        // an answer longer than anything that was asked for
	Interrupted Failure = "interrupted"     // the hub itself stopped the attempt
)

// Outcome is what a result means for the message.
type Outcome int

// The outcomes of an attempt.
const (
	Retry     Outcome = iota // send the message again later
	Delivered                // the receiver has taken it
	Gone                     // the receiver wants no messages any more
)

// Outcome follows Standard Webhooks, Delivery success and failure: 2xx is success, 410 ends the subscription, and
// everything else, redirects and silence included, is a failure worth another attempt.
func (r Result) Outcome() Outcome {
	switch {
	case r.Status >= 200 && r.Status <= 299:
		return Delivered
	case r.Status == 410:
		return Gone
	}
	return Retry
}
