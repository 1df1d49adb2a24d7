package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/localcloud"
)

// fastTick is how often schedules run with -fast-schedule.
const fastTick = 3 * time.Second

// stopWithin bounds how long requests in flight are waited for at the end.
const stopWithin = 2 * time.Second

// hub is everything that runs.
type hub struct {
	baseURL     string
	dir         string
	logFile     string
	cloud       *localcloud.Cloud
	env         gcp.Env
	pos         *pos
	credentials credentials
	google      bool // Google's emulators are used

	keep    bool           // the directory, though it is a temporary one: something failed, and the log tells what
	closers []func() error // in the order of their opening
}

// start brings the hub up; what it opened is closed when it fails.
func start(ctx context.Context, opts options) (*hub, error) {
	h := &hub{}
	if err := h.open(ctx, opts); err != nil {
		if h.logFile != "" {
			h.keep, err = true, fmt.Errorf("%w (the log is at %s)", err, h.logFile)
		}
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

func (h *hub) open(ctx context.Context, opts options) error {
	if err := h.openDir(opts.data); err != nil {
		return err
	}
	table, err := functions.Table()
	if err != nil {
		return err
	}
	listener, err := h.listen(ctx, opts.listen)
	if err != nil {
		return err
	}
	if err := h.openCloud(ctx, opts, table); err != nil {
		return err
	}
	h.env = maps.Clone(h.cloud.Env())
	maps.Copy(h.env, gcp.Env{
		"RYGGRAD_BASE_URL": h.baseURL, "RYGGRAD_ALLOW_LOOPBACK": "true", "RYGGRAD_ENDPOINT_CACHE": "1s",
		"RYGGRAD_RATE_PER_SECOND": "10000", "RYGGRAD_RATE_BURST": "10000", "RYGGRAD_BACKUP_BEHIND": "1s",
		"RYGGRAD_SECURITY_EXPIRES": time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339),
	})
	if err := h.openFunctions(ctx, listener, table); err != nil {
		return err
	}
	if err := h.openPOS(ctx); err != nil {
		return err
	}
	if h.credentials, err = prepare(ctx, h); err != nil {
		return err
	}
	if opts.credentials != "" {
		return h.credentials.write(opts.credentials)
	}
	return nil
}

func (h *hub) openDir(dir string) (err error) {
	if h.dir = dir; dir == "" {
		if h.dir, err = os.MkdirTemp("", "ryggrad-"); err != nil {
			return err
		}
		h.closers = append(h.closers, func() error {
			if h.keep {
				return nil
			}
			return os.RemoveAll(h.dir)
		})
	}
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		return fmt.Errorf("use the directory of -data: %w", err)
	}
	h.logFile = filepath.Join(h.dir, "hub.log")
	file, err := os.OpenFile(h.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	h.closers = append(h.closers, file.Close)
	gcp.SetLogger(gcp.NewLogger(file, localcloud.DefaultProject, slog.LevelInfo))
	return nil
}

func (h *hub) listen(ctx context.Context, address string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken; choose another address with -listen, or let one be chosen with -listen 127.0.0.1:0", address)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	h.closers = append(h.closers, func() error {
		if err := listener.Close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	h.baseURL = "http://" + listener.Addr().String()
	return listener, nil
}

func (h *hub) openCloud(ctx context.Context, opts options, table []functions.Function) (err error) {
	o := localcloud.Options{Log: slog.Default(), Functions: built(table), MinBackoff: time.Second, MaxBackoff: time.Minute}
	if opts.data != "" {
		o.Dir = filepath.Join(h.dir, "cloud")
	}
	if opts.fast {
		o.Every = fastTick
	}
	if h.google = opts.emulators == "google"; h.google {
		o.FirestoreHost, o.PubSubHost = os.Getenv("FIRESTORE_EMULATOR_HOST"), os.Getenv("PUBSUB_EMULATOR_HOST")
		if o.FirestoreHost == "" || o.PubSubHost == "" {
			return errors.New("-emulators google needs FIRESTORE_EMULATOR_HOST and PUBSUB_EMULATOR_HOST: start the emulators " +
				"(gcloud emulators firestore start, gcloud beta emulators pubsub start) and set what they print")
		}
	}
	if h.cloud, err = localcloud.Start(ctx, o); err != nil {
		return err
	}
	h.closers = append(h.closers, h.cloud.Close)
	return nil
}

// built leaves out the functions that are not built yet.
func built(table []functions.Function) []functions.Function {
	var here []functions.Function
	for _, f := range table {
		if !f.Coming {
			here = append(here, f)
		}
	}
	return here
}

// openFunctions serves the HTTP functions on the public listener and the others on one that only the cloud knows.
func (h *hub) openFunctions(ctx context.Context, listener net.Listener, table []functions.Function) error {
	public, pushed, err := h.route(ctx, built(table))
	if err != nil {
		return err
	}
	h.serve(listener, public)
	push, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	h.serve(push, pushed)
	return h.cloud.Deliver(context.WithoutCancel(ctx), "http://"+push.Addr().String())
}

func (h *hub) serve(listener net.Listener, handler http.Handler) {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.Default().Handler(), slog.LevelWarn)}
	h.closers = append(h.closers, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
		defer cancel()
		if err := server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		return server.Close() // connections that were opened and never used count as busy
	})
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			slog.Error("the hub stopped serving", "error", err)
		}
	}()
}

// Close stops everything in the reverse order of its opening.
func (h *hub) Close() error {
	var faults []error
	for i := range h.closers {
		faults = append(faults, h.closers[len(h.closers)-1-i]())
	}
	h.closers = nil
	return errors.Join(faults...)
}

var _ io.Closer = (*hub)(nil)
