package delivery_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/webhook"
)

func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

func event(sequence int64) delivery.Event {
	return delivery.Event{ID: fmt.Sprintf("evt_%d", sequence), Tenant: "ten_1", Type: delivery.OrderStatusChanged, Order: "ord_1",
		Location: "loc_1", Sequence: sequence, OccurredAt: noon(), Pending: true}
}

func TestADeliveryIsBornClaimedSoThatNobodyElseTakesIt(t *testing.T) {
	t.Parallel()
	d := delivery.New(event(1), "ep_1", "me", noon())
	if d.ID != "evt_1_ep_1" || d.State != delivery.Pending || d.Claim != "me" {
		t.Errorf("got %+v", d)
	}
	if _, taken := d.Take("other", noon().Add(delivery.Lease-1)); taken {
		t.Error("taken under a live lease")
	}
	again, taken := d.Take("other", noon().Add(delivery.Lease))
	if !taken || again.Claim != "other" || !again.LeaseUntil.Equal(noon().Add(2*delivery.Lease)) {
		t.Errorf("after the lease: %t, %+v", taken, again)
	}
	if !again.NextAt.Equal(again.LeaseUntil) {
		t.Error("whoever dies with the delivery leaves it without a time to look at it again")
	}
}

func TestWhatFollowsFromAnAttempt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		result webhook.Result
		state  delivery.State
		reason delivery.Reason
		wait   time.Duration
	}{
		"2xx":                           {webhook.Result{Status: 204}, delivery.Delivered, "", 0},
		"gone":                          {webhook.Result{Status: 410}, delivery.Failed, delivery.Gone, 0},
		"a redirect":                    {webhook.Result{Status: 301}, delivery.Pending, "", 15 * time.Second},
		"no answer":                     {webhook.Result{Failure: webhook.Timeout}, delivery.Pending, "", 15 * time.Second},
		"asked to wait longer":          {webhook.Result{Status: 503, RetryAfter: time.Hour}, delivery.Pending, "", time.Hour},
		"asked to wait shorter":         {webhook.Result{Status: 503, RetryAfter: time.Second}, delivery.Pending, "", 15 * time.Second},
		"asked to wait a year":          {webhook.Result{Status: 429, RetryAfter: 365 * 24 * time.Hour}, delivery.Pending, "", 24 * time.Hour},
		"2xx with a request to be left": {webhook.Result{Status: 200, RetryAfter: time.Hour}, delivery.Delivered, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.result.Duration = 2 * time.Second
			d := delivery.New(event(1), "ep_1", "me", noon()).Record(c.result, noon(), 0.5)
			if d.State != c.state || d.Reason != c.reason || d.Tries != 1 || d.Claim != "" {
				t.Errorf("got %+v", d)
			}
			if c.wait != 0 && !d.NextAt.Equal(noon().Add(2*time.Second+c.wait)) {
				t.Errorf("next at %s", d.NextAt)
			}
			if c.wait == 0 && (!d.NextAt.IsZero() || !d.SettledAt.Equal(noon().Add(2*time.Second))) {
				t.Errorf("settled at %s, next at %s", d.SettledAt, d.NextAt)
			}
		})
	}
}

// Whatever an endpoint answers, a delivery is settled within four days, tries no more often than the schedule says, and
// is at every moment either settled or due at some time to come.
func TestEveryDeliveryIsSettledInTheEnd(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d, at := delivery.New(event(1), "ep_1", "me", noon()), noon()
		for !d.Settled() {
			d, _ = d.Take("me", at)
			r := webhook.Result{
				Status:     rapid.SampledFrom([]int{0, 200, 301, 400, 410, 429, 500, 503, 503, 503, 503, 503}).Draw(t, "status"),
				Duration:   time.Duration(rapid.Int64Range(0, int64(15*time.Second)).Draw(t, "duration")),
				RetryAfter: time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "retry after")),
			}
			next := d.Record(r, at, rapid.Float64Range(0, 0.999).Draw(t, "random"))
			if next.Settled() != next.NextAt.IsZero() || next.Settled() == next.SettledAt.IsZero() {
				t.Fatalf("neither settled nor due: %+v", next)
			}
			if (next.State == delivery.Delivered) != (r.Outcome() == webhook.Delivered) {
				t.Fatalf("%d leads to %s", r.Status, next.State)
			}
			if !next.Settled() && !next.NextAt.After(at.Add(r.Duration)) {
				t.Fatal("due before its attempt ended")
			}
			d, at = next, next.NextAt
		}
		if d.Tries > delivery.MaxAttempts() || d.SettledAt.Sub(noon()) > 4*24*time.Hour+time.Minute {
			t.Fatalf("%d attempts, settled after %s", d.Tries, d.SettledAt.Sub(noon()))
		}
	})
}

func TestAttemptsOfThreeDaysAreUsedUp(t *testing.T) {
	t.Parallel()
	d, at := delivery.New(event(1), "ep_1", "me", noon()), noon()
	for i := range delivery.MaxAttempts() {
		if d.Settled() {
			t.Fatalf("given up after %d attempts", i)
		}
		d = d.Record(webhook.Result{Status: 500}, at, 0.999)
		at = d.NextAt
	}
	if d.State != delivery.Failed || d.Reason != delivery.Exhausted || len(d.Attempts) != delivery.MaxAttempts() {
		t.Errorf("got %s %s after %d attempts", d.State, d.Reason, len(d.Attempts))
	}
}

func TestAnEndpointCannotAskForPatienceWithoutEnd(t *testing.T) {
	t.Parallel()
	d, at := delivery.New(event(1), "ep_1", "me", noon()), noon()
	for !d.Settled() {
		d = d.Record(webhook.Result{Status: 503, RetryAfter: 24 * time.Hour}, at, 0.5)
		at = d.NextAt
	}
	if d.Reason != delivery.Exhausted || d.Tries != 5 {
		t.Errorf("%s after %d attempts, a day apart", d.Reason, d.Tries)
	}
}

func TestAPersonCanAskForAnotherTry(t *testing.T) {
	t.Parallel()
	d := delivery.New(event(1), "ep_1", "me", noon())
	if _, err := d.Again(noon()); !fault.Is(err, fault.Conflict) {
		t.Errorf("while it is attempted: %v", err)
	}
	failed := d.Record(webhook.Result{Status: 410}, noon(), 0.5)
	later := noon().Add(time.Hour)
	again, err := failed.Again(later)
	if err != nil || again.State != delivery.Pending || again.Tries != 0 || !again.NextAt.Equal(later) || again.Reason != "" {
		t.Errorf("%v, %+v", err, again)
	}
	if len(again.Attempts) != 1 {
		t.Error("the attempts before are forgotten")
	}
	waiting := d.Record(webhook.Result{Status: 500}, noon(), 0.5)
	if soon, err := waiting.Again(noon()); err != nil || !soon.NextAt.Equal(noon()) {
		t.Errorf("while it waits: %v, %s", err, soon.NextAt)
	}
}

func TestOnlyTheNewestAttemptsAreKept(t *testing.T) {
	t.Parallel()
	d := delivery.New(event(1), "ep_1", "me", noon())
	for i := range 50 {
		d = d.Record(webhook.Result{Status: 400 + i}, noon(), 0.5)
		if d.Settled() {
			d, _ = d.Again(noon())
		}
	}
	if len(d.Attempts) != 20 || d.Attempts[19].Status != 449 {
		t.Errorf("%d attempts, the last answered %d", len(d.Attempts), d.Attempts[len(d.Attempts)-1].Status)
	}
}

func TestDeliveriesReadBackAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	fresh := delivery.New(event(3), "ep_1", "me", noon())
	fresh.Attempts = []delivery.Attempt{}
	tried := fresh.Record(webhook.Result{Failure: webhook.BadTLS, Duration: 1500 * time.Millisecond}, noon(), 0.5)
	for name, d := range map[string]delivery.Delivery{
		"fresh": fresh, "tried": tried, "delivered": tried.Record(webhook.Result{Status: 200}, noon(), 0.5),
		"failed": tried.Fail(delivery.Removed, noon()), "held": fresh.Hold(noon()),
		"of no order": {ID: "evt_1_ep_1", Tenant: "ten_1", State: delivery.Pending, CreatedAt: noon(), NextAt: noon(), Attempts: []delivery.Attempt{}},
	} {
		got, err := delivery.ParseDelivery(d.ID, d.Tenant, d.Document())
		if diff := cmp.Diff(d, got); diff != "" || err != nil {
			t.Errorf("%s, %v (-wrote +read):\n%s", name, err, diff)
		}
		if _, due := d.Document()["nextAttemptAt"]; due == d.Settled() {
			t.Errorf("%s: in the retry job's index %t, settled %t", name, due, d.Settled())
		}
	}
	if _, err := delivery.ParseDelivery("x", "ten_1", map[string]any{"attempts": []any{"x"}}); err == nil {
		t.Error("an attempt that is a text is read")
	}
}
