package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
)

// MaxBody is the largest body that is taken, in bytes. One byte more is answered with 413, never cut.
const MaxBody = 1 << 20

// timeout is how long a request may take before what it waits for is given up.
const timeout = 25 * time.Second

// Options are what an API needs; every field but Refused and TrustedHops is required.
type Options struct {
	Name         string // the function's name, as in the table of functions
	Title        string // of the API description
	Description  string // what the API is for, in a sentence or two
	Authenticate Authenticate
	Refused      Refused
	Limit        Limit
	Behalf       Behalf // who acts under another's authority is refused where there is none
	Log          *slog.Logger
	Now          func() time.Time
	TrustedHops  int // how many proxies of our own append to X-Forwarded-For
}

// Authenticate finds who sent a request. Its faults are [fault.Unauthenticated] for a credential that does not hold and
// [fault.Unavailable] when that cannot be told now.
type Authenticate func(ctx context.Context, r *http.Request) (identity.Caller, error)

// Refused is told of every request that is turned away because of who sends it, before it is answered. It must be quick
// and bounded whatever comes; see ledgerdb's Refuse. Without one, refusals are only logged.
type Refused func(ctx context.Context, r ledger.Refusal)

// Behalf writes down that somebody acts under another's authority, before the request is served. One that cannot be written
// is not served.
type Behalf func(ctx context.Context, caller identity.Caller, requestID string, r *http.Request) error

// Public is the permission of a route that needs no credential.
const Public identity.Permission = ""

// Call is what a handler is told about the request besides its input.
type Call struct {
	Caller    identity.Caller // the zero Caller on public routes
	RequestID string
	Address   string // the caller's network address, for limits; never stored
}

// Route declares one operation.
type Route struct {
	Method     string
	Path       string // a net/http pattern's path
	ID         string // unique, as in `place-order`
	Summary    string
	Permission identity.Permission // what the caller must hold, or [Public]
	Status     int                 // of success
	StepUp     bool                // dangerous: a person must have proved just now who they are
	Also       []int               // further statuses of success, with the same content
	Refuses    []int               // further statuses of problems: 401 where the request's own content proves who calls
	Unmetered  bool                // the handler limits its callers itself, with [API.Meter]

	// Takes and Gives describe what a handler reads that reads its body itself, and what a raw one answers by status, for
	// the API description. Problems need no mention.
	Takes []Content
	Gives map[int][]Content
}

// API is a function's HTTP surface. Add routes with [Handle] and [HandleRaw] before serving; then it is safe for
// concurrent use.
type API struct {
	opts     Options
	mux      *http.ServeMux
	codec    huma.API // reads bodies; no operation is registered with it
	limiters *limiters
	routes   []Route
	parts    []func(huma.API) // of the description

	bodyWithin time.Duration // how long a request's body may take to arrive
}

// New returns an API that serves `/health` and its description at `/openapi/{name}.json`.
func New(opts Options) *API {
	mux := http.NewServeMux()
	a := &API{
		opts: opts, mux: mux, codec: newHuma(opts, &operation{}), limiters: newLimiters(opts.Limit, opts.Now), bodyWithin: bodyWithin,
	}
	mux.HandleFunc("GET /health", health)
	mux.Handle("GET /openapi/"+opts.Name+".json", a.description())
	return a
}

func newHuma(opts Options, adapter huma.Adapter) huma.API {
	cfg := huma.DefaultConfig(opts.Title, "1")
	cfg.OpenAPIPath, cfg.DocsPath, cfg.SchemasPath = "", "", ""
	cfg.CreateHooks = nil
	cfg.Formats = formats()
	cfg.RejectUnknownQueryParameters = true
	cfg.OpenAPI = describing(opts)
	return huma.NewAPI(cfg, adapter)
}

// Routes returns every route in the order in which it was added.
func (a *API) Routes() []Route { return a.routes }

// Handle adds a typed operation: I and O are huma's input and output structs, see
// https://huma.rocks/features/operations. The operation is made when it is first asked for, see the package's comment.
func Handle[I, O any](a *API, route Route, handler func(context.Context, Call, *I) (*O, error)) {
	a.routes = append(a.routes, route)
	register := func(to huma.API, op huma.Operation) {
		huma.Register(to, op, func(ctx context.Context, in *I) (*O, error) {
			out, err := handler(ctx, callFrom(ctx), in)
			if err != nil {
				a.forbidden(ctx, err)
				return nil, a.problem(ctx, err)
			}
			return out, nil
		})
	}
	a.parts = append(a.parts, func(doc huma.API) {
		op := a.typed(route)
		op.Responses = map[string]*huma.Response{}
		register(doc, op)
		for _, status := range route.Also {
			op.Responses[strconv.Itoa(status)] = op.Responses[strconv.Itoa(op.DefaultStatus)]
		}
		if len(route.Takes) > 0 {
			op.RequestBody.Content = media(doc, route.Takes)
		}
	})
	a.mux.Handle(route.Method+" "+route.Path, later(func() http.Handler {
		made := &operation{}
		register(newHuma(a.opts, made), a.typed(route))
		return made
	}))
}

// typed describes an operation that huma decodes.
func (a *API) typed(route Route) huma.Operation {
	op := a.operation(route)
	op.MaxBodyBytes = MaxBody + 1
	op.Middlewares = huma.Middlewares{a.guard(route)}
	if len(route.Takes) > 0 { // the handler reads the body with a [Body]
		op.SkipValidateBody, op.RequestBody = true, &huma.RequestBody{}
	}
	return op
}

// operation is a huma adapter for one operation: it keeps the handler that is registered with it.
type operation struct {
	op     *huma.Operation
	handle func(huma.Context)
}

// Handle is told of the operation.
func (o *operation) Handle(op *huma.Operation, handle func(huma.Context)) {
	o.op, o.handle = op, handle
}

// ServeHTTP answers a request for it.
func (o *operation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.handle(humago.NewContext(o.op, r, w))
}

// later returns a handler that is made on its first request.
func later(build func() http.Handler) http.HandlerFunc {
	made := sync.OnceValue(build)
	return func(w http.ResponseWriter, r *http.Request) { made().ServeHTTP(w, r) }
}

// HandleRaw adds an operation that reads the request and writes the answer itself, for protocols that are not ours. An
// error that the handler returns without having written anything is answered as a problem.
func (a *API) HandleRaw(route Route, handler func(http.ResponseWriter, *http.Request, Call) error) {
	a.routes = append(a.routes, route)
	a.parts = append(a.parts, func(doc huma.API) {
		op := a.operation(route)
		describe(doc, &op, route)
		doc.OpenAPI().AddOperation(&op)
	})
	a.mux.HandleFunc(route.Method+" "+route.Path, func(w http.ResponseWriter, r *http.Request) {
		call, err := a.admit(r, route)
		if err == nil {
			limitHeaders(w.Header(), recordOf(r.Context()).quota)
			err = handler(w, r, call)
			a.forbidden(r.Context(), err)
		}
		if err != nil {
			a.writeProblem(w, r, a.problem(r.Context(), err))
		}
	})
}

func (a *API) operation(route Route) huma.Operation {
	op := huma.Operation{
		OperationID: route.ID, Method: route.Method, Path: route.Path, Summary: route.Summary, Tags: []string{a.opts.Name},
		DefaultStatus: route.Status,
		Errors:        []int{http.StatusBadRequest, http.StatusTooManyRequests, http.StatusServiceUnavailable},
	}
	if route.Permission != Public {
		op.Security = []map[string][]string{{"bearer": {string(route.Permission)}}}
		if route.Permission.ForIntegration() {
			op.Security = append(op.Security, map[string][]string{"signature": {string(route.Permission)}})
		}
		op.Description = "Needs the permission `" + string(route.Permission) + "`."
		op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusForbidden)
	}
	op.Errors = append(op.Errors, route.Refuses...)
	if route.StepUp {
		op.Description += " A person must have proved within the last ten minutes who they are; `step-up` (401) asks for it."
	}
	if strings.Contains(route.Path, "{") {
		op.Errors = append(op.Errors, http.StatusNotFound)
	}
	if route.Method != http.MethodGet && route.Method != http.MethodDelete {
		op.Errors = append(op.Errors, http.StatusConflict, http.StatusPreconditionFailed, http.StatusRequestEntityTooLarge,
			http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity)
	}
	if op.DefaultStatus == 0 {
		op.DefaultStatus = http.StatusOK
	}
	return op
}

// problem classifies an error for the caller and logs what only we may see, once.
func (a *API) problem(ctx context.Context, err error) *Problem {
	p := problemOf(err)
	p.TraceID = traceID(ctx)
	switch fault.KindOf(err) {
	case fault.Internal:
		a.opts.Log.ErrorContext(ctx, "request failed", "error", err)
	case fault.Unavailable:
		a.opts.Log.WarnContext(ctx, "request could not be served now", "error", err)
	default: // the caller's own fault
	}
	return p
}

func (a *API) writeProblem(w http.ResponseWriter, r *http.Request, p *Problem) {
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	if err := encode(w, p); err != nil {
		a.opts.Log.DebugContext(r.Context(), "caller left before the answer", "error", err)
	}
}

func health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"status":"ok"}` + "\n"))
}
