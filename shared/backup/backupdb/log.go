package backupdb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/sealing"
	"ryggrad.internal/hub/shared/ledger/tlog"
	"ryggrad.internal/hub/shared/ledger/tlog/tlogdb"
)

// SealedLog is the audit log as it was published, with the bytes of its entries.
type SealedLog struct {
	Read tlog.Read                                                        // its objects, and the newest checkpoint by tlog.CheckpointPath
	List func(ctx context.Context, prefix, from string) ([]string, error) // sorted
	Keys func(context.Context) (tlog.Keys, error)                         // that may have signed
}

// LogIn returns the log in its buckets.
func LogIn(log, newest objects.Bucket, keys func(context.Context) (tlog.Keys, error)) SealedLog {
	return SealedLog{
		Keys: keys,
		Read: func(ctx context.Context, name string) ([]byte, error) {
			if name == tlog.CheckpointPath {
				return newest.Read(ctx, name)
			}
			return log.Read(ctx, name)
		},
		List: log.List,
	}
}

// LogRestored tells what of the sealed log was brought back.
type LogRestored struct {
	Size    uint64 `json:"size"`    // of the log now
	Entries uint64 `json:"entries"` // that were sealed after the moment
	Root    string `json:"root"`    // that the database's batches make, and the newest checkpoint says
}

// remedyLog says what to do about a log that does not fit.
const remedyLog = "Check the log with `ryggrad audit verify`, and do not let the hub use this database before the reason is known"

// log brings back what was sealed after the moment, and lets the sealer go on from the newest checkpoint.
func (x *restoring) log(ctx context.Context) error {
	store := tlogdb.New(x.opts.Ledger)
	st, err := store.State(ctx)
	if err != nil {
		return err
	}
	checkpoint, found, err := x.newestCheckpoint(ctx)
	if err != nil {
		return err
	}
	if !found {
		if st.Size > 0 {
			return &backup.Refusal{Object: tlog.CheckpointPath, What: "there is no published log, and the backup knows one", Remedy: remedyLog}
		}
		return nil
	}
	if x.p.LogFrom < 0 {
		x.p.LogFrom = int64(st.Done) //nolint:gosec // a log is never that long
		if err := x.p.save(ctx, x.opts.Ledger); err != nil {
			return err
		}
	}
	tail := &logTail{SealedLog: x.opts.Log, restoring: x, store: store, checkpoint: checkpoint}
	x.tail, x.parts = tail, 1+int(max(0, int64(checkpoint.Size)-x.p.LogFrom)/x.atOnce) //nolint:gosec // a log is never that long
	size, done, err := tail.bringBack(ctx, uint64(x.p.LogFrom))                        //nolint:gosec // it is not negative
	if err != nil {
		return err
	}
	if done > st.Done || size > st.Size {
		if err := store.Advance(ctx, st, size, done); err != nil {
			return err
		}
	}
	x.out.Log = LogRestored{Size: done, Entries: done - uint64(x.p.LogFrom), Root: checkpoint.Root.String()} //nolint:gosec // it is not negative
	return tail.compareRoot(ctx)
}

func (x *restoring) newestCheckpoint(ctx context.Context) (tlog.Checkpoint, bool, error) {
	signed, err := x.opts.Log.Read(ctx, tlog.CheckpointPath)
	if errors.Is(err, fs.ErrNotExist) {
		return tlog.Checkpoint{}, false, nil
	}
	if err != nil {
		return tlog.Checkpoint{}, false, err
	}
	c, err := x.openCheckpoint(ctx, signed)
	return c, true, err
}

func (x *restoring) openCheckpoint(ctx context.Context, signed []byte) (tlog.Checkpoint, error) {
	keys, err := x.opts.Log.Keys(ctx)
	if err != nil {
		return tlog.Checkpoint{}, err
	}
	c, err := keys.Open(signed)
	if err != nil {
		return c, &backup.Refusal{Object: tlog.CheckpointPath, What: "its signature does not hold", Remedy: remedyLog, Cause: err}
	}
	return c, nil
}

// logTail is the part of a log that is brought back.
type logTail struct {
	SealedLog
	*restoring

	store      *tlogdb.Store
	checkpoint tlog.Checkpoint
	edge       *tlog.Edge

	part   int           // of the objects, whose heads are noted
	again  bool          // everything was imported before
	bundle []ledger.Hash // the one that was read last
	index  uint64        // its
}

// note goes through the tail once more, for the objects of another part. What it remembered of hot ones is forgotten.
func (t *logTail) note(ctx context.Context, part int) error {
	for object := range t.heads {
		if collection, _, _ := cutObject(object); t.sets[collection] != backup.Config {
			delete(t.heads, object)
		}
	}
	t.part, t.again, t.bundle = part, true, nil
	_, _, err := t.bringBack(ctx, uint64(t.p.LogFrom)) //nolint:gosec // it is not negative
	return err
}

// mine tells whether an object is of the part whose heads are noted. Those of the config set always are, since there are few.
func (t *logTail) mine(object string) bool {
	if t.parts == 1 {
		return true
	}
	collection, id, _ := cutObject(object)
	return t.sets[collection] == backup.Config || int(keyOf(collection, id)[0])*t.parts>>8 == t.part
}

// bringBack imports everything from a size on. It returns how many entries have a place then, and how many of them are
// published.
func (t *logTail) bringBack(ctx context.Context, from uint64) (size, done uint64, err error) {
	if t.edge, err = t.edgeAt(ctx, from); err != nil {
		return 0, 0, err
	}
	names, err := t.List(ctx, path.Dir(tlog.BodiesPath(0))+"/", tlog.BodiesPath(from))
	if err != nil {
		return 0, 0, err
	}
	size = from
	for _, name := range names {
		first, err := strconv.ParseUint(path.Base(name), 10, 64)
		if err != nil || first < t.edge.Size() {
			continue
		}
		if first != t.edge.Size() {
			return 0, 0, &backup.Refusal{Object: tlog.BodiesPath(t.edge.Size()), What: "the entries' bytes are not there", Remedy: remedyLog}
		}
		if size, err = t.batch(ctx, first); err != nil {
			return 0, 0, err
		}
		if size > t.checkpoint.Size { // it was begun, and not published
			return size, first, t.fits()
		}
	}
	return size, size, t.fits()
}

// fits tells whether what was brought back makes the signed root.
func (t *logTail) fits() error {
	if t.edge.Size() != t.checkpoint.Size || t.edge.Root() != t.checkpoint.Root {
		return &backup.Refusal{
			Object: tlog.CheckpointPath, Remedy: remedyLog,
			What: fmt.Sprintf("the log's entries make another root than it says, or %d entries and not %d", t.edge.Size(), t.checkpoint.Size),
		}
	}
	return nil
}

func (t *logTail) edgeAt(ctx context.Context, size uint64) (*tlog.Edge, error) {
	if size == 0 {
		return &tlog.Edge{}, nil
	}
	signed, err := t.Read(ctx, sealing.CheckpointPath(size))
	if err != nil {
		return nil, err
	}
	c, err := t.openCheckpoint(ctx, signed)
	if err != nil {
		return nil, err
	}
	if size > t.checkpoint.Size {
		return nil, &backup.Refusal{
			Object: tlog.CheckpointPath, Remedy: remedyLog,
			What: fmt.Sprintf("the published log has %d entries, and the backup knows %d", t.checkpoint.Size, size),
		}
	}
	return tlog.LoadEdge(ctx, t.Read, size, c.Root)
}

// batch imports the batch that begins at a place, and returns its end.
func (t *logTail) batch(ctx context.Context, first uint64) (uint64, error) {
	raw, err := t.Read(ctx, tlog.BodiesPath(first))
	if err != nil {
		return 0, err
	}
	bodies, err := tlog.ParseBodies(raw)
	if err != nil {
		return 0, err
	}
	batch := tlog.Batch{First: first, IDs: make([]string, len(bodies)), Hashes: make([]ledger.Hash, len(bodies))}
	published := first < t.checkpoint.Size
	for i, body := range bodies {
		if err := t.entry(ctx, &batch, i, body, published); err != nil {
			return 0, err
		}
	}
	if published {
		t.edge.Append(batch.Hashes)
	}
	if t.again {
		return batch.End(), nil
	}
	if published {
		if err := t.opts.Ledger.ImportSealed(ctx, first, bodies); err != nil {
			return 0, err
		}
	}
	t.opts.Tell(Tidings{Stage: stageLog, Documents: int64(batch.End()), Of: int64(max(batch.End(), t.checkpoint.Size))}) //nolint:gosec // a log is never that long
	return batch.End(), t.store.Import(ctx, batch)
}

// entry holds an entry's bytes against the leaf in its place. Bytes that are not the leaf's are not brought back: the log
// has their hash, and `audit verify` tells of them.
func (t *logTail) entry(ctx context.Context, b *tlog.Batch, i int, body []byte, published bool) error {
	hash := ledger.HashEntry(body)
	if published {
		leaf, err := t.leaf(ctx, b.First+uint64(i)) //nolint:gosec // a batch is small
		if err != nil {
			return err
		}
		b.Hashes[i] = leaf
	} else {
		b.Hashes[i] = hash
	}
	b.IDs[i] = fmt.Sprintf("missing-%d", b.First+uint64(i)) //nolint:gosec // a batch is small
	if e, err := ledger.Parse(body); err == nil && b.Hashes[i] == hash {
		b.IDs[i] = e.ID
		if t.mine(e.Object) {
			t.heads.note(e, hash)
		}
	}
	return nil
}

func (t *logTail) leaf(ctx context.Context, place uint64) (ledger.Hash, error) {
	if n := place / tlog.TileWidth; t.bundle == nil || t.index != n {
		tile, ok := tlog.Tile{Entries: true, Index: n}.At(t.checkpoint.Size)
		if !ok {
			return ledger.Hash{}, fmt.Errorf("the log has no entry %d", place)
		}
		raw, err := t.Read(ctx, tile.Path())
		if err != nil {
			return ledger.Hash{}, err
		}
		if t.bundle, err = tlog.ParseBundle(raw, tile.Width); err != nil {
			return ledger.Hash{}, err
		}
		t.index = n
	}
	return t.bundle[place%tlog.TileWidth], nil
}

// compareRoot makes the root of what the database has now, and holds it against the signed one.
func (t *logTail) compareRoot(ctx context.Context) error {
	whole := &tlog.Edge{}
	for whole.Size() < t.checkpoint.Size {
		b, err := t.store.Batch(ctx, whole.Size())
		if err != nil {
			return err
		}
		whole.Append(b.Hashes)
	}
	t.edge = whole
	return t.fits()
}
