package gcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func testEnv() Env {
	return Env{
		"GOOGLE_CLOUD_PROJECT": "p", "RYGGRAD_KEY_RING": "r", "RYGGRAD_BASE_URL": "https://hub.test",
		"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1",
	}
}

func get(h http.Handler) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w.Code
}

func TestFailedBuildIsTriedAgain(t *testing.T) {
	t.Parallel()
	builds := 0
	s := &server{name: "test", env: testEnv, out: io.Discard, exit: func(int) {}, build: func(context.Context, Env) (http.Handler, error) {
		if builds++; builds == 1 {
			return nil, errors.New("the metadata server is not up yet")
		}
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }), nil
	}}
	for i, want := range []int{http.StatusServiceUnavailable, http.StatusTeapot, http.StatusTeapot} {
		if got := get(s); got != want {
			t.Errorf("request %d is answered %d, want %d", i, got, want)
		}
	}
	if builds != 2 {
		t.Errorf("built %d times", builds)
	}
}

// TestAProcessGetsReadyForItsOwnFunction: what is built before the first request is not built again, and what cannot be
// built then wakes nobody yet and is built on the first request.
func TestAProcessGetsReadyForItsOwnFunction(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		target string
		first  func() error // what the first build meets
		ahead  int          // builds before the first request
		builds int          // and after it
	}{
		"its own":               {target: "test", first: func() error { return nil }, ahead: 1, builds: 1},
		"another of its module": {target: "other", first: func() error { return nil }, ahead: 0, builds: 1},
		"its own, which fails":  {target: "test", first: func() error { return errors.New("no metadata yet") }, ahead: 1, builds: 2},
		"its own, which panics": {target: "test", first: func() error { return []error{}[len(os.Args)] }, ahead: 1, builds: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			builds, out := 0, &output{}
			s := &server{name: "test", env: testEnv, out: out, exit: func(int) {}, build: func(context.Context, Env) (http.Handler, error) {
				if builds++; builds == 1 {
					if err := c.first(); err != nil {
						return nil, err
					}
				}
				return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }), nil
			}}
			s.begin(c.target)
			if builds != c.ahead {
				t.Errorf("built %d times before the first request, want %d", builds, c.ahead)
			}
			warned := bytes.Contains(out.bytes(), []byte(`"severity":"WARNING","message":"function is not ready ahead"`))
			if warned != (c.builds == 2) || bytes.Contains(out.bytes(), []byte("cannot start")) {
				t.Errorf("logs %s", out.bytes())
			}
			if code := get(s); code != http.StatusTeapot || builds != c.builds {
				t.Errorf("the first request is answered %d after %d builds, want %d", code, builds, c.builds)
			}
		})
	}
}

// TestAProcessListensThoughItIsNotReady holds what hangs to a bound: a process that does not listen is killed.
func TestAProcessListensThoughItIsNotReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hung := make(chan struct{})
		s := &server{name: "test", env: testEnv, out: io.Discard, exit: func(int) {}, build: func(context.Context, Env) (http.Handler, error) {
			<-hung
			return nil, errors.New("at last")
		}}
		began := time.Now()
		s.begin("test")
		if took := time.Since(began); took != aheadWithin {
			t.Errorf("it listens after %s", took)
		}
		close(hung)
	})
}

// TestFailureToStartIsOneLineOfJSON holds the log to what the alert on functions that cannot start reads, also of what
// fails before there is a configuration.
func TestFailureToStartIsOneLineOfJSON(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*server{
		"configuration": {env: func() Env { return Env{"GOOGLE_CLOUD_PROJECT": "p"} }},
		"build": {env: testEnv, build: func(context.Context, Env) (http.Handler, error) {
			return nil, errors.Join(errors.New("one"), errors.New("two"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := &output{}
			s.name, s.out = "test", out
			if got := get(s); got != http.StatusServiceUnavailable {
				t.Errorf("answers %d", got)
			}
			var line struct{ Severity, Message, Function, Error string }
			text := out.bytes()
			if err := json.Unmarshal(text, &line); err != nil || bytes.Count(text, []byte("\n")) != 1 {
				t.Fatalf("logs %s, which is no line of JSON: %v", text, err)
			}
			if line.Severity != "ERROR" || line.Message != "function cannot start" || line.Function != "test" || line.Error == "" {
				t.Errorf("logs %s", text)
			}
		})
	}
}

func TestLateRequestIsNoFailureToStart(t *testing.T) {
	t.Parallel()
	out := &output{}
	s := &server{name: "test", env: testEnv, out: out, draining: true}
	if got := get(s); got != http.StatusServiceUnavailable {
		t.Errorf("answers %d", got)
	}
	if text := out.bytes(); !bytes.Contains(text, []byte(`"severity":"WARNING"`)) || bytes.Contains(text, []byte("cannot start")) {
		t.Errorf("logs %s", text)
	}
}

// output is a log that is read while others may write to it.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) bytes() []byte {
	o.mu.Lock()
	defer o.mu.Unlock()
	return bytes.Clone(o.text.Bytes())
}

func TestDrainWaitsForRequestsInFlightAndExitsClean(t *testing.T) {
	t.Parallel()
	inside, release := make(chan struct{}), make(chan struct{})
	var first, closed, finished atomic.Bool
	first.Store(true)
	exited := make(chan int, 1)
	s := &server{name: "test", env: testEnv, out: io.Discard, exit: func(code int) { exited <- code }}
	s.build = func(context.Context, Env) (http.Handler, error) {
		h := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if first.CompareAndSwap(true, false) {
				close(inside)
				<-release
				finished.Store(true)
			}
			w.WriteHeader(http.StatusOK)
		})
		return Closing(h, closer(func() error {
			closed.Store(finished.Load())
			return nil
		})), nil
	}
	answered := make(chan int, 1)
	go func() { answered <- get(s) }()
	<-inside
	signals := make(chan os.Signal, 1)
	signals <- syscall.SIGTERM
	drained := make(chan struct{})
	go func() { s.drainOn(signals); close(drained) }()
	for get(s) != http.StatusServiceUnavailable { // until the drain has begun
	}
	select {
	case <-exited:
		t.Fatal("the process ended with a request in flight")
	default:
	}
	close(release)
	<-drained
	if code := <-exited; code != 0 || <-answered != http.StatusOK || !closed.Load() {
		t.Errorf("exit %d, closed after the last request: %t", code, closed.Load())
	}
}

// TestProcessEndsBeforeItIsKilled has a request and a closer that never end.
func TestProcessEndsBeforeItIsKilled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		forever, out, start := make(chan struct{}), &output{}, time.Now()
		closing, exited := make(chan time.Duration, 1), make(chan time.Duration, 1)
		s := &server{
			name: "test", log: NewLogger(out, "p", slog.LevelInfo), stop: func(context.Context) error { return nil },
			exit: func(int) { exited <- time.Since(start) },
		}
		s.handler = Closing(http.NotFoundHandler(), closer(func() error {
			closing <- time.Since(start)
			<-forever
			return nil
		}))
		s.flights.Add(1)
		signals := make(chan os.Signal, 1)
		signals <- syscall.SIGTERM
		go s.drainOn(signals)
		time.AfterFunc(time.Minute, func() { exited <- time.Minute })
		if begun, end := <-closing, <-exited; begun < time.Second || end-begun < 3*time.Second || end > 9500*time.Millisecond {
			t.Errorf("closing began after %s, and the process ended after %s", begun, end)
		}
		if !bytes.Contains(out.bytes(), []byte(`"severity":"WARNING","message":"function was still closing at the end"`)) {
			t.Errorf("logged %s", out.bytes())
		}
		close(forever)
		s.flights.Done()
	})
}

type closer func() error

func (c closer) Close() error { return c() }
