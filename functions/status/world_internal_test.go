package status

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/incident"
	"ryggrad.internal/hub/shared/incident/incidentdb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

// TestMain keeps log lines out of the tests' output.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// world is a hub with a tenant, whose functions answer as the test says, and a clock that the test moves.
type world struct {
	t      testing.TB
	cloud  *cloudtest.Cloud
	hub    *hub.Hub
	deps   deps
	tenant string
	sum    *summarizer
	ears   *listener
	pages  http.Handler

	mu     sync.Mutex
	now    time.Time
	silent map[string]bool // functions that do not answer
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{t: tb, cloud: cloudtest.Start(tb), now: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC), silent: map[string]bool{}}
	others := httptest.NewServer(http.HandlerFunc(w.answer))
	tb.Cleanup(others.Close)
	env := gcp.Env(w.cloud.Env())
	env["RYGGRAD_BASE_URL"], env["RYGGRAD_SECURITY_EXPIRES"] = others.URL, "2027-01-01T00:00:00Z"
	env["RYGGRAD_REGIONS"] = "europe-north1=" + others.URL
	cfg, err := gcp.Load[config](env)
	w.must(err)
	cfg.DialOptions = w.cloud.DialOptions()
	w.hub, err = hub.Open(tb.Context(), cfg.Config, slog.New(slog.DiscardHandler))
	w.must(err)
	tb.Cleanup(func() { w.must(w.hub.Close()) })
	w.hub.Now = w.time
	w.open(cfg)
	tenant, err := w.deps.identities.CreateTenant(tb.Context(), ledgerdb.Act{Actor: identity.Actor{Kind: identity.KindOperator, ID: "test"}}, "Group")
	w.must(err)
	w.tenant = tenant.ID
	return w
}

func (w *world) open(cfg config) {
	w.t.Helper()
	store, err := objects.Open(w.t.Context(), cfg.Config, nil)
	w.must(err)
	table, err := functions.Table()
	w.must(err)
	ledger := w.hub.Ledger
	w.deps = deps{
		cfg: cfg, ledger: ledger, identities: w.hub.Identities(), evidence: evidencedb.New(ledger), copies: store.Bucket(cfg.StatusBucket),
		incidents: incidentdb.New(incidentdb.Options{Ledger: ledger, Keys: w.hub.Keys, Tenants: w.hub.Identities(), Now: w.time, Random: w.hub.Random}),
		table:     table, client: http.DefaultClient, now: w.time, log: slog.New(slog.DiscardHandler),
	}
	w.sum, err = newSummarizer(w.deps)
	w.must(err)
	w.ears = &listener{w.deps}
	w.serve()
}

// serve is another instance of the function.
func (w *world) serve() {
	w.t.Helper()
	opts := w.hub.API(w.deps.cfg.Limits)
	opts.Now = w.time
	var err error
	w.pages, err = newHandler(w.deps, opts)
	w.must(err)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

// pass lets time go by.
func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// silence makes functions answer no more.
func (w *world) silence(names ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.silent = map[string]bool{}
	for _, n := range names {
		w.silent[n] = true
	}
}

// answer plays the hub's other functions.
func (w *world) answer(out http.ResponseWriter, r *http.Request) {
	name := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/openapi/"), ".json")
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.silent[name] {
		out.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	_, _ = out.Write([]byte(`{"openapi":"3.1.0","info":{},"paths":{"/` + name + `":{}},"components":{}}`))
}

// minute lets the summarizer run, a minute later.
func (w *world) minute() {
	w.t.Helper()
	w.pass(time.Minute)
	w.must(w.sum.run(w.t.Context(), event.Message{}))
}

func (w *world) record(kind evidence.Kind, age time.Duration, facts map[string]any) {
	w.t.Helper()
	w.must(w.deps.evidence.Record(w.t.Context(), kind, w.time().Add(-age), facts))
}

// publish gives the listener a message, as Pub/Sub does.
func (w *world) publish(id, data string) error {
	return w.ears.hear(w.t.Context(), event.Message{ID: id, Subscription: "projects/p/subscriptions/alerts", Data: []byte(data)})
}

func (w *world) operator() ledgerdb.Act {
	return ledgerdb.Act{Actor: identity.Actor{Kind: identity.KindOperator, ID: "kim"}}
}

func (w *world) say(said incidentdb.Said) incident.Incident {
	w.t.Helper()
	i, err := w.deps.incidents.Say(w.t.Context(), w.operator(), said)
	w.must(err)
	return i
}

// get asks the function; header is name and value in turn.
func (w *world) get(path string, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	return w.send(http.MethodGet, path, "", header...)
}

func (w *world) send(method, path, body string, header ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequestWithContext(context.WithoutCancel(w.t.Context()), method, path, strings.NewReader(body))
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.pages.ServeHTTP(rec, r)
	return rec
}

// facts asks for a page's facts.
func facts[T any](w *world, path string) (body T) {
	w.t.Helper()
	rec := w.get(path, "Accept", "application/json")
	if rec.Code != http.StatusOK {
		w.t.Fatalf("%s is answered %d %s", path, rec.Code, rec.Body)
	}
	w.must(json.NewDecoder(bytes.NewReader(rec.Body.Bytes())).Decode(&body))
	return body
}
