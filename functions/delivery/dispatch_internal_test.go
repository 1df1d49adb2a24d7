package delivery

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	official "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/localcloud/wire"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/webhook"
)

func TestAnOrderReachesTheEndpointsThatWantIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pos, screen, audit := newReceiver(t), newReceiver(t), newReceiver(t)
	ePOS, eScreen := w.endpoint(pos, delivery.Full, delivery.OrderReceived), w.endpoint(screen, delivery.Thin)
	w.endpoint(audit, delivery.Thin, delivery.OrderCancelled)
	id, ev := w.place("A-1")
	w.announce(t.Context(), ev)

	if len(pos.got()) != 1 || len(screen.got()) != 1 || len(audit.got()) != 0 {
		t.Fatalf("%d, %d and %d messages", len(pos.got()), len(screen.got()), len(audit.got()))
	}
	if m := pos.got()[0]; m.ID != ev || m.Type != "order.received" || m.Sequence != 1 {
		t.Errorf("got %+v", m)
	}
	for _, e := range []delivery.Endpoint{ePOS, eScreen} {
		if d := w.delivery(ev, e); d.State != delivery.Delivered || len(d.Attempts) != 1 || d.Attempts[0].Status != http.StatusOK {
			t.Errorf("got %+v", d.Delivery)
		}
	}
	if _, pending := w.stored("events")[ev]["pending"]; pending {
		t.Error("the event keeps its mark")
	}
	if thin := screen.got()[0].Body; strings.Contains(thin, guestMark) || !strings.Contains(thin, id) || !strings.Contains(thin, `"status":"received"`) {
		t.Errorf("thin: %s", thin)
	}
	var full struct {
		Data struct {
			Content content `json:"content"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(pos.got()[0].Body), &full); err != nil {
		t.Fatal(err)
	}
	if c := full.Data.Content; c.Order.Customer == nil || c.Order.Customer.Name != guestMark || c.Order.Total != 9500 || c.Version != 1 {
		t.Errorf("full: %s", pos.got()[0].Body)
	}
}

func TestNothingOfTheGuestIsKeptOrLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.endpoint(newReceiver(t, http.StatusInternalServerError), delivery.Full)
	_, ev := w.place("A-1")
	w.announce(t.Context(), ev)
	w.tick(t.Context())
	for _, collection := range []string{"deliveries", "events", "endpoints", "audit"} {
		if strings.Contains(text(w.stored(collection)), guestMark) {
			t.Errorf("%s holds the guest", collection)
		}
	}
	if strings.Contains(w.log.String(), guestMark) || !strings.Contains(w.log.String(), "delivery attempted") {
		t.Errorf("log: %s", w.log)
	}
}

func TestAnAnnouncementThatComesTwiceIsSentOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pos := newReceiver(t)
	w.endpoint(pos, delivery.Thin)
	_, ev := w.place("A-1")
	w.announce(t.Context(), ev)
	w.announce(t.Context(), ev)
	w.tick(t.Context())
	if got := len(pos.got()); got != 1 {
		t.Errorf("%d messages", got)
	}
}

func TestWhatFailsIsSentAgainWithTheSameIdAndAFreshSignature(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pos := newReceiver(t, 500, 302, 200)
	e := w.endpoint(pos, delivery.Thin)
	_, ev := w.place("A-1")
	w.announce(t.Context(), ev)
	for range 3 {
		w.tick(t.Context())
		w.clock.Advance(time.Minute)
	}
	got := pos.got()
	if len(got) != 3 || got[0].ID != ev || got[1].ID != ev || got[2].ID != ev {
		t.Errorf("got %+v", got)
	}
	d := w.delivery(ev, e)
	var statuses []int
	for _, a := range d.Attempts {
		statuses = append(statuses, a.Status)
	}
	if diff := cmp.Diff([]int{500, 302, 200}, statuses); diff != "" || d.State != delivery.Delivered {
		t.Errorf("%s (-want +got):\n%s", d.State, diff)
	}
}

func TestEventsOfAnOrderAreDeliveredInTheirOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pos, statusOnly := newReceiver(t), newReceiver(t)
	w.endpoint(pos, delivery.Thin)
	w.endpoint(statusOnly, delivery.Thin, delivery.OrderStatusChanged)
	id, received := w.place("A-1")
	accepted, preparing := w.advance(id, order.Accepted), w.advance(id, order.Preparing)

	w.announce(t.Context(), preparing)
	if len(pos.got())+len(statusOnly.got()) != 0 {
		t.Fatal("event 3 went before 1 and 2 were dispatched")
	}
	w.announce(t.Context(), received)
	if diff := cmp.Diff([]int64{1}, pos.sequences()); diff != "" {
		t.Fatalf("after event 1 (-want +got):\n%s", diff)
	}
	w.announce(t.Context(), accepted)
	if diff := cmp.Diff([]int64{1, 2, 3}, pos.sequences()); diff != "" {
		t.Errorf("event 3 does not follow event 2 at once (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{2, 3}, statusOnly.sequences()); diff != "" {
		t.Errorf("who did not ask for event 1 (-want +got):\n%s", diff)
	}
}

func TestAWaitingEventFollowsWhenTheOneInFrontIsTaken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pos, healthy := newReceiver(t, 500), newReceiver(t)
	w.endpoint(pos, delivery.Thin)
	w.endpoint(healthy, delivery.Thin)
	id, received := w.place("A-1")
	w.announce(t.Context(), received)
	w.announce(t.Context(), w.advance(id, order.Accepted))
	other, otherReceived := w.place("A-2")
	_ = other
	w.announce(t.Context(), otherReceived)
	if diff := cmp.Diff([]int64{1, 1}, pos.sequences()); diff != "" {
		t.Errorf("another order waits too, or event 2 does not (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{1, 2, 1}, healthy.sequences()); diff != "" {
		t.Errorf("a sick endpoint holds up a healthy one (-want +got):\n%s", diff)
	}
	pos.answer(200)
	w.tick(t.Context())
	w.tick(t.Context())
	if diff := cmp.Diff([]int64{1, 2}, ofOrder(pos, id)[1:]); diff != "" {
		t.Errorf("after it recovered (-want +got):\n%s", diff)
	}
}

// Event 2 finds event 1 in flight and steps back; before that is recorded, event 1 is settled and finds event 2 still
// claimed, so it cannot take it along. Event 2 must notice by itself.
func TestAnEventThatStepsBackTooLateGoesAllTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pos := newReceiver(t)
	pos.arrived, pos.release = make(chan struct{}, 1), make(chan struct{})
	w.endpoint(pos, delivery.Thin)
	id, received := w.place("A-1")
	accepted := w.advance(id, order.Accepted)
	stepBack := wire.NewGate()
	w.cloud.Faults.Set(wire.Nth("/google.firestore.v1.Firestore/Commit", 3, wire.Fault{Hold: stepBack}))

	var first, second sync.WaitGroup
	first.Go(func() { w.announce(t.Context(), received) }) // commit 1
	<-pos.arrived
	second.Go(func() { w.announce(t.Context(), accepted) }) // commits 2 and 3
	<-stepBack.Reached()
	close(pos.release)
	first.Wait()
	if diff := cmp.Diff([]int64{1}, pos.sequences()); diff != "" {
		t.Fatalf("before event 2 stepped back (-want +got):\n%s", diff)
	}
	stepBack.Open()
	second.Wait()
	if diff := cmp.Diff([]int64{1, 2}, pos.sequences()); diff != "" {
		t.Errorf("after it did (-want +got):\n%s", diff)
	}
}

func ofOrder(r *receiver, id string) []int64 {
	var all []int64
	for _, m := range r.got() {
		if strings.Contains(m.Body, id) {
			all = append(all, m.Sequence)
		}
	}
	return all
}

func TestAnEndpointThatIsGoneIsSwitchedOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pos, ops := newReceiver(t, http.StatusGone), newReceiver(t)
	e := w.endpoint(pos, delivery.Thin, delivery.OrderReceived)
	w.endpoint(ops, delivery.Thin, delivery.EndpointDisabled)
	_, ev := w.place("A-1")
	w.announce(t.Context(), ev)
	if d := w.delivery(ev, e); d.State != delivery.Failed || d.Reason != delivery.Gone {
		t.Errorf("got %+v", d.Delivery)
	}
	w.tick(t.Context())
	if got := ops.got(); len(got) != 1 || got[0].Type != "endpoint.disabled" || !strings.Contains(got[0].Body, e.ID) {
		t.Errorf("the other endpoint got %+v", got)
	}
	_, next := w.place("A-2")
	w.announce(t.Context(), next)
	if got := len(pos.got()); got != 1 {
		t.Errorf("%d messages to an endpoint that is gone", got)
	}
	now, err := w.store.Endpoint(t.Context(), tenant, e.ID)
	if err != nil || !now.Disabled || now.Reason != delivery.Gone {
		t.Errorf("%v, %+v", err, now)
	}
	var disabled int
	for _, entry := range w.stored("audit") {
		if entry["action"] == "endpoint.disable" && entry["actor"] == "system:delivery" {
			disabled++
		}
	}
	if disabled != 1 {
		t.Errorf("%d audit entries", disabled)
	}
}

func TestWhatIsStillToBeSentToAnEndpointThatIsNoMoreFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anybody := func(delivery.Endpoint) error { return nil }
	removed, off := newReceiver(t, 500), newReceiver(t, 500)
	eRemoved, eOff := w.endpoint(removed, delivery.Thin), w.endpoint(off, delivery.Thin)
	_, ev := w.place("A-1")
	w.announce(t.Context(), ev)
	if err := w.store.Remove(t.Context(), act("endpoint.remove"), eRemoved.ID, anybody); err != nil {
		t.Fatal(err)
	}
	settings := eOff.Settings
	settings.Disabled = true
	if _, err := w.store.Change(t.Context(), act("endpoint.change"), eOff.ID, settings, anybody); err != nil {
		t.Fatal(err)
	}
	w.tick(t.Context())
	if d := w.delivery(ev, eRemoved); d.State != delivery.Failed || d.Reason != delivery.Removed {
		t.Errorf("removed: %+v", d.Delivery)
	}
	if d := w.delivery(ev, eOff); d.State != delivery.Failed || d.Reason != delivery.ByOwner {
		t.Errorf("switched off: %+v", d.Delivery)
	}
	if len(removed.got()) != 1 || len(off.got()) != 1 {
		t.Error("something was sent")
	}
}

func TestForgottenEventsAreAnnouncedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pos := newReceiver(t)
	w.endpoint(pos, delivery.Thin)
	for _, number := range []string{"A-1", "A-2", "A-3"} {
		w.place(number)
	}
	w.tick(t.Context())
	if got := len(pos.got()); got != 3 {
		t.Errorf("%d messages", got)
	}
	w.tick(t.Context())
	if got := len(w.cloud.Published(t, event.TopicEvents)); got != 3 {
		t.Errorf("%d announcements", got)
	}
}

func TestAnErasedGuestIsNotInAFullPayload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pos := newReceiver(t)
	w.endpoint(pos, delivery.Full)
	id, ev := w.place("A-1")
	if _, err := w.raw.Collection("orderKeys").Doc(id).Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.announce(t.Context(), ev)
	got := pos.got()
	if len(got) != 1 || strings.Contains(got[0].Body, guestMark) || !strings.Contains(got[0].Body, `"erased":true`) {
		t.Errorf("got %+v", got)
	}
}

func TestAnnouncementsThatAreNoneArePoison(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, data := range []string{"", "null", "{}", `{"tenant":"t"}`, `{"tenant":"t","event":"e","more":1}`, `[]`, "\xff"} {
		err := (&dispatcher{w.courier}).dispatch(t.Context(), event.Message{ID: "1", Data: []byte(data)})
		if !fault.Is(err, fault.Malformed) {
			t.Errorf("%q: %v", data, err)
		}
	}
	w.announce(t.Context(), "evt_unknown")
}

func TestAnotherTenantsEventIsNotDispatched(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pos := newReceiver(t)
	w.endpoint(pos, delivery.Thin)
	_, ev := w.place("A-1")
	data, err := json.Marshal(event.Announcement{Tenant: stranger, Event: ev})
	if err != nil {
		t.Fatal(err)
	}
	if err := (&dispatcher{w.courier}).dispatch(t.Context(), event.Message{ID: "1", Data: data}); err != nil {
		t.Error(err)
	}
	if len(pos.got()) != 0 || w.stored("events")[ev]["pending"] != true {
		t.Error("it was dispatched")
	}
}

func TestTheSignatureIsOfThisMoment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var strict error
	var hook *official.Webhook
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		strict = hook.Verify(body, r.Header)
	}))
	t.Cleanup(server.Close)
	settings := delivery.Settings{URL: server.URL, Events: delivery.Types(), Payload: delivery.Thin, Format: delivery.Ryggrad}
	_, secret, err := w.store.Create(t.Context(), act("endpoint.create"), settings)
	if err != nil {
		t.Fatal(err)
	}
	if hook, err = official.NewWebhook(secret.Reveal()); err != nil {
		t.Fatal(err)
	}
	_, ev := w.place("A-1")
	strict = webhook.Mismatch
	w.announce(t.Context(), ev)
	if strict != nil {
		t.Errorf("the official library, clock and all: %v", strict)
	}
}

func FuzzPush(f *testing.F) {
	f.Add([]byte(`{"message":{"data":"eyJ0ZW5hbnQiOiJ0IiwiZXZlbnQiOiJlIn0=","messageId":"1"},"subscription":"s"}`))
	f.Add([]byte(`{"message":{"data":"bnVsbA==","messageId":"1"},"subscription":"s"}`))
	f.Add([]byte(`{"message":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := event.Parse(body)
		if err != nil {
			return
		}
		announced, err := event.ParseAnnouncement(m)
		if err != nil && !fault.Is(err, fault.Malformed) {
			t.Fatalf("%v makes Pub/Sub repeat what can never be read", err)
		}
		if err == nil && (announced.Tenant == "" || announced.Event == "") {
			t.Fatalf("%q names no event", body)
		}
	})
}
