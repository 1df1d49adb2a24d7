package event_test

import (
	"context"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/trace"

	"ryggrad.internal/hub/shared/event"
)

// topic remembers what it was given last.
type topic struct{ attributes map[string]string }

func (o *topic) Publish(_ context.Context, _ []byte, attributes map[string]string) error {
	o.attributes = attributes
	return nil
}

// deaf is a topic that does not answer.
type deaf struct{}

func (deaf) Publish(ctx context.Context, _ []byte, _ map[string]string) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestAnAnnouncementIsNotWaitedForLongerThanOneCan(t *testing.T) {
	t.Parallel()
	for patience, want := range map[time.Duration]time.Duration{0: time.Second, time.Minute: time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			event.Announcer{Topic: deaf{}, Log: slog.New(slog.DiscardHandler), Patience: patience}.Announce(t.Context(), event.Announcement{})
			if took := time.Since(began); took != want {
				t.Errorf("with a patience of %s it took %s", patience, took)
			}
		})
	}
}

// TestAnAnnouncementCarriesTheTraceAndNothingOfTheCallers: Pub/Sub refuses attributes of more than 1,024 bytes, and with them
// all messages of the same request.
func TestAnAnnouncementCarriesTheTraceAndNothingOfTheCallers(t *testing.T) {
	t.Parallel()
	state, err := trace.ParseTraceState("a=" + strings.Repeat("x", 250))
	if err != nil {
		t.Fatal(err)
	}
	traced := trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceState: state}
	carried := func(ctx context.Context) map[string]string {
		to := &topic{}
		if err := (event.Announcer{Topic: to, Log: slog.New(slog.DiscardHandler)}).Publish(ctx, event.Announcement{}); err != nil {
			t.Fatal(err)
		}
		return to.attributes
	}
	if got := carried(t.Context()); len(got) != 0 {
		t.Errorf("without a trace the message carries %v", got)
	}
	want := map[string]string{"googclient_traceparent": "00-01000000000000000000000000000000-0200000000000000-00"}
	if got := carried(trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(traced))); !maps.Equal(got, want) {
		t.Errorf("the message carries %v, want %v", got, want)
	}
}
