package kms

import (
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Options say where keys are kept and what time it is.
type Options struct {
	Dir string           // where keys are kept; in memory only when empty
	Now func() time.Time // the clock; time.Now when nil
}

// Server answers KeyManagementService. It is safe for concurrent use. Open one with [Open].
type Server struct {
	kmspb.UnimplementedKeyManagementServiceServer
	store store
	now   func() time.Time
	names names

	mu    sync.Mutex
	rings map[string]*kmspb.KeyRing
	keys  map[string]*key
}

// Open returns a server with the keys that its directory holds. It fails when one of them cannot be read.
func Open(opts Options) (*Server, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Server{store: store{}, now: opts.Now, names: newNames()}
	if opts.Dir != "" {
		s.store.dir = filepath.Clean(opts.Dir)
	}
	var err error
	if s.rings, s.keys, err = s.store.load(); err != nil {
		return nil, fmt.Errorf("open key store: %w", err)
	}
	for name := range s.keys {
		if _, err := s.find(name); err != nil {
			return nil, fmt.Errorf("open key store: %w", err)
		}
	}
	return s, nil
}

// Register makes a gRPC server answer with this one.
func (s *Server) Register(r grpc.ServiceRegistrar) { kmspb.RegisterKeyManagementServiceServer(r, s) }

// Close ends the server. Everything that was answered is on the disk already.
func (s *Server) Close() error { return nil }

// time returns now as the service's messages carry it: in UTC and whole microseconds.
func (s *Server) time() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// lookup returns a key that nobody changes any more.
func (s *Server) lookup(name string) (*key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(name)
}

// find returns a key as it is now, after what time has brought about. The caller holds the lock.
func (s *Server) find(name string) (*key, error) {
	k := s.keys[name]
	if k == nil {
		return nil, status.Errorf(codes.NotFound, "CryptoKey %s not found.", name)
	}
	if !k.due(s.time()) {
		return k, nil
	}
	settled := k.clone()
	if err := settled.settle(s.time()); err != nil {
		return nil, internal(err)
	}
	return settled, s.keep(settled)
}

// change makes another key of one and keeps it. Nothing has changed when it fails.
func (s *Server) change(name string, decide func(*key) error) (*key, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k, err := s.find(name)
	if err != nil {
		return nil, err
	}
	changed := k.clone()
	if err := decide(changed); err != nil {
		return nil, err
	}
	return changed, s.keep(changed)
}

// keep puts a key on the disk and then into use. The caller holds the lock.
func (s *Server) keep(k *key) error {
	if err := s.store.saveKey(k); err != nil {
		return internal(err)
	}
	s.keys[k.info.Name] = k
	return nil
}

func internal(err error) error { return status.Errorf(codes.Internal, "key store: %v", err) }
