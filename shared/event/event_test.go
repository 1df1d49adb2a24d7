package event_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

// push is what a subscription with a dead-letter topic sends; Google sends some names in both spellings.
const push = `{"message":{"data":"eyJldmVudCI6ImV2dF8xIiwidGVuYW50IjoidGVuXzEifQ==","attributes":{"googclient_traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},` +
	`"messageId":"7","message_id":"7","publishTime":"2026-03-01T12:00:00Z","publish_time":"2026-03-01T12:00:00Z","orderingKey":"ord_1"},` +
	`"subscription":"projects/p/subscriptions/dispatch","deliveryAttempt":3}`

func TestPushIsReadWhole(t *testing.T) {
	t.Parallel()
	m, err := event.Parse([]byte(push))
	want := event.Message{
		ID: "7", Subscription: "projects/p/subscriptions/dispatch", OrderingKey: "ord_1", DeliveryAttempt: 3,
		PublishedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Data: []byte(`{"event":"evt_1","tenant":"ten_1"}`),
		Attributes: map[string]string{"googclient_traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
	}
	if diff := cmp.Diff(want, m); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	one, err := event.ParseAnnouncement(m)
	if err != nil || one != (event.Announcement{Tenant: "ten_1", Event: "evt_1"}) {
		t.Errorf("announces %+v, %v", one, err)
	}
}

func TestWhatIsNoPushIsRefused(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, `{`, `[]`, `{}`, `{"message":{}}`, strings.Replace(push, `"messageId":"7",`, "", 1), strings.Replace(push, "eyJ", "***", 1),
		strings.Replace(push, `"subscription":`, `"subscription":"x","subscription":`, 1), "\xff",
	} {
		if m, err := event.Parse([]byte(body)); !fault.Is(err, fault.Malformed) {
			t.Errorf("%q is read as %+v, %v", body, m, err)
		}
	}
}

func TestWhatComesAgainAndWhatDoesNot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err    error
		status int
		poison int
	}{
		"done":                      {nil, http.StatusNoContent, 0},
		"a dependency failed":       {fault.New(fault.Unavailable, "busy"), http.StatusServiceUnavailable, 0},
		"a mistake of our own":      {errors.New("nil map"), http.StatusServiceUnavailable, 0},
		"the message itself is bad": {fault.New(fault.Malformed, "no announcement"), http.StatusNoContent, 1},
		"it breaks a rule":          {fault.New(fault.Invalid, "no such type"), http.StatusNoContent, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := cloudtest.Start(t).Firestore(t)
			h := event.Handler(event.Options{
				Name: "test", Firestore: db, Log: slog.New(slog.DiscardHandler), Now: time.Now, Deadline: time.Minute,
			}, func(context.Context, event.Message) error { return c.err })
			for range 2 { // every message may come twice
				if got := post(t, h, push); got != c.status {
					t.Errorf("answered %d, want %d", got, c.status)
				}
			}
			docs, err := db.Collection("poison").Documents(t.Context()).GetAll()
			if err != nil || len(docs) != c.poison {
				t.Fatalf("%d messages are recorded, %v", len(docs), err)
			}
			for _, d := range docs {
				if d.Data()["message"] != "7" || d.Data()["function"] != "test" || d.Data()["expireAt"] == nil {
					t.Errorf("recorded as %v", d.Data())
				}
			}
		})
	}
}

func post(t *testing.T, h http.Handler, body string) int {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body)))
	return w.Code
}

func TestPanicIsOneMessagesFailure(t *testing.T) {
	t.Parallel()
	h := event.Handler(event.Options{
		Name: "test", Firestore: nil, Log: slog.New(slog.DiscardHandler), Now: time.Now, Deadline: time.Minute,
	}, func(_ context.Context, m event.Message) error { return []error{}[len(m.ID)] })
	if got := post(t, h, push); got != http.StatusServiceUnavailable {
		t.Errorf("answered %d", got)
	}
	if got := post(t, h, "{"); got != http.StatusBadRequest {
		t.Errorf("nonsense is answered %d", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(push))
	f.Add([]byte(`{"message":{"messageId":"1"},"subscription":"s"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := event.Parse(body)
		if err != nil {
			if !fault.Is(err, fault.Malformed) {
				t.Errorf("%v is not the sender's fault", err)
			}
			return
		}
		if m.ID == "" || m.Subscription == "" {
			t.Errorf("read as %+v", m)
		}
		if one, err := event.ParseAnnouncement(m); err == nil && (one.Tenant == "" || one.Event == "") {
			t.Errorf("announces %+v", one)
		}
	})
}
