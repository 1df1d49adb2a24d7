package delivery_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/webhook"
)

func TestWhatADeliveryWaitsFor(t *testing.T) {
	t.Parallel()
	d := delivery.New(event(3), "ep_1", "me", noon())
	dispatched := event(2)
	dispatched.Pending = false
	elsewhere := event(2)
	elsewhere.Order = "ord_2"
	earlier := delivery.New(event(2), "ep_1", "", noon())
	due := earlier.Hold(noon().Add(time.Hour))
	settled := earlier.Fail(delivery.Gone, noon())
	other := delivery.New(event(2), "ep_2", "", noon())
	for name, c := range map[string]struct {
		events     []delivery.Event
		deliveries []delivery.Delivery
		want       time.Duration // 0: it may go
	}{
		"nothing in front":                        {},
		"an event that is not dispatched":         {events: []delivery.Event{event(2)}, want: 30 * time.Second},
		"itself":                                  {events: []delivery.Event{event(3)}, deliveries: []delivery.Delivery{d}},
		"a later event":                           {events: []delivery.Event{event(4)}},
		"another order's event":                   {events: []delivery.Event{elsewhere}},
		"an event that is dispatched":             {events: []delivery.Event{dispatched}},
		"an earlier delivery":                     {deliveries: []delivery.Delivery{due}, want: time.Hour + time.Second},
		"one that is attempted right now":         {deliveries: []delivery.Delivery{earlier}, want: delivery.Lease + time.Second},
		"one that is settled":                     {deliveries: []delivery.Delivery{settled}},
		"one to another endpoint":                 {deliveries: []delivery.Delivery{other}},
		"an event and, longer, a delivery":        {events: []delivery.Event{event(1)}, deliveries: []delivery.Delivery{due}, want: time.Hour + time.Second},
		"an earlier delivery that is overdue":     {deliveries: []delivery.Delivery{earlier.Hold(noon().Add(-time.Hour))}, want: time.Second},
		"a later delivery to the same endpoint":   {deliveries: []delivery.Delivery{delivery.New(event(4), "ep_1", "", noon())}},
		"an event of the order before, long gone": {events: []delivery.Event{}},
	} {
		until, blocked := delivery.Blocked(d, c.events, c.deliveries, noon())
		if blocked != (c.want != 0) || blocked && !until.Equal(noon().Add(c.want)) {
			t.Errorf("%s: %t until %s", name, blocked, until.Sub(noon()))
		}
	}
}

func TestEventsOfNoOrderWaitForNothing(t *testing.T) {
	t.Parallel()
	notice := delivery.Event{ID: "evt_n", Tenant: "ten_1", Type: delivery.NoticeCreated}
	one, two := delivery.New(notice, "ep_1", "", noon()), delivery.New(notice, "ep_1", "", noon())
	if _, blocked := delivery.Blocked(two, []delivery.Event{notice}, []delivery.Delivery{one}, noon()); blocked {
		t.Error("a notice waits")
	}
	if delivery.Next(one, []delivery.Delivery{two}) >= 0 {
		t.Error("a notice has a successor")
	}
}

func TestTheNextInLineFollows(t *testing.T) {
	t.Parallel()
	line := make([]delivery.Delivery, 6)
	for i := range line {
		line[i] = delivery.New(event(int64(i)), "ep_1", "", noon())
	}
	line[3] = line[3].Fail(delivery.Gone, noon())
	stranger := delivery.New(event(2), "ep_2", "", noon())
	done := line[2].Record(webhook.Result{Status: 200}, noon(), 0)
	behind := []delivery.Delivery{line[5], stranger, line[4], line[3], line[1], done}
	if next := delivery.Next(done, behind); next < 0 || behind[next].Sequence != 4 {
		t.Errorf("got %d", next)
	}
	if delivery.Next(line[5], line) >= 0 {
		t.Error("the last has a successor")
	}
}

func TestHeadsStandFirstInTheirLines(t *testing.T) {
	t.Parallel()
	elsewhere := delivery.New(event(2), "ep_2", "", noon())
	other := event(9)
	other.Order = "ord_2"
	notice := delivery.New(delivery.Event{ID: "evt_n"}, "ep_1", "", noon())
	list := []delivery.Delivery{
		delivery.New(event(3), "ep_1", "", noon()), notice, elsewhere, delivery.New(event(1), "ep_1", "", noon()),
		delivery.New(other, "ep_1", "", noon()), notice, delivery.New(event(2), "ep_1", "", noon()),
	}
	if diff := cmp.Diff([]int{3, 1, 2, 4, 5}, delivery.Heads(list)); diff != "" {
		t.Errorf("heads (-want +got):\n%s", diff)
	}
}

// TestNoReceiverSeesAnOrderOutOfSequence plays an order's life in random interleavings: events are dispatched in any
// order, attempts fail at random, workers die with what they claimed. At each endpoint, no event may be attempted before
// all earlier ones that it wants are settled, and in the end everything is settled.
func TestNoReceiverSeesAnOrderOutOfSequence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := world{t: t, now: noon(), deliveries: map[string]delivery.Delivery{}}
		for n := range rapid.IntRange(1, 5).Draw(t, "events") {
			w.events = append(w.events, event(int64(n+1)))
		}
		for range 2000 {
			if w.step(); w.done() {
				break
			}
		}
		for _, d := range w.deliveries {
			if !d.Settled() {
				t.Fatalf("%s is never settled: %+v", d.ID, d)
			}
		}
		if len(w.deliveries) != 2*len(w.events) {
			t.Fatalf("%d deliveries of %d events", len(w.deliveries), len(w.events))
		}
	})
}

type world struct {
	t          *rapid.T
	now        time.Time
	events     []delivery.Event
	deliveries map[string]delivery.Delivery
}

func (w *world) step() {
	w.now = w.now.Add(time.Duration(rapid.Int64Range(0, int64(20*time.Minute)).Draw(w.t, "pause")))
	if i := rapid.IntRange(0, len(w.events)-1).Draw(w.t, "event"); w.events[i].Pending {
		w.dispatch(i)
	}
	for _, d := range w.deliveries {
		if !d.Settled() && !w.now.Before(d.NextAt) {
			if claimed, ok := d.Take("worker", w.now); ok {
				w.work(claimed)
			}
		}
	}
}

// dispatch is one commit: the deliveries, and the event's mark.
func (w *world) dispatch(i int) {
	w.events[i].Pending = false
	for _, endpoint := range []string{"ep_1", "ep_2"} {
		d := delivery.New(w.events[i], endpoint, "dispatch", w.now)
		w.deliveries[d.ID] = d
	}
	for _, endpoint := range []string{"ep_1", "ep_2"} {
		w.work(w.deliveries[delivery.ID(w.events[i].ID, endpoint)])
	}
}

func (w *world) work(d delivery.Delivery) {
	w.deliveries[d.ID] = d
	if rapid.IntRange(0, 9).Draw(w.t, "fate") == 0 {
		return // the worker dies; the lease stays
	}
	if until, blocked := delivery.Blocked(d, w.events, w.all(), w.now); blocked {
		w.deliveries[d.ID] = d.Hold(until)
		return
	}
	w.checkOrder(d)
	status := rapid.SampledFrom([]int{200, 200, 500, 0, 410}).Draw(w.t, "status")
	d = d.Record(webhook.Result{Status: status}, w.now, 0.5)
	w.deliveries[d.ID] = d
	all := w.all()
	if next := delivery.Next(d, all); d.Settled() && next >= 0 {
		if claimed, ok := all[next].Take("worker", w.now); ok {
			w.work(claimed)
		}
	}
}

func (w *world) checkOrder(d delivery.Delivery) {
	for _, e := range w.events {
		before, made := w.deliveries[delivery.ID(e.ID, d.Endpoint)]
		if e.Sequence < d.Sequence && (!made || !before.Settled()) {
			w.t.Fatalf("%s is attempted before event %d is settled", d.ID, e.Sequence)
		}
	}
}

func (w *world) all() []delivery.Delivery {
	all := make([]delivery.Delivery, 0, len(w.deliveries))
	for _, d := range w.deliveries {
		all = append(all, d)
	}
	return all
}

func (w *world) done() bool {
	for _, e := range w.events {
		if e.Pending {
			return false
		}
	}
	for _, d := range w.deliveries {
		if !d.Settled() {
			return false
		}
	}
	return true
}
