package sealing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/tlog"
	"ryggrad.internal/hub/shared/ledger/tlog/tlogdb"
)

// objectsAtOnce is how many objects are written at a time.
const objectsAtOnce = 16

// CheckpointPath is where the checkpoint of a size is kept. The name sorts by size.
func CheckpointPath(size uint64) string { return fmt.Sprintf("checkpoints/%016d", size) }

// publish extends the log by a batch: the edge grows, and what it makes is created and signed.
func (s *Sealer) publish(ctx context.Context, st tlogdb.State, edge *tlog.Edge, batch tlog.Batch, bodies map[string][]byte) error {
	if err := s.checkHead(ctx, st, edge); err != nil {
		return err
	}
	body, err := s.bodies(ctx, batch, bodies)
	if err != nil {
		return err
	}
	if err := s.create(ctx, append(edge.Append(batch.Hashes), body)); err != nil {
		return err
	}
	signed, err := s.sign(ctx, edge)
	if err != nil {
		return err
	}
	return s.advance(ctx, signed, edge)
}

// create writes objects that are not there yet. What is there must be the same.
func (s *Sealer) create(ctx context.Context, all []tlog.Object) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(objectsAtOnce)
	for _, o := range all {
		group.Go(func() error {
			err := s.opts.Log.Create(ctx, o.Path, o.Data)
			if errors.Is(err, objects.ErrExists) {
				err = fmt.Errorf("%w: %w", ErrFork, err)
			}
			return passing(err)
		})
	}
	return group.Wait()
}

// bodies returns the object of the entries' bytes. One whose bytes are not those that were given a place is told of, and
// left out: the log has its hash. What is kept already stays, and is told of when it says something else.
func (s *Sealer) bodies(ctx context.Context, batch tlog.Batch, known map[string][]byte) (tlog.Object, error) {
	o := tlog.Object{Path: tlog.BodiesPath(batch.First)}
	there, err := s.opts.Log.Read(ctx, o.Path)
	switch {
	case err == nil:
		o.Data = there
		s.checkKept(ctx, batch, there)
		return o, nil
	case !errors.Is(err, fs.ErrNotExist):
		return o, passing(err)
	}
	if slices.ContainsFunc(batch.IDs, func(id string) bool { return known[id] == nil }) { // it is another sealer's
		if known, err = s.reread(ctx, batch); err != nil {
			return o, err
		}
	}
	lines := make([][]byte, len(batch.IDs))
	for i, id := range batch.IDs {
		switch {
		case ledger.HashEntry(known[id]) != batch.Hashes[i]:
			s.finding(ctx, "an entry was changed or removed after it was given its place", id)
		case bytes.ContainsRune(known[id], '\n'):
			s.finding(ctx, "an entry's bytes are several lines, which none of ours are; they are not kept", id)
		default:
			lines[i] = known[id]
		}
	}
	o.Data = tlog.EncodeBodies(lines)
	return o, nil
}

// checkKept tells when bytes that were kept before are not those of the batch. The object cannot be written anew, and the
// leaves say which bytes are right, so sealing goes on.
func (s *Sealer) checkKept(ctx context.Context, batch tlog.Batch, there []byte) {
	lines, err := tlog.ParseBodies(there)
	if err != nil || len(lines) != len(batch.IDs) {
		s.finding(ctx, "the bytes that are kept of a batch are not its entries'", tlog.BodiesPath(batch.First))
		return
	}
	for i, line := range lines {
		if len(line) > 0 && ledger.HashEntry(line) != batch.Hashes[i] {
			s.finding(ctx, "the bytes that are kept of an entry are not its own", batch.IDs[i])
		}
	}
}

func (s *Sealer) reread(ctx context.Context, batch tlog.Batch) (map[string][]byte, error) {
	found, err := s.opts.Ledger.EntriesByID(ctx, batch.IDs)
	known := make(map[string][]byte, len(found))
	for _, e := range found {
		known[e.ID] = e.Bytes
	}
	return known, err
}

// sign returns the signed checkpoint of the edge, kept under its size. Where one was kept already, by a sealer that died
// or with a key before this one, that is it.
func (s *Sealer) sign(ctx context.Context, edge *tlog.Edge) ([]byte, error) {
	c := tlog.Checkpoint{Origin: s.opts.Origin, Size: edge.Size(), Root: edge.Root()}
	there, err := s.opts.Log.Read(ctx, CheckpointPath(c.Size))
	switch {
	case err == nil:
		return there, s.same(ctx, there, c)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, passing(err)
	}
	keys, err := s.opts.Key.Keys(ctx)
	if err != nil {
		return nil, err
	}
	signed, err := c.Sign(keys[0], func(m []byte) ([]byte, error) { return s.opts.Key.Sign(ctx, m) })
	if err != nil {
		return nil, err
	}
	if err := s.opts.Log.Create(ctx, keyPath(keys[0]), []byte(keys[0]+"\n")); err != nil {
		return nil, passing(err)
	}
	err = s.opts.Log.Create(ctx, CheckpointPath(c.Size), signed)
	if errors.Is(err, objects.ErrExists) {
		there, err = s.opts.Log.Read(ctx, CheckpointPath(c.Size))
		if err == nil {
			return there, s.same(ctx, there, c)
		}
	}
	return signed, passing(err)
}

// same tells whether a signed checkpoint is the one that this sealer would sign.
func (s *Sealer) same(ctx context.Context, signed []byte, want tlog.Checkpoint) error {
	c, err := s.open(ctx, signed)
	if err == nil && c != want {
		err = fmt.Errorf("a checkpoint of %d entries was signed with another root: %w", want.Size, ErrFork)
	}
	return err
}

// keyPath is where a public key is kept.
func keyPath(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "keys/" + hex.EncodeToString(sum[:8])
}

// checkHead holds the published checkpoint against the log that is to be extended.
func (s *Sealer) checkHead(ctx context.Context, st tlogdb.State, edge *tlog.Edge) error {
	head, _, err := s.head(ctx)
	switch {
	case err != nil:
		return err
	case head.Size > st.Size:
		return s.behind(ctx, head)
	case head.Size == edge.Size() && head.Size > 0 && head.Root != edge.Root():
		return fmt.Errorf("the published root of %d entries is another: %w", head.Size, ErrFork)
	case head.Size < edge.Size():
		s.opts.Logger.ErrorContext(ctx, "audit log finding", "finding", "the published checkpoint is an old one",
			"published", head.Size, "sealed", edge.Size())
	}
	return nil
}

// checkBehind stops a sealer whose database was put back to before what is published, before it gives places a second
// time.
func (s *Sealer) checkBehind(ctx context.Context, st tlogdb.State) error {
	head, _, err := s.head(ctx)
	if err == nil && head.Size > st.Size {
		return s.behind(ctx, head)
	}
	return err
}

// behind says why more is published than had a place when the state was read. Another sealer may have gone on since: what
// it published has its places in the state by now.
func (s *Sealer) behind(ctx context.Context, head tlog.Checkpoint) error {
	st, err := s.batches.State(ctx)
	switch {
	case err != nil:
		return err
	case st.Size >= head.Size:
		return tlogdb.ErrOvertaken
	default:
		return fmt.Errorf("%d entries are published and %d have a place: %w", head.Size, st.Size, ErrBehind)
	}
}

// head returns the published checkpoint and its generation; the zero Checkpoint is that of a log that is not published.
func (s *Sealer) head(ctx context.Context) (tlog.Checkpoint, int64, error) {
	signed, generation, err := s.opts.Head.Load(ctx, tlog.CheckpointPath)
	if errors.Is(err, fs.ErrNotExist) {
		return tlog.Checkpoint{}, 0, nil
	}
	if err != nil {
		return tlog.Checkpoint{}, 0, passing(err)
	}
	c, err := s.open(ctx, signed)
	return c, generation, err
}

// advance publishes a checkpoint unless a later one is.
func (s *Sealer) advance(ctx context.Context, signed []byte, edge *tlog.Edge) error {
	for range overtakings {
		head, generation, err := s.head(ctx)
		switch {
		case err != nil:
			return err
		case head.Size == edge.Size() && head.Root != edge.Root():
			return fmt.Errorf("the published root of %d entries is another: %w", head.Size, ErrFork)
		case head.Size >= edge.Size():
			return nil
		}
		err = s.opts.Head.Replace(ctx, tlog.CheckpointPath, signed, generation)
		if !errors.Is(err, objects.ErrStale) {
			return passing(err)
		}
	}
	return tlogdb.ErrOvertaken
}

// passing says of a bucket's failure that it may pass. A fork does not.
func passing(err error) error {
	if err == nil || errors.Is(err, ErrFork) {
		return err
	}
	return fault.New(fault.Unavailable, "the audit log's bucket is busy").Because(err)
}
