package sealing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/ledger/tlog"
	"ryggrad.internal/hub/shared/ledger/tlog/tlogdb"
)

const (
	// perShard is how many entries of each of the sixteen parts one batch takes.
	perShard = tlog.MaxBatch / 16
	// overtakings is how often in a row a sealer lets another one be faster before it leaves the work to that one.
	overtakings = 5
	// reserve is what must be left of a run's time to begin another batch.
	reserve = 10 * time.Second
)

// What stops sealing until somebody has looked.
var (
	ErrFork   = errors.New("what is published is not what the batches make")
	ErrBehind = errors.New("the database knows less than what is published")
)

// Options are what a Sealer needs; every field but Witnesses is required.
type Options struct {
	Ledger    *ledgerdb.Store
	Log       objects.Bucket // where objects are created
	Head      objects.Bucket // where the newest checkpoint is replaced
	Origin    string         // the log's name
	Key       *KMSKey
	Witnesses []Witness
	Logger    *slog.Logger
}

// Sealer seals. One that is used for several runs remembers the tree's edge in between. It is not safe for concurrent
// use; several of them are.
type Sealer struct {
	opts    Options
	batches *tlogdb.Store
	edge    *tlog.Edge // of the log up to where it is done, or nil

	witnessed map[string]uint64 // the sizes that witnesses signed last, by address
}

// New returns a sealer.
func New(opts Options) *Sealer {
	return &Sealer{opts: opts, batches: tlogdb.New(opts.Ledger), witnessed: map[string]uint64{}}
}

// Run seals until nothing is left to seal or its time is nearly over. It returns how many entries it saw sealed.
func (s *Sealer) Run(ctx context.Context) (sealed int, err error) {
	for overtaken := 0; overtaken < overtakings; {
		n, err := s.step(ctx)
		sealed += n
		switch {
		case errors.Is(err, tlogdb.ErrOvertaken):
			overtaken++
		case err != nil:
			return sealed, fmt.Errorf("seal: %w", err)
		case n == 0 || late(ctx):
			s.cosign(ctx)
			return sealed, nil
		default:
			overtaken = 0
		}
	}
	return sealed, nil // another sealer is at it
}

func late(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	return ok && time.Until(deadline) < reserve
}

// step finishes the batch that is begun, or begins and finishes the next one.
func (s *Sealer) step(ctx context.Context) (int, error) {
	st, err := s.batches.State(ctx)
	if err != nil {
		return 0, err
	}
	bodies := map[string][]byte{}
	if st.Done == st.Size {
		var begun bool
		if st, begun, err = s.begin(ctx, st, bodies); err != nil || !begun {
			return 0, err
		}
	}
	return s.finish(ctx, st, bodies)
}

// begin gives the next batch its places, and reports false when nothing waits for one.
func (s *Sealer) begin(ctx context.Context, st tlogdb.State, bodies map[string][]byte) (tlogdb.State, bool, error) {
	if err := s.checkBehind(ctx, st); err != nil {
		return st, false, err
	}
	batch, err := s.choose(ctx, st.Size, bodies)
	if err != nil || len(batch.IDs) == 0 {
		return st, false, err
	}
	if err := s.batches.Begin(ctx, st, batch); err != nil {
		return st, false, err
	}
	if st, err = s.batches.State(ctx); err == nil && st.Done == st.Size {
		err = tlogdb.ErrOvertaken // the batch was finished already
	}
	return st, true, err
}

// finish does everything that follows from a batch.
func (s *Sealer) finish(ctx context.Context, st tlogdb.State, bodies map[string][]byte) (int, error) {
	batch, err := s.batches.Batch(ctx, st.Done)
	if err != nil {
		return 0, err
	}
	if batch.End() > st.Size {
		return 0, fmt.Errorf("a batch ends at %d and the state at %d: %w", batch.End(), st.Size, ErrFork)
	}
	edge, err := s.edgeAt(ctx, st.Done)
	if err != nil {
		return 0, err
	}
	if err := s.publish(ctx, st, edge, batch, bodies); err != nil {
		return 0, err
	}
	gone, err := s.opts.Ledger.MarkSealed(ctx, batch.First, batch.IDs)
	if err != nil {
		return 0, err
	}
	for _, id := range gone {
		s.finding(ctx, "an entry vanished while it was sealed", id)
	}
	if err := s.batches.Finish(ctx, st, batch.End()); err != nil {
		return 0, err
	}
	s.edge = edge
	s.opts.Logger.InfoContext(ctx, "audit entries sealed", "entries", len(batch.IDs), "size", batch.End())
	return len(batch.IDs), nil
}

// finding tells that something is wrong with an entry. An alert hangs on the message.
func (s *Sealer) finding(ctx context.Context, what, id string) {
	s.opts.Logger.ErrorContext(ctx, "audit log finding", "finding", what, "entry_id", id)
}

// edgeAt returns the edge of the log at a size, checked against the checkpoint that was signed for it.
func (s *Sealer) edgeAt(ctx context.Context, size uint64) (*tlog.Edge, error) {
	if s.edge != nil && s.edge.Size() == size {
		return s.edge.Clone(), nil
	}
	if size == 0 {
		return &tlog.Edge{}, nil
	}
	signed, err := s.opts.Log.Read(ctx, CheckpointPath(size))
	if err != nil {
		return nil, fmt.Errorf("find the log at %d entries: %w", size, err)
	}
	c, err := s.open(ctx, signed)
	if err != nil {
		return nil, err
	}
	if c.Size != size {
		return nil, fmt.Errorf("the checkpoint of %d entries says %d: %w", size, c.Size, ErrFork)
	}
	edge, err := tlog.LoadEdge(ctx, s.opts.Log.Read, size, c.Root)
	if errors.Is(err, tlog.ErrRoot) {
		err = fmt.Errorf("%w: %w", ErrFork, err)
	}
	return edge, err
}

// open reads a checkpoint of this log that one of its keys signed.
func (s *Sealer) open(ctx context.Context, signed []byte) (tlog.Checkpoint, error) {
	keys, err := s.opts.Key.Keys(ctx)
	if err != nil {
		return tlog.Checkpoint{}, err
	}
	c, err := keys.Open(signed)
	if err == nil && c.Origin != s.opts.Origin {
		err = fmt.Errorf("the checkpoint is of the log %q", c.Origin)
	}
	if errors.Is(err, tlog.ErrUnsigned) {
		err = fmt.Errorf("%w; %s", err, s.opts.Key.Explain(ctx, signed))
	}
	if err != nil {
		return c, fmt.Errorf("%w: %w", ErrFork, err)
	}
	return c, nil
}

// zero tells whether a hash is none.
func zero(h ledger.Hash) bool { return h == ledger.Hash{} }
