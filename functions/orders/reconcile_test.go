package orders

import (
	"crypto/rand"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/hub"
)

// reconciler returns the job, at a time of the test's own.
func (w *world) reconciler(now func() time.Time) *reconciler {
	w.t.Helper()
	cfg, err := gcp.Load[gcp.Config](w.Env())
	w.must(err)
	h, err := hub.Open(w.t.Context(), cfg, slog.New(slog.DiscardHandler))
	w.must(err)
	w.t.Cleanup(func() { _ = h.Close() })
	h.Now, h.Random = now, rand.Reader
	announcer, err := h.Announcer(w.t.Context())
	w.must(err)
	return &reconciler{orders: h.Orders(), messages: h.Messages(), announcer: announcer, now: now, log: slog.New(slog.DiscardHandler)}
}

func TestACancellationWaitsForItsOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	job := w.reconciler(time.Now)
	for _, name := range []string{"deliverect", "hubrise"} { // one whose ids are unique for good, and one whose are not
		s, p := w.play(h, name), platforms()[name]
		cancel := w.fixture(name, p.cancel)
		for range 2 {
			if a := s.send(p.cancelPath, cancel, standardSecret); a.status != http.StatusOK {
				t.Errorf("%s: before its order a cancellation is answered %d %s", name, a.status, a.text)
			}
		}
		w.must(job.reconcile(t.Context(), event.Message{}))
		if n := len(s.messages(channel.KeptWaiting).body.Items); n != 1 {
			t.Errorf("%s: %d cancellations wait", name, n)
		}
		s.send(p.orderPath, w.fixture(name, p.order), standardSecret)
		for range 2 {
			w.must(job.reconcile(t.Context(), event.Message{}))
		}
		if n := len(s.messages(channel.KeptWaiting).body.Items); n != 0 {
			t.Errorf("%s: %d cancellations still wait", name, n)
		}
	}
	s := w.play(h, "deliverect")
	if got := s.statuses(); got != "cancelled cancelled" || w.count("events") != 4 || len(s.messages(channel.KeptSettled).body.Items) != 2 {
		t.Errorf("orders %q, %d events, settled %s", got, w.count("events"), s.messages(channel.KeptSettled).text)
	}
}

func TestACancellationWhoseOrderNeverComesIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.play(w.serve(), "deliverect")
	s.send("orders", w.fixture("deliverect", "cancel"), standardSecret)
	w.must(w.reconciler(func() time.Time { return time.Now().Add(channel.WaitForOrder - time.Minute) }).reconcile(t.Context(), event.Message{}))
	if n := len(s.messages(channel.KeptWaiting).body.Items); n != 1 {
		t.Fatalf("before a day is over %d wait", n)
	}
	w.must(w.reconciler(func() time.Time { return time.Now().Add(channel.WaitForOrder) }).reconcile(t.Context(), event.Message{}))
	if missed := s.messages(channel.KeptMissed); len(missed.body.Items) != 1 || len(s.messages(channel.KeptWaiting).body.Items) != 0 {
		t.Errorf("missed %s", missed.text)
	}
}
