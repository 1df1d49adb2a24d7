package orders

import (
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/ledger"
)

func TestPlacedOrderIsThereWholeAndNowhereInPlain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	placed := w.post(h, w.order("A-1"))
	if placed.status != http.StatusCreated || placed.body.Status != "received" || placed.body.Version != 1 || len(placed.body.Warnings) != 0 ||
		placed.header.Get("Location") != "/v1/orders/"+placed.body.ID {
		t.Fatalf("answered %d %s", placed.status, placed.text)
	}

	for _, ref := range []string{"orders/", "orderKeys/"} {
		snap, err := w.db.Doc(ref + placed.body.ID).Get(t.Context())
		w.must(err)
		for _, word := range []string{"Alva", "46701740605", "alva@", "Storgatan", "4711", "ring twice", "basil"} {
			if strings.Contains(fmt.Sprintf("%q", snap.Data()), word) {
				t.Errorf("%s holds %q in plain", ref, word)
			}
		}
	}

	seen := call(t, h, http.MethodGet, "/v1/orders/"+placed.body.ID, w.pos.APIKey.Reveal(), nil)
	customer, _ := seen.body.Order["customer"].(map[string]any)
	if seen.status != http.StatusOK || customer["name"] != "Alva Lindqvist" || seen.body.Order["note"] != "ring twice" {
		t.Errorf("the POS sees %d %s", seen.status, seen.text)
	}
	masked := call(t, h, http.MethodGet, "/v1/orders/"+placed.body.ID, w.shop.APIKey.Reveal(), nil)
	for _, word := range []string{"Lindqvist", "0174", "alva@", "Storgatan", "4711", "ring twice", "basil"} {
		if masked.tells(word) {
			t.Errorf("without the permission one sees %q: %s", word, masked.text)
		}
	}
}

func TestOrderItsKeyItsEntryAndItsEventAreOneCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	placed := w.post(w.serve(), w.order("A-1"))
	object, err := w.db.Doc("orders/" + placed.body.ID).Get(t.Context())
	w.must(err)
	entries, err := w.db.Collection("audit").Where("tenant", "==", w.by.Tenant).Where("object", "==", "orders/"+placed.body.ID).OrderBy("revision", 1).Documents(t.Context()).GetAll()
	w.must(err)
	events, err := w.db.Collection("events").Documents(t.Context()).GetAll()
	w.must(err)
	key, err := w.db.Doc("orderKeys/" + placed.body.ID).Get(t.Context())
	w.must(err)
	if len(entries) != 1 || len(events) != 1 {
		t.Fatalf("%d entries, %d events", len(entries), len(events))
	}
	for _, at := range []time.Time{entries[0].CreateTime, events[0].CreateTime, key.CreateTime} {
		if !at.Equal(object.CreateTime) {
			t.Errorf("written at %s, the order at %s", at, object.CreateTime)
		}
	}

	raw, _ := entries[0].Data()["bytes"].([]byte)
	entry, err := ledger.Parse(raw)
	w.must(err)
	after, err := ledger.HashDocument(object.Data())
	w.must(err)
	if entry.Action != "order.receive" || entry.Actor.ID != w.shop.Client.ID || entry.Tenant != w.by.Tenant || entry.After != after ||
		object.Data()["entry"] != ledger.HashEntry(raw).String() {
		t.Errorf("the entry %s does not speak for the document", raw)
	}
	messages := w.Published(t, "events")
	if len(messages) != 1 || !strings.Contains(string(messages[0].GetData()), events[0].Ref.ID) {
		t.Errorf("published %v, want one about %s", messages, events[0].Ref.ID)
	}
}

// TestWarmIntakeIsOneCommitAndOnePublish counts at the wire.
func TestWarmIntakeIsOneCommitAndOnePublish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	if first := w.post(h, w.order("A-1")); first.status != http.StatusCreated {
		t.Fatalf("answered %d %s", first.status, first.text)
	}
	w.deliverect(h, w.deliverectOrder("D-1"))
	const commit, publish = "/google.firestore.v1.Firestore/Commit", "/google.pubsub.v1.Publisher/Publish"
	for name, send := range map[string]func() answer{
		"on our own API":                 func() answer { return w.post(h, w.order("A-2")) },
		"with an Idempotency-Key":        func() answer { return w.post(h, w.order("A-3"), "Idempotency-Key", `"k-3"`) },
		"by a platform's native webhook": func() answer { return w.deliverect(h, w.deliverectOrder("D-2")) },
	} {
		w.Calls.Reset()
		if a := send(); a.status != http.StatusCreated {
			t.Fatalf("%s: answered %d %s", name, a.status, a.text)
		}
		if diff := cmp.Diff(map[string]int{commit: 1, publish: 1}, w.Calls.Snapshot()); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", name, diff)
		}
	}
}

// TestColdIntakeReadsEverythingOnce counts what an instance's first order costs: what is read ahead is not read again.
func TestColdIntakeReadsEverythingOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if first := w.post(w.serve(), w.order("A-1")); first.status != http.StatusCreated { // the tenant's key is there
		t.Fatalf("answered %d %s", first.status, first.text)
	}
	cold := w.serve()
	w.Calls.Reset()
	if a := w.post(cold, w.order("A-2")); a.status != http.StatusCreated {
		t.Fatalf("answered %d %s", a.status, a.text)
	}
	want := map[string]int{
		"/google.firestore.v1.Firestore/BatchGetDocuments":  5, // API key, client, tenant, location, tenant key
		"/google.cloud.kms.v1.KeyManagementService/Decrypt": 1,
		"/google.firestore.v1.Firestore/Commit":             1,
		"/google.pubsub.v1.Publisher/Publish":               1,
	}
	if diff := cmp.Diff(want, w.Calls.Snapshot()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestSameOrderAgainIsAReplay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	first := w.post(h, w.order("A-1"))
	again := w.post(h, w.order("A-1", func(o map[string]any) { o["placedAt"] = "2026-03-01T17:04:05Z" }))
	if again.status != http.StatusOK || again.header.Get("Idempotent-Replayed") != "true" || again.body.ID != first.body.ID || !again.body.Received.Equal(first.body.Received) {
		t.Errorf("answered %d, %v: %s", again.status, again.header, again.text)
	}
	if first.header.Get("Idempotent-Replayed") != "" {
		t.Error("the first answer says that it is a replay")
	}
	if n := w.count("orders"); n != 1 || w.count("events") != 1 {
		t.Errorf("%d orders, %d events", n, w.count("events"))
	}
}

func TestSameOrderStaysAReplayWhateverBecomesOfIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	first := w.post(h, w.order("A-1"))
	call(t, h, http.MethodPost, "/v1/orders/"+first.body.ID+"/status", w.pos.APIKey.Reveal(), []byte(`{"status":"accepted"}`))
	again := w.post(h, w.order("A-1"))
	if again.status != http.StatusOK || again.body.Status != "received" || again.body.Version != 1 {
		t.Errorf("answered %d %s", again.status, again.text)
	}

	_, err := w.db.Doc("orderKeys/" + first.body.ID).Delete(t.Context())
	w.must(err)
	erased := w.post(h, w.order("A-1", func(o map[string]any) { o["total"] = 1 }))
	if erased.status != http.StatusOK || erased.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("after erasure answered %d %s", erased.status, erased.text)
	}
	shown := call(t, h, http.MethodGet, "/v1/orders/"+first.body.ID, w.pos.APIKey.Reveal(), nil)
	if shown.status != http.StatusOK || !shown.body.Erased || strings.Contains(shown.text, "Alva") {
		t.Errorf("after erasure shown as %d %s", shown.status, shown.text)
	}
}

func TestOtherContentUnderTheSameIDIsAConflictThatNamesFieldsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	w.post(h, w.order("A-1"))
	conflict := w.post(h, w.order("A-1", func(o map[string]any) {
		o["total"] = 33800
		o["customer"] = map[string]any{"name": "Someone Else", "phone": "+46701740605", "email": "alva@example.com"}
	}))
	at := conflict.locations()
	slices.Sort(at)
	if diff := cmp.Diff([]string{"body.customer.name", "body.total"}, at); conflict.status != http.StatusConflict || diff != "" {
		t.Errorf("answered %d (-want +got):\n%s", conflict.status, diff)
	}
	for _, word := range []string{"Alva", "Someone", "33700", "33800"} {
		if conflict.tells(word) {
			t.Errorf("the refusal tells %q: %s", word, conflict.text)
		}
	}
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	first := w.post(h, w.order("A-1"), "Idempotency-Key", `"key-1"`)
	if first.status != http.StatusCreated {
		t.Fatalf("answered %d %s", first.status, first.text)
	}
	for _, key := range []string{`"key-1"`, `key-1`} {
		if again := w.post(h, w.order("A-1"), "Idempotency-Key", key); again.status != http.StatusOK || again.body.ID != first.body.ID {
			t.Errorf("the same under %s is answered %d %s", key, again.status, again.text)
		}
	}
	for name, body := range map[string][]byte{
		"another order":      w.order("A-2"),
		"other content":      w.order("A-1", func(o map[string]any) { o["total"] = 1 }),
		"another order sent": w.order("A-3", func(o map[string]any) { o["note"] = "" }),
	} {
		a := w.post(h, body, "Idempotency-Key", `"key-1"`)
		if a.status != http.StatusUnprocessableEntity || !slices.Equal(a.locations(), []string{"header.Idempotency-Key"}) {
			t.Errorf("%s under the same key is answered %d %s", name, a.status, a.text)
		}
	}
	if n := w.count("orders"); n != 1 {
		t.Errorf("%d orders", n)
	}
	for _, key := range []string{`"`, `""`, `"a"b"`, "\"\x01\"", strings.Repeat("k", 256)} {
		if a := w.post(h, w.order("A-9"), "Idempotency-Key", key); a.status < 400 || a.status >= 500 {
			t.Errorf("the key %q is answered %d %s", key, a.status, a.text)
		}
	}
}

func TestIdempotencyKeysExpireAndBelongToTheirCredential(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	w.post(h, w.order("A-1"), "Idempotency-Key", `"key-1"`)
	other := w.client(w.by, []string{"*"}, "orders:write")
	if a := call(t, h, http.MethodPost, "/v1/orders", other.APIKey.Reveal(), w.order("A-2"), "Idempotency-Key", `"key-1"`); a.status != http.StatusCreated {
		t.Errorf("another client's same key is answered %d %s", a.status, a.text)
	}
	docs, err := w.db.Collection("idempotency").Documents(t.Context()).GetAll()
	w.must(err)
	for _, d := range docs {
		data := d.Data()
		data["expireAt"] = time.Now().Add(-time.Second)
		_, err := d.Ref.Set(t.Context(), data)
		w.must(err)
	}
	if a := w.post(h, w.order("A-3"), "Idempotency-Key", `"key-1"`); a.status != http.StatusCreated {
		t.Errorf("after a day the key is answered %d %s", a.status, a.text)
	}
	if a := w.post(h, w.order("A-4"), "Idempotency-Key", `"key-1"`); a.status != http.StatusUnprocessableEntity {
		t.Errorf("and then for another order %d %s", a.status, a.text)
	}
}

//nolint:paralleltest // a thousand at once leave nobody else the time that a request may take
func TestAThousandAtOnceAreOneOrder(t *testing.T) {
	w := newWorld(t)
	handlers := []http.Handler{w.serve(), w.serve(), w.serve(), w.serve()} // four instances
	body := w.order("A-1")
	senders := 1000
	if os.Getenv("RYGGRAD_TEST_EMULATORS") == "google" {
		senders = 50 // Google's emulator makes every writer of a document wait for a lock
	}
	answers := make([]answer, senders)
	var busy atomic.Int64
	var all sync.WaitGroup
	for i := range senders {
		all.Go(func() {
			for answers[i] = w.post(handlers[i%len(handlers)], body); answers[i].status == http.StatusServiceUnavailable; {
				busy.Add(1)
				answers[i] = w.post(handlers[i%len(handlers)], body) // as a client does that is told to try again
			}
		})
	}
	all.Wait()
	created := 0
	for i, a := range answers {
		switch {
		case a.status == http.StatusCreated:
			created++
		case a.status != http.StatusOK || a.header.Get("Idempotent-Replayed") != "true":
			t.Errorf("sender %d is answered %d %s", i, a.status, a.text)
		}
		if a.body.ID != answers[0].body.ID {
			t.Errorf("sender %d has the order %s", i, a.body.ID)
		}
	}
	entries := w.count("audit")
	object, err := w.db.Doc("orders/" + answers[0].body.ID).Get(t.Context())
	w.must(err)
	mine := 0
	docs, err := w.db.Collection("audit").Documents(t.Context()).GetAll()
	w.must(err)
	for _, d := range docs {
		if d.Data()["object"] == "orders/"+answers[0].body.ID {
			mine++
		}
	}
	if created == 0 && busy.Load() > 0 {
		created = 1 // the first heard that the hub was busy, and of its order when it came again
	}
	if created != 1 || w.count("orders") != 1 || w.count("events") != 1 || mine != 1 || object.Data()["revision"] != int64(1) {
		t.Errorf("%d created; %d orders, %d events, %d entries (%d in all)", created, w.count("orders"), w.count("events"), mine, entries)
	}
}
