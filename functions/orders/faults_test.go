package orders

import (
	"context"
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/localcloud/cloudtest"
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

// TestAnyCallMayFail takes in one order by our own API and one by a native webhook, has a POS move the first and its
// platform cancel the second, and reads both, in an instance that begins cold. One call of it all is disturbed. Whoever is
// told to come again does, as does whoever heard nothing, and nobody may be told anything else.
func TestAnyCallMayFail(t *testing.T) {
	t.Parallel()
	cloudtest.AnyCallMayFail(t, cloudtest.Stage{Fewest: 15}, func(t *testing.T, d *cloudtest.Trouble) {
		t.Helper()
		w := newWorld(t)
		c := &caller{world: w, trouble: d, handler: w.serve()}
		w.Faults.Set(d.Rule)
		d.Watch(true)
		placed := c.until(200, 201)(func(h http.Handler) answer { return w.post(h, w.order("A-1")) })
		c.until(200, 201)(func(h http.Handler) answer { return w.deliverect(h, w.deliverectOrder("D-1")) })
		moved := c.until(200)(func(h http.Handler) answer { return w.advance(h, placed.body.ID, `{"status":"accepted"}`) })
		c.until(200)(func(h http.Handler) answer {
			return w.deliverect(h, []byte(`{"channelOrderId":"D-1","status":100,"cancellationReason":"changed their mind"}`))
		})
		list := c.until(200)(func(h http.Handler) answer {
			return call(t, h, http.MethodGet, "/v1/orders", w.shop.APIKey.Reveal(), nil)
		})
		for _, o := range list.body.Items {
			want := map[bool]string{true: "accepted", false: "cancelled"}[o.ID == placed.body.ID]
			seen := c.until(200)(func(h http.Handler) answer {
				return call(t, h, http.MethodGet, "/v1/orders/"+o.ID, w.pos.APIKey.Reveal(), nil)
			})
			if o.Status != want || seen.body.Status != want {
				t.Errorf("%s is listed as %s and shown as %s, want %s", o.ID, o.Status, seen.body.Status, want)
			}
			w.chainHolds(o.ID, 2)
			if orders, entries, events := w.written(o.ID); orders != 1 || entries != 2 || events != 2 {
				t.Errorf("%d orders, %d entries, %d events", orders, entries, events)
			}
		}
		want := map[string]int{"orders": 2, "messages": 1, "originals": 2, "orderKeys": 3, "events": 4} // the cancellation is kept, too
		got := map[string]int{}
		for collection := range want {
			got[collection] = w.count(collection)
		}
		if diff := cmp.Diff(want, got); diff != "" || moved.body.Version != 2 || len(list.body.Items) != 2 {
			t.Errorf("%d orders are listed, the first has version %d; documents (-want +got):\n%s", len(list.body.Items), moved.body.Version, diff)
		}
	})
}

// caller calls a function whose instance may die, and calls again when it must.
type caller struct {
	*world
	trouble *cloudtest.Trouble
	handler http.Handler
}

// until returns how a call is made until it is answered with one of these statuses.
func (c *caller) until(good ...int) func(send func(http.Handler) answer) answer {
	return func(send func(http.Handler) answer) answer {
		c.t.Helper()
		for try := 0; ; try++ {
			a := send(mortal{c.handler, c.trouble.Life()})
			switch {
			case c.trouble.Died(c.t.Context()): // and nobody heard anything
				c.handler = c.serve()
			case slices.Contains(good, a.status):
				return a
			case a.status != http.StatusServiceUnavailable || try > 2:
				c.t.Fatalf("answered %d %s", a.status, a.text)
			}
		}
	}
}

// mortal is an instance: its requests end when it does.
type mortal struct {
	http.Handler
	life context.Context //nolint:containedctx // of the instance
}

func (m mortal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.Handler.ServeHTTP(w, r.WithContext(m.life))
}
