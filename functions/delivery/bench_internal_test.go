package delivery

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const (
	drained        = 10_000 // events
	dispatchAtOnce = 40     // requests of one instance, as the table of functions says
)

// queue writes events of as many orders, and returns their ids.
func (w *world) queue(n int) []string {
	w.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("evt_bench%d", i)
	}
	for part := range slices.Chunk(ids, 250) {
		writes := make([]ledgerdb.Write, len(part))
		for i, id := range part {
			e := delivery.Event{
				ID: id, Tenant: tenant, Type: delivery.OrderReceived, Order: "ord_" + id, Location: "loc_1", Sequence: 1,
				OccurredAt: w.clock.Now(), Data: map[string]any{"status": "received"}, Pending: true,
			}
			writes[i] = ledgerdb.Add(ledgerdb.Ref{Collection: "events", ID: id}, e.Document())
		}
		if err := w.ledger.Bookkeep(w.t.Context(), tenant, writes...); err != nil {
			w.t.Fatal(err)
		}
	}
	return ids
}

// counter is a fast endpoint that counts what it gets.
func (w *world) counter(t testing.TB) *atomic.Int64 {
	t.Helper()
	var got atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only counted
		got.Add(1)
	}))
	t.Cleanup(server.Close)
	_, _, err := w.store.Create(t.Context(), act("endpoint.create"), delivery.Settings{
		URL: server.URL, Events: delivery.Types(), Payload: delivery.Thin, Format: delivery.Ryggrad,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &got
}

// BenchmarkDrain measures how fast one instance brings 10,000 waiting events to a fast endpoint: dispatch, forty
// announcements at a time, and the retry job, for deliveries whose first attempt never happened. Store, receiver and
// function share the machine.
func BenchmarkDrain(b *testing.B) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	for name, drain := range map[string]func(*world, []string){
		"dispatch": func(w *world, ids []string) {
			var group errgroup.Group
			group.SetLimit(dispatchAtOnce)
			for _, id := range ids {
				group.Go(func() error {
					return (&dispatcher{w.courier}).deliver(w.t.Context(), event.Announcement{Tenant: tenant, Event: id})
				})
			}
			if err := group.Wait(); err != nil {
				w.t.Error(err)
			}
		},
		"retry": func(w *world, _ []string) {
			if err := (&retrier{w.courier}).retry(w.t.Context(), event.Message{}); err != nil {
				w.t.Error(err)
			}
		},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				w := newWorld(b)
				w.courier.log = slog.New(slog.DiscardHandler)
				got, ids := w.counter(b), w.queue(drained)
				if name == "retry" {
					w.abandon(b.Context(), ids)
				}
				b.StartTimer()
				drain(w, ids)
				b.StopTimer()
				if n := got.Load(); n != drained {
					b.Errorf("%d of %d arrived", n, drained)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(drained*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// abandon makes the deliveries of events and lets their leases run out, as if the process had died.
func (w *world) abandon(ctx context.Context, ids []string) {
	w.t.Helper()
	known, err := w.store.Known(ctx, tenant)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, id := range ids {
		ev, err := w.store.Event(ctx, tenant, id)
		if err == nil {
			_, err = w.store.Dispatch(ctx, ev, known, "gone")
		}
		if err != nil {
			w.t.Fatal(err)
		}
	}
	w.clock.Advance(2 * time.Minute)
}
