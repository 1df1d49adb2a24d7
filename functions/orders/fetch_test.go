package orders

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/channel/platformapi"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/localcloud/wire"
	"ryggrad.internal/hub/shared/webhook"
	"ryggrad.internal/hub/shared/webhook/outbound"
)

const commitCall = "/google.firestore.v1.Firestore/Commit"

// vendor is a platform written from its documents: it gives tokens for the right credentials, and an order to who has one
// that it still knows.
type vendor struct {
	*httptest.Server
	tokenPath, orderPath string
	order                []byte

	mu         sync.Mutex
	answers    []int // the statuses to answer requests for the order with, the last one for ever
	retryAfter string
	given      int    // tokens
	known      string // the token that lets in
	asked      int    // for the order
}

func newVendor(t *testing.T, c vendorCase) *vendor {
	t.Helper()
	v := &vendor{tokenPath: c.tokens, orderPath: c.orders, answers: []int{200}, order: alone(t, fixture(t, c.adapter, c.order))}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.URL.Path == v.tokenPath && r.Method == http.MethodPost:
		_ = r.ParseForm() // a form that cannot be read has no credentials
		if either(r.PostForm, "client_id", "clientId") != "us" || either(r.PostForm, "client_secret", "clientSecret") != "hush" ||
			either(r.PostForm, "grant_type", "grantType") != "client_credentials" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		v.given++
		v.known = fmt.Sprint("token-", v.given)
		fmt.Fprintf(w, `{"access_token":%q,"accessToken":%q,"expires_in":3600,"expiresIn":3600}`, v.known, v.known)
	case r.URL.Path != v.orderPath || r.Method != http.MethodGet:
		w.WriteHeader(http.StatusNotFound)
	case !v.letsIn(r.Header):
		w.WriteHeader(http.StatusUnauthorized)
	default:
		v.asked++
		status := v.answers[0]
		if len(v.answers) > 1 {
			v.answers = v.answers[1:]
		}
		if v.retryAfter != "" && status != 200 {
			w.Header().Set("Retry-After", v.retryAfter)
		}
		w.WriteHeader(status)
		if status == 200 {
			_, _ = w.Write(v.order) // the hub may have left
		}
	}
}

// letsIn knows the token that was given last; where none is given, the one for good.
func (v *vendor) letsIn(h http.Header) bool {
	known := v.known
	if v.tokenPath == "" {
		known = "for-good"
	}
	return h.Get("Authorization") == "Bearer "+known || v.tokenPath == "" && h.Get("X-Access-Token") == known
}

func either(form map[string][]string, names ...string) string {
	for _, name := range names {
		if values := form[name]; len(values) == 1 {
			return values[0]
		}
	}
	return ""
}

// answer changes how requests for the order are answered, and forgets the counts.
func (v *vendor) answer(retryAfter string, statuses ...int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answers, v.retryAfter, v.asked = statuses, retryAfter, 0
}

func (v *vendor) counts() (given, asked int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.given, v.asked
}

// revoke has the platform forget the token that it gave.
func (v *vendor) revoke() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.known = "revoked"
}

func fixture(t *testing.T, adapter, name string) []byte {
	t.Helper()
	body, err := os.ReadFile(filepath.Join("..", "..", "shared", "channel", "testdata", adapter, name))
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// alone returns the order that an event carries; what is no event is the order.
func alone(t *testing.T, body []byte) []byte {
	t.Helper()
	var event struct {
		Metadata struct {
			Payload json.RawMessage `json:"payload"`
		} `json:"metadata"`
	}
	if err := json.Unmarshal(body, &event); err != nil {
		t.Fatal(err)
	}
	if len(event.Metadata.Payload) > 0 {
		return event.Metadata.Payload
	}
	return body
}

// vendorCase is a platform whose webhooks only tell of orders.
type vendorCase struct {
	adapter, notice, order string
	tokens, orders         string
}

func vendorCases() []vendorCase {
	return []vendorCase{
		{"ubereats", "notice.json", "fetched_delivery.json", "/oauth/v2/token", "/v2/eats/order/8d2d6f0e-53d0-4f7e-9a52-6d0c7a1e9f10"},
		{"ifood", "notice.json", "fetched_delivery.json", "/authentication/v1.0/oauth/token", "/order/v1.0/orders/5b2c9d10-2222-4333-8444-555566667777"},
		{"opendelivery", "notice.json", "fetched_version1.json", "/oauth/token", ""},
		{"hubrise", "orders_passive.json", "fetched_order.json", "", "/v1/locations/{location}/orders/{order}"},
		{"otter", "notice.json", "carried.json", "/v1/auth/token", "/v1/orders/ot-9001"},
		{"square", "created.json", "fetched_pickup.json", "", "/v2/orders/sqOrder1"},
	}
}

// fetching is a world with a link to a vendor and a clock of its own.
type fetching struct {
	*world
	vendor  *vendor
	link    string
	vcase   vendorCase
	notice  []byte
	clock   time.Time
	handler http.Handler
	fetcher *fetcher
	paused  time.Duration
	log     logged
}

// logged is what was logged.
type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// times counts how often something was logged.
func (l *logged) times(message string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), message)
}

func newFetching(t *testing.T, c vendorCase) *fetching {
	t.Helper()
	w := newWorld(t)
	f := &fetching{world: w, vcase: c, clock: time.Now().UTC().Truncate(time.Microsecond), notice: fixture(t, c.adapter, c.notice)}
	var told struct {
		Order    string `json:"order_id"`
		Location string `json:"location_id"`
		URL      string `json:"orderURL"`
	}
	w.must(json.Unmarshal(f.notice, &told))
	c.orders = strings.NewReplacer("{location}", told.Location, "{order}", told.Order).Replace(c.orders)
	if told.URL != "" {
		_, rest, _ := strings.Cut(told.URL, "://")
		_, rest, _ = strings.Cut(rest, "/")
		c.orders = "/" + rest
	}
	f.vendor = newVendor(t, c)
	if told.Order != "" { // the two fixtures are of different orders
		var fetched map[string]any
		w.must(json.Unmarshal(f.vendor.order, &fetched))
		fetched["id"] = told.Order
		var err error
		f.vendor.order, err = json.Marshal(fetched)
		w.must(err)
	}
	f.notice = []byte(strings.Replace(string(f.notice), told.URL, f.vendor.URL+c.orders, 1))
	if told.URL == "" {
		f.notice = fixture(t, c.adapter, c.notice)
	}
	link, err := w.store.CreateLink(t.Context(), w.by, identity.Link{
		Adapter: c.adapter, Locations: []identity.LinkedLocation{{Location: w.location}},
		Options: map[string]string{"api": f.vendor.URL}, Policy: identity.Policy{OnDeadline: identity.DeadlineExpire}, Enabled: true,
	}, identity.LinkSecrets{
		{Name: identity.WebhookSecret, Value: webhookSecret}, {Name: "clientId", Value: "us"}, {Name: "clientSecret", Value: "hush"},
		{Name: "token", Value: "for-good"},
	})
	w.must(err)
	f.link = link.ID
	f.restart()
	return f
}

// restart gives the world what a new process has.
func (f *fetching) restart() {
	f.t.Helper()
	cfg, err := gcp.Load[config](f.Env())
	f.must(err)
	cfg.DialOptions, cfg.AllowLoopback = f.DialOptions(), true
	cfg.PerSecond, cfg.Burst = 1e6, 1e6
	h, d, err := assemble(f.t.Context(), cfg)
	f.must(err)
	f.t.Cleanup(func() { _ = h.Close() })
	d.now = func() time.Time { return f.clock }
	d.fetches = d.fetches.With(d.now)
	d.api.Log = slog.New(slog.NewJSONHandler(&f.log, nil))
	f.handler = newHandler(d)
	client := outbound.New(outbound.Options{Policy: webhook.Policy{AllowLoopback: true}, Limit: time.Minute})
	f.fetcher = &fetcher{
		server: &server{deps: d}, platforms: platformapi.New(client, d.now), log: d.api.Log,
		notices: deliverydb.New(deliverydb.Options{Ledger: h.Ledger, Keys: h.Keys, Now: d.now, Random: h.Random}),
		pause:   func(_ context.Context, d time.Duration) { f.paused += d },
	}
}

// renameEvent gives the notice another event id.
func (f *fetching) renameEvent(id string) {
	f.t.Helper()
	var n map[string]any
	f.must(json.Unmarshal(f.notice, &n))
	n["event_id"] = id
	var err error
	f.notice, err = json.Marshal(n)
	f.must(err)
}

func (f *fetching) tell() answer {
	f.t.Helper()
	return f.platform().send(f.platform().adapter.Paths[0], string(f.notice), webhookSecret)
}

// platform sends by the world's link.
func (f *fetching) platform() partner {
	a, _ := channel.Named(f.vcase.adapter)
	return partner{world: f.world, h: f.handler, adapter: a, link: f.link}
}

// run hands every announced fetch to the function.
func (f *fetching) run(ctx context.Context) error {
	f.t.Helper()
	var failed error
	for _, m := range f.Published(f.t, event.TopicFetches) {
		if err := f.fetcher.fetch(ctx, event.Message{ID: "1", Data: m.Data}); err != nil {
			failed = err
		}
	}
	return failed
}

func (f *fetching) expect(what string, orders, queued, notices int) {
	f.t.Helper()
	given := 0
	docs, err := f.db.Collection("events").Documents(f.t.Context()).GetAll()
	f.must(err)
	for _, d := range docs {
		if d.Data()["type"] == "notice.created" {
			given++
		}
	}
	if f.count("orders") != orders || f.count("fetchQueue") != queued || given != notices {
		f.t.Errorf("%s: %d orders, %d queued, %d notices; want %d, %d, %d", what, f.count("orders"), f.count("fetchQueue"), given, orders, queued, notices)
	}
}

func TestAnOrderThatWasOnlyToldOfIsFetched(t *testing.T) {
	t.Parallel()
	for _, c := range vendorCases() {
		t.Run(c.adapter, func(t *testing.T) {
			t.Parallel()
			f := newFetching(t, c)
			for range 2 { // it comes twice
				if a := f.tell(); a.status/100 != 2 {
					t.Fatalf("the webhook is answered %d %s", a.status, a.text)
				}
			}
			if got := len(f.Published(t, event.TopicFetches)); got != 1 {
				t.Errorf("%d announcements", got)
			}
			f.expect("before", 0, 1, 0)
			for range 2 { // so does its announcement
				if err := f.run(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			f.expect("after", 1, 0, 0)
			if _, asked := f.vendor.counts(); asked != 1 || f.count("originals") != 1 || f.count("fetches") != 1 {
				t.Errorf("asked %d times, %d originals", asked, f.count("originals"))
			}
			acts := map[string]int{}
			docs, err := f.db.Collection("audit").Documents(t.Context()).GetAll()
			f.must(err)
			for _, d := range docs {
				action, _ := d.Data()["action"].(string)
				acts[action]++
			}
			if acts["order.refer"] != 1 || acts["order.receive"] != 1 {
				t.Errorf("audit: %v", acts)
			}
		})
	}
}

func TestAReferenceIsOneCommitAndOnePublish(t *testing.T) {
	t.Parallel()
	f := newFetching(t, vendorCases()[0])
	f.tell()
	f.renameEvent("another")
	f.Calls.Reset()
	if a := f.tell(); a.status != http.StatusOK {
		t.Fatalf("answered %d", a.status)
	}
	var names []string
	for name, n := range f.Calls.Snapshot() {
		names = append(names, fmt.Sprint(name[strings.LastIndexByte(name, '/')+1:], n))
	}
	if len(names) != 2 || !strings.Contains(fmt.Sprint(names), "Commit1") || !strings.Contains(fmt.Sprint(names), "Publish1") {
		t.Errorf("calls: %v", names)
	}
}

func TestAPlatformThatIsAwayIsAskedUntilTheDeadline(t *testing.T) {
	t.Parallel()
	f := newFetching(t, vendorCases()[0])
	f.tell()
	f.vendor.answer("", 503)
	f.must(f.run(t.Context()))
	if _, asked := f.vendor.counts(); asked != 3 || f.paused != 5*time.Second {
		t.Errorf("asked %d times in the first run, paused %s", asked, f.paused)
	}
	f.must(f.run(t.Context()))
	if _, asked := f.vendor.counts(); asked != 3 {
		t.Error("asked again before its time")
	}
	f.clock = f.clock.Add(2 * time.Minute)
	f.vendor.answer("", 500, 200)
	f.must(f.run(t.Context()))
	f.expect("when it is back", 1, 0, 0)
}

// The function's own time may be over before the order's is.
func TestAFetchThatRunsOutOfTimeIsPutOff(t *testing.T) {
	t.Parallel()
	f := newFetching(t, vendorCases()[0])
	f.tell()
	f.vendor.answer("", 503)
	ctx, end := context.WithCancel(t.Context())
	f.fetcher.pause = func(context.Context, time.Duration) { end() }
	f.must(f.run(ctx))
	f.expect("when time is over", 0, 1, 0)
	f.clock = f.clock.Add(2 * time.Minute)
	f.vendor.answer("", 200)
	f.must(f.run(t.Context()))
	f.expect("the next time", 1, 0, 0)
}

func TestAfterTheDeadlineSomebodyIsTold(t *testing.T) {
	t.Parallel()
	f := newFetching(t, vendorCases()[0])
	f.tell()
	f.vendor.answer("", 404)
	for range 14 { // minutes
		f.must(f.run(t.Context()))
		f.clock = f.clock.Add(time.Minute)
	}
	f.expect("in the end", 0, 0, 1)
	f.vendor.answer("", 200)
	f.must(f.run(t.Context()))
	if _, asked := f.vendor.counts(); asked != 0 {
		t.Error("what was given up is asked for")
	}
}

func TestAPlatformThatAsksForPatienceGetsIt(t *testing.T) {
	t.Parallel()
	f := newFetching(t, vendorCases()[1])
	f.tell()
	f.vendor.answer("150", 429)
	f.must(f.run(t.Context()))
	f.clock = f.clock.Add(149 * time.Second)
	f.must(f.run(t.Context()))
	if _, asked := f.vendor.counts(); asked != 1 || f.paused != 0 {
		t.Errorf("asked %d times, paused %s", asked, f.paused)
	}
	f.vendor.answer("", 200)
	f.clock = f.clock.Add(time.Second)
	f.must(f.run(t.Context()))
	f.expect("after that", 1, 0, 0)
}

func TestTokensAreKeptAndReplaced(t *testing.T) {
	t.Parallel()
	f := newFetching(t, vendorCases()[0])
	again := func(id string) {
		t.Helper()
		f.renameEvent(id)
		f.tell()
		f.must(f.run(t.Context()))
	}
	for i, c := range []struct {
		before func()
		given  int
	}{
		{func() {}, 1},
		{func() {}, 1},
		{func() { f.vendor.revoke() }, 2},
		{func() { f.clock = f.clock.Add(59 * time.Minute) }, 3},
	} {
		c.before()
		again(fmt.Sprint("e", i))
		if given, asked := f.vendor.counts(); given != c.given || asked != i+1 {
			t.Errorf("step %d: %d tokens, asked %d times", i, given, asked)
		}
	}
}

func TestAnOrderSaidToBeElsewhereIsGivenUpAtOnce(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*fetching){
		"another's host": func(f *fetching) {
			f.notice = []byte(strings.Replace(string(f.notice), f.vendor.URL, "https://evil.example", 1))
		},
		"a metadata host": func(f *fetching) {
			f.notice = []byte(strings.Replace(string(f.notice), f.vendor.URL, "http://169.254.169.254", 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFetching(t, vendorCases()[2])
			spoil(f)
			f.tell()
			f.must(f.run(t.Context()))
			f.expect(name, 0, 0, 1)
		})
	}
}

// Every commit on the way of a fetch fails, succeeds without telling, or takes the process with it; what is left behind
// comes again.
func TestAFetchSurvivesWhateverHappensToItsCommits(t *testing.T) {
	t.Parallel()
	broken := status.Error(codes.Aborted, "wire: broken")
	for name, f := range map[string]wire.Fault{
		"fails": {Before: broken}, "succeeds without telling": {After: broken}, "is repeated": {After: wire.Unavailable()},
	} {
		for nth := 1; nth <= 4; nth++ {
			t.Run(fmt.Sprint(name, " at commit ", nth), func(t *testing.T) {
				t.Parallel()
				w := newFetching(t, vendorCases()[0])
				w.Faults.Set(wire.Nth(commitCall, nth, f))
				for try := 0; w.tell().status != http.StatusOK && try < 3; try++ { // the platform sends again
					w.restart()
				}
				for range 6 {
					_ = w.run(t.Context()) // Pub/Sub or the relay brings it again
					w.restart()
					w.clock = w.clock.Add(time.Minute)
					w.announceLeft()
				}
				w.expect(name, 1, 0, 0)
			})
		}
	}
}

// announceLeft does what the relay does.
func (f *fetching) announceLeft() {
	f.t.Helper()
	due, err := f.fetcher.server.fetches.Due(f.t.Context(), f.clock, 10)
	f.must(err)
	for _, one := range due {
		f.must(f.fetcher.server.referrals.Publish(f.t.Context(), event.Announcement{Tenant: one.Tenant, Event: one.ID}))
	}
}

func TestTheFetchFunctionIsBuiltFromItsEnvironment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h, err := BuildFetch(t.Context(), w.Env())
	w.must(err)
	push := `{"message":{"data":"eyJ0ZW5hbnQiOiJ0IiwiZXZlbnQiOiJmZXRfeCJ9","messageId":"1"},"subscription":"s"}`
	if a := call(t, h, http.MethodPost, "/", "", []byte(push)); a.status != http.StatusNoContent {
		t.Errorf("a fetch that is not there: %d %s", a.status, a.text)
	}
}
