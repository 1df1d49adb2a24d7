package order_test

import (
	"testing"
	"time"

	"ryggrad.internal/hub/shared/order"
)

func TestHowNearADeadlineIs(t *testing.T) {
	t.Parallel()
	by := noon.Add(10 * time.Minute)
	for left, want := range map[time.Duration]order.Lapse{
		10 * time.Minute: order.InTime, 3*time.Minute + 1: order.InTime, 3 * time.Minute: order.Near, 91 * time.Second: order.Near,
		90 * time.Second: order.Last, 1: order.Last, 0: order.Over, -time.Hour: order.Over,
	} {
		r := received()
		r.AcceptBy = by
		if got := r.Lapse(by.Add(-left)); got != want {
			t.Errorf("%s before: %d, want %d", left, got, want)
		}
		r.Status = order.Accepted
		if got := r.Lapse(by.Add(-left)); got != order.InTime {
			t.Errorf("accepted, %s before: %d", left, got)
		}
	}
	if got := received().Lapse(noon.Add(time.Hour)); got != order.InTime {
		t.Errorf("without a deadline: %d", got)
	}
}

func TestWhenAnOrderMustBeDecided(t *testing.T) {
	t.Parallel()
	at := func(d time.Duration) order.Time { return order.Time(noon.Add(d).Format(time.RFC3339)) }
	for name, c := range map[string]struct {
		placed order.Time
		within time.Duration
		want   time.Time
	}{
		"no limit":            {at(0), 0, time.Time{}},
		"placed a moment ago": {at(-time.Minute), 8 * time.Minute, noon.Truncate(time.Second).Add(7 * time.Minute)},
		"placed long ago":     {at(-time.Hour), 8 * time.Minute, noon.Truncate(time.Microsecond).Add(8 * time.Minute)},
		"placed in future":    {at(time.Hour), 8 * time.Minute, noon.Truncate(time.Microsecond).Add(8 * time.Minute)},
		"does not say":        {"", 8 * time.Minute, noon.Truncate(time.Microsecond).Add(8 * time.Minute)},
	} {
		if got := order.DecideBy(c.placed, noon, c.within); !got.Equal(c.want) {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestOnlyAnUndecidedOrderIsFoundByItsDeadline(t *testing.T) {
	t.Parallel()
	r := received()
	r.AcceptBy = noon.UTC().Truncate(time.Microsecond)
	back, err := order.ParseRecord(r.ID, r.Document())
	if err != nil || !back.AcceptBy.Equal(r.AcceptBy) {
		t.Errorf("%v, %v", back.AcceptBy, err)
	}
	r.Status = order.Accepted
	if at, there := r.Document()["acceptBy"]; there {
		t.Errorf("an accepted order has %v", at)
	}
}
