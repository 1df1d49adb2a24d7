package order_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.FixedZone("CET", 3600))

func received() order.Record {
	face, _ := sample().Split()
	from := order.Origin{Tenant: "ten_demo", Link: "lnk_1", Adapter: "deliverect", Identity: []string{"A-20931"}}
	return order.Receive(from, face, noon, "channel")
}

func TestAReceivedOrderBeginsItsWay(t *testing.T) {
	t.Parallel()
	face, _ := sample().Split()
	at := time.Date(2026, 3, 1, 11, 0, 0, 123456000, time.UTC)
	want := order.Record{
		ID: order.ID("ten_demo", "lnk_1", "A-20931"), Tenant: "ten_demo", Link: "lnk_1", Adapter: "deliverect", Order: face,
		Status: order.Received, Version: 1, Received: at, History: []order.Step{{Status: order.Received, At: at, By: "channel"}},
	}
	if diff := cmp.Diff(want, received()); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

func TestAdvance(t *testing.T) {
	t.Parallel()
	two, one, three := int64(2), int64(1), int64(3)
	accepted, _, err := received().Advance(order.Change{Status: order.Accepted, Reason: "ok", ReadyAt: "2026-03-01T12:30:00Z"}, noon, "client")
	if err != nil {
		t.Fatalf("accept: %v", err)
	}
	for name, c := range map[string]struct {
		change  order.Change
		changed bool
		kind    fault.Kind
	}{
		"one step forward":                         {order.Change{Status: order.Preparing}, true, ""},
		"skipping to the end":                      {order.Change{Status: order.Completed}, true, ""},
		"forward at the expected version":          {order.Change{Status: order.Ready, ExpectedVersion: &two}, true, ""},
		"a repeat":                                 {order.Change{Status: order.Accepted, Reason: "again"}, false, ""},
		"a repeat that expects the version before": {order.Change{Status: order.Accepted, ExpectedVersion: &one}, false, ""},
		"back":                        {order.Change{Status: order.Received}, false, fault.Conflict},
		"expiring what was accepted":  {order.Change{Status: order.Expired}, false, fault.Conflict},
		"rejecting before preparing":  {order.Change{Status: order.Rejected}, true, ""},
		"a stale version":             {order.Change{Status: order.Ready, ExpectedVersion: &one}, false, fault.Stale},
		"a version yet to come":       {order.Change{Status: order.Ready, ExpectedVersion: &three}, false, fault.Stale},
		"back at a stale version":     {order.Change{Status: order.Received, ExpectedVersion: &one}, false, fault.Stale},
		"an unknown status":           {order.Change{Status: "eaten"}, false, fault.Invalid},
		"a time that is none":         {order.Change{Status: order.Ready, ReadyAt: "soon"}, false, fault.Invalid},
		"a reason without end":        {order.Change{Status: order.Ready, Reason: strings.Repeat("x", 1001)}, false, fault.Invalid},
		"a reason that is not text":   {order.Change{Status: order.Ready, Reason: "\xff"}, false, fault.Invalid},
		"a card number as the reason": {order.Change{Status: order.Ready, Reason: "paid by 4111 1111 1111 1111"}, false, fault.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := accepted
			before.History = slices.Clone(accepted.History)
			next, changed, err := accepted.Advance(c.change, noon.Add(time.Minute), "user")
			if fault.KindOf(err) != c.kind || changed != c.changed {
				t.Errorf("changed %t, err %v; want %t, %s", changed, err, c.changed, c.kind)
			}
			if diff := cmp.Diff(before, accepted); diff != "" {
				t.Errorf("the record itself changed (-before +after):\n%s", diff)
			}
			if !changed && !cmp.Equal(before, next) {
				t.Errorf("nothing changed, but the next record differs:\n%s", cmp.Diff(before, next))
			}
		})
	}
}

func TestAChangeIsRemembered(t *testing.T) {
	t.Parallel()
	first, _, err := received().Advance(order.Change{Status: order.Accepted, Reason: "ok", ReadyAt: "2026-03-01T12:30:00Z"}, noon, "client")
	if err != nil {
		t.Fatalf("accept: %v", err)
	}
	got, _, err := first.Advance(order.Change{Status: order.Cancelled, Reason: "no rice"}, noon.Add(time.Second), "user")
	if err != nil {
		t.Fatalf("cancel: %v", err)
	}
	want := received()
	want.Status, want.Version, want.Reason, want.ReadyAt = order.Cancelled, 3, "no rice", "2026-03-01T12:30:00Z"
	want.History = append(want.History,
		order.Step{Status: order.Accepted, At: want.Received.Add(time.Microsecond), By: "client"}, // times order the steps
		order.Step{Status: order.Cancelled, At: want.Received.Add(time.Second), By: "user"})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("record (-want +got):\n%s", diff)
	}
}

// The ends of an order, as the hub promises them to integrators.
func TestWhereAnOrderCanEnd(t *testing.T) {
	t.Parallel()
	way := order.Statuses()[:6]
	for end, last := range map[order.Status]order.Status{
		order.Completed: order.InDelivery, order.Rejected: order.Accepted, order.Cancelled: order.InDelivery,
		order.Failed: order.InDelivery, order.Expired: order.Received,
	} {
		for i, from := range way[:5] {
			r := received()
			r.Status = from
			_, changed, _ := r.Advance(order.Change{Status: end}, noon, "user")
			if want := i <= slices.Index(way, last); changed != want {
				t.Errorf("from %s to %s: changed %t, want %t", from, end, changed, want)
			}
		}
		if !end.Final() {
			t.Errorf("%s is not final", end)
		}
	}
	if order.Status("eaten").Final() || order.InDelivery.Final() {
		t.Error("a status that is not final counts as final")
	}
}

func TestAnOrderOnlyEverGoesForward(t *testing.T) {
	t.Parallel()
	all := order.Statuses()
	rapid.Check(t, func(t *rapid.T) {
		r := received()
		for range rapid.IntRange(1, 20).Draw(t, "changes") {
			c := order.Change{Status: rapid.SampledFrom(all).Draw(t, "status")}
			next, changed, err := r.Advance(c, noon, "user")
			switch {
			case changed && err != nil:
				t.Fatalf("changed with an error: %v", err)
			case changed && (next.Version != r.Version+1 || next.Status != c.Status || len(next.History) != len(r.History)+1):
				t.Fatalf("%s to %s: version %d to %d", r.Status, c.Status, r.Version, next.Version)
			case changed && (r.Status.Final() || slices.Index(all, next.Status) <= slices.Index(all, r.Status)):
				t.Fatalf("%s went to %s", r.Status, next.Status)
			case !changed && !cmp.Equal(r, next):
				t.Fatalf("nothing changed, but the record differs")
			case err == nil && !changed && c.Status != r.Status:
				t.Fatalf("%s to %s did nothing and said nothing", r.Status, c.Status)
			}
			r = next
		}
		for i := 1; i < len(r.History); i++ {
			if slices.ContainsFunc(r.History[:i], func(s order.Step) bool { return s.Status == r.History[i].Status }) {
				t.Fatalf("%s was reached twice", r.History[i].Status)
			}
		}
	})
}
