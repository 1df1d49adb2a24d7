package delivery

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/go-json-experiment/json"
	official "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/channel/fetchdb"
	"ryggrad.internal/hub/shared/channel/platformapi"
	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/order/orderdb"
	"ryggrad.internal/hub/shared/webhook"
	"ryggrad.internal/hub/shared/webhook/outbound"
)

const (
	tenant    = "ten_aaaaaaaaaaaaaaaaaaaaaaaaaa"
	stranger  = "ten_bbbbbbbbbbbbbbbbbbbbbbbbbb"
	guestMark = "Anna-Ek-of-Storgatan"
)

// patience is how long a test's requests may take. The limits of production are of real time, which the tests' clock does
// not move: on a machine that stands still for seconds an attempt would fail, be put off as it should, and not be where a
// test of the order of events looks for it.
const patience = 10 * time.Minute

// clock is a time that the test moves. It begins at the present, so that receivers with the official library's clock
// agree with it.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a project with everything that the functions of this package work with.
type world struct {
	t       testing.TB
	cloud   *cloudtest.Cloud
	raw     *firestore.Client // looks on unseen
	clock   *clock
	log     *syncBuffer
	topic   event.Announcer
	fetches event.Announcer
	ledger  *ledgerdb.Store
	keys    *envelopedb.Keyring
	people  *identitydb.Store
	courier
	dispatched int // how many announcements were handed to dispatch
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, cloud: cloudtest.Start(t), clock: &clock{now: time.Now().UTC().Truncate(time.Microsecond)}, log: &syncBuffer{}}
	w.raw = w.cloud.Firestore(t)
	cfg, err := gcp.Load[gcp.Config](w.cloud.Env())
	if err != nil {
		t.Fatal(err)
	}
	cfg.DialOptions = w.cloud.DialOptions()
	cloud := gcp.Open(cfg)
	t.Cleanup(func() { _ = cloud.Close() })
	publisher, err := cloud.Publisher(t.Context(), event.TopicEvents)
	if err != nil {
		t.Fatal(err)
	}
	fetches, err := cloud.Publisher(t.Context(), event.TopicFetches)
	if err != nil {
		t.Fatal(err)
	}
	w.fetches = event.Announcer{Topic: fetches, Log: slog.New(slog.DiscardHandler), Patience: cloudtest.Patience}
	w.topic = event.Announcer{Topic: publisher, Log: slog.New(slog.NewJSONHandler(w.log, nil)), Patience: cloudtest.Patience}
	w.restart()
	return w
}

// restart gives the world what a new process has: the same cloud and no memory.
func (w *world) restart() {
	w.t.Helper()
	db := w.cloud.Firestore(w.t, w.cloud.DialOptions()...)
	log := slog.New(slog.NewJSONHandler(w.log, nil))
	ledger, err := ledgerdb.New(ledgerdb.Options{
		Firestore: db, Commits: w.cloud.Commits(w.t, w.cloud.DialOptions()...), Now: w.clock.Now, Random: rand.Reader,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.ledger = ledger
	w.keys = envelopedb.New(envelopedb.Options{
		Firestore: db, KMS: w.cloud.KMS(w.t), KeyName: w.cloud.Key("tenant-keys"), Now: w.clock.Now, Log: log,
	})
	w.people = identitydb.New(identitydb.Options{Ledger: ledger, Keys: w.keys, Now: w.clock.Now, Random: rand.Reader})
	client := outbound.New(outbound.Options{Policy: webhook.Policy{AllowLoopback: true}, Limit: patience})
	w.courier = courier{
		store: deliverydb.New(deliverydb.Options{
			Ledger: ledger, Keys: w.keys, Now: w.clock.Now, Random: rand.Reader, CacheFor: 30 * time.Second,
		}),
		orders: orderdb.New(orderdb.Options{Ledger: ledger, Keys: w.keys, Now: w.clock.Now, Random: rand.Reader}),
		client: client, platforms: platformapi.New(client, w.clock.Now), lanes: newLanes(),
		directory: identitydb.NewDirectory(identitydb.DirectoryOptions{Ledger: ledger, Keys: w.keys, Now: w.clock.Now}),
		now:       w.clock.Now, random: mathrand.Float64, claim: rand.Text, log: log,
	}
}

func act(action string) ledgerdb.Act {
	return ledgerdb.Act{Tenant: tenant, Actor: identity.Actor{Kind: identity.KindClient, ID: "cli_1"}, Action: action, RequestID: "req_1"}
}

// endpoint makes an endpoint for a receiver, which learns the secret.
func (w *world) endpoint(to *receiver, payload delivery.Payload, types ...delivery.Type) delivery.Endpoint {
	w.t.Helper()
	if types == nil {
		types = delivery.Types()
	}
	settings := delivery.Settings{URL: to.url, Events: types, Payload: payload, Format: delivery.Ryggrad}
	e, secret, err := w.store.Create(w.t.Context(), act(deliverydb.ActionCreate), settings)
	if err != nil {
		w.t.Fatal(err)
	}
	to.trust(secret)
	return e
}

// place takes an order in and returns its id and its event's.
func (w *world) place(number string) (id, eventID string) {
	w.t.Helper()
	placed, err := w.orders.Place(w.t.Context(), orderdb.Placement{
		Order: order.Order{
			ChannelOrderID: number, DisplayID: "931", Location: "loc_1", Type: order.Delivery, PlacedAt: "2026-03-01T18:04:05+01:00",
			Currency: "SEK", Items: []order.Item{{PLU: "BURG-01", Name: "Cheeseburger", Quantity: 1, UnitPrice: 9500, Note: guestMark}},
			Total: 9500, Payment: order.Payment{Method: "online", Status: order.Paid}, Customer: &order.Customer{Name: guestMark},
		},
		Origin: order.Origin{Tenant: tenant, Link: "cli_1", Identity: []string{number}}, Act: act("order.receive"), Region: "SE",
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return placed.Record.ID, placed.Event
}

// advance changes an order's status and returns the event's id.
func (w *world) advance(id string, to order.Status) string {
	w.t.Helper()
	done, err := w.orders.Advance(w.t.Context(), act("order.advance"), id, order.Change{Status: to}, func(order.Record) error { return nil })
	if err != nil {
		w.t.Fatal(err)
	}
	return done.Event
}

// announce hands an announcement to dispatch, which must acknowledge it.
func (w *world) announce(ctx context.Context, eventID string) {
	w.t.Helper()
	data, err := json.Marshal(event.Announcement{Tenant: tenant, Event: eventID})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := (&dispatcher{w.courier}).dispatch(ctx, event.Message{ID: "1", Data: data}); err != nil {
		w.t.Errorf("the announcement is not acknowledged: %v", err)
	}
}

// tick lets a minute pass and the schedules run: relay, what it announced, retry.
func (w *world) tick(ctx context.Context) {
	w.t.Helper()
	w.clock.Advance(61 * time.Second)
	relay := &relayer{
		store: w.store, announcer: w.topic, now: w.clock.Now, log: w.courier.log,
		left: fetchdb.New(fetchdb.Options{Ledger: w.ledger, Now: w.clock.Now}), fetches: w.fetches,
	}
	_ = relay.relay(ctx, event.Message{}) // what fails comes again at the next tick
	published := w.cloud.Published(w.t, event.TopicEvents)
	for _, m := range published[w.dispatched:] {
		if err := (&dispatcher{w.courier}).dispatch(ctx, event.Message{ID: m.MessageId, Data: m.Data}); err != nil {
			w.t.Error(err)
		}
	}
	w.dispatched = len(published)
	_ = (&retrier{w.courier}).retry(ctx, event.Message{})
}

func (w *world) stored(collection string) map[string]map[string]any {
	w.t.Helper()
	snaps, err := w.raw.Collection(collection).Documents(w.t.Context()).GetAll()
	if err != nil {
		w.t.Fatal(err)
	}
	all := map[string]map[string]any{}
	for _, s := range snaps {
		all[s.Ref.ID] = s.Data()
	}
	return all
}

func (w *world) delivery(eventID string, to delivery.Endpoint) deliverydb.Delivery {
	w.t.Helper()
	d, err := w.store.Delivery(w.t.Context(), tenant, delivery.ID(eventID, to.ID))
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// receiver is a POS written with the official library.
type receiver struct {
	t   *testing.T
	url string

	came    chan struct{} // told of every message that was believed
	arrived chan struct{} // if set, told of the first message
	release chan struct{} // if set, waited for before an answer

	say        string // the body to answer with
	retryAfter string // the header to answer with

	mu       sync.Mutex
	hooks    []*official.Webhook
	answers  []int // the statuses to answer with, the last one for ever
	messages []message
}

// message is what the receiver got and believed.
type message struct {
	ID       string
	Type     string
	Order    string
	Sequence int64
	Body     string

	Deliverect string // the signature as Deliverect makes it, if any
}

func newReceiver(t *testing.T, answers ...int) *receiver {
	t.Helper()
	r := &receiver{t: t, answers: append(answers, http.StatusOK), came: make(chan struct{}, 1)}
	if len(answers) > 0 {
		r.answers = answers
	}
	r.serve(r)
	return r
}

// serve opens the receiver, or what stands before it.
func (r *receiver) serve(h http.Handler) {
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	r.t.Cleanup(server.Close)
	r.url = server.URL + "/hook"
}

func (r *receiver) trust(secret webhook.Secret) { r.t.Helper(); r.trustText(secret.Reveal()) }

func (r *receiver) trustText(secret string) {
	r.t.Helper()
	hook, err := official.NewWebhook(secret)
	if err != nil {
		r.t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hooks = append(r.hooks, hook)
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if r.release != nil {
		select {
		case r.arrived <- struct{}{}:
		default:
		}
		<-r.release
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	believed := err == nil && slices.ContainsFunc(r.hooks, func(h *official.Webhook) bool {
		return h.VerifyIgnoringTimestamp(body, req.Header) == nil // the test's clock is not the library's
	})
	if !believed {
		r.t.Error("a message that the official library does not believe")
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var m struct {
		Type string `json:"type"`
		Data struct {
			Order    string `json:"order"`
			Sequence int64  `json:"sequence"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &m); err != nil {
		r.t.Error(err)
	}
	select {
	case r.came <- struct{}{}:
	default:
	}
	r.messages = append(r.messages, message{
		req.Header.Get(webhook.HeaderID), m.Type, m.Data.Order, m.Data.Sequence, string(body), req.Header.Get(channel.DeliverectSignature),
	})
	status := r.answers[0]
	if len(r.answers) > 1 {
		r.answers = r.answers[1:]
	}
	if r.retryAfter != "" && status != http.StatusOK {
		w.Header().Set("Retry-After", r.retryAfter)
	}
	w.WriteHeader(status)
	_, _ = io.WriteString(w, r.say) // the sender may have left
}

func (r *receiver) answer(statuses ...int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers = statuses
}

func (r *receiver) got() []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.messages)
}

// sequences are the numbers of the messages, in the order in which they came.
func (r *receiver) sequences() []int64 {
	var all []int64
	for _, m := range r.got() {
		all = append(all, m.Sequence)
	}
	return all
}

// hmacHex signs a body as Deliverect does.
func hmacHex(secret, body string) string {
	m := hmac.New(sha256.New, []byte(secret))
	m.Write([]byte(body))
	return hex.EncodeToString(m.Sum(nil))
}

// syncBuffer is a log that many write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func text(v any) string { return fmt.Sprintf("%v %s", v, v) }
