package verify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/tlog"
)

const (
	// window is how many bundles are read at a time.
	window = 64
	// readsAtOnce is how many of the log's objects are read at the same time.
	readsAtOnce = 16
	// keptAtOnce is how many kept checkpoints are read together.
	keptAtOnce = 1024
	// mostFindings is how many findings are kept; the rest is counted.
	mostFindings = 100
)

// Log is how a log is reached.
type Log struct {
	Read tlog.Read
	// List returns the names that begin with prefix, sorted. It is nil where a log cannot be listed; then only what is
	// public is checked.
	List func(ctx context.Context, prefix string) ([]string, error)
}

// Options say what is verified against what.
type Options struct {
	Log      Log
	Keys     tlog.Keys               // who may have signed
	Since    []byte                  // a signed checkpoint that the verifier remembers, or nil
	Object   string                  // only chains of this object are checked, or of all when it is empty
	Tenant   string                  // only chains of this tenant are checked, or of all when it is empty
	Explain  Explain                 // says more of a checkpoint that none of the keys signed, or is nil
	Temp     string                  // a folder for what chains need
	Progress func(done, size uint64) // called now and then, or nil
}

// Finding is something that is wrong.
type Finding struct {
	Place int64 // of the entry it concerns, or -1
	What  string
}

// String gives the finding as a sentence.
func (f Finding) String() string {
	if f.Place < 0 {
		return f.What
	}
	return fmt.Sprintf("entry %d: %s", f.Place, f.What)
}

// Report is what came of it.
type Report struct {
	Checkpoint  tlog.Checkpoint
	Checkpoints int    // that were kept, and hold
	Bytes       uint64 // entries whose bytes were looked at
	Chains      int
	Findings    []Finding // the first ones, by place
	More        int       // findings beyond those
}

// OK tells whether nothing is wrong.
func (r Report) OK() bool { return len(r.Findings) == 0 }

// run is a verification on its way.
type run struct {
	Options
	report Report
	roots  map[uint64]ledger.Hash // what the tree must be at these sizes
	sizes  []uint64               // those sizes, rising
	bodies *bodies
	spill  *spill
	kept   map[string]string // the keys that the log keeps, by name; nil before somebody asks
	told   map[string]bool   // of which a finding speaks
}

// Verify checks a log. Its error says that the log could not be read, not that something is wrong with it.
func Verify(ctx context.Context, opts Options) (Report, error) {
	v := &run{Options: opts, roots: map[uint64]ledger.Hash{}, told: map[string]bool{}}
	err := v.verify(ctx)
	slices.SortStableFunc(v.report.Findings, func(a, b Finding) int { return int(a.Place - b.Place) })
	return v.report, err
}

func (v *run) verify(ctx context.Context) error {
	kept, err := v.list(ctx, "checkpoints/") // before the newest is read: one that is signed meanwhile was not cut off
	if err != nil {
		return err
	}
	signed, err := v.Log.Read(ctx, tlog.CheckpointPath)
	if errors.Is(err, fs.ErrNotExist) {
		v.finding(-1, "there is no checkpoint")
		return nil
	}
	if err != nil {
		return err
	}
	if v.report.Checkpoint, err = v.Keys.Open(signed); err != nil {
		return v.disbelieve(ctx, "the checkpoint", signed, err)
	}
	if err := v.remember(ctx, kept); err != nil {
		return err
	}
	if v.spill, err = newSpill(v.Temp); err != nil {
		return err
	}
	defer v.spill.close()
	if v.bodies, err = openBodies(ctx, v.Log); err != nil {
		return err
	}
	if err := v.build(ctx); err != nil {
		return err
	}
	return v.chains()
}

// finding keeps what is wrong.
func (v *run) finding(place int64, format string, args ...any) {
	if len(v.report.Findings) == mostFindings {
		v.report.More++
		return
	}
	v.report.Findings = append(v.report.Findings, Finding{place, fmt.Sprintf(format, args...)})
}

// remember collects the roots that were signed: now, before, and the one that the verifier knows.
func (v *run) remember(ctx context.Context, kept []string) error {
	v.expect(v.report.Checkpoint, "the checkpoint")
	if v.Since != nil {
		c, err := v.Keys.Open(v.Since)
		if err == nil {
			v.expect(c, "the remembered checkpoint")
		} else if err := v.disbelieve(ctx, "the remembered checkpoint", v.Since, err); err != nil {
			return err
		}
	}
	for names := range slices.Chunk(kept, keptAtOnce) {
		if err := v.signed(ctx, names); err != nil {
			return err
		}
	}
	for size := range v.roots {
		v.sizes = append(v.sizes, size)
	}
	slices.Sort(v.sizes)
	return nil
}

func (v *run) expect(c tlog.Checkpoint, what string) {
	newest := v.report.Checkpoint
	if c.Size > newest.Size {
		v.finding(-1, "the log was cut or put back: %s has %d entries, and %d are published", what, c.Size, newest.Size)
		return
	}
	if other, ok := v.roots[c.Size]; ok && other != c.Root {
		v.finding(-1, "the log was forked: %s of %d entries has another root than one that was signed too", what, c.Size)
		return
	}
	v.roots[c.Size] = c.Root
}

// list returns names, or none where a log cannot be listed.
func (v *run) list(ctx context.Context, prefix string) ([]string, error) {
	if v.Log.List == nil {
		return nil, nil
	}
	return v.Log.List(ctx, prefix)
}

// signed reads checkpoints that were kept.
func (v *run) signed(ctx context.Context, names []string) error {
	signed, err := v.readAll(ctx, names)
	if err != nil {
		return err
	}
	for i, name := range names {
		c, err := v.Keys.Open(signed[i])
		if err != nil {
			if err := v.disbelieve(ctx, name, signed[i], err); err != nil {
				return err
			}
			continue
		}
		if fmt.Sprintf("checkpoints/%016d", c.Size) != name {
			v.finding(-1, "%s is a checkpoint of %d entries", name, c.Size)
			continue
		}
		v.report.Checkpoints++
		v.expect(c, name)
	}
	return nil
}

// readAll reads objects at the same time. In the place of a missing one stands nil.
func (v *run) readAll(ctx context.Context, paths []string) ([][]byte, error) {
	out := make([][]byte, len(paths))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for i, path := range paths {
		group.Go(func() (err error) {
			out[i], err = v.Log.Read(ctx, path)
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		})
	}
	return out, group.Wait()
}

// build makes the tree anew and holds it against everything that is known of it.
func (v *run) build(ctx context.Context) error {
	size, edge := v.report.Checkpoint.Size, &tlog.Edge{}
	for first := uint64(0); first < size; first += window * tlog.TileWidth {
		entries, whole, err := v.bundles(ctx, first, min(first+window*tlog.TileWidth, size))
		if err != nil {
			return err
		}
		if err := v.readBodies(ctx, first, entries); err != nil {
			return err
		}
		if err := v.append(ctx, edge, entries); err != nil || !whole {
			return err
		}
		if v.Progress != nil {
			v.Progress(edge.Size(), size)
		}
	}
	return nil
}

// bundles reads entries from first to end. They end early where a bundle is not there or not readable.
func (v *run) bundles(ctx context.Context, first, end uint64) (entries []ledger.Hash, whole bool, err error) {
	var tiles []tlog.Tile
	var paths []string
	for at := first; at < end; at += tlog.TileWidth {
		t, _ := tlog.Tile{Entries: true, Index: at / tlog.TileWidth}.At(v.report.Checkpoint.Size)
		tiles, paths = append(tiles, t), append(paths, t.Path())
	}
	raw, err := v.readAll(ctx, paths)
	if err != nil {
		return nil, false, err
	}
	for i, t := range tiles {
		place := int64(t.Index * tlog.TileWidth) //nolint:gosec // a log is never that long
		if raw[i] == nil {
			v.finding(place, "the bundle %s is not there", paths[i])
			return entries, false, nil
		}
		bundle, err := tlog.ParseBundle(raw[i], t.Width)
		if err != nil {
			v.finding(place, "%s: %v", paths[i], err)
			return entries, false, nil
		}
		entries = append(entries, bundle...)
	}
	return entries, true, nil
}

// append lets the tree grow, from one size that is known to the next.
func (v *run) append(ctx context.Context, edge *tlog.Edge, entries []ledger.Hash) error {
	for len(entries) > 0 {
		n := uint64(len(entries))
		if len(v.sizes) > 0 {
			n = min(n, v.sizes[0]-edge.Size())
		}
		if err := v.compare(ctx, edge, edge.Append(entries[:n])); err != nil {
			return err
		}
		entries = entries[n:]
		if len(v.sizes) > 0 && edge.Size() == v.sizes[0] {
			if v.roots[edge.Size()] != edge.Root() {
				v.finding(int64(edge.Size())-1, "up to here the entries do not make the root that was signed for them") //nolint:gosec // a log is never that long
			}
			v.sizes = v.sizes[1:]
		}
	}
	return nil
}

// compare holds the tiles that the entries make against those that are there: full ones, and the last.
func (v *run) compare(ctx context.Context, edge *tlog.Edge, made []tlog.Object) error {
	last := edge.Size() == v.report.Checkpoint.Size
	made = slices.DeleteFunc(made, func(o tlog.Object) bool {
		return strings.HasPrefix(o.Path, "tile/entries/") || strings.Contains(o.Path, ".p/") && !last
	})
	paths := make([]string, len(made))
	for i, o := range made {
		paths[i] = o.Path
	}
	there, err := v.readAll(ctx, paths)
	if err != nil {
		return err
	}
	for i, o := range made {
		if bytes.Equal(there[i], o.Data) {
			continue
		}
		place, span := placeOf(o, there[i])
		if v.explained(place, span) {
			continue
		}
		if there[i] == nil {
			v.finding(place, "the tile %s is not there", o.Path)
		} else {
			v.finding(place, "its bundle says something else than the tile %s", o.Path)
		}
	}
	return nil
}

// explained tells whether something is known to be wrong among the entries below a hash, so that it must be another.
func (v *run) explained(place, span int64) bool {
	return slices.ContainsFunc(v.report.Findings, func(f Finding) bool { return f.Place >= place && f.Place < place+span })
}

// placeOf returns the first entry below the first hash of a tile that differs, and how many entries are below it.
func placeOf(o tlog.Object, there []byte) (place, span int64) {
	t, err := tlog.ParsePath(o.Path)
	if err != nil {
		return -1, 0
	}
	at := 0
	for at < len(o.Data)-32 && at+32 <= len(there) && bytes.Equal(o.Data[at:at+32], there[at:at+32]) {
		at += 32
	}
	span = 1 << (tlog.TileHeight * t.Level)
	return (int64(t.Index)*tlog.TileWidth + int64(at/32)) * span, span //nolint:gosec // a log is never that long
}
