package hub_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/hub"
)

// TestSubscribersEndBeforeCloudRunEndsThem holds handlers to leave time for what follows their deadline.
func TestSubscribersEndBeforeCloudRunEndsThem(t *testing.T) {
	t.Parallel()
	table, err := functions.Table()
	if err != nil {
		t.Fatal(err)
	}
	heard := 0
	for _, f := range table {
		if f.Trigger != functions.PubSub {
			continue
		}
		h := &hub.Hub{Log: slog.New(slog.DiscardHandler), Now: time.Now}
		var left time.Duration
		subscriber, err := h.Subscriber(f.Name, func(ctx context.Context, _ event.Message) error {
			end, _ := ctx.Deadline()
			left = time.Until(end)
			heard++
			return ctx.Err()
		})
		if err != nil {
			t.Fatal(err)
		}
		rec := httptest.NewRecorder()
		subscriber.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/",
			strings.NewReader(`{"message":{"messageId":"1"},"subscription":"s"}`)))
		timeout := time.Duration(f.Timeout) * time.Second
		if rec.Code != http.StatusNoContent || left <= timeout/2 || left > timeout-4*time.Second {
			t.Errorf("%s answers %d, and its handler has %s of %s", f.Name, rec.Code, left, timeout)
		}
	}
	if heard == 0 {
		t.Error("no function is called by Pub/Sub")
	}
}
