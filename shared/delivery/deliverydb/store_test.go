package deliverydb_test

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

const (
	commit = "/google.firestore.v1.Firestore/Commit"
	tenant = "ten_aaaaaaaaaaaaaaaaaaaaaaaaaa"
	other  = "ten_bbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// clock is a time that the test moves.
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

// fixture is a store on a cloud of its own.
type fixture struct {
	t      *testing.T
	cloud  *cloudtest.Cloud
	raw    *firestore.Client // looks on unseen
	ledger *ledgerdb.Store
	keys   *envelopedb.Keyring
	store  *deliverydb.Store
	clock  *clock
}

func open(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, cloud: cloudtest.Start(t), clock: &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
	f.raw = f.cloud.Firestore(t)
	db := f.cloud.Firestore(t, f.cloud.DialOptions()...)
	log := slog.New(slog.DiscardHandler)
	ledger, err := ledgerdb.New(ledgerdb.Options{
		Firestore: db, Commits: f.cloud.Commits(t, f.cloud.DialOptions()...), Now: f.clock.Now, Random: rand.Reader, Log: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	f.keys = envelopedb.New(envelopedb.Options{Firestore: db, KMS: f.cloud.KMS(t), KeyName: f.cloud.Key("tenant-keys"), Now: f.clock.Now, Log: log})
	f.ledger = ledger
	f.store = f.another()
	return f
}

// another returns a store as another process would have it.
func (f *fixture) another() *deliverydb.Store {
	return deliverydb.New(deliverydb.Options{Ledger: f.ledger, Keys: f.keys, Now: f.clock.Now, Random: rand.Reader, CacheFor: time.Minute})
}

func act(action string) ledgerdb.Act {
	return ledgerdb.Act{Tenant: tenant, Actor: identity.Actor{Kind: identity.KindUser, ID: "usr_1"}, Action: action, RequestID: "req_1"}
}

func settings() delivery.Settings {
	return delivery.Settings{URL: "https://pos.example.com/hook", Events: []delivery.Type{delivery.OrderReceived},
		Payload: delivery.Thin, Format: delivery.Ryggrad}
}

func anybody(delivery.Endpoint) error { return nil }

// endpoint makes an endpoint.
func (f *fixture) endpoint() delivery.Endpoint {
	f.t.Helper()
	e, _, err := f.store.Create(f.t.Context(), act(deliverydb.ActionCreate), settings())
	if err != nil {
		f.t.Fatal(err)
	}
	return e
}

// event writes the event of an order's version and reads it back.
func (f *fixture) event(order string, sequence int64) deliverydb.Event {
	f.t.Helper()
	e := delivery.Event{
		ID: fmt.Sprintf("evt_%s_%d", order, sequence), Tenant: tenant, Type: delivery.OrderReceived, Order: order, Location: "loc_1",
		Sequence: sequence, OccurredAt: f.clock.Now(), Data: map[string]any{"status": "received"}, Pending: true,
	}
	ref := ledgerdb.Ref{Collection: "events", ID: e.ID}
	if err := f.ledger.Bookkeep(f.t.Context(), tenant, ledgerdb.Add(ref, e.Document())); err != nil {
		f.t.Fatal(err)
	}
	return f.read(e.ID)
}

func (f *fixture) read(event string) deliverydb.Event {
	f.t.Helper()
	ev, err := f.store.Event(f.t.Context(), tenant, event)
	if err != nil {
		f.t.Fatal(err)
	}
	return ev
}

// dispatch makes the one delivery of an event.
func (f *fixture) dispatch(ev deliverydb.Event, to delivery.Endpoint, claim string) deliverydb.Delivery {
	f.t.Helper()
	made, err := f.store.Dispatch(f.t.Context(), ev, []delivery.Endpoint{to}, claim)
	if err != nil || len(made) != 1 {
		f.t.Fatalf("%d deliveries, %v", len(made), err)
	}
	return made[0]
}

func (f *fixture) delivery(id string) deliverydb.Delivery {
	f.t.Helper()
	d, err := f.store.Delivery(f.t.Context(), tenant, id)
	if err != nil {
		f.t.Fatal(err)
	}
	return d
}

// documents reads a whole collection as it is stored.
func (f *fixture) documents(collection string) []map[string]any {
	f.t.Helper()
	snaps, err := f.raw.Collection(collection).Documents(f.t.Context()).GetAll()
	if err != nil {
		f.t.Fatal(err)
	}
	all := make([]map[string]any, len(snaps))
	for i, s := range snaps {
		all[i] = s.Data()
	}
	return all
}
