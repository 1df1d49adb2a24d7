package orders

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"ryggrad.internal/hub/shared/ledger"
)

func (w *world) advance(h http.Handler, id, body string) answer {
	w.t.Helper()
	return call(w.t, h, http.MethodPost, "/v1/orders/"+id+"/status", w.pos.APIKey.Reveal(), []byte(body))
}

func TestStatusGoesForwardOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	id := w.post(h, w.order("A-1")).body.ID
	for _, c := range []struct {
		body    string
		status  int
		version int64
		changed bool
	}{
		{`{"status":"accepted","readyAt":"2026-03-01T18:30:00+01:00"}`, 200, 2, true},
		{`{"status":"accepted"}`, 200, 2, false},
		{`{"status":"ready","expectedVersion":1}`, 412, 0, false},
		{`{"status":"ready","expectedVersion":2}`, 200, 3, true},
		{`{"status":"preparing"}`, 409, 0, false},
		{`{"status":"eaten"}`, 422, 0, false},
		{`{"status":"completed"}`, 200, 4, true},
		{`{"status":"cancelled"}`, 409, 0, false},
	} {
		a := w.advance(h, id, c.body)
		if a.status != c.status || a.status == 200 && (a.body.Version != c.version || a.body.Changed != c.changed) {
			t.Errorf("%s is answered %d %s", c.body, a.status, a.text)
		}
	}
	history := call(t, h, http.MethodGet, "/v1/orders/"+id+"/history", w.pos.APIKey.Reveal(), nil)
	if len(history.body.Items) != 4 || history.body.Items[3].Status != "completed" {
		t.Errorf("the history is %s", history.text)
	}
	w.chainHolds(id, 4)
	if n := w.count("events"); n != 4 {
		t.Errorf("%d events", n)
	}
}

// chainHolds checks every entry of an order from the first to its document.
func (w *world) chainHolds(id string, length int) {
	w.t.Helper()
	docs, err := w.db.Collection("audit").Where("tenant", "==", w.by.Tenant).Where("object", "==", "orders/"+id).OrderBy("revision", 1).Documents(w.t.Context()).GetAll()
	w.must(err)
	object, err := w.db.Doc("orders/" + id).Get(w.t.Context())
	w.must(err)
	if len(docs) != length {
		w.t.Fatalf("%d entries, want %d", len(docs), length)
	}
	var previous ledger.Hash
	for i, doc := range docs {
		raw, _ := doc.Data()["bytes"].([]byte)
		e, err := ledger.Parse(raw)
		w.must(err)
		if e.Previous != previous || e.Revision != int64(i+1) {
			w.t.Errorf("entry %d does not follow the one before: %s", i+1, raw)
		}
		previous = ledger.HashEntry(raw)
		if i == len(docs)-1 {
			after, err := ledger.HashDocument(object.Data())
			w.must(err)
			if e.After != after || object.Data()["entry"] != previous.String() {
				w.t.Error("the newest entry does not speak for the document")
			}
		}
	}
}

func TestManyWhoAdvanceAtOnceAgreeOnOneWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	id := w.post(h, w.order("A-1")).body.ID
	statuses := []string{"accepted", "preparing", "ready"}
	var all sync.WaitGroup
	for i := range 30 {
		all.Go(func() {
			for {
				a := w.advance(h, id, fmt.Sprintf(`{"status":%q}`, statuses[i%len(statuses)]))
				if a.status == http.StatusServiceUnavailable {
					continue // as a client does that is told to try again
				}
				if a.status != http.StatusOK && a.status != http.StatusConflict {
					t.Errorf("answered %d %s", a.status, a.text)
				}
				return
			}
		})
	}
	all.Wait()
	shown := call(t, h, http.MethodGet, "/v1/orders/"+id, w.pos.APIKey.Reveal(), nil)
	if shown.body.Status != "ready" {
		t.Errorf("it ends as %s", shown.text)
	}
	w.chainHolds(id, int(shown.body.Version))
	if n := w.count("events"); n != int(shown.body.Version) {
		t.Errorf("%d events for %d versions", n, shown.body.Version)
	}
}
