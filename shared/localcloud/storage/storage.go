package storage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsouza/fake-gcs-server/fakestorage"
)

const (
	headerTimeout = 10 * time.Second
	closeTimeout  = 5 * time.Second
)

// Options say where objects are kept.
type Options struct {
	Dir string // where objects are kept; in memory only when empty
}

// Server is Cloud Storage on a loopback port. It is safe for concurrent use. Start one with [Start].
type Server struct {
	fake *fakestorage.Server
	http *http.Server
	addr string
	done chan error
}

// Start returns a server that listens on a free loopback port. It has the buckets that its directory holds.
func Start(ctx context.Context, opts Options) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start storage: %w", err)
	}
	fake, err := newFake(opts, listener.Addr().String())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start storage: %w", err), listener.Close())
	}
	s := &Server{fake: fake, addr: listener.Addr().String(), done: make(chan error, 1)}
	s.http = &http.Server{Handler: guard(fake.HTTPHandler()), ReadHeaderTimeout: headerTimeout}
	go func() { s.done <- s.http.Serve(listener) }()
	return s, nil
}

func newFake(opts Options, addr string) (*fakestorage.Server, error) {
	root := ""
	if opts.Dir != "" {
		root = filepath.Clean(opts.Dir)
		if err := os.MkdirAll(root, 0o700); err != nil {
			return nil, err
		}
	}
	return fakestorage.NewServerWithOptions(fakestorage.Options{
		StorageRoot: root,
		NoListener:  true,
		Scheme:      "http",
		PublicHost:  addr,
		ExternalURL: "http://" + addr,
	})
}

// guard keeps the library's own switches, which delete everything, off the network.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/_internal") {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Addr returns host and port, as STORAGE_EMULATOR_HOST takes them.
func (s *Server) Addr() string { return s.addr }

// CreateBucket adds a bucket. One that is there stays as it is.
func (s *Server) CreateBucket(ctx context.Context, name string) error {
	body, err := json.Marshal(map[string]string{"name": name})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.addr+"/storage/v1/b", bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("create bucket %s: %w", name, err)
	}
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusConflict {
		err = fmt.Errorf("create bucket %s: %s", name, answer.Status)
	}
	return errors.Join(err, answer.Body.Close())
}

// Close ends the server, once what it is answering has been answered.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	s.fake.Stop()
	return err
}
