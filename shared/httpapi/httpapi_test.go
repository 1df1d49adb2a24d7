package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
)

type line struct {
	Name     string `json:"name" minLength:"1"`
	Quantity int64  `json:"quantity" minimum:"1"`
}

type input struct {
	Body struct {
		Role  string `json:"role"`
		Total int64  `json:"total"`
		Lines []line `json:"lines,omitempty"`
	}
}

type output struct {
	Body struct {
		Role   string `json:"role"`
		Caller string `json:"caller"`
	}
}

// harness is an API with one route, and what it logged.
type harness struct {
	*httpapi.API
	log  *bytes.Buffer
	fail error // what the handler answers with
	ran  int
}

func newAPI(t *testing.T, limit httpapi.Limit) *harness {
	t.Helper()
	h := &harness{log: &bytes.Buffer{}}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	h.API = httpapi.New(httpapi.Options{
		Name: "test", Title: "Test", Authenticate: authenticate, Limit: limit,
		Log: slog.New(slog.NewJSONHandler(h.log, nil)), Now: func() time.Time { return now },
	})
	httpapi.Handle(h.API, httpapi.Route{
		Method: http.MethodPost, Path: "/v1/things/{id}", ID: "put-thing", Summary: "Put a thing", Permission: identity.OrdersWrite,
	}, func(_ context.Context, call httpapi.Call, in *input) (*output, error) {
		h.ran++
		if h.fail != nil {
			return nil, h.fail
		}
		out := &output{}
		out.Body.Role, out.Body.Caller = in.Body.Role, call.Caller.Actor.String()
		return out, nil
	})
	httpapi.Handle(h.API, httpapi.Route{Method: http.MethodGet, Path: "/open", ID: "open", Summary: "Open", Permission: httpapi.Public},
		func(context.Context, httpapi.Call, *struct{}) (*output, error) { return &output{}, nil })
	httpapi.Handle(h.API, httpapi.Route{Method: http.MethodGet, Path: "/broken", ID: "broken", Summary: "Broken", Permission: httpapi.Public},
		func(context.Context, httpapi.Call, *struct{}) (*output, error) {
			return nil, []error{}[len(h.log.String())] // out of range
		})
	return h
}

// authenticate knows five credentials by their names.
func authenticate(_ context.Context, r *http.Request) (identity.Caller, error) {
	caller := identity.Caller{Tenant: "ten_1", Actor: identity.Actor{Kind: identity.KindClient, ID: "cli_1"}}
	switch r.Header.Get("Authorization") {
	case "Bearer writer":
		caller.Scopes = identity.NewScopes(identity.OrdersWrite)
		return caller, nil
	case "Bearer reader":
		caller.Scopes = identity.NewScopes(identity.OrdersRead)
		return caller, nil
	case "Bearer person", "Bearer proven":
		caller.Actor = identity.Actor{Kind: identity.KindUser, ID: "usr_1"}
		caller.Scopes, caller.SteppedUp = identity.NewScopes(identity.OrdersWrite), r.Header.Get("Authorization") == "Bearer proven"
		return caller, nil
	case "Bearer later":
		return caller, fault.New(fault.Unavailable, "keys cannot be read").Because(errors.New("dial tcp 10.0.0.1"))
	}
	return caller, fault.New(fault.Unauthenticated, "the credential does not hold")
}

func (h *harness) post(token, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "/v1/things/7", strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	return h.do(r)
}

func (h *harness) do(r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func problem(t *testing.T, w *httptest.ResponseRecorder) httpapi.Problem {
	t.Helper()
	var p httpapi.Problem
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Fatalf("%d answers with %q: %s", w.Code, got, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("problem %s: %v", w.Body, err)
	}
	if p.Status != w.Code || !strings.HasPrefix(p.Type, "urn:ryggrad:problem:") || len(p.TraceID) != 32 || p.Title == "" {
		t.Errorf("problem is not whole: %s", w.Body)
	}
	return p
}

const good = `{"role":"viewer","total":12,"lines":[{"name":"Soup","quantity":1}]}`

func TestAcceptedRequest(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Limit{})
	w := h.post("writer", good)
	if w.Code != http.StatusOK || strings.TrimSpace(w.Body.String()) != `{"role":"viewer","caller":"client:cli_1"}` {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if !strings.HasPrefix(w.Header().Get("X-Request-Id"), "req_") || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", w.Header())
	}
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)
	for name, c := range map[string]struct {
		body   string
		status int
		where  []string
	}{
		"nothing":                       {``, 400, nil},
		"half a body":                   {`{"role":"vie`, 400, []string{"body.role"}},
		"not JSON":                      {`role=viewer`, 400, []string{"body"}},
		"two values":                    {good + good, 400, []string{"body"}},
		"a name twice":                  {`{"role":"viewer","role":"owner","total":1}`, 400, []string{"body.role"}},
		"a name in capitals":            {`{"role":"viewer","ROLE":"owner","total":1}`, 422, []string{"body.ROLE"}},
		"only in capitals":              {`{"ROLE":"owner","total":1}`, 422, []string{"body.role", "body.ROLE"}},
		"an unknown name":               {`{"role":"viewer","total":1,"admin":true}`, 422, []string{"body.admin"}},
		"invalid UTF-8":                 {"{\"role\":\"\xff\",\"total\":1}", 400, []string{"body.role"}},
		"a fraction":                    {`{"role":"viewer","total":1.5}`, 422, []string{"body.total"}},
		"an exponent":                   {`{"role":"viewer","total":1e2}`, 422, []string{"body.total"}},
		"a number beyond 64 bits":       {`{"role":"viewer","total":9223372036854775808}`, 422, []string{"body.total"}},
		"a number beyond floats":        {`{"role":"viewer","total":1e999}`, 400, []string{"body.total"}},
		"text for a number":             {`{"role":"viewer","total":"12"}`, 422, []string{"body.total"}},
		"nesting without end":           {deep, 400, nil},
		"a list":                        {`[]`, 422, []string{"body"}},
		"every fault at once":           {`{"total":"x","lines":[{"name":"","quantity":0}]}`, 422, []string{"body.role", "body.lines[0].name", "body.lines[0].quantity", "body.total"}},
		"a fault in the second of many": {`{"role":"v","total":1,"lines":[{"name":"a","quantity":1},{"name":"b","quantity":-1}]}`, 422, []string{"body.lines[1].quantity"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newAPI(t, httpapi.Limit{})
			w := h.post("writer", c.body)
			p := problem(t, w)
			if w.Code != c.status || h.ran != 0 {
				t.Errorf("answered %d, ran %d times: %s", w.Code, h.ran, w.Body)
			}
			var where []string
			for _, e := range p.Errors {
				where = append(where, e.Location)
			}
			if diff := cmp.Diff(c.where, where, cmp.Transformer("set", set)); c.where != nil && diff != "" {
				t.Errorf("locations (-want +got):\n%s\n%s", diff, w.Body)
			}
		})
	}
}

func set(s []string) map[string]bool {
	m := map[string]bool{}
	for _, one := range s {
		m[one] = true
	}
	return m
}

func TestProblemsNeverRepeatWhatWasSent(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Limit{})
	for _, body := range []string{
		`{"role":"viewer","total":"Astrid 0701234567"}`, `Astrid 0701234567`, `{"role":"viewer","total":1,"lines":"Astrid 0701234567"}`,
		`{"role":"Astrid 0701234567","role":"Astrid 0701234567"}`,
	} {
		if w := h.post("writer", body); strings.Contains(w.Body.String(), "Astrid") || strings.Contains(h.log.String(), "Astrid") {
			t.Errorf("%s is repeated in %s or in the log", body, w.Body)
		}
	}
}

func TestFaultsWithoutEndAreToldInPart(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Limit{})
	var body strings.Builder
	body.WriteString(`{"role":"viewer","total":1`)
	for i := range 20_000 {
		fmt.Fprintf(&body, `,"unknown%d":1`, i)
	}
	w := h.post("writer", body.String()+"}")
	if p := problem(t, w); w.Code != http.StatusUnprocessableEntity || len(p.Errors) != 101 {
		t.Errorf("answered %d with %d faults", w.Code, len(p.Errors))
	}
	w = h.post("writer", `{"role":"viewer","total":1,"`+strings.Repeat("n", 100_000)+`":1}`)
	if problem(t, w); w.Body.Len() > 2000 {
		t.Errorf("a long name is told in %d bytes", w.Body.Len())
	}
}

func TestQueriesThatCannotBeReadAreRefused(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Limit{})
	for _, query := range []string{"%zz", "a;b", "limit=1&limit=2"} {
		if w := h.do(httptest.NewRequest(http.MethodGet, "/open?"+query, nil)); w.Code != http.StatusBadRequest {
			t.Errorf("%s is answered %d %s", query, w.Code, w.Body)
		}
	}
}

func TestBodySize(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Limit{})
	pad := func(size int) string {
		return good[:len(good)-1] + strings.Repeat(" ", size-len(good)) + "}"
	}
	if w := h.post("writer", pad(httpapi.MaxBody)); w.Code != http.StatusOK {
		t.Errorf("a body of the limit is answered %d: %s", w.Code, w.Body)
	}
	if w := h.post("writer", pad(httpapi.MaxBody+1)); w.Code != http.StatusRequestEntityTooLarge || problem(t, w).Type != "urn:ryggrad:problem:too-large" {
		t.Errorf("a byte more is answered %d: %s", w.Code, w.Body)
	}
	r := httptest.NewRequest(http.MethodPost, "/v1/things/7", io.MultiReader(strings.NewReader(`{"role":`), broken{}))
	r.Header.Set("Authorization", "Bearer writer")
	if w := h.do(r); w.Code != http.StatusBadRequest {
		t.Errorf("a body that breaks off is answered %d: %s", w.Code, w.Body)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestCredentialAndPermissionComeBeforeTheBody(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Limit{})
	for token, status := range map[string]int{
		"nobody": http.StatusUnauthorized, "reader": http.StatusForbidden, "later": http.StatusServiceUnavailable,
	} {
		w := h.post(token, `{"role":1}`)
		if w.Code != status || len(problem(t, w).Errors) != 0 || h.ran != 0 {
			t.Errorf("%s is answered %d: %s", token, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "10.0.0.1") {
			t.Errorf("the cause is told: %s", w.Body)
		}
	}
	if got := h.post("nobody", good).Header().Get("WWW-Authenticate"); !strings.HasPrefix(got, "Bearer") {
		t.Errorf("WWW-Authenticate is %q", got)
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Limit{})
	if w := h.do(httptest.NewRequest(http.MethodGet, "/nowhere", nil)); w.Code != http.StatusNotFound || problem(t, w).Type != "urn:ryggrad:problem:not-found" {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	w := h.do(httptest.NewRequest(http.MethodDelete, "/v1/things/7", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
		t.Errorf("answered %d, allows %q: %s", w.Code, w.Header().Get("Allow"), w.Body)
	}
	problem(t, w)
}

func TestUnknownQueriesAndMediaTypesAreRefused(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Limit{})
	if w := h.do(httptest.NewRequest(http.MethodGet, "/open?tenant=ten_2", nil)); w.Code != http.StatusUnprocessableEntity {
		t.Errorf("an unknown query is answered %d: %s", w.Code, w.Body)
	}
	r := httptest.NewRequest(http.MethodPost, "/v1/things/7", strings.NewReader(good))
	r.Header.Set("Authorization", "Bearer writer")
	r.Header.Set("Content-Type", "text/plain")
	if w := h.do(r); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("text is answered %d: %s", w.Code, w.Body)
	}
}

func TestFaultsOfTheHandler(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
		detail string
		retry  string
	}{
		"a rule refused":        {fault.New(fault.Conflict, "order x is taken"), 409, "order x is taken", ""},
		"a dependency failed":   {fault.New(fault.Unavailable, "busy").Because(io.EOF).After(1500 * time.Millisecond), 503, "busy", "2"},
		"its time ran out":      {fmt.Errorf("read x: %w", context.DeadlineExceeded), 503, "this took too long; try again", ""},
		"an unclassified error": {errors.New("pq: password of guest@example.com"), 500, "something went wrong here; it is logged under the trace id", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newAPI(t, httpapi.Limit{})
			h.fail = c.err
			w := h.post("writer", good)
			if p := problem(t, w); w.Code != c.status || p.Detail != c.detail || w.Header().Get("Retry-After") != c.retry {
				t.Errorf("answered %d, Retry-After %q: %s", w.Code, w.Header().Get("Retry-After"), w.Body)
			}
		})
	}
}

func TestPanicIsOneRequestsFailure(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Limit{})
	w := h.do(httptest.NewRequest(http.MethodGet, "/broken", nil))
	if problem(t, w); w.Code != http.StatusInternalServerError || !strings.Contains(h.log.String(), `"stack"`) {
		t.Errorf("answered %d %s, logged %s", w.Code, w.Body, h.log)
	}
}

func TestTraceIsContinued(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Limit{})
	r := httptest.NewRequest(http.MethodGet, "/nowhere", nil)
	r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	if p := problem(t, h.do(r)); p.TraceID != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("trace is %s", p.TraceID)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Limit{PerSecond: 0.5, Burst: 2})
	for i, want := range []struct {
		status int
		limit  string
	}{{200, `"default";r=1;t=2`}, {200, `"default";r=0;t=4`}, {429, `"default";r=0;t=2`}} {
		w := h.post("writer", good)
		if w.Code != want.status || w.Header().Get("RateLimit") != want.limit || w.Header().Get("RateLimit-Policy") != `"default";q=2;w=4` {
			t.Errorf("request %d is answered %d, %v", i, w.Code, w.Header())
		}
		if w.Code == http.StatusTooManyRequests && w.Header().Get("Retry-After") != "2" {
			t.Errorf("Retry-After is %q", w.Header().Get("Retry-After"))
		}
	}
	for range 3 {
		if w := h.post("nobody", good); w.Code != http.StatusUnauthorized && w.Code != http.StatusTooManyRequests {
			t.Errorf("a guesser is answered %d", w.Code)
		}
	}
	if w := h.post("nobody", good); w.Code != http.StatusTooManyRequests {
		t.Errorf("a guesser may go on: %d", w.Code)
	}
}

func TestDescriptionNamesEveryRouteAndItsPermission(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Limit{})
	w := h.do(httptest.NewRequest(http.MethodGet, "/openapi/test.json", nil))
	var doc struct {
		OpenAPI string                                                         `json:"openapi"`
		Paths   map[string]map[string]struct{ Security []map[string][]string } `json:"paths"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	got := doc.Paths["/v1/things/{id}"]["post"].Security
	if diff := cmp.Diff([]map[string][]string{{"bearer": {"orders:write"}}, {"signature": {"orders:write"}}}, got); diff != "" || !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("OpenAPI %s, security (-want +got):\n%s", doc.OpenAPI, diff)
	}
}

func TestMergedDescriptions(t *testing.T) {
	t.Parallel()
	one := func(path, schema string) []byte {
		return []byte(`{"openapi":"3.1.0","paths":{"` + path + `":{}},"components":{"schemas":{"Order":` + schema + `}}}`)
	}
	text, err := httpapi.Merge("Hub", "All of it", one("/a", `{"type":"object"}`), one("/b", `{ "type": "object" }`))
	if err != nil || !strings.Contains(string(text), `"/a"`) || !strings.Contains(string(text), `"/b"`) {
		t.Errorf("merged %s: %v", text, err)
	}
	for name, docs := range map[string][2][]byte{
		"one path twice":           {one("/a", `{}`), one("/a", `{}`)},
		"one name for two schemas": {one("/a", `{}`), one("/b", `{"type":"object"}`)},
		"something unreadable":     {one("/a", `{}`), []byte(`{`)},
	} {
		if _, err := httpapi.Merge("Hub", "", docs[0], docs[1]); err == nil {
			t.Errorf("%s was merged", name)
		}
	}
}

func FuzzBody(f *testing.F) {
	for _, seed := range []string{good, `{"role":"viewer","ROLE":"owner"}`, `[[[[`, "{\"\xff\":1}", `{"total":1e999}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		h := newAPI(t, httpapi.Limit{})
		w := h.post("writer", body)
		if w.Code >= 500 {
			t.Errorf("%q is answered %d %s", body, w.Code, w.Body)
		}
		if (w.Code == http.StatusOK) != (h.ran == 1) {
			t.Errorf("%q is answered %d and ran %d times", body, w.Code, h.ran)
		}
	})
}

func TestADangerousRouteAsksPeopleForARecentProof(t *testing.T) {
	t.Parallel()
	h := newAPI(t, httpapi.Limit{})
	httpapi.Handle(h.API, httpapi.Route{
		Method: http.MethodDelete, Path: "/v1/things/{id}", ID: "remove-thing", Summary: "Remove a thing",
		Permission: identity.OrdersWrite, StepUp: true, Status: http.StatusNoContent,
	}, func(context.Context, httpapi.Call, *struct {
		ID string `path:"id"`
	}) (*struct{}, error) {
		return &struct{}{}, nil
	})
	for token, want := range map[string]int{"person": 401, "proven": 204, "writer": 204, "reader": 403, "nobody": 401} {
		r := httptest.NewRequest(http.MethodDelete, "/v1/things/7", nil)
		r.Header.Set("Authorization", "Bearer "+token)
		w := h.do(r)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", token, w.Code, want)
		}
		if token == "person" && (problem(t, w).Type != "urn:ryggrad:problem:step-up" ||
			!strings.Contains(w.Header().Get("WWW-Authenticate"), `error="insufficient_user_authentication"`)) {
			t.Errorf("%s: %s %v", token, w.Body, w.Header())
		}
	}
}
