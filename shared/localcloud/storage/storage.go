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
	"sync"
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

	serving sync.WaitGroup
	served  error // what serving ended with
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
	s := &Server{fake: fake, addr: listener.Addr().String()}
	s.http = &http.Server{Handler: guard(fake.HTTPHandler()), ReadHeaderTimeout: headerTimeout}
	s.serving.Go(func() { s.served = s.http.Serve(listener) })
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

// guard refuses what the library would do wrongly: its own switches, which delete everything, and conditions that it
// would not look at.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/_internal"):
			http.NotFound(w, r)
		case unheeded(r):
			http.Error(w, "conditions are heeded on uploads only", http.StatusBadRequest)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// unheeded tells whether a request has a condition that the library does not look at.
func unheeded(r *http.Request) bool {
	upload := strings.HasPrefix(r.URL.Path, "/upload/")
	for name := range r.URL.Query() {
		heeded := upload && name == "ifGenerationMatch"
		if strings.HasPrefix(name, "if") && !heeded {
			return true
		}
	}
	return false
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

// Close ends the server, once what it is answering has been answered. Closing again does nothing.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	err := s.http.Shutdown(ctx)
	s.serving.Wait()
	if !errors.Is(s.served, http.ErrServerClosed) {
		err = errors.Join(err, s.served)
	}
	s.fake.Stop()
	return err
}
