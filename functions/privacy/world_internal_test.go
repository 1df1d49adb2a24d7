package privacy

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/channel/channeldb"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/order/orderdb"
	"ryggrad.internal/hub/shared/privacy/privacydb"
)

// The guest of the tests: none of this may be found anywhere in plain.
const (
	guestName  = "Alva Lindqvist-Zorn"
	guestPhone = "+46701740605"
	guestEmail = "alva.zorn@example.com"
	guestNote  = "ring at the yellow gate"
)

const (
	tenantA = "ten_aaaaaaaaaaaaaaaaaaaaaaaaaa"
	tenantB = "ten_baaaaaaaaaaaaaaaaaaaaaaaaa"
	linkA   = "lnk_aaaaaaaaaaaaaaaaaaaaaaaaaa"
)

// world is a project with both functions, two tenants, and a clock that the test moves.
type world struct {
	*cloudtest.Cloud
	t        testing.TB
	db       *firestore.Client // looks on
	ledger   *ledgerdb.Store
	orders   *orderdb.Store
	messages *channeldb.Store
	store    *privacydb.Store
	erasures objects.Bucket
	clerk    *clerk
	api      http.Handler
	log      lockedBuffer

	retention identity.Retention // of every tenant

	mu  sync.Mutex
	now time.Time
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{Cloud: cloudtest.Start(t), t: t, now: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}
	w.db = w.Firestore(t)
	w.restart(nil)
	return w
}

// restart gives the functions clients and memory of their own, as a new process has. A transport that is not nil is used
// towards the buckets.
func (w *world) restart(transport http.RoundTripper) {
	w.t.Helper()
	log := slog.New(slog.NewJSONHandler(&w.log, nil))
	db := w.Firestore(w.t, w.DialOptions()...)
	var err error
	w.ledger, err = ledgerdb.New(ledgerdb.Options{Firestore: db, Commits: w.Commits(w.t, w.DialOptions()...), Now: w.Now, Random: rand.Reader, Log: log})
	w.must(err)
	keys := envelopedb.New(envelopedb.Options{Firestore: db, KMS: w.KMS(w.t, w.DialOptions()...), KeyName: w.Key("tenant-keys"), Now: w.Now, Log: log})
	retention := func(context.Context, string) (identity.Retention, error) { return w.retention, nil }
	w.orders = orderdb.New(orderdb.Options{Ledger: w.ledger, Keys: keys, Now: w.Now, Random: rand.Reader, Retention: retention})
	w.messages = channeldb.New(channeldb.Options{Ledger: w.ledger, Keys: keys, Now: w.Now, Random: rand.Reader, Retention: retention})
	deliveries := deliverydb.New(deliverydb.Options{Ledger: w.ledger, Keys: keys, Now: w.Now, Random: rand.Reader})
	w.store = privacydb.New(privacydb.Options{
		Ledger: w.ledger, Keys: keys, Orders: w.orders, Messages: w.messages, Deliveries: deliveries, Now: w.Now, Random: rand.Reader,
	})
	cfg, err := gcp.Load[gcp.Config](w.Env())
	w.must(err)
	buckets, err := objects.Open(w.t.Context(), cfg, transport)
	w.must(err)
	cloud := gcp.Open(cfg)
	w.t.Cleanup(func() { _ = cloud.Close() })
	topic, err := cloud.Publisher(w.t.Context(), event.TopicSubjects)
	w.must(err)
	w.erasures = buckets.Bucket(localcloud.ErasuresBucket(w.Project))
	w.clerk = &clerk{store: w.store, erasures: w.erasures, log: log}
	w.api = newHandler(deps{
		store: w.store, announcer: event.Announcer{Topic: topic, Log: log, Patience: cloudtest.Patience}, now: w.Now,
		api: httpapi.Options{Authenticate: authenticate, Limit: httpapi.Limits{PerSecond: 1e6, Burst: 1e6}.Limit(), Log: log, Now: w.Now},
	})
}

// authenticate takes a bearer's name for who calls.
func authenticate(_ context.Context, r *http.Request) (identity.Caller, error) {
	every := identity.Locations{identity.EveryLocation}
	caller := identity.Caller{
		Tenant: tenantA, Actor: identity.Actor{Kind: identity.KindUser, ID: "usr_1"}, Role: identity.Owner, SteppedUp: true,
		Scopes: identity.NewScopes(identity.SubjectsExport, identity.SubjectsErase), Locations: every, Credential: "ses_1",
	}
	switch strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") {
	case "owner":
	case "other tenant":
		caller.Tenant = tenantB
	case "unproven":
		caller.SteppedUp = false
	case "one location":
		caller.Locations = identity.Locations{"loc_1"}
	case "program":
		caller.Actor = identity.Actor{Kind: identity.KindClient, ID: "cli_1"}
	default:
		return identity.Caller{}, fault.New(fault.Unauthenticated, "who is this")
	}
	return caller, nil
}

// Now is the world's clock.
func (w *world) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) wait(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// customer is the guest, as an order names them.
func customer() *order.Customer {
	return &order.Customer{Name: guestName, Phone: guestPhone, Email: guestEmail}
}

// place takes an order in from a channel, with its original, and returns its id.
func (w *world) place(tenant, number string, c *order.Customer) string {
	w.t.Helper()
	o := order.Order{
		ChannelOrderID: number, DisplayID: number, Location: "loc_1", Type: order.Delivery, PlacedAt: "2026-03-01T18:04:05+01:00",
		Currency: "SEK", Items: []order.Item{{PLU: "P", Name: "Pizza", Quantity: 1, UnitPrice: 100, Note: guestNote}}, Total: 100,
		Payment: order.Payment{Method: "online", Status: order.Paid}, Customer: c,
		DeliveryAddress: &order.Address{Street: "Storgatan", PostalCode: "111 22", City: "Stockholm"}, Note: guestNote,
	}
	original, err := json.Marshal(map[string]any{"order": number, "customer": c, "note": guestNote})
	w.must(err)
	placed, err := w.orders.Place(w.t.Context(), orderdb.Placement{
		Order: o, Region: "SE", Original: original,
		Origin: order.Origin{Tenant: tenant, Link: linkA, Adapter: "deliverect", Identity: []string{number}},
		Act:    ledgerdb.Act{Tenant: tenant, Actor: identity.Actor{Kind: identity.KindChannel, ID: linkA}, Action: "order.receive"},
	})
	w.must(err)
	return placed.Record.ID
}

// keep keeps a message that made no order, and returns its id.
func (w *world) keep(state channel.KeptState, about channel.Ref, body string) string {
	w.t.Helper()
	k := channel.Kept{
		ID:     channel.KeptID(linkA, "orders", channel.Mark{}, []byte(body), []byte("secret")),
		Tenant: tenantA, Link: linkA, Adapter: "deliverect", Path: "orders", State: state, What: "unreadable", Ref: about,
		ReceivedAt: w.Now(),
	}
	if state == channel.KeptNoted {
		w.must(w.messages.Note(w.t.Context(), k, []byte(body)))
		return k.ID
	}
	act := ledgerdb.Act{Tenant: tenantA, Actor: identity.Actor{Kind: identity.KindChannel, ID: linkA}, Action: "message.fail"}
	_, err := w.messages.Keep(w.t.Context(), act, k, []byte(body))
	w.must(err)
	return k.ID
}

// answer is a response, with as much of its body as tests look at.
type answer struct {
	status int
	header http.Header
	text   string
	foundBody
	jobBody
	Type string `json:"type"`
}

func (w *world) call(who, method, path string, body any) answer {
	w.t.Helper()
	var raw io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		w.must(err)
		raw = bytes.NewReader(text)
	}
	r := httptest.NewRequestWithContext(w.t.Context(), method, path, raw)
	r.Header.Set("Authorization", "Bearer "+who)
	r.Header.Set("Content-Type", "application/json")
	rec := httptest.NewRecorder()
	w.api.ServeHTTP(rec, r)
	a := answer{status: rec.Code, header: rec.Header(), text: rec.Body.String()}
	if strings.HasSuffix(rec.Header().Get("Content-Type"), "json") && rec.Header().Get("Content-Type") != ndjson {
		w.must(json.Unmarshal(rec.Body.Bytes(), &a.foundBody))
		_ = json.Unmarshal(rec.Body.Bytes(), &a.jobBody) // of whichever it is
		_ = json.Unmarshal(rec.Body.Bytes(), &a)
	}
	return a
}

// ask asks for an export or an erasure as the owner.
func (w *world) ask(kind string, body map[string]any) answer {
	w.t.Helper()
	return w.call("owner", http.MethodPost, "/v1/subjects/"+kind, body)
}

// work lets the clerk do a job, as when it is announced.
func (w *world) work(job string) {
	w.t.Helper()
	data := fmt.Sprintf(`{"tenant":%q,"event":%q}`, tenantA, job)
	w.must(w.clerk.work(w.t.Context(), event.Message{Data: []byte(data)}))
}

// tick lets the clerk look for what was left behind.
func (w *world) tick(ctx context.Context) error {
	return w.clerk.work(ctx, event.Message{Data: []byte("{}")})
}

// exists tells whether there is such a document.
func (w *world) exists(path string) bool {
	w.t.Helper()
	snap, err := w.db.Doc(path).Get(w.t.Context())
	return err == nil && snap.Exists()
}

// entries counts the audit entries of an action about an object.
func (w *world) entries(action, object string) int {
	w.t.Helper()
	found, err := w.db.Collection("audit").Documents(w.t.Context()).GetAll()
	w.must(err)
	n := 0
	for _, snap := range found {
		if snap.Data()["action"] == action && (object == "" || snap.Data()["object"] == object) {
			n++
		}
	}
	return n
}
