package delivery

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/order"
)

// quick makes n orders and announces each.
func (w *world) quick(n int, prefix string) (ids []string) {
	w.t.Helper()
	for i := range n {
		id, ev := w.place(prefix + strconv.Itoa(i))
		w.announce(w.t.Context(), ev)
		ids = append(ids, id)
	}
	return ids
}

func TestASickEndpointIsSparedAndTheOthersAreNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sick, well := newReceiver(t, 500), newReceiver(t)
	eSick := w.endpoint(sick, delivery.Thin, delivery.OrderReceived)
	w.endpoint(well, delivery.Thin, delivery.OrderReceived)
	w.quick(12, "A-")
	if got := len(sick.got()); got != 5 {
		t.Errorf("%d messages to an endpoint that fails: the breaker opens after 5", got)
	}
	if got := len(well.got()); got != 12 {
		t.Errorf("%d messages to the endpoint that is well", got)
	}
	w.tick(t.Context())
	if got := len(sick.got()); got != 6 {
		t.Errorf("%d messages after a pause: one is a probe", got)
	}
	sick.answer(200)
	w.tick(t.Context())
	w.tick(t.Context())
	seen := map[string]bool{}
	for _, m := range sick.got() {
		seen[m.ID] = true
	}
	if len(seen) != 12 {
		t.Errorf("%d of 12 events arrived after it recovered", len(seen))
	}
	for id, d := range w.stored("deliveries") {
		if d["state"] != "delivered" {
			t.Errorf("%s is %v", id, d["state"])
		}
	}
	if b, err := w.store.Breaker(t.Context(), tenant, eSick.ID); err != nil || b.Tripped() {
		t.Errorf("the breaker: %+v, %v", b, err)
	}
	notices := 0
	for _, e := range w.stored("events") {
		if e["type"] == "notice.created" && strings.Contains(text(e["data"]), eSick.ID) {
			notices++
		}
	}
	if notices != 1 {
		t.Errorf("%d notices that it fails", notices)
	}
}

func TestAnEndpointThatFailsHalfTheTimeIsSentEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	answers := []int{}
	for range 60 {
		answers = append(answers, 500, 200)
	}
	pos := newReceiver(t, answers...)
	w.endpoint(pos, delivery.Thin, delivery.OrderReceived)
	w.quick(12, "A-")
	for minute := 0; minute < 30 && !w.settled(12); minute++ {
		w.tick(t.Context())
	}
	for id, d := range w.stored("deliveries") {
		if d["state"] != "delivered" {
			t.Errorf("%s is %v after %v attempts", id, d["state"], d["tries"])
		}
	}
}

func TestAnEndpointIsLeftInPeaceForAsLongAsItAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pos := newReceiver(t)
	pos.retryAfter = "600"
	pos.answer(http.StatusTooManyRequests)
	w.endpoint(pos, delivery.Thin, delivery.OrderReceived)
	w.quick(2, "A-")
	for range 9 {
		w.tick(t.Context())
	}
	if got := len(pos.got()); got != 1 {
		t.Errorf("%d messages within ten minutes", got)
	}
	pos.answer(200)
	w.tick(t.Context())
	w.tick(t.Context())
	if got := len(pos.got()); got != 3 {
		t.Errorf("%d messages after them", got)
	}
}

func TestTheLogShowsWhatWasSaidWithoutTheGuest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pos := newReceiver(t, http.StatusBadRequest)
	pos.say = `{"error":"no such PLU","for":"` + strings.ToUpper(guestMark) + `","call":"+46 70 174 06 05"}`
	e := w.endpoint(pos, delivery.Full, delivery.OrderReceived)
	_, ev := w.place("A-1")
	w.announce(t.Context(), ev)
	d := w.delivery(ev, e)
	if !strings.Contains(d.Request, `"channelOrderId":"A-1"`) || strings.Contains(strings.ToLower(d.Request), strings.ToLower(guestMark)) {
		t.Errorf("request: %s", d.Request)
	}
	if len(d.Attempts) != 1 || d.Attempts[0].Answer != `{"error":"no such PLU","for":"•••","call":"•••"}` {
		t.Errorf("attempts: %+v", d.Attempts)
	}
	if kept := text(w.stored("deliveries")); strings.Contains(strings.ToLower(kept), strings.ToLower(guestMark)) {
		t.Errorf("kept: %s", kept)
	}
}

// TestAnAnswerIsMaskedWhateverWasAsked is answered with the guest by an endpoint that was told the order's id only, before
// the guest is erased and after.
func TestAnAnswerIsMaskedWhateverWasAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	pos := newReceiver(t)
	pos.say = `{"printed":1,"for":"` + guestMark + `"}`
	e := w.endpoint(pos, delivery.Thin)
	id, ev := w.place("A-1")
	w.announce(t.Context(), ev)
	if d := w.delivery(ev, e); len(d.Attempts) != 1 || d.Attempts[0].Answer != `{"printed":1,"for":"•••"}` {
		t.Errorf("attempts: %+v", d.Attempts)
	}
	if _, err := w.raw.Collection("orderKeys").Doc(id).Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	later := w.advance(id, order.Accepted)
	w.announce(t.Context(), later)
	if d := w.delivery(later, e); len(d.Attempts) != 1 || d.Attempts[0].Status != http.StatusOK || d.Attempts[0].Answer != "" {
		t.Errorf("after the erasure: %+v", d.Attempts)
	}
}

func TestAPOSThatSpeaksDeliverectGetsOrdersInItsForm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	pos := newReceiver(t)
	made := s.create("owner", `{"url":"`+pos.url+`","events":["order.received","order.cancelled"],"payload":"full","format":"deliverect"}`)
	pos.trustText(made.Secret)
	id, ev := s.place("A-1")
	s.announce(t.Context(), ev)
	s.announce(t.Context(), s.advance(id, order.Accepted))
	s.announce(t.Context(), s.advance(id, order.Cancelled))
	got := pos.got()
	if len(got) != 2 {
		t.Fatalf("%d messages", len(got))
	}
	for i, want := range []string{`"status":10,`, `"status":100,`} {
		if m := got[i]; !strings.Contains(m.Body, want) || !strings.Contains(m.Body, `"orderId":"`+id+`"`) ||
			!strings.Contains(m.Body, `"price":9500`) || m.Deliverect != hmacHex(made.Secret, m.Body) {
			t.Errorf("message %d: %+v", i, m)
		}
	}
	for _, body := range []string{
		`{"url":"https://pos.example.com/","events":["order.failed"],"payload":"full","format":"deliverect"}`,
		`{"url":"https://pos.example.com/","events":["order.received"],"format":"deliverect"}`,
	} {
		if status := s.call("owner", "POST", "/v1/endpoints", body, nil); status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", body, status)
		}
	}
}

func TestEventsArePolledAndReplayed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	pos := newReceiver(t)
	e := s.endpoint(pos, delivery.Thin)
	begin := s.clock.Now()
	id, ev := s.place("A-1")
	s.announce(t.Context(), ev)
	s.announce(t.Context(), s.advance(id, order.Accepted))
	s.clock.Advance(time.Minute)

	var feed struct {
		Items []eventBody `json:"items"`
		Next  string      `json:"nextCursor"`
	}
	if status := s.call("poller", "GET", "/v1/events?limit=1", "", &feed); status != http.StatusOK || len(feed.Items) != 1 || feed.Items[0].ID != ev || feed.Items[0].Sequence != 1 {
		t.Fatalf("%d %+v", status, feed)
	}
	if status := s.call("poller", "POST", "/v1/events/acknowledgement", `{"cursor":"`+feed.Next+`"}`, nil); status != http.StatusNoContent {
		t.Errorf("acknowledge: %d", status)
	}
	if status := s.call("poller", "GET", "/v1/events", "", &feed); status != http.StatusOK || len(feed.Items) != 1 || feed.Items[0].Sequence != 2 {
		t.Errorf("from what was acknowledged: %d %+v", status, feed)
	}
	if status := s.call("poller", "GET", "/v1/events?after="+feed.Next, "", &feed); status != http.StatusOK || len(feed.Items) != 0 || feed.Next == "" {
		t.Errorf("at the end: %d %+v", status, feed)
	}
	for path, want := range map[string]int{"/v1/events?after=x": 422, "/v1/events?limit=0": 422} {
		if status := s.call("poller", "GET", path, "", nil); status != want {
			t.Errorf("%s: %d", path, status)
		}
	}
	if status := s.call("nobody", "GET", "/v1/events", "", nil); status != http.StatusForbidden {
		t.Errorf("without the permission: %d", status)
	}

	var done replayBody
	body := `{"since":"` + begin.Format(time.RFC3339Nano) + `"}`
	if status := s.call("owner", "POST", "/v1/endpoints/"+e.ID+"/replay", body, &done); status != http.StatusAccepted || done.Queued != 2 || done.More {
		t.Fatalf("replay: %d %+v", status, done)
	}
	s.tick(t.Context())
	if got := pos.sequences(); len(got) != 4 || got[2] != 1 || got[3] != 2 {
		t.Errorf("replayed: %v", got)
	}
	for as, want := range map[string]int{"stranger": 404, "local": 404, "nobody": 403} {
		if status := s.call(as, "POST", "/v1/endpoints/"+e.ID+"/replay", body, nil); status != want {
			t.Errorf("%s replays: %d", as, status)
		}
	}
	backwards := `{"since":"2026-03-01T12:00:00Z","until":"2026-03-01T11:00:00Z"}`
	if status := s.call("owner", "POST", "/v1/endpoints/"+e.ID+"/replay", backwards, nil); status != http.StatusUnprocessableEntity {
		t.Errorf("backwards: %d", status)
	}
}
