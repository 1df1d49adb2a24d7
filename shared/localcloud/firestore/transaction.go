package firestore

import (
	"context"
	"crypto/rand"
	"sync"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"ryggrad.internal/hub/shared/localcloud/firestore/query"
)

// A transaction that nobody asks for anything is forgotten after idle, every one after lifetime.
const (
	idle     = 60 * time.Second
	lifetime = 270 * time.Second
)

var (
	errContention = status.Error(codes.Aborted, "Transaction lock timeout.")
	errExpired    = status.Error(codes.InvalidArgument, "The referenced transaction has expired or is no longer valid.")
	errUnknown    = status.Error(codes.InvalidArgument, "Invalid transaction.")
)

// transactions are those that have begun and neither ended nor expired.
type transactions struct {
	now func() time.Time

	mu   sync.Mutex
	open map[string]*transaction
}

// transaction is optimistic: it reads one snapshot, remembers what it read, and can commit as long as that is still the
// latest. Nobody ever waits for it.
type transaction struct {
	id       string
	database *database
	readOnly bool
	begun    time.Time
	used     time.Time // under the lock of all transactions
	ended    bool      // under the lock of all transactions; kept so that it can be retried

	mu       sync.Mutex
	snapshot int64 // of its reads; 0 before the first
	reads    map[string]struct{}
	queries  []*query.Plan
}

func (t *transactions) begin(d *database, options *firestorepb.TransactionOptions) (*transaction, error) {
	now := t.now()
	tx := &transaction{id: rand.Text(), database: d, begun: now, used: now, reads: map[string]struct{}{}}
	if only := options.GetReadOnly(); only != nil {
		tx.readOnly, tx.snapshot = true, d.snapshot()
		if only.GetReadTime() != nil {
			var err error
			if tx.snapshot, err = d.readTime(only.GetReadTime()); err != nil {
				return nil, err
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if again := options.GetReadWrite().GetRetryTransaction(); len(again) > 0 && t.open[string(again)] == nil {
		return nil, errUnknown
	}
	for id, other := range t.open {
		if other.expired(now) {
			delete(t.open, id)
		}
	}
	if t.open == nil {
		t.open = map[string]*transaction{}
	}
	t.open[tx.id] = tx
	return tx, nil
}

func (tx *transaction) expired(now time.Time) bool {
	return (now.Sub(tx.used) > idle && !tx.ended) || now.Sub(tx.begun) > lifetime
}

// find returns an open transaction.
func (t *transactions) find(d *database, id []byte) (*transaction, error) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	tx := t.open[string(id)]
	if tx == nil || tx.database != d {
		return nil, errUnknown
	}
	if tx.ended || tx.expired(now) {
		return nil, errExpired
	}
	tx.used = now
	return tx, nil
}

// take ends a transaction, to commit a number of writes, and returns it; without an id it returns nil.
func (t *transactions) take(d *database, id []byte, writes int) (*transaction, error) {
	if len(id) == 0 {
		return nil, nil //nolint:nilnil // a commit need not belong to a transaction
	}
	tx, err := t.find(d, id)
	if err != nil {
		return nil, err
	}
	if tx.readOnly && writes > 0 {
		return nil, invalid("Cannot modify entities in a read-only transaction.")
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	tx.ended = true
	return tx, nil
}

// rollBack ends a transaction; one that has ended can be rolled back again.
func (t *transactions) rollBack(d *database, id []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	tx := t.open[string(id)]
	if tx == nil || tx.database != d {
		return errUnknown
	}
	tx.ended = true
	return nil
}

// at is the time of the transaction's reads.
func (tx *transaction) at() int64 {
	tx.mu.Lock()
	defer tx.mu.Unlock()
	if tx.snapshot == 0 {
		tx.snapshot = tx.database.snapshot()
	}
	return tx.snapshot
}

func (tx *transaction) sawDocument(key string) {
	if tx == nil || tx.readOnly {
		return
	}
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.reads[key] = struct{}{}
}

func (tx *transaction) sawQuery(p *query.Plan) {
	if tx == nil || tx.readOnly {
		return
	}
	tx.mu.Lock()
	defer tx.mu.Unlock()
	tx.queries = append(tx.queries, p)
}

// stillTrue tells whether all that the transaction read is the same now. It is called with the database's lock held.
func (tx *transaction) stillTrue() bool {
	if tx == nil || tx.snapshot == 0 || tx.readOnly {
		return true
	}
	tx.mu.Lock()
	defer tx.mu.Unlock()
	for key := range tx.reads {
		if node := tx.database.docs.Get(key); node != nil {
			if v := node.Value.latest.Load(); v != nil && v.at > tx.snapshot {
				return false
			}
		}
	}
	for _, p := range tx.queries {
		if !tx.database.unchanged(p, tx.snapshot) {
			return false
		}
	}
	return true
}

// BeginTransaction implements google.firestore.v1.Firestore.
func (s *Server) BeginTransaction(_ context.Context, req *firestorepb.BeginTransactionRequest) (*firestorepb.BeginTransactionResponse, error) {
	d, err := s.named(req.GetDatabase())
	if err != nil {
		return nil, err
	}
	tx, err := s.transactions.begin(d, req.GetOptions())
	if err != nil {
		return nil, err
	}
	return &firestorepb.BeginTransactionResponse{Transaction: []byte(tx.id)}, nil
}

// Rollback implements google.firestore.v1.Firestore.
func (s *Server) Rollback(_ context.Context, req *firestorepb.RollbackRequest) (*emptypb.Empty, error) {
	d, err := s.named(req.GetDatabase())
	if err != nil {
		return nil, err
	}
	if err := s.transactions.rollBack(d, req.GetTransaction()); err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, nil
}
