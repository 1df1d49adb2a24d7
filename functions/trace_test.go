package functions_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/functions/delivery"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

// The trace that is followed, as a caller begins it.
const (
	traceFollowed = "4bf92f3577b34da6a3ce929d0e0e4736"
	traceParent   = "00-" + traceFollowed + "-00f067aa0ba902b7-01"
)

// followed are the log lines of that trace.
var followed lines

type lines struct {
	mu  sync.Mutex
	all [][]byte
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if bytes.Contains(p, []byte(traceFollowed)) {
		l.all = append(l.all, bytes.Clone(p))
	}
	return len(p), nil
}

// of returns the functions that logged a message with the trace where Cloud Logging looks for it.
func (l *lines) of(t *testing.T, message string) []string {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var functions []string
	for _, text := range l.all {
		var line struct {
			Message  string `json:"message"`
			Function string `json:"function"`
			Trace    string `json:"logging.googleapis.com/trace"`
		}
		if err := json.Unmarshal(text, &line); err != nil {
			t.Fatal(err)
		}
		if line.Message == message && line.Trace == "projects/p/traces/"+traceFollowed {
			functions = append(functions, line.Function)
		}
	}
	return functions
}

func TestATraceGoesFromTheOrderToThePOS(t *testing.T) {
	t.Parallel()
	cloud := cloudtest.Start(t)
	env := walkEnv(cloud)
	w := newWalkOver(t, env, env)
	var heard []http.Header
	pos := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard = append(heard, r.Header.Clone()) }))
	t.Cleanup(pos.Close)
	w.make(w.ours, "/v1/endpoints", `{"url":"`+pos.URL+`","events":["order.received"]}`)
	w.traced("place-order", strings.Replace(walkedOrder, "LOC", w.ours.location, 1))

	dispatch, err := delivery.BuildDispatch(context.WithoutCancel(t.Context()), env)
	w.must(err)
	t.Cleanup(func() { w.must(dispatch.(io.Closer).Close()) })
	for _, m := range cloud.Published(t, "events") {
		if !strings.Contains(m.Attributes["googclient_traceparent"], traceFollowed) {
			continue
		}
		body, err := json.Marshal(map[string]any{"subscription": "s", "message": map[string]any{
			"messageId": "1", "publishTime": "2026-03-01T12:00:00Z", "data": m.Data, "attributes": m.Attributes,
		}})
		w.must(err)
		dispatch.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", bytes.NewReader(body)))
	}

	if len(heard) != 1 || !strings.Contains(heard[0].Get("Traceparent"), traceFollowed) || heard[0].Get("Tracestate") != "" {
		t.Errorf("the POS is sent %v", heard)
	}
	for message, function := range map[string]string{"request": "orders", "event": "dispatch", "delivery attempted": "", "audit entry": ""} {
		if found := followed.of(t, message); !slices.Contains(found, function) {
			t.Errorf("%q is logged under the trace by %q, want %q", message, found, function)
		}
	}
}

// traced sends a request in the trace that is followed.
func (w *walk) traced(id, body string) {
	w.t.Helper()
	for _, r := range w.routes {
		if r.ID == id {
			rec := w.send(r, r.Path, w.ours.client.APIKey.Reveal(), body, [2]string{"Traceparent", traceParent}, [2]string{"Tracestate", "shop=anything"})
			if rec.Code > 299 {
				w.t.Fatalf("%s is answered %d %s", id, rec.Code, rec.Body)
			}
		}
	}
}
