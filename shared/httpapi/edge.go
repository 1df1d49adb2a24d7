package httpapi

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
)

// bodyWithin is how long a request's body may take to arrive.
const bodyWithin = 15 * time.Second

// record is what the edge learns about a request while it runs, for its log line.
type record struct {
	requestID string
	route     Route
	caller    identity.Caller
	quota     quota
	status    int
	bytes     int64
}

type recordKey struct{}

func recordOf(ctx context.Context) *record {
	if rec, ok := ctx.Value(recordKey{}).(*record); ok {
		return rec
	}
	return &record{}
}

// ServeHTTP answers a request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := a.opts.Now()
	rec := &record{requestID: "req_" + strings.ToLower(rand.Text())}
	ctx, span := beginTrace(r)
	defer span.End()
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, recordKey{}, rec), timeout)
	defer cancel()

	out := &answer{ResponseWriter: w, rec: rec}
	a.headers(out, rec)
	a.limitBody(w, r)
	r = r.WithContext(ctx)
	r.Body = &body{ReadCloser: r.Body, left: MaxBody}
	a.route(out, r)

	span.SetName(r.Method + " " + rec.route.Path)
	span.SetAttributes(attribute.Int("http.response.status_code", rec.status))
	a.opts.Log.InfoContext(ctx, "request",
		"function", a.opts.Name, "method", r.Method, "route", rec.route.Path, "status", rec.status,
		"duration_ms", a.opts.Now().Sub(start).Milliseconds(), "bytes", rec.bytes,
		"tenant", rec.caller.Tenant, "actor", rec.caller.Actor.String(), "request_id", rec.requestID)
}

// limitBody has whoever stalls in the middle of a body not waited for. The deadline is the connection's and so the
// machine's own time; a server that knows no deadlines has no connection to hold. Without a body there is none:
// net/http then listens already for the caller's leaving, and would take the deadline for it and cancel this request and
// all that follow on the connection. After a body it begins to listen at the body's end, and takes the deadline away.
func (a *API) limitBody(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 || r.Body == nil || r.Body == http.NoBody {
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(a.bodyWithin))
}

// route finds the handler. What the mux itself would answer in plain text becomes a problem.
func (a *API) route(w *answer, r *http.Request) {
	defer a.recovered(w, r)
	if err := readableQuery(r.URL.RawQuery); err != nil {
		a.writeProblem(w, r, a.problem(r.Context(), err))
		return
	}
	if _, pattern := a.mux.Handler(r); pattern != "" {
		a.mux.ServeHTTP(w, r)
		return
	}
	probe := &discard{header: http.Header{}}
	a.mux.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.header.Get("Allow"))
		p := problemOf(fault.New(fault.Unsupported, "this path does not take %s", r.Method))
		p.Status, p.Title, p.TraceID = probe.status, http.StatusText(probe.status), traceID(r.Context())
		a.writeProblem(w, r, p)
		return
	}
	a.writeProblem(w, r, a.problem(r.Context(), fault.New(fault.NotFound, "there is nothing at this path")))
}

// readableQuery refuses a query that net/url would read only in part: a filter that is lost on the way shows more than
// was asked for.
func readableQuery(raw string) error {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return fault.New(fault.Malformed, "the query cannot be read").
			With(fault.Detail{Location: "query", Message: "must be name=value pairs, joined by & and percent-encoded"})
	}
	for name, v := range values {
		if !utf8.ValidString(name) || !utf8.ValidString(v[0]) {
			return fault.New(fault.Malformed, "the query cannot be read").With(fault.Detail{Location: "query", Message: "must be UTF-8"})
		}
		if len(v) > 1 {
			return fault.New(fault.Malformed, "the query cannot be read").
				With(fault.Detail{Location: "query", Message: "names " + strconv.Quote(strings.ToValidUTF8(name[:min(len(name), 64)], "")) + " more than once"})
		}
	}
	return nil
}

func (a *API) recovered(w *answer, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v) //nolint:forbidigo // net/http's own way to drop a connection
	}
	a.opts.Log.ErrorContext(r.Context(), "request panicked", "panic", v, "stack", string(debug.Stack()))
	if w.rec.status == 0 {
		p := problemOf(fault.New(fault.Internal, "something went wrong here; it is logged under the trace id"))
		p.TraceID = traceID(r.Context())
		a.writeProblem(w, r, p)
	}
}

func (a *API) headers(w http.ResponseWriter, rec *record) {
	h := w.Header()
	h.Set("X-Request-Id", rec.requestID)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
}

// beginTrace continues the caller's trace (W3C Trace Context) or begins one. Where nothing is traced, the request has an
// id all the same, so that its log lines can be joined.
func beginTrace(r *http.Request) (context.Context, trace.Span) {
	ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
	ctx, span := otel.Tracer("ryggrad.internal/hub").Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
	if span.SpanContext().IsValid() {
		return ctx, span
	}
	var id trace.TraceID
	var own trace.SpanID
	_, _ = rand.Read(id[:]) // never fails, see crypto/rand
	_, _ = rand.Read(own[:])
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{TraceID: id, SpanID: own})), span
}

func traceID(ctx context.Context) string {
	return trace.SpanContextFromContext(ctx).TraceID().String()
}

// body gives up with a fault where a body is too large or breaks off, so that every reader of it answers alike.
type body struct {
	io.ReadCloser
	left int64
}

func (b *body) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	switch {
	case b.left < 0:
		return 0, fault.New(fault.TooLarge, "the body is larger than %d bytes", MaxBody)
	case err == nil || errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return n, err
	default:
		return n, fault.New(fault.Malformed, "the body broke off").Because(err)
	}
}

// answer notes what is sent.
type answer struct {
	http.ResponseWriter
	rec *record
}

func (w *answer) WriteHeader(status int) {
	if w.rec.status == 0 {
		w.rec.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *answer) Write(p []byte) (int, error) {
	if w.rec.status == 0 {
		w.rec.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.rec.bytes += int64(n)
	return n, err
}

// Unwrap lets [http.ResponseController] reach the connection.
func (w *answer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// discard hears what the mux would say.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
