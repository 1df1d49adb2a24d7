package httpapi

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/validation"

	"ryggrad.internal/hub/shared/fault"
)

// Status returns the HTTP status of a kind of fault: THE table, which nobody else decides.
func Status(kind fault.Kind) int {
	switch kind {
	case fault.Malformed:
		return http.StatusBadRequest
	case fault.Unauthenticated, fault.StepUp:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Unsupported:
		return http.StatusUnsupportedMediaType
	case fault.Conflict:
		return http.StatusConflict
	case fault.Stale:
		return http.StatusPreconditionFailed
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.Limited:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// kindOf is the table read backwards, for the statuses that huma picks by itself.
func kindOf(status int) fault.Kind {
	switch status {
	case http.StatusBadRequest, http.StatusRequestTimeout:
		return fault.Malformed
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable, http.StatusMethodNotAllowed:
		return fault.Unsupported
	case http.StatusRequestEntityTooLarge:
		return fault.TooLarge
	case http.StatusUnprocessableEntity:
		return fault.Invalid
	case http.StatusNotFound:
		return fault.NotFound
	default:
		return fault.Internal
	}
}

// Problem is the body of every error, as RFC 9457 defines it.
type Problem struct {
	Type    string   `json:"type" doc:"What went wrong, for a machine" example:"urn:ryggrad:problem:invalid"`
	Title   string   `json:"title" doc:"The HTTP status in words"`
	Status  int      `json:"status" doc:"The HTTP status"`
	Detail  string   `json:"detail" doc:"What went wrong, for a person"`
	Errors  []Detail `json:"errors,omitempty" doc:"Every fault that was found in the request"`
	TraceID string   `json:"traceId,omitempty" doc:"Name this when you ask for help"`

	retryAfter time.Duration
}

// Detail is one fault in a request.
type Detail struct {
	Location string `json:"location,omitempty" doc:"Where it is" example:"body.items[0].quantity"`
	Message  string `json:"message" doc:"What is wrong there"`
}

// problemOf turns an error into what the caller may see of it. An error that is no fault gives nothing away.
func problemOf(err error) *Problem {
	var f *fault.Error
	if !errors.As(err, &f) {
		f = unclassified(err)
	}
	p := &Problem{
		Type:       problemType(f.Kind),
		Status:     Status(f.Kind),
		Detail:     f.Message,
		retryAfter: f.RetryAfter,
	}
	p.Title = http.StatusText(p.Status)
	for _, d := range f.Details {
		p.Errors = append(p.Errors, Detail(d))
	}
	return p
}

// unclassified is what the caller hears of an error that nobody made a fault of.
func unclassified(err error) *fault.Error {
	if fault.Is(err, fault.Unavailable) {
		return fault.New(fault.Unavailable, "this took too long; try again")
	}
	return fault.New(fault.Internal, "something went wrong here; it is logged under the trace id")
}

// Error, GetStatus and ContentType let huma treat a problem as its own error type.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType answers with the media type of RFC 9457.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// GetHeaders returns the headers that go with the problem.
func (p *Problem) GetHeaders() http.Header {
	h := http.Header{}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(seconds(p.retryAfter)))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", p.challenge())
	}
	return h
}

// challenge says what would be accepted; for a step-up in the words of RFC 9470.
func (p *Problem) challenge() string {
	if p.Type == problemType(fault.StepUp) {
		return `Bearer realm="ryggrad", error="insufficient_user_authentication", error_description="a recent proof of identity is needed"`
	}
	return `Bearer realm="ryggrad"`
}

func problemType(k fault.Kind) string { return "urn:ryggrad:problem:" + string(k) }

// seconds rounds up: a caller who waits that long has waited long enough.
func seconds(d time.Duration) int { return int((d + time.Second - 1) / time.Second) }

func init() {
	huma.ValidateStrictCasing = true
	huma.NewErrorWithContext = func(ctx huma.Context, status int, message string, errs ...error) huma.StatusError {
		p := fromHuma(status, message, errs)
		p.TraceID = traceID(ctx.Context())
		return p
	}
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return fromHuma(status, message, errs)
	}
}

// fromHuma makes a problem of what huma found wrong. A fault among the errors knows better than huma's status, and
// huma's details lose the offending values, which may be a guest's data.
func fromHuma(status int, message string, errs []error) *Problem {
	for _, err := range errs {
		var f *fault.Error
		if errors.As(err, &f) {
			return problemOf(f)
		}
	}
	out := fault.New(kindOf(status), "%s", message).With(detailsOf(errs)...)
	if out.Kind == fault.Internal {
		return problemOf(errors.Join(errs...))
	}
	if status == http.StatusBadRequest && len(out.Details) > 0 {
		out.Message = "the request could not be read"
	}
	return problemOf(out)
}

// mostDetails bounds how many faults are told at once, and longestLocation how much of a name that the caller made up.
const (
	mostDetails     = 100
	longestLocation = 200
)

func detailsOf(errs []error) []fault.Detail {
	var details []fault.Detail
	for _, err := range errs {
		var d huma.ErrorDetailer
		if !errors.As(err, &d) {
			continue
		}
		if len(details) == mostDetails {
			return append(details, fault.Detail{Message: "there are more faults than are told at once"})
		}
		detail := d.ErrorDetail()
		one := readable(detail.Location, detail.Message)
		if len(one.Location) > longestLocation {
			one.Location = strings.ToValidUTF8(one.Location[:longestLocation], "") + "…"
		}
		details = append(details, one)
	}
	return details
}

// readable moves the JSON pointer that a decoding error carries, and the name of a member that is missing, into the
// detail's location.
func readable(location, message string) fault.Detail {
	if pointer, rest, ok := strings.Cut(message, pointerMark); ok && location == "body" {
		return fault.Detail{Location: location + pointer, Message: rest}
	}
	before, after, _ := strings.Cut(validation.MsgExpectedRequiredProperty, "%s")
	if name, ok := strings.CutPrefix(message, before); ok && strings.HasSuffix(name, after) {
		return fault.Detail{Location: location + "." + strings.TrimSuffix(name, after), Message: "is missing"}
	}
	return fault.Detail{Location: location, Message: message}
}
