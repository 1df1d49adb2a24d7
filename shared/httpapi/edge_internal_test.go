package httpapi

import (
	"bufio"
	"bytes"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/fault"
)

// slowAPI has routes whose handlers outlast the time in which a body must arrive, and tell whether their context lives.
func slowAPI(t *testing.T, within time.Duration) *httptest.Server {
	t.Helper()
	a := New(Options{Name: "test", Title: "Test", Log: slog.New(slog.DiscardHandler), Now: time.Now})
	a.bodyWithin = within
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		a.HandleRaw(Route{Method: method, Path: "/slow", ID: method, Permission: Public}, func(w http.ResponseWriter, r *http.Request, _ Call) error {
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return err
			}
			select {
			case <-time.After(4 * within):
				w.WriteHeader(http.StatusOK)
				return nil
			case <-r.Context().Done():
				return fault.New(fault.Unavailable, "the context is over: %s", r.Context().Err())
			}
		})
	}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return server
}

// TestSlowAnswersDoNotEndTheirConnection sends two requests on one connection, each of which takes longer than a body may.
func TestSlowAnswersDoNotEndTheirConnection(t *testing.T) {
	t.Parallel()
	for name, request := range map[string]struct {
		method string
		body   io.Reader
	}{
		"no body":      {http.MethodGet, http.NoBody},
		"empty body":   {http.MethodPost, http.NoBody},
		"body":         {http.MethodPost, strings.NewReader(`{"a":1}`)},
		"chunked body": {http.MethodPost, io.MultiReader(strings.NewReader(`{"a":1}`))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := slowAPI(t, 50*time.Millisecond)
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			answers := bufio.NewReader(conn)
			for i, body := range []io.Reader{request.body, http.NoBody} {
				r, err := http.NewRequestWithContext(t.Context(), request.method, server.URL+"/slow", body)
				if err != nil {
					t.Fatal(err)
				}
				var whole bytes.Buffer // one write: what has arrived with its header is not waited for
				if err := r.Write(&whole); err != nil {
					t.Fatal(err)
				}
				if _, err := conn.Write(whole.Bytes()); err != nil {
					t.Fatal(err)
				}
				resp, err := http.ReadResponse(answers, r)
				if err != nil {
					t.Fatal(err)
				}
				text, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Errorf("request %d: %d %s %v", i, resp.StatusCode, text, err)
				}
			}
		})
	}
}

func TestBodyThatStallsIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	server := slowAPI(t, 50*time.Millisecond)
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, "POST /slow HTTP/1.1\r\nHost: hub\r\nContent-Length: 10\r\n\r\nhalf")
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 400 ") {
		t.Errorf("the answer is %q %v", answer, err)
	}
}
