package outbound

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	official "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"ryggrad.internal/hub/shared/webhook"
)

var local = webhook.Policy{AllowLoopback: true}

func TestAReceiverWithTheOfficialLibraryTakesTheMessage(t *testing.T) {
	t.Parallel()
	secret, body := newSecret(t), []byte(`{"type":"order.received"}`)
	receiver, err := official.NewWebhook(secret.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got, err := io.ReadAll(r.Body)
		if err != nil || receiver.Verify(got, r.Header) != nil || r.Method != http.MethodPost ||
			r.Header.Get("Content-Type") != "application/json" || r.Header.Get("X-Idempotency-Key") != "" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "taken \xff")
	}))
	t.Cleanup(server.Close)
	result := New(Options{Policy: local, Roots: roots(server)}).Send(t.Context(), server.URL, signed(t, secret, body), body)
	if result.Status != http.StatusCreated || result.Outcome() != webhook.Delivered || result.BodyPrefix != "taken \uFFFD" {
		t.Errorf("got %+v", result)
	}
	if result.Duration <= 0 {
		t.Error("the attempt took no time")
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	target := serve(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, status) })
		result := New(Options{Policy: local}).Send(t.Context(), server, webhook.Headers{}, nil)
		if result.Status != status || result.Outcome() != webhook.Retry {
			t.Errorf("%d: %+v", status, result)
		}
	}
	if reached.Load() != 0 {
		t.Errorf("the target was reached %d times", reached.Load())
	}
}

// A name that pointed to a public address when its URL was registered may point inwards by the time of an attempt: here
// the URL check is fooled, as such a name would fool it, and the connection is refused all the same.
func TestANameThatLeadsInwardsIsRefusedAtConnect(t *testing.T) {
	t.Parallel()
	var reached atomic.Int32
	server := serve(t, func(http.ResponseWriter, *http.Request) { reached.Add(1) })
	client := New(Options{})
	client.policy = local
	for _, url := range []string{server, strings.Replace(server, "127.0.0.1", "localhost", 1)} {
		result := client.Send(t.Context(), url, webhook.Headers{}, nil)
		if result.Failure != webhook.BadAddress || result.Outcome() != webhook.Retry {
			t.Errorf("%s: %+v", url, result)
		}
	}
	if reached.Load() != 0 {
		t.Error("the server was reached")
	}
}

func TestURLsAreCheckedAgainBeforeEveryAttempt(t *testing.T) {
	t.Parallel()
	server := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("the server was reached") })
	for _, url := range []string{server, "http://pos.example.com/", "https://10.0.0.1/", "::"} {
		if got := New(Options{}).Send(t.Context(), url, webhook.Headers{}, nil); got.Failure != webhook.BadURL {
			t.Errorf("%s: %+v", url, got)
		}
	}
}

func TestWhatGoesWrongIsNamed(t *testing.T) {
	t.Parallel()
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	foreign := quiet(httptest.NewUnstartedServer(http.NotFoundHandler()))
	foreign.StartTLS()
	t.Cleanup(foreign.Close)
	talkative := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", maxHeaderBytes*2))
	})
	rude := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		panic(http.ErrAbortHandler) //nolint:forbidigo // how a handler breaks its connection
	})
	silent := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	for name, c := range map[string]struct {
		url  string
		want webhook.Failure
	}{
		"nobody listens":                       {"http://" + closedPort(t), webhook.Unreachable},
		"an unknown authority":                 {foreign.URL, webhook.BadTLS},
		"plain HTTP behind https":              {strings.Replace(plain, "http:", "https:", 1), webhook.BadTLS},
		"endless headers":                      {talkative, webhook.Unreachable},
		"a connection that breaks":             {rude, webhook.Unreachable},
		"no answer within the limit":           {silent, webhook.Timeout},
		"a listener that never starts to talk": {"http://" + mute(t), webhook.Timeout},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := Options{Policy: local}
			if c.want == webhook.Timeout {
				opts.Limit = 300 * time.Millisecond // nothing happens before it, however slow the machine
			}
			client := New(opts)
			result := client.Send(t.Context(), c.url, webhook.Headers{}, []byte("{}"))
			if result.Failure != c.want || result.Status != 0 || result.Outcome() != webhook.Retry {
				t.Errorf("got %+v, want %s", result, c.want)
			}
		})
	}
}

func TestAStoppedHubIsNotTheReceiversFailure(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	if got := New(Options{Policy: local}).Send(ctx, server, webhook.Headers{}, nil); got.Failure != webhook.Interrupted {
		t.Errorf("got %+v", got)
	}
}

func TestAnEndlessAnswerIsCut(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, strings.Repeat("x", 1<<10)); err != nil {
				return
			}
		}
	})
	got := New(Options{Policy: local}).Send(t.Context(), server, webhook.Headers{}, nil)
	if got.Status != http.StatusOK || len(got.BodyPrefix) != maxBodyPrefix {
		t.Errorf("status %d, failure %q, %d bytes kept", got.Status, got.Failure, len(got.BodyPrefix))
	}
}

func TestAnAnswerThatBreaksOffHasAnswered(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, "half")
	})
	if got := New(Options{Policy: local}).Send(t.Context(), server, webhook.Headers{}, nil); got.Outcome() != webhook.Delivered {
		t.Errorf("got %+v", got)
	}
}

func TestConnectionsAreKeptAndStaleOnesReplaced(t *testing.T) {
	t.Parallel()
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	client := New(Options{Policy: local})
	send := func() {
		if got := client.Send(t.Context(), server.URL, webhook.Headers{}, []byte("{}")); got.Status != http.StatusNotFound {
			t.Errorf("got %+v", got)
		}
	}
	for range 10 {
		send()
	}
	if connections.Load() == 10 { // one that was busy at the wrong moment is not kept
		t.Error("every message had a connection of its own")
	}
	server.CloseClientConnections()
	send()
}

func TestNoProxyIsTakenFromTheEnvironment(t *testing.T) {
	t.Parallel()
	if Transport(Options{}).Proxy != nil {
		t.Error("the transport asks for a proxy")
	}
}

func TestRetryAfterIsReadInBothForms(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                                0,
		"0":                               0,
		"120":                             2 * time.Minute,
		"-1":                              0,
		"1.5":                             0,
		"soon":                            0,
		"99999999999":                     0,
		"4294967295":                      0,
		"Sun, 01 Mar 2026 12:05:00 GMT":   5 * time.Minute,
		"Sun, 01 Mar 2026 11:00:00 GMT":   0,
		"Fri, 01 Mar 2999 12:00:00 GMT":   0,
		"Sunday, 01-Mar-26 12:00:30 GMT":  30 * time.Second,
		"Sun Mar  1 12:00:10 2026":        10 * time.Second,
		"2026-03-01T12:05:00Z":            0,
		"Sun, 01 Mar 2026 12:05:00 +0200": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

func TestRetryAfterReachesTheResult(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusServiceUnavailable)
	})
	got := New(Options{Policy: local}).Send(t.Context(), server, webhook.Headers{}, nil)
	if got.RetryAfter != 7*time.Second || got.Status != http.StatusServiceUnavailable {
		t.Errorf("got %+v", got)
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Sun, 01 Mar 2026 12:05:00 GMT")
	f.Fuzz(func(t *testing.T, value string) {
		got := retryAfter(http.Header{"Retry-After": {value}}, time.Unix(1_700_000_000, 0))
		if got < 0 || got > maxRetryAfter {
			t.Fatalf("%q asks for %s", value, got)
		}
	})
}

func serve(t *testing.T, handle http.HandlerFunc) string {
	t.Helper()
	server := quiet(httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client has left
		handle(w, r)
	})))
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

func quiet(s *httptest.Server) *httptest.Server {
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	return s
}

// mute returns an address that accepts connections and says nothing.
func mute(t *testing.T) string {
	t.Helper()
	return listen(t).Addr().String()
}

// closedPort returns where nobody listens, and where nobody can begin to: a connection has it.
func closedPort(t *testing.T) string {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", listen(t).Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn.LocalAddr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func roots(s *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(s.Certificate())
	return pool
}

func newSecret(t *testing.T) webhook.Secret {
	t.Helper()
	s, err := webhook.NewSecret(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signed(t *testing.T, s webhook.Secret, body []byte) webhook.Headers {
	t.Helper()
	h, err := webhook.Sign([]webhook.Secret{s}, "evt_1", time.Now(), body)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
