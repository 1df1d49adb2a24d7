package firestore

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc"

	"ryggrad.internal/hub/shared/localcloud/firestore/query"
	"ryggrad.internal/hub/shared/localcloud/journal"
)

// Options say what a server keeps and allows. The zero value is a server in memory that allows every query.
type Options struct {
	Dir     string           // where documents survive; in memory only when empty
	Now     func() time.Time // time.Now when nil
	Log     *slog.Logger     // discarded when nil
	Indexes query.Indexes    // what can be queried; every query is allowed when nil
}

// Server is the Firestore service. It is safe for concurrent use. Open one with [Open].
type Server struct {
	firestorepb.UnimplementedFirestoreServer
	opts         Options
	journal      *journal.Journal // nil: in memory only
	transactions transactions
	compaction   compaction

	mu        sync.RWMutex
	databases map[string]*database
}

// Open opens a server, with what its directory holds. Whoever opens a server must close it.
func Open(opts Options) (*Server, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{opts: opts, databases: map[string]*database{}}
	s.transactions.now = opts.Now
	s.compaction.after.Store(snapshotBytes)
	if opts.Dir == "" {
		return s, nil
	}
	if err := s.recover(); err != nil {
		return nil, fmt.Errorf("open firestore: %w", err)
	}
	return s, nil
}

// Register makes a gRPC server answer with this one. Its messages must be allowed to be 11 MiB.
func (s *Server) Register(r grpc.ServiceRegistrar) { r.RegisterService(service(), s) }

// Close makes everything durable and ends the server. The gRPC server should have stopped; what it still asks fails.
func (s *Server) Close() error {
	if s.journal == nil {
		return nil
	}
	s.compaction.done.Wait()
	if err := s.journal.Close(); err != nil && !errors.Is(err, journal.ErrClosed) {
		return fmt.Errorf("close firestore: %w", err)
	}
	return nil
}

// database returns a database by its resource name, and makes it if needed.
func (s *Server) database(name string) *database {
	s.mu.RLock()
	d := s.databases[name]
	s.mu.RUnlock()
	if d != nil {
		return d
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if d = s.databases[name]; d == nil {
		d = newDatabase(name, s.opts.Now, s.journal)
		s.databases[name] = d
	}
	return d
}
