package storage

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	headerTimeout = 10 * time.Second
	closeTimeout  = 5 * time.Second
)

// Options say where objects are kept, and by which clock they are stamped.
type Options struct {
	Dir string           // where objects are kept; in memory only when empty
	Now func() time.Time // time.Now when nil
}

// Server is Cloud Storage on a loopback port. It is safe for concurrent use. Start one with [Start].
type Server struct {
	now  func() time.Time
	disk disk
	http *http.Server
	addr string

	serving sync.WaitGroup
	served  error // what serving ended with
	unused  connections

	mu         sync.Mutex
	buckets    map[string]*bucket
	uploads    map[string]*upload // by their ids
	generation int64              // the newest one given
}

// Start returns a server that listens on a free loopback port. It has the buckets that its directory holds.
func Start(ctx context.Context, opts Options) (*Server, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Server{now: opts.Now, disk: disk{dir: opts.Dir}, uploads: map[string]*upload{}}
	var err error
	if s.buckets, err = s.disk.load(); err != nil {
		return nil, fmt.Errorf("start storage: %w", err)
	}
	for _, b := range s.buckets {
		for _, o := range b.objects {
			s.generation = max(s.generation, o.Generation)
		}
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start storage: %w", err)
	}
	s.addr = listener.Addr().String()
	s.http = &http.Server{Handler: s.routes(), ReadHeaderTimeout: headerTimeout, ConnState: s.unused.watch}
	s.http.RegisterOnShutdown(s.unused.close)
	s.serving.Go(func() { s.served = s.http.Serve(listener) })
	return s, nil
}

// routes are the methods of the JSON API, and reading as the XML API does it.
func (s *Server) routes() http.Handler {
	const b, o = "/storage/v1/b", "/storage/v1/b/{bucket}/o"
	mux := http.NewServeMux()
	for pattern, method := range map[string]method{
		"GET " + b:                  s.listBuckets,
		"POST " + b:                 s.insertBucket,
		"GET " + b + "/{bucket}":    s.getBucket,
		"PATCH " + b + "/{bucket}":  s.patchBucket,
		"DELETE " + b + "/{bucket}": s.deleteBucket,
		"POST " + b + "/{bucket}/lockRetentionPolicy": s.lockBucket,
		"GET " + o:                     s.listObjects,
		"GET " + o + "/{object...}":    s.getObject,
		"PATCH " + o + "/{object...}":  s.patchObject,
		"DELETE " + o + "/{object...}": s.deleteObject,
		"POST " + o + "/{object}/rewriteTo/b/{toBucket}/o/{toObject}": s.rewriteObject,
		"POST /upload" + o:          s.insertObject,
		"PUT /upload" + o:           s.resumeUpload,
		"GET /{bucket}/{object...}": s.readObject,
	} {
		mux.Handle(pattern, method)
	}
	mux.Handle("/", method(func(_ http.ResponseWriter, r *http.Request) (any, error) {
		return nil, invalid("%s %s is not part of the embedded Cloud Storage.", r.Method, r.URL.Path)
	}))
	return mux
}

// Addr returns host and port, as STORAGE_EMULATOR_HOST takes them.
func (s *Server) Addr() string { return s.addr }

// CreateBucket adds a bucket. One that is there stays as it is.
func (s *Server) CreateBucket(_ context.Context, name string) error {
	if _, err := s.addBucket(&bucketResource{Name: name}); err != nil && !isConflict(err) {
		return fmt.Errorf("create bucket %s: %w", name, err)
	}
	return nil
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
	return err
}

// connections are those on which nothing was asked yet. Clients open some that they then do not need, and
// [http.Server.Shutdown] would wait for the first request on each.
type connections struct{ sync.Map }

func (c *connections) watch(conn net.Conn, state http.ConnState) {
	if state == http.StateNew {
		c.Store(conn, nil)
	} else {
		c.Delete(conn)
	}
}

func (c *connections) close() {
	c.Range(func(conn, _ any) bool {
		_ = conn.(net.Conn).Close() //nolint:errcheck,forcetypeassert // nothing else is stored
		return true
	})
}
