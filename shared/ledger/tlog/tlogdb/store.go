// Package tlogdb keeps what decides the log's order: the batches, and how far they are.
//
// A batch and the state that counts it are one commit, which fails when somebody else's came between: two sealers may
// work at once and never give one place to two entries. `size` is how many entries have a place, `done` how many of them
// are in the published log and marked; between the two everything can be done again from the batch. `fence` counts the
// commits of the state.
//
// The state is written twice a batch. It is the one document of the hub that is not written by acts alone nor random:
// sealers take turns at it, a few times a minute.
package tlogdb

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/ledger/tlog"
)

const (
	collectionBatches = "sealBatches"
	collectionState   = "sealState"
	stateID           = "state"
)

// ErrOvertaken says that another sealer changed the state since it was read, or that this one did without being told.
var ErrOvertaken = errors.New("another sealer was faster")

// State is how far sealing is.
type State struct {
	Size  uint64 // entries that have a place
	Done  uint64 // entries whose batch is published and marked
	Fence int64

	object ledgerdb.Object
}

// Store keeps batches. It is safe for concurrent use.
type Store struct{ ledger *ledgerdb.Store }

// New returns a store of batches.
func New(ledger *ledgerdb.Store) *Store { return &Store{ledger} }

// State reads how far sealing is; the zero State is that of an empty log.
func (s *Store) State(ctx context.Context) (State, error) {
	found, err := s.ledger.GetAll(ctx, identity.Hub, ledgerdb.Ref{Collection: collectionState, ID: stateID})
	if err != nil || !found[0].Exists() {
		return State{}, err
	}
	st := State{object: found[0]}
	size, ok := found[0].Fields["size"].(int64)
	done, okDone := found[0].Fields["done"].(int64)
	st.Fence, _ = found[0].Fields["fence"].(int64)
	if !ok || !okDone || done < 0 || size < done {
		return State{}, fault.New(fault.Internal, "the state of sealing is not readable")
	}
	st.Size, st.Done = uint64(size), uint64(done) //nolint:gosec // neither is negative
	return st, nil
}

// Begin gives the batch's entries their places, which must be the next ones, unless the state has changed:
// [ErrOvertaken].
func (s *Store) Begin(ctx context.Context, st State, b tlog.Batch) error {
	if b.First != st.Size || len(b.IDs) == 0 || len(b.IDs) > tlog.MaxBatch {
		return fmt.Errorf("a batch of %d from place %d on does not follow %d", len(b.IDs), b.First, st.Size)
	}
	ids, hashes := b.Encode()
	batch := ledgerdb.Add(batchRef(b.First), map[string]any{
		"first": int64(b.First), "count": int64(len(b.IDs)), "ids": ids, "hashes": hashes, //nolint:gosec // a log is never that long
	})
	return s.write(ctx, st, b.End(), st.Done, batch)
}

// Finish notes that the log is published and marked up to a size, unless the state has changed: [ErrOvertaken].
func (s *Store) Finish(ctx context.Context, st State, done uint64) error {
	return s.write(ctx, st, st.Size, done)
}

func (s *Store) write(ctx context.Context, st State, size, done uint64, with ...ledgerdb.Write) error {
	fields := map[string]any{"size": int64(size), "done": int64(done), "fence": st.Fence + 1} //nolint:gosec // a log is never that long
	state := ledgerdb.Patch(st.object, fields)
	if !st.object.Exists() {
		state = ledgerdb.Add(ledgerdb.Ref{Collection: collectionState, ID: stateID}, fields)
	}
	err := s.ledger.Bookkeep(ctx, identity.Hub, append(with, state)...)
	if errors.Is(err, ledgerdb.ErrExists) || errors.Is(err, ledgerdb.ErrStale) || errors.Is(err, ledgerdb.ErrContended) {
		return fmt.Errorf("%w: %w", ErrOvertaken, err)
	}
	return err
}

// Import writes a batch that the published log has. It can be repeated.
func (s *Store) Import(ctx context.Context, b tlog.Batch) error {
	ids, hashes := b.Encode()
	return s.ledger.Bookkeep(ctx, identity.Hub, ledgerdb.Put(batchRef(b.First), map[string]any{
		"first": int64(b.First), "count": int64(len(b.IDs)), "ids": ids, "hashes": hashes, //nolint:gosec // a log is never that long
	}))
}

// Advance says how far the published log is, after its batches were imported, unless the state has changed:
// [ErrOvertaken].
func (s *Store) Advance(ctx context.Context, st State, size, done uint64) error {
	return s.write(ctx, st, size, done)
}

// Batch reads the batch that begins at a place.
func (s *Store) Batch(ctx context.Context, first uint64) (tlog.Batch, error) {
	o, err := s.ledger.Get(ctx, identity.Hub, batchRef(first))
	if err != nil {
		return tlog.Batch{}, fmt.Errorf("read the batch from place %d on: %w", first, err)
	}
	ids, _ := o.Fields["ids"].(string)
	hashes, _ := o.Fields["hashes"].([]byte)
	return tlog.ParseBatch(first, ids, hashes)
}

func batchRef(first uint64) ledgerdb.Ref {
	return ledgerdb.Ref{Collection: collectionBatches, ID: strconv.FormatUint(first, 10)}
}
