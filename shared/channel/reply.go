package channel

import (
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/fault"
)

// Outcome is what became of a webhook that was understood.
type Outcome string

// The outcomes. Whatever is none of these is an error, which [Adapter.Refuse] answers.
const (
	Taken    Outcome = "taken"    // a new order was taken in
	Repeated Outcome = "repeated" // the order was already there
	Noted    Outcome = "noted"    // a cancellation or an event was carried out, or understood and ignored
)

// A Reply is what the platform gets to hear.
type Reply struct {
	Status      int
	ContentType string
	Body        []byte
	RetryAfter  time.Duration // for the Retry-After header; 0 for none
}

// Answer returns what the platform expects to hear of an outcome. The id is the hub's order, if there is one.
func (a Adapter) Answer(outcome Outcome, id string) Reply { return a.answers(outcome, id) }

// Refuse returns what the platform gets to hear of an error. Passing trouble always gets RetryLater, so that no platform
// takes it for an answer; the rest gets the fault's own words, and an error that is no fault gets none.
func (a Adapter) Refuse(err error) Reply {
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind.Retryable() {
		reply := jsonReply(a.RetryLater, refusal{Message: "the hub cannot take this now; please send it again"})
		if f != nil {
			reply.RetryAfter = f.RetryAfter
		}
		return reply
	}
	body := refusal{Message: f.Message}
	for _, d := range f.Details {
		body.Errors = append(body.Errors, refusalDetail(d))
	}
	return jsonReply(refusalStatus(f.Kind), body)
}

// always answers whatever was understood with one status and no body, as platforms want it that only look at the status.
func always(status int) func(Outcome, string) Reply {
	return func(Outcome, string) Reply { return Reply{Status: status} }
}

type refusal struct {
	Message string          `json:"message"`
	Errors  []refusalDetail `json:"errors,omitempty"`
}

type refusalDetail struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

// refusalStatus is what platforms are told for good. None of them documents other statuses for these yet.
func refusalStatus(kind fault.Kind) int {
	switch kind {
	case fault.Unauthenticated:
		return 401
	case fault.Forbidden:
		return 403
	case fault.NotFound:
		return 404
	case fault.Unsupported:
		return 415
	case fault.Conflict, fault.Stale:
		return 409
	case fault.TooLarge:
		return 413
	case fault.Invalid:
		return 422
	default:
		return 400
	}
}

// jsonReply writes a body of our own types, which always can be written.
func jsonReply(status int, body any) Reply {
	text, err := json.Marshal(body)
	if err != nil {
		return Reply{Status: status}
	}
	return Reply{Status: status, ContentType: "application/json", Body: text}
}
