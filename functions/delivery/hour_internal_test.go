package delivery

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/order"
)

// shift is what a POS gets of several orders: for each, its events' sequences in the order of their first coming.
func (r *receiver) shift() map[string][]int64 {
	got := map[string][]int64{}
	for _, m := range r.got() {
		if known := got[m.Order]; !slices.Contains(known, m.Sequence) {
			got[m.Order] = append(known, m.Sequence)
		}
	}
	return got
}

// inOrder checks that a POS got every event of every order, for the first time in their order.
func (w *world) inOrder(who string, r *receiver, ids []string, events int64) {
	w.t.Helper()
	got := r.shift()
	for _, id := range ids {
		for i := range events {
			if int64(len(got[id])) != events || got[id][i] != i+1 {
				w.t.Errorf("%s: order %s came as %v", who, id, got[id])
				break
			}
		}
	}
}

// rush takes n orders in, moves each on twice, and hands every event to dispatch as it happens.
func (w *world) rush(n int, prefix string) (ids []string) {
	w.t.Helper()
	ids = w.quick(n, prefix)
	for _, id := range ids {
		w.move(id, order.Accepted, order.Ready)
	}
	return ids
}

// outage makes the receiver one that is down: it takes connections and drops them, as a machine that is starting does.
type outage struct {
	*receiver
	down atomic.Bool
}

func newOutage(t *testing.T) *outage {
	t.Helper()
	o := &outage{receiver: newReceiver(t)}
	o.serve(o)
	return o
}

func (o *outage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if o.down.Load() {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_ = conn.Close() // whatever was on its way is lost
		}
		return
	}
	o.receiver.ServeHTTP(w, r)
}

func TestAPOSThatIsDownForAnHourGetsEverythingInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pos, well := newOutage(t), newReceiver(t)
	w.endpoint(pos.receiver, delivery.Full, delivery.OrderReceived, delivery.OrderStatusChanged)
	w.endpoint(well, delivery.Thin, delivery.OrderReceived, delivery.OrderStatusChanged)
	pos.down.Store(true)
	ids := w.rush(4, "before-")
	for minute := range 60 {
		switch minute {
		case 20:
			ids = append(ids, w.rush(3, "during-")...)
		case 40:
			w.restart() // and nothing that the process remembered
		}
		w.tick(t.Context())
	}
	if got := len(pos.got()); got != 0 {
		t.Fatalf("%d messages reached a POS that was down", got)
	}
	w.inOrder("the POS beside it", well, ids, 3)
	pos.down.Store(false)
	for minute := 0; minute < 240 && !w.settled(2*3*len(ids)); minute++ {
		w.tick(t.Context())
	}
	w.inOrder("the POS that was down", pos.receiver, ids, 3)
	if n := w.count("deliveries", "state", "delivered"); n != 2*3*len(ids) {
		t.Errorf("%d of %d deliveries are done", n, 2*3*len(ids))
	}
}

func TestAPOSThatFailsHalfTheTimeAndRestartsGetsEverythingInOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var answers []int
	for range 200 {
		answers = append(answers, 500, 200)
	}
	half, well := newReceiver(t, answers...), newReceiver(t)
	w.endpoint(half, delivery.Thin, delivery.OrderReceived, delivery.OrderStatusChanged)
	w.endpoint(well, delivery.Thin, delivery.OrderReceived, delivery.OrderStatusChanged)
	ids := w.rush(5, "A-")
	w.inOrder("the POS beside it", well, ids, 3) // at once
	for minute := 0; minute < 240 && !w.settled(2*3*len(ids)); minute++ {
		if minute%5 == 2 {
			w.restart()
		}
		w.tick(t.Context())
	}
	w.inOrder("the POS that fails", half, ids, 3)
}

// until waits until the POS has so many messages.
func (r *receiver) until(messages int) {
	r.t.Helper()
	late := time.After(time.Minute)
	for len(r.got()) < messages {
		select {
		case <-r.came:
		case <-late:
			r.t.Errorf("only %d of %d messages came", len(r.got()), messages)
			return
		}
	}
}

// TestASlowPOSDelaysNobodyElse: while one POS does not answer at all, another gets everything of the same orders.
func TestASlowPOSDelaysNobodyElse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow, well := newReceiver(t), newReceiver(t)
	slow.arrived, slow.release = make(chan struct{}, 1), make(chan struct{})
	w.endpoint(slow, delivery.Thin, delivery.OrderReceived, delivery.OrderStatusChanged)
	w.endpoint(well, delivery.Thin, delivery.OrderReceived, delivery.OrderStatusChanged)
	var ids []string
	var all sync.WaitGroup
	for i := range 6 {
		id, received := w.place(fmt.Sprint("A-", i))
		ids = append(ids, id)
		all.Go(func() { w.announce(t.Context(), received) })
	}
	<-slow.arrived
	well.until(len(ids))
	for _, id := range ids { // the slow one has the first event of each, so that these wait for it, and nobody with them
		events := []string{w.advance(id, order.Accepted), w.advance(id, order.Ready)}
		all.Go(func() {
			for _, ev := range events {
				w.announce(t.Context(), ev)
			}
		})
	}
	well.until(3 * len(ids))
	w.inOrder("the POS beside it", well, ids, 3)
	close(slow.release)
	all.Wait()
	for minute := 0; minute < 10 && !w.settled(2*3*len(ids)); minute++ {
		w.tick(t.Context())
	}
	w.inOrder("the slow POS", slow, ids, 3)
}
