package orders

import (
	"net/http"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/localcloud/wire"
)

const (
	rpcCommit  = "/google.firestore.v1.Firestore/Commit"
	rpcPublish = "/google.pubsub.v1.Publisher/Publish"
)

// warm lets the function fill its caches.
func (w *world) warm(h http.Handler) {
	w.t.Helper()
	if a := w.post(h, w.order("WARM")); a.status != http.StatusCreated {
		w.t.Fatalf("answered %d %s", a.status, a.text)
	}
}

// ordersOf counts the entries about orders of this number's id.
func (w *world) written(id string) (orders, entries, events int) {
	w.t.Helper()
	for collection, field := range map[string]string{"audit": "object", "events": "order"} {
		docs, err := w.db.Collection(collection).Documents(w.t.Context()).GetAll()
		w.must(err)
		for _, d := range docs {
			switch d.Data()[field] {
			case "orders/" + id:
				entries++
			case id:
				events++
			}
		}
	}
	if snap, err := w.db.Doc("orders/" + id).Get(w.t.Context()); err == nil && snap.Exists() {
		orders = 1
	}
	return orders, entries, events
}

func TestCommitThatSucceedsWithoutTellingIsASuccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	w.warm(h)
	w.Calls.Reset()
	w.Faults.Set(wire.Nth(rpcCommit, 1, wire.Fault{After: wire.Unavailable()}))
	a := w.post(h, w.order("A-1"))
	if a.status != http.StatusCreated {
		t.Fatalf("answered %d %s", a.status, a.text)
	}
	if n := w.Calls.Snapshot()[rpcCommit]; n != 2 {
		t.Errorf("the commit was sent %d times: the fault did not strike", n)
	}
	if orders, entries, events := w.written(a.body.ID); orders != 1 || entries != 1 || events != 1 {
		t.Errorf("%d orders, %d entries, %d events", orders, entries, events)
	}
	if again := w.post(h, w.order("A-1")); again.status != http.StatusOK || again.body.ID != a.body.ID {
		t.Errorf("again it is answered %d %s", again.status, again.text)
	}
}

func TestCommitOfUnknownEndIsSafeToSendAgain(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]wire.Fault{
		"it happened":        {After: status.Error(codes.Internal, "lost")},
		"it did not":         {Before: status.Error(codes.Internal, "lost")},
		"deadline, happened": {After: status.Error(codes.DeadlineExceeded, "late")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			h := w.serve()
			w.warm(h)
			w.Faults.Set(wire.Nth(rpcCommit, 1, fault))
			if a := w.post(h, w.order("A-1")); a.status != http.StatusServiceUnavailable {
				t.Fatalf("answered %d %s", a.status, a.text)
			}
			again := w.post(h, w.order("A-1"))
			if again.status != http.StatusCreated && again.status != http.StatusOK {
				t.Fatalf("again answered %d %s", again.status, again.text)
			}
			if orders, entries, events := w.written(again.body.ID); orders != 1 || entries != 1 || events != 1 {
				t.Errorf("%d orders, %d entries, %d events", orders, entries, events)
			}
		})
	}
}

func TestStatusThatIsCommittedWithoutTellingIsASuccess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	id := w.post(h, w.order("A-1")).body.ID
	w.advance(h, id, `{"status":"nonsense"}`) // warms the POS's credential
	w.Faults.Set(wire.Nth(rpcCommit, 1, wire.Fault{After: wire.Unavailable()}))
	a := w.advance(h, id, `{"status":"accepted"}`)
	if a.status != http.StatusOK || a.body.Version != 2 || !a.body.Changed {
		t.Errorf("answered %d %s", a.status, a.text)
	}
	w.chainHolds(id, 2)
}

func TestOrderIsTakenInThoughNobodyHearsOfItYet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	w.warm(h)
	published := len(w.Published(t, "events"))
	w.Faults.Set(wire.Always(rpcPublish, wire.Fault{Before: status.Error(codes.PermissionDenied, "no")}))
	a := w.post(h, w.order("A-1"))
	if a.status != http.StatusCreated {
		t.Fatalf("answered %d %s", a.status, a.text)
	}
	if len(w.Published(t, "events")) != published {
		t.Error("it was published: the fault did not strike")
	}
	docs, err := w.db.Collection("events").Documents(t.Context()).GetAll()
	w.must(err)
	waiting := 0
	for _, d := range docs {
		if d.Data()["order"] == a.body.ID && d.Data()["pending"] == true {
			waiting++
		}
	}
	if waiting != 1 {
		t.Errorf("%d events wait for the relay", waiting)
	}
}

func TestChannelHearsRetryLaterWhenTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	w.deliverect(h, w.deliverectOrder("D-0"))
	w.Faults.Set(wire.Always(rpcCommit, wire.Fault{Before: status.Error(codes.DeadlineExceeded, "slow")}))
	if a := w.deliverect(h, w.deliverectOrder("D-1")); a.status != http.StatusServiceUnavailable {
		t.Errorf("answered %d %s", a.status, a.text)
	}
	w.Faults.Set(nil)
	if a := w.deliverect(h, w.deliverectOrder("D-1")); a.status != http.StatusCreated {
		t.Errorf("then answered %d %s", a.status, a.text)
	}
}
