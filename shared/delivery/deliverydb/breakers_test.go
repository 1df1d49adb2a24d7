package deliverydb_test

import (
	"fmt"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/localcloud/wire"
	"ryggrad.internal/hub/shared/webhook"
)

func none(string) bool { return false }

// fail has an endpoint fail so many times in a row.
func (f *fixture) fail(endpoint string, times int) {
	f.t.Helper()
	for range times {
		if _, err := f.store.Note(f.t.Context(), tenant, endpoint, webhook.Result{Status: 500}); err != nil {
			f.t.Fatal(err)
		}
	}
}

func TestABreakerIsSeenByOthersWithinSeconds(t *testing.T) {
	t.Parallel()
	f := open(t)
	elsewhere := f.another()
	admitted := func() bool {
		t.Helper()
		_, ok, err := elsewhere.Admit(t.Context(), tenant, "ep_1")
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	if !admitted() {
		t.Fatal("closed, and nobody is let through")
	}
	f.fail("ep_1", 5)
	if !admitted() {
		t.Error("others know at once: is it asked for every time?")
	}
	f.clock.Advance(5 * time.Second)
	if admitted() {
		t.Error("others do not know after five seconds")
	}
	if _, err := f.store.Note(t.Context(), tenant, "ep_1", webhook.Result{Status: 200}); err != nil {
		t.Fatal(err)
	}
	f.clock.Advance(5 * time.Second)
	if !admitted() {
		t.Error("others do not know that it closed")
	}
	if got := f.documents("breakers"); len(got) != 0 {
		t.Errorf("a closed breaker is kept: %v", got)
	}
}

func TestOneProbeGoesThroughWhenThePauseIsOver(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.fail("ep_1", 5)
	f.clock.Advance(15 * time.Second)
	let := 0
	for range 10 {
		_, ok, err := f.store.Admit(t.Context(), tenant, "ep_1")
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			let++
		}
	}
	if let != 1 {
		t.Errorf("%d of ten went through", let)
	}
}

func TestHealthyEndpointsCostNoWrite(t *testing.T) {
	t.Parallel()
	f := open(t)
	f.fail("ep_1", 4)
	f.cloud.Calls.Reset()
	for range 10 {
		if _, err := f.store.Note(t.Context(), tenant, "ep_1", webhook.Result{Status: 200}); err != nil {
			t.Fatal(err)
		}
	}
	if calls := f.cloud.Calls.Snapshot(); len(calls) != 0 {
		t.Errorf("calls: %v", calls)
	}
}

func TestALongLineAtOneEndpointHidesNobody(t *testing.T) {
	t.Parallel()
	f := open(t)
	sick, well := f.endpoint(), f.endpoint()
	for i := range 40 {
		f.dispatch(f.event(fmt.Sprint("ord_s", i), 1), sick, "gone")
	}
	want := f.dispatch(f.event("ord_w", 1), well, "gone")
	f.clock.Advance(2 * delivery.Lease)
	due, err := f.store.Due(t.Context(), 1, func(endpoint string) bool { return endpoint == sick.ID })
	if err != nil || len(due) != 1 || due[0].ID != want.ID {
		t.Errorf("%d found, %v", len(due), err)
	}
	all, err := f.store.Due(t.Context(), 1, none)
	if err != nil || len(all) > 16 {
		t.Errorf("%d found at one per shard, %v", len(all), err)
	}
}

func TestParkingPutsOffWhatNobodyWorksOn(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]wire.Fault{"undisturbed": {}, "succeeds without telling": {After: wire.Unavailable()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := open(t)
			e := f.endpoint()
			for i := range 5 {
				f.dispatch(f.event(fmt.Sprint("ord_", i), 1), e, "gone")
			}
			f.clock.Advance(2 * delivery.Lease)
			due, err := f.store.Due(t.Context(), 10, none)
			if err != nil || len(due) != 5 {
				t.Fatalf("%d due, %v", len(due), err)
			}
			taken, ok, err := f.store.Take(t.Context(), due[2], "me")
			if !ok || err != nil {
				t.Fatal(err)
			}
			until := f.clock.Now().Add(time.Minute)
			f.cloud.Faults.Set(wire.Nth(commit, 2, fault))
			if err := f.store.Park(t.Context(), due, until); err != nil {
				t.Fatal(err)
			}
			f.cloud.Faults.Set(nil)
			if now := f.delivery(taken.ID); now.Claim != "me" {
				t.Errorf("what somebody works on was taken away: %+v", now.Delivery)
			}
			if due, err = f.store.Due(t.Context(), 10, none); err != nil || len(due) != 0 {
				t.Errorf("%d still due, %v", len(due), err)
			}
			f.clock.Advance(time.Minute)
			if due, err = f.store.Due(t.Context(), 10, none); err != nil || len(due) != 5 { // the fifth by the end of its lease
				t.Errorf("%d due after the pause, %v", len(due), err)
			}
		})
	}
}
