package gcp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// Build makes a function's handler. The context may be that of a request; what must outlive it is detached. A
// handler that is also an [io.Closer] is closed when the process ends.
type Build func(ctx context.Context, env Env) (http.Handler, error)

// errDraining answers a request that arrives after SIGTERM; Cloud Run sends none then.
var errDraining = errors.New("the process is ending")

// Cloud Run kills the process 10 s after SIGTERM.
const (
	drainFor  = 5 * time.Second // how long requests in flight are waited for
	endWithin = 9 * time.Second // and when the process ends, whatever is still being flushed or closed

	flushWithin = time.Second // traces
)

// aheadWithin bounds how long a process that gets ready does not listen yet. It is longer than Google's libraries look for
// the metadata server, 5 s; Cloud Run gives a process four minutes.
const aheadWithin = 8 * time.Second

// targetVariable names the function that the process is to serve, of those that are in it. The framework reads it too.
const targetVariable = "FUNCTION_TARGET"

// Serve returns the entry point of a function: a handler that ends the process cleanly on SIGTERM, and that builds the real
// one on the first request, if that was not done before. In a process that is for this function, Serve does it and returns
// when that is done, or after eight seconds.
func Serve(name string, build Build) http.HandlerFunc {
	s := &server{name: name, build: build, env: ProcessEnv, out: os.Stdout, exit: os.Exit}
	s.begin(os.Getenv(targetVariable))
	return s.ServeHTTP
}

type server struct {
	name  string
	build Build
	env   func() Env
	out   io.Writer // of the log
	exit  func(int)

	mu       sync.Mutex
	log      *slog.Logger
	handler  http.Handler
	stop     func(context.Context) error
	draining bool
	asked    bool // whether there was a request
	flights  sync.WaitGroup
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, err := s.ready(r.Context(), true)
	if err != nil {
		if errors.Is(err, errDraining) {
			s.log.WarnContext(r.Context(), "request came while the process was ending", "function", s.name)
		} else {
			s.log.ErrorContext(r.Context(), "function cannot start", "function", s.name, "error", err)
		}
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("Retry-After", "5")
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"type":"urn:ryggrad:problem:unavailable","title":"Service Unavailable","status":503,"detail":"the function cannot start; try again"}`)
		return
	}
	defer s.flights.Done()
	h.ServeHTTP(w, r)
}

// begin gets ready before the process listens, if it is for this function: an instance that listens and that nobody asks
// has next to no CPU, and Google's libraries keep for good what they could not find out in time.
func (s *server) begin(target string) {
	if target != s.name {
		return
	}
	TuneMemory() // before the heap has its first 4 MB: collecting them took 5 ms of a cold start
	done := make(chan struct{})
	go func() { defer close(done); s.ahead() }()
	select {
	case <-done:
	case <-time.After(aheadWithin):
	}
}

// ahead builds the handler before anybody asks. What fails is tried again on the first request, so it wakes nobody yet.
func (s *server) ahead() {
	ctx := context.Background()
	defer func() {
		if p := recover(); p != nil {
			s.log.WarnContext(ctx, "function is not ready ahead", "function", s.name, "error", fmt.Sprint("panic: ", p))
		}
	}()
	if _, err := s.ready(ctx, false); err != nil {
		s.log.WarnContext(ctx, "function is not ready ahead", "function", s.name, "error", err)
		return
	}
	s.flights.Done()
}

// ready returns the handler, building it if there is none, and counts the caller among the flights. From the first request
// on, nothing is logged but by the log; before it, whoever cannot listen says so by the standard library's.
func (s *server) ready(ctx context.Context, asked bool) (http.Handler, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.log == nil {
		// Before anything can fail: the alert on a function that cannot start reads structured lines.
		s.log = NewLogger(s.out, s.env()["GOOGLE_CLOUD_PROJECT"], slog.LevelInfo)
		slog.SetDefault(s.log)
	}
	if asked && !s.asked {
		SetLogger(s.log)
		s.asked = true
	}
	if s.draining {
		return nil, errDraining
	}
	if s.handler == nil {
		if err := s.start(ctx); err != nil {
			return nil, err
		}
	}
	s.flights.Add(1)
	return s.handler, nil
}

func (s *server) start(ctx context.Context) error {
	env := s.env()
	cfg, err := Load[Config](env)
	if err != nil {
		return err
	}
	stop, err := StartTelemetry(context.WithoutCancel(ctx), cfg)
	if err != nil {
		return err
	}
	h, err := s.build(ctx, env)
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushWithin)
		defer cancel()
		return errors.Join(err, stop(ctx))
	}
	s.handler, s.stop = h, stop
	go s.drainOn(notify())
	return nil
}

func notify() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	return c
}

// drainOn waits for the signal, then for the requests in flight, flushes and ends the process.
func (s *server) drainOn(signals <-chan os.Signal) {
	<-signals
	end := time.After(endWithin)
	s.mu.Lock()
	s.draining = true
	s.mu.Unlock()
	done := make(chan struct{})
	go func() { s.flights.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(drainFor):
		s.log.Warn("requests were still running at the end", "function", s.name)
	}
	closed := make(chan struct{})
	go func() { s.close(); close(closed) }()
	select {
	case <-closed:
	case <-end:
		s.log.Warn("function was still closing at the end", "function", s.name)
	}
	s.exit(0)
}

// close flushes what is left of traces, and closes the handler.
func (s *server) close() {
	ctx, cancel := context.WithTimeout(context.Background(), flushWithin)
	defer cancel()
	err := s.stop(ctx)
	if c, ok := s.handler.(io.Closer); ok {
		err = errors.Join(err, c.Close())
	}
	if err != nil {
		s.log.Warn("function did not stop cleanly", "function", s.name, "error", err)
	}
}

// Closing returns the handler as one that is closed when the process ends.
func Closing(h http.Handler, c io.Closer) http.Handler { return closing{h, c} }

type closing struct {
	http.Handler
	io.Closer
}

// Unwrap returns the handler itself.
func (c closing) Unwrap() http.Handler { return c.Handler }
