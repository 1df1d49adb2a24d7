package deliverydb_test

import (
	"fmt"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/localcloud/wire"
	"ryggrad.internal/hub/shared/webhook"
)

func TestAReplaySendsAgainWhatAnEndpointWants(t *testing.T) {
	t.Parallel()
	f := open(t)
	e := f.endpoint()
	var events []deliverydb.Event
	for i := range 6 {
		events = append(events, f.event(fmt.Sprint("ord_", i), 1))
		f.clock.Advance(time.Minute)
	}
	begin := events[0].OccurredAt
	settled := f.dispatch(events[1], e, "me").Record(webhook.Result{Status: 200}, f.clock.Now(), 0)
	if err := f.store.Save(t.Context(), settled, "me"); err != nil {
		t.Fatal(err)
	}
	waiting := f.dispatch(events[2], e, "me")
	for _, i := range []int{0, 4, 5} { // dispatched before there was the endpoint
		if _, err := f.store.Dispatch(t.Context(), events[i], nil, "me"); err != nil {
			t.Fatal(err)
		}
	}
	replay := func() deliverydb.Replayed {
		t.Helper()
		done, err := f.store.Replay(t.Context(), act(deliverydb.ActionReplay), e.ID, begin, begin.Add(5*time.Minute), anybody)
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	f.cloud.Faults.Set(wire.Nth(commit, 2, wire.Fault{After: wire.Unavailable()}))
	if done := replay(); !done.Until.Equal(begin.Add(5 * time.Minute)) {
		t.Errorf("it ended at %s", done.Until)
	}
	f.cloud.Faults.Set(nil)
	if done := replay(); done.Queued != 0 {
		t.Errorf("a second time queued %d more", done.Queued)
	}
	for i, want := range []bool{true, true, false, false, true, false} {
		d, err := f.store.Delivery(t.Context(), tenant, delivery.ID(events[i].ID, e.ID))
		queued := err == nil && d.State == delivery.Pending && d.Claim == ""
		if queued != want {
			t.Errorf("event %d: queued %t, %v, %+v", i, queued, err, d.Delivery)
		}
	}
	if now := f.delivery(waiting.ID); now.Claim != "me" {
		t.Error("what is on its way was disturbed")
	}
	if got := f.delivery(settled.ID); len(got.Attempts) != 1 {
		t.Errorf("the attempts before were forgotten: %+v", got.Delivery)
	}
}

func TestWhatCannotBeReplayed(t *testing.T) {
	t.Parallel()
	f := open(t)
	e := f.endpoint()
	off := settings()
	off.Disabled = true
	if _, err := f.store.Change(t.Context(), act(deliverydb.ActionChange), e.ID, off, anybody); err != nil {
		t.Fatal(err)
	}
	foreign := act(deliverydb.ActionReplay)
	foreign.Tenant = other
	now := f.clock.Now()
	_, offErr := f.store.Replay(t.Context(), act(deliverydb.ActionReplay), e.ID, now, now.Add(time.Hour), anybody)
	_, foreignErr := f.store.Replay(t.Context(), foreign, e.ID, now, now.Add(time.Hour), anybody)
	if !fault.Is(offErr, fault.Conflict) || !fault.Is(foreignErr, fault.NotFound) {
		t.Errorf("switched off: %v; another tenant's: %v", offErr, foreignErr)
	}
}

func TestTheFeedIsReadAndAcknowledged(t *testing.T) {
	t.Parallel()
	f := open(t)
	for i := range 7 {
		f.event(fmt.Sprint("ord_", i), 1)
		f.clock.Advance(time.Second)
	}
	var got []string
	cursor, err := f.store.Acknowledged(t.Context(), tenant, "client:cli_1")
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		var events []delivery.Event
		if events, cursor, err = f.store.Feed(t.Context(), tenant, cursor, 2); err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			got = append(got, e.Order)
		}
	}
	if want := "[ord_0 ord_1 ord_2 ord_3 ord_4 ord_5 ord_6]"; fmt.Sprint(got) != want {
		t.Errorf("got %v", got)
	}
	if err := f.store.Acknowledge(t.Context(), tenant, "client:cli_1", cursor); err != nil {
		t.Fatal(err)
	}
	for reader, want := range map[string]int{"client:cli_1": 0, "client:cli_2": 7} {
		at, err := f.store.Acknowledged(t.Context(), tenant, reader)
		if err != nil {
			t.Fatal(err)
		}
		if events, _, err := f.store.Feed(t.Context(), tenant, at, 50); err != nil || len(events) != want {
			t.Errorf("%s has %d to read, %v", reader, len(events), err)
		}
	}
	if events, _, err := f.store.Feed(t.Context(), other, delivery.FeedCursor{}, 50); err != nil || len(events) != 0 {
		t.Errorf("another tenant reads %d, %v", len(events), err)
	}
}

func TestANoticeIsGivenOnceAnHour(t *testing.T) {
	t.Parallel()
	f := open(t)
	failing := delivery.Notice{Kind: delivery.EndpointFailing, Subject: "ep_1", Message: "It fails."}
	aboutOrder := delivery.Notice{Kind: delivery.DeadlineNear, Subject: "ord_1", Order: "ord_1", Location: "loc_1", Message: "Hurry."}
	for range 3 {
		for _, n := range []delivery.Notice{failing, aboutOrder} {
			if _, err := f.store.Notify(t.Context(), tenant, n); err != nil {
				t.Fatal(err)
			}
		}
	}
	f.clock.Advance(time.Hour)
	for _, n := range []delivery.Notice{failing, aboutOrder} {
		if _, err := f.store.Notify(t.Context(), tenant, n); err != nil {
			t.Fatal(err)
		}
	}
	kinds := map[any]int{}
	for _, e := range f.documents("events") {
		data, _ := e["data"].(map[string]any)
		kinds[data["notice"]]++
	}
	if kinds["endpoint.failing"] != 2 || kinds["order.deadline_near"] != 1 {
		t.Errorf("%v", kinds)
	}
}
