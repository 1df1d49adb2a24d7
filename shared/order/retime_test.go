package order_test

import (
	"testing"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

func TestATimeIsMovedWhileSomebodyCooks(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 17, 5, 0, 0, time.UTC)
	received := order.Receive(order.Origin{Tenant: "ten_1", Link: "lnk_1", Identity: []string{"1"}}, order.Order{}, now, "channel")
	const at = order.Time("2026-03-01T17:30:00Z")
	for _, c := range []struct {
		name    string
		way     []order.Status
		readyAt order.Time
		version int64 // afterwards; 0 when it is refused
		kind    fault.Kind
	}{
		{"before anybody decided", nil, at, 2, ""},
		{"accepted", []order.Status{order.Accepted}, at, 3, ""},
		{"being prepared", []order.Status{order.Accepted, order.Preparing}, at, 4, ""},
		{"ready", []order.Status{order.Ready}, at, 0, fault.Conflict},
		{"rejected", []order.Status{order.Rejected}, at, 0, fault.Conflict},
		{"no time", nil, "soon", 0, fault.Invalid},
	} {
		r := received
		for _, s := range c.way {
			r, _, _ = r.Advance(order.Change{Status: s, Reason: "why"}, now, "client")
		}
		next, changed, err := r.Retime(c.readyAt, now, "client")
		if fault.KindOf(err) != c.kind || changed != (c.version != 0) {
			t.Errorf("%s: %t, %v", c.name, changed, err)
			continue
		}
		if !changed {
			continue
		}
		newest := next.History[len(next.History)-1]
		if next.Version != c.version || next.Status != r.Status || next.Reason != r.Reason || next.ReadyAt != at || !next.Retimed() || r.Retimed() {
			t.Errorf("%s: %+v", c.name, next)
		}
		if int64(len(next.History)) != next.Version || newest.Status != r.Status || !newest.At.After(r.History[len(r.History)-1].At) {
			t.Errorf("%s: its history is %+v", c.name, next.History)
		}
		if again, changed, err := next.Retime(at, now.Add(time.Hour), "client"); changed || err != nil || again.Version != next.Version {
			t.Errorf("%s, said twice: %t, %v", c.name, changed, err)
		}
	}
}

func TestATimeThatIsMovedForEverIsRefused(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 17, 5, 0, 0, time.UTC)
	r := order.Receive(order.Origin{Tenant: "ten_1", Link: "lnk_1", Identity: []string{"1"}}, order.Order{}, now, "channel")
	var err error
	for i := 0; err == nil && i < 1000; i++ {
		r, _, err = r.Retime(order.Time(now.Add(time.Duration(i)*time.Minute).Format(time.RFC3339)), now, "client")
	}
	if !fault.Is(err, fault.Conflict) || len(r.History) != 100 {
		t.Errorf("%d steps, %v", len(r.History), err)
	}
	if _, changed, err := r.Advance(order.Change{Status: order.Accepted}, now, "client"); !changed || err != nil {
		t.Errorf("its status cannot be changed any more: %v", err)
	}
}

func TestWhatCameBeforeAVersion(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 17, 5, 0, 0, time.UTC)
	r := order.Receive(order.Origin{Tenant: "ten_1", Link: "lnk_1", Identity: []string{"1"}}, order.Order{}, now, "channel")
	r, _, _ = r.Retime("2026-03-01T17:30:00Z", now, "client")
	r, _, _ = r.Advance(order.Change{Status: order.Accepted}, now, "client")
	r, _, _ = r.Advance(order.Change{Status: order.Ready}, now, "client")
	for version, want := range map[int64]bool{1: false, 2: false, 3: false, 4: true, 5: true} {
		if got := r.DecidedBefore(version); got != want {
			t.Errorf("version %d: %t", version, got)
		}
	}
}
