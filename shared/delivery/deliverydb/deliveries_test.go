package deliverydb_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/localcloud/wire"
	"ryggrad.internal/hub/shared/webhook"
)

func TestDispatchingIsOneCommit(t *testing.T) {
	t.Parallel()
	f := open(t)
	one, two := f.endpoint(), f.endpoint()
	ev := f.event("ord_1", 1)
	f.cloud.Calls.Reset()
	made, err := f.store.Dispatch(t.Context(), ev, []delivery.Endpoint{one, two}, "me")
	if err != nil || len(made) != 2 {
		t.Fatalf("%d deliveries, %v", len(made), err)
	}
	if diff := cmp.Diff(map[string]int{commit: 1}, f.cloud.Calls.Snapshot()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	for _, d := range made {
		if diff := cmp.Diff(d.Delivery, f.delivery(d.ID).Delivery, nilIsEmpty()); diff != "" {
			t.Errorf("(-made +stored):\n%s", diff)
		}
	}
	after := f.read(ev.ID)
	want := ev.Event
	want.Pending = false
	if diff := cmp.Diff(want, after.Event); diff != "" {
		t.Errorf("the event (-want +got):\n%s", diff)
	}
}

func nilIsEmpty() cmp.Option {
	return cmp.Transformer("nilIsEmpty", func(a []delivery.Attempt) []delivery.Attempt { return append([]delivery.Attempt{}, a...) })
}

func TestAnEventThatNobodyWantsLosesItsMark(t *testing.T) {
	t.Parallel()
	f := open(t)
	ev := f.event("ord_1", 1)
	if made, err := f.store.Dispatch(t.Context(), ev, nil, "me"); err != nil || len(made) != 0 {
		t.Errorf("%d deliveries, %v", len(made), err)
	}
	if f.read(ev.ID).Pending {
		t.Error("the event is still marked")
	}
	if made, err := f.store.Dispatch(t.Context(), ev, nil, "me"); err != nil || len(made) != 0 {
		t.Errorf("again with what was read before: %d deliveries, %v", len(made), err)
	}
}

func TestOfManyDispatchersOneGetsTheDeliveries(t *testing.T) {
	t.Parallel()
	f := open(t)
	e, ev := f.endpoint(), f.event("ord_1", 1)
	var group sync.WaitGroup
	var mu sync.Mutex
	var winners []string
	for i := range 8 {
		group.Go(func() {
			claim := fmt.Sprint("worker ", i)
			made, err := f.store.Dispatch(t.Context(), ev, []delivery.Endpoint{e}, claim)
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			for range made {
				winners = append(winners, claim)
			}
		})
	}
	group.Wait()
	if len(winners) != 1 || f.delivery(delivery.ID(ev.ID, e.ID)).Claim != winners[0] {
		t.Errorf("winners %v", winners)
	}
}

func TestADispatchThatSucceedsWithoutTellingIsOnesOwn(t *testing.T) {
	t.Parallel()
	f := open(t)
	e, ev := f.endpoint(), f.event("ord_1", 1)
	f.cloud.Faults.Set(wire.Nth(commit, 1, wire.Fault{After: wire.Unavailable()}))
	made, err := f.store.Dispatch(t.Context(), ev, []delivery.Endpoint{e}, "me")
	if err != nil || len(made) != 1 {
		t.Fatalf("%d deliveries, %v", len(made), err)
	}
	if late, err := f.store.Dispatch(t.Context(), ev, []delivery.Endpoint{e}, "late"); err != nil || len(late) != 0 {
		t.Errorf("who comes late gets %d deliveries, %v", len(late), err)
	}
}

func TestOfManyWorkersOneTakesADelivery(t *testing.T) {
	t.Parallel()
	f := open(t)
	d := f.dispatch(f.event("ord_1", 1), f.endpoint(), "dead")
	if _, ok, err := f.store.Take(t.Context(), f.delivery(d.ID), "early"); ok || err != nil {
		t.Errorf("under a live lease: %t, %v", ok, err)
	}
	f.clock.Advance(delivery.Lease)
	seen := f.delivery(d.ID)
	var group sync.WaitGroup
	took := make([]bool, 8)
	for i := range took {
		group.Go(func() {
			_, ok, err := f.store.Take(t.Context(), seen, fmt.Sprint("worker ", i))
			if err != nil {
				t.Error(err)
			}
			took[i] = ok
		})
	}
	group.Wait()
	winner := slices.Index(took, true)
	if winner < 0 || slices.Contains(took[winner+1:], true) || f.delivery(d.ID).Claim != fmt.Sprint("worker ", winner) {
		t.Errorf("took: %v", took)
	}
}

func TestAClaimThatSucceedsWithoutTellingIsOnesOwn(t *testing.T) {
	t.Parallel()
	f := open(t)
	d := f.dispatch(f.event("ord_1", 1), f.endpoint(), "dead")
	f.clock.Advance(delivery.Lease)
	seen := f.delivery(d.ID)
	f.cloud.Faults.Set(wire.Nth(commit, 1, wire.Fault{After: wire.Unavailable()}))
	taken, ok, err := f.store.Take(t.Context(), seen, "me")
	if !ok || err != nil || taken.Claim != "me" {
		t.Errorf("%t, %v, %+v", ok, err, taken)
	}
}

func TestWhatIsRecordedAfterAnAttempt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		lost   bool // the claim was lost in between
		fault  wire.Fault
		want   delivery.State
		claim  string
	}{
		"a failure":                                   {status: 500, want: delivery.Pending},
		"a success":                                   {status: 200, want: delivery.Delivered},
		"a failure after the claim was lost":          {status: 410, lost: true, want: delivery.Pending, claim: "other"},
		"a success after the claim was lost":          {status: 200, lost: true, want: delivery.Delivered},
		"a failure, recorded without telling":         {status: 500, fault: wire.Fault{After: wire.Unavailable()}, want: delivery.Pending},
		"a success, recorded without telling":         {status: 200, fault: wire.Fault{After: wire.Unavailable()}, want: delivery.Delivered},
		"a failure that was refused the first time":   {status: 500, fault: wire.Fault{Before: wire.Unavailable()}, want: delivery.Pending},
		"the last of all, recorded without a witness": {status: 410, want: delivery.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			d := f.dispatch(f.event("ord_1", 1), f.endpoint(), "me")
			if c.lost {
				f.clock.Advance(delivery.Lease)
				if _, ok, err := f.store.Take(t.Context(), f.delivery(d.ID), "other"); !ok || err != nil {
					t.Fatal(ok, err)
				}
			}
			next := d.Record(webhook.Result{Status: c.status}, f.clock.Now(), 0.5)
			if c.fault != (wire.Fault{}) {
				f.cloud.Faults.Set(wire.Nth(commit, 1, c.fault))
			}
			if err := f.store.Save(t.Context(), next, "me"); err != nil {
				t.Fatal(err)
			}
			got := f.delivery(d.ID)
			if got.State != c.want || got.Claim != c.claim {
				t.Errorf("got %s, claimed by %q", got.State, got.Claim)
			}
			if c.claim == "" && len(got.Attempts) != 1 {
				t.Errorf("%d attempts", len(got.Attempts))
			}
		})
	}
}

func TestWhatIsDueIsFound(t *testing.T) {
	t.Parallel()
	f := open(t)
	e := f.endpoint()
	var want []string
	for i := range 20 {
		d := f.dispatch(f.event(fmt.Sprint("ord_", i), 1), e, "me")
		f.clock.Advance(time.Second)
		if i%2 == 0 {
			next := d.Record(webhook.Result{Status: 200}, f.clock.Now(), 0)
			if err := f.store.Save(t.Context(), next, "me"); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want = append(want, d.ID)
	}
	ids := func() []string {
		due, err := f.store.Due(t.Context(), 10, none)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, d := range due {
			all = append(all, d.ID)
		}
		return all
	}
	if got := ids(); len(got) != 0 {
		t.Errorf("due under their leases: %v", got)
	}
	f.clock.Advance(delivery.Lease)
	if diff := cmp.Diff(want, ids()); diff != "" {
		t.Errorf("due (-want +got):\n%s", diff)
	}
}

func TestForgottenEventsAreFound(t *testing.T) {
	t.Parallel()
	f := open(t)
	var want []string
	for i := range 6 {
		ev := f.event(fmt.Sprint("ord_", i), 1)
		if i%2 == 0 {
			if _, err := f.store.Dispatch(t.Context(), ev, nil, "me"); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want = append(want, ev.ID)
	}
	before := f.clock.Now().Add(time.Microsecond)
	f.clock.Advance(time.Minute)
	f.event("ord_new", 1)
	found, err := f.store.Forgotten(t.Context(), before, 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range found {
		got = append(got, e.ID)
		if e.Tenant != tenant {
			t.Errorf("tenant %q", e.Tenant)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestALineIsReadInBothDirections(t *testing.T) {
	t.Parallel()
	f := open(t)
	e := f.endpoint()
	var line []deliverydb.Delivery
	for sequence := range int64(4) {
		line = append(line, f.dispatch(f.event("ord_1", sequence+1), e, "me"))
	}
	f.dispatch(f.event("ord_2", 1), e, "me")
	events, deliveries, err := f.store.Before(t.Context(), line[2].Delivery)
	if err != nil || len(events) != 2 || len(deliveries) != 2 || events[1].Sequence != 2 || deliveries[1].ID != line[1].ID {
		t.Errorf("before: %v, %v, %v", err, events, deliveries)
	}
	after, err := f.store.After(t.Context(), tenant, "ord_1", 3)
	if err != nil || len(after) != 1 || after[0].ID != line[3].ID {
		t.Errorf("after: %v, %v", err, after)
	}
	if all, err := f.store.Of(t.Context(), tenant, "ord_1"); err != nil || len(all) != 4 {
		t.Errorf("all: %v, %v", err, all)
	}
	if all, err := f.store.Of(t.Context(), other, "ord_1"); err != nil || len(all) != 0 {
		t.Errorf("another tenant's view: %v, %v", err, all)
	}
	f.cloud.Calls.Reset()
	if _, _, err := f.store.Before(t.Context(), line[0].Delivery); err != nil || len(f.cloud.Calls.Snapshot()) != 0 {
		t.Errorf("the first of a line asks who is before it: %v, %v", err, f.cloud.Calls.Snapshot())
	}
}

func TestDeliveriesAreListedInPages(t *testing.T) {
	t.Parallel()
	f := open(t)
	one, two := f.endpoint(), f.endpoint()
	var ofOne, failed, all []string
	for i := range 9 {
		e := one
		if i%3 == 0 {
			e = two
		}
		d := f.dispatch(f.event(fmt.Sprint("ord_", i), 1), e, "me")
		f.clock.Advance(time.Millisecond)
		all = append(all, d.ID)
		if e.ID == one.ID {
			ofOne = append(ofOne, d.ID)
		}
		if i%2 == 0 {
			failed = append(failed, d.ID)
			if err := f.store.Save(t.Context(), d.Fail(delivery.Gone, f.clock.Now()), "me"); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, c := range map[string]struct {
		filter deliverydb.Filter
		want   []string
	}{
		"all": {deliverydb.Filter{}, all}, "of an endpoint": {deliverydb.Filter{Endpoint: one.ID}, ofOne},
		"in a state": {deliverydb.Filter{State: delivery.Failed}, failed},
		"of both":    {deliverydb.Filter{Endpoint: one.ID, State: delivery.Failed}, []string{all[2], all[4], all[8]}},
	} {
		slices.Reverse(c.want)
		c.filter.Limit = 2
		if diff := cmp.Diff(c.want, f.pages(c.filter)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := f.store.Deliveries(t.Context(), tenant, deliverydb.Filter{Limit: 1, Cursor: "?"}); !fault.Is(err, fault.Invalid) {
		t.Errorf("a cursor of somebody's own: %v", err)
	}
	if page, err := f.store.Deliveries(t.Context(), other, deliverydb.Filter{Limit: 10}); err != nil || len(page.Deliveries) != 0 {
		t.Errorf("another tenant sees %d, %v", len(page.Deliveries), err)
	}
}

func (f *fixture) pages(filter deliverydb.Filter) []string {
	f.t.Helper()
	var all []string
	for {
		page, err := f.store.Deliveries(f.t.Context(), tenant, filter)
		if err != nil {
			f.t.Fatal(err)
		}
		if len(page.Deliveries) > filter.Limit {
			f.t.Errorf("%d on a page of %d", len(page.Deliveries), filter.Limit)
		}
		for _, d := range page.Deliveries {
			all = append(all, d.ID)
		}
		if page.Next == "" {
			return all
		}
		filter.Cursor = page.Next
	}
}

func TestAPersonPutsADeliveryOnItsWayAgain(t *testing.T) {
	t.Parallel()
	f := open(t)
	d := f.dispatch(f.event("ord_1", 1), f.endpoint(), "me")
	everybody := func(delivery.Delivery) error { return nil }
	if _, err := f.store.Again(t.Context(), tenant, d.ID, everybody); !fault.Is(err, fault.Conflict) {
		t.Errorf("while it is attempted: %v", err)
	}
	if err := f.store.Save(t.Context(), d.Fail(delivery.Gone, f.clock.Now()), "me"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.store.Again(t.Context(), other, d.ID, everybody); !fault.Is(err, fault.NotFound) {
		t.Errorf("another tenant: %v", err)
	}
	nobody := func(delivery.Delivery) error { return fault.New(fault.NotFound, "no") }
	if _, err := f.store.Again(t.Context(), tenant, d.ID, nobody); !fault.Is(err, fault.NotFound) {
		t.Errorf("who is not allowed: %v", err)
	}
	if _, err := f.store.Again(t.Context(), tenant, d.ID, everybody); err != nil {
		t.Fatal(err)
	}
	if due, err := f.store.Due(t.Context(), 10, none); err != nil || len(due) != 1 || due[0].State != delivery.Pending {
		t.Errorf("due: %v, %v", due, err)
	}
}

func TestDeliveriesThatAreNoneAreNotFound(t *testing.T) {
	t.Parallel()
	f := open(t)
	for _, id := range []string{"", "x", "a/b", "evt_1_ep_1"} {
		if _, err := f.store.Delivery(t.Context(), tenant, id); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
	if _, err := f.store.Event(t.Context(), tenant, "evt_1"); !fault.Is(err, fault.NotFound) {
		t.Errorf("an event: %v", err)
	}
}
