package delivery

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/localcloud/wire"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/order/orderdb"
)

const commitCall = "/google.firestore.v1.Firestore/Commit"

// link makes a channel link of an adapter.
func (w *world) link(adapter string, policy identity.DeadlineAction, options map[string]string, secrets ...identity.LinkSecret) identity.Link {
	w.t.Helper()
	by := act("")
	location, err := w.people.CreateLocation(w.t.Context(), by, identity.Location{Name: "Here", Timezone: "Europe/Stockholm", Currency: "SEK", Country: "SE"})
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.raw.Collection("tenants").Doc(tenant).Set(w.t.Context(), map[string]any{
		"tenant": tenant, "name": "Demo", "createdAt": w.clock.Now(), "suspended": false,
	}); err != nil {
		w.t.Fatal(err)
	}
	l, err := w.people.CreateLink(w.t.Context(), by, identity.Link{
		Adapter: adapter, Locations: []identity.LinkedLocation{{Location: location.ID}}, Options: options,
		Policy: identity.Policy{OnDeadline: policy}, Enabled: true,
	}, append(identity.LinkSecrets{{Name: identity.WebhookSecret, Value: "s"}}, secrets...))
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// placeBy takes an order in that came by a link and must be decided within a time.
func (w *world) placeBy(link identity.Link, adapter, number string, within time.Duration) (id, eventID string) {
	w.t.Helper()
	o := order.Order{
		ChannelOrderID: number, DisplayID: "931", Location: "loc_1", Type: order.Delivery, Currency: "SEK",
		Items: []order.Item{{PLU: "A", Name: "B", Quantity: 1, UnitPrice: 9500}}, Total: 9500,
		PlacedAt: "2026-03-01T18:04:05+01:00", Payment: order.Payment{Method: "online", Status: order.Paid},
	}
	placed, err := w.orders.Place(w.t.Context(), orderdb.Placement{
		Order: o, Act: act("order.receive"), Region: "SE",
		Origin: order.Origin{
			Tenant: tenant, Link: link.ID, Adapter: adapter, Identity: []string{number},
			AcceptBy: order.DecideBy("", w.clock.Now(), within),
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return placed.Record.ID, placed.Event
}

func (w *world) watch() *watch {
	return &watch{store: w.store, orders: w.orders, directory: w.directory, announcer: w.topic, now: w.clock.Now, log: w.courier.log}
}

func (w *world) look(ctx context.Context) error { return w.watch().look(ctx, event.Message{}) }

func (w *world) status(id string) order.Status {
	w.t.Helper()
	o, err := w.orders.Load(w.t.Context(), tenant, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return o.Status
}

// count counts stored documents with a value in a field.
func (w *world) count(collection, field, value string) (n int) {
	w.t.Helper()
	for _, d := range w.stored(collection) {
		if d[field] == value {
			n++
		}
	}
	return n
}

func TestDeadlinesWarnAndThenDecideByPolicy(t *testing.T) {
	t.Parallel()
	for policy, want := range map[identity.DeadlineAction]struct {
		last, over order.Status
		action     string
	}{
		identity.DeadlineExpire: {order.Received, order.Expired, "order.expire"},
		identity.DeadlineAccept: {order.Accepted, order.Accepted, "order.accept_by_policy"},
		identity.DeadlineReject: {order.Rejected, order.Rejected, "order.reject_by_policy"},
	} {
		t.Run(string(policy), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			l := w.link("ubereats", policy, nil)
			id, _ := w.placeBy(l, "ubereats", "A-1", 10*time.Minute)
			free, _ := w.placeBy(l, "ubereats", "A-2", 0)
			begin := w.clock.Now()
			at := func(d time.Duration, notices int, status order.Status) {
				t.Helper()
				w.clock.Advance(begin.Add(d).Sub(w.clock.Now()))
				for range 2 { // a tick may come twice
					if err := w.look(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				if got := w.count("events", "type", "notice.created"); got != notices || w.status(id) != status {
					t.Errorf("after %s: %d notices, %s; want %d, %s", d, got, w.status(id), notices, status)
				}
			}
			at(6*time.Minute, 0, order.Received)
			at(7*time.Minute, 1, order.Received)
			at(8*time.Minute, 1, order.Received)
			at(9*time.Minute, 1, want.last)
			at(10*time.Minute, 1, want.over)
			at(30*time.Minute, 1, want.over)
			if got := w.count("audit", "action", want.action); got != 1 {
				t.Errorf("%d audit entries %s", got, want.action)
			}
			if w.status(free) != order.Received {
				t.Error("an order without a deadline was decided")
			}
			if got := len(w.cloud.Published(t, event.TopicEvents)); got != 2 {
				t.Errorf("%d announcements, want the warning and the decision", got)
			}
		})
	}
}

func TestAPolicyThatComesTooLateExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := w.placeBy(w.link("ubereats", identity.DeadlineAccept, nil), "ubereats", "A-1", 10*time.Minute)
	gone, _ := w.placeBy(identity.Link{ID: "lnk_aaaaaaaaaaaaaaaaaaaaaaaaaa"}, "ubereats", "A-2", 10*time.Minute)
	w.clock.Advance(11 * time.Minute)
	if err := w.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.status(id) != order.Expired || w.status(gone) != order.Expired {
		t.Errorf("%s, %s", w.status(id), w.status(gone))
	}
}

// The POS accepts while the job's expiry is on its way to the database.
func TestAPOSThatAcceptsInTheSameSecondWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, _ := w.placeBy(w.link("ubereats", identity.DeadlineExpire, nil), "ubereats", "A-1", 10*time.Minute)
	w.clock.Advance(10 * time.Minute)
	gate := wire.NewGate()
	w.cloud.Faults.Set(wire.Nth(commitCall, 1, wire.Fault{Hold: gate}))
	var group sync.WaitGroup
	var err error
	group.Go(func() { err = w.look(t.Context()) })
	<-gate.Reached()
	w.advance(id, order.Accepted)
	gate.Open()
	group.Wait()
	if err != nil || w.status(id) != order.Accepted {
		t.Errorf("%s, %v", w.status(id), err)
	}
	if got := w.count("audit", "action", "order.expire"); got != 0 {
		t.Error("the log says that it expired")
	}
}

func TestADecisionThatCannotBeWrittenIsMadeInTheNextRun(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]wire.Fault{
		"fails":                    {Before: status.Error(codes.Aborted, "wire: broken")},
		"succeeds without telling": {After: status.Error(codes.Aborted, "wire: broken")},
		"is repeated":              {After: wire.Unavailable()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			id, _ := w.placeBy(w.link("ubereats", identity.DeadlineExpire, nil), "ubereats", "A-1", 10*time.Minute)
			w.clock.Advance(10 * time.Minute)
			w.cloud.Faults.Set(wire.Nth(commitCall, 1, f))
			if err := w.look(t.Context()); err != nil && !fault.Is(err, fault.Unavailable) {
				t.Error(err)
			}
			if err := w.look(t.Context()); err != nil {
				t.Error(err)
			}
			if w.status(id) != order.Expired || w.count("audit", "action", "order.expire") != 1 {
				t.Errorf("%s, %d entries", w.status(id), w.count("audit", "action", "order.expire"))
			}
		})
	}
}

func TestTheWarningReachesThePOS(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pos := newReceiver(t)
	w.endpoint(pos, delivery.Thin, delivery.NoticeCreated)
	w.placeBy(w.link("ubereats", identity.DeadlineExpire, nil), "ubereats", "A-1", 10*time.Minute)
	w.clock.Advance(8 * time.Minute)
	if err := errors.Join(w.look(t.Context())); err != nil {
		t.Fatal(err)
	}
	w.tick(t.Context())
	if got := pos.got(); len(got) != 1 || got[0].Type != "notice.created" {
		t.Errorf("got %+v", got)
	}
}
