package tlog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger"
)

// Read gets an object of a log by its path. One that is not there is [fs.ErrNotExist].
type Read func(ctx context.Context, path string) ([]byte, error)

// Object is a part of a log, to be created.
type Object struct {
	Path string
	Data []byte
}

// Edge is the right edge of a tree: what of it is not in full tiles. The zero Edge is that of an empty log.
type Edge struct {
	size    uint64
	entries []ledger.Hash   // of the bundle that is not full
	levels  [][]ledger.Hash // of each level's tile that is not full
}

// Size returns how many entries the log has.
func (e *Edge) Size() uint64 { return e.size }

// Clone returns a copy that grows on its own.
func (e *Edge) Clone() *Edge {
	c := &Edge{size: e.size, entries: slices.Clone(e.entries), levels: make([][]ledger.Hash, len(e.levels))}
	for i, l := range e.levels {
		c.levels[i] = slices.Clone(l)
	}
	return c
}

// Root returns the root of the tree.
func (e *Edge) Root() ledger.Hash {
	if e.size == 0 {
		return EmptyRoot()
	}
	var right []ledger.Hash
	for _, hashes := range e.levels {
		if all := append(slices.Clone(hashes), right...); len(all) > 0 {
			right = []ledger.Hash{rootOf(all)}
		}
	}
	return right[0]
}

// Append adds entries and returns the objects that are new with them.
func (e *Edge) Append(entries []ledger.Hash) []Object {
	var made []Object
	for _, entry := range entries {
		e.entries = append(e.entries, entry)
		if len(e.entries) == TileWidth {
			t := Tile{Entries: true, Index: e.size / TileWidth, Width: TileWidth}
			made = append(made, Object{t.Path(), encodeBundle(e.entries)})
			e.entries = e.entries[:0]
		}
		made = e.push(made, 0, LeafHash(entry))
		e.size++
	}
	if len(entries) == 0 {
		return nil
	}
	return append(made, e.partial()...)
}

// push adds a hash to a level, and what becomes full to the one above.
func (e *Edge) push(made []Object, level int, h ledger.Hash) []Object {
	for ; ; level++ {
		if level == len(e.levels) {
			e.levels = append(e.levels, make([]ledger.Hash, 0, TileWidth))
		}
		e.levels[level] = append(e.levels[level], h)
		if len(e.levels[level]) < TileWidth {
			return made
		}
		t := Tile{Level: level, Index: e.size >> (TileHeight * (level + 1)), Width: TileWidth}
		made = append(made, Object{t.Path(), encodeTile(e.levels[level])})
		h = fold(e.levels[level])
		e.levels[level] = e.levels[level][:0]
	}
}

// partial returns the objects that are not full.
func (e *Edge) partial() []Object {
	var made []Object
	if n := len(e.entries); n > 0 {
		made = append(made, Object{Tile{Entries: true, Index: e.size / TileWidth, Width: n}.Path(), encodeBundle(e.entries)})
	}
	for level, hashes := range e.levels {
		if n := len(hashes); n > 0 {
			t := Tile{Level: level, Index: e.size >> (TileHeight * (level + 1)), Width: n}
			made = append(made, Object{t.Path(), encodeTile(hashes)})
		}
	}
	return made
}

// ErrRoot says that tiles do not make the root that they should.
var ErrRoot = errors.New("the tiles do not make the root")

// LoadEdge reads the right edge of a log of this size and holds it against the root. What does not fit is [ErrRoot].
func LoadEdge(ctx context.Context, read Read, size uint64, root ledger.Hash) (*Edge, error) {
	e := &Edge{size: size}
	for level := 0; size>>(TileHeight*level) > 0; level++ {
		hashes := make([]ledger.Hash, 0, TileWidth)
		have := size >> (TileHeight * level)
		if width := int(have % TileWidth); width > 0 {
			tile, err := readTile(ctx, read, Tile{Level: level, Index: have / TileWidth, Width: width})
			if err != nil {
				return nil, err
			}
			hashes = append(hashes, tile...)
		}
		e.levels = append(e.levels, hashes)
	}
	if width := int(size % TileWidth); width > 0 {
		entries, err := readBundle(ctx, read, Tile{Entries: true, Index: size / TileWidth, Width: width})
		if err != nil {
			return nil, err
		}
		e.entries = append(make([]ledger.Hash, 0, TileWidth), entries...)
	}
	if e.Root() != root {
		return nil, fmt.Errorf("log of %d entries: %w", size, ErrRoot)
	}
	return e, e.checkEntries()
}

// checkEntries holds the bundle against the leaves.
func (e *Edge) checkEntries() error {
	for i, entry := range e.entries {
		if LeafHash(entry) != e.levels[0][i] {
			return fmt.Errorf("entry %d: %w", e.size-uint64(len(e.entries)-i), ErrRoot) //nolint:gosec // both are small
		}
	}
	return nil
}

// readTile reads a tile. Logs may drop a partial one once the full one is there, which begins alike.
func readTile(ctx context.Context, read Read, t Tile) ([]ledger.Hash, error) {
	return readWide(ctx, read, t, ParseTile)
}

func readBundle(ctx context.Context, read Read, t Tile) ([]ledger.Hash, error) {
	return readWide(ctx, read, t, ParseBundle)
}

func readWide(ctx context.Context, read Read, t Tile, parse func([]byte, int) ([]ledger.Hash, error)) ([]ledger.Hash, error) {
	want := t.Width
	raw, err := read(ctx, t.Path())
	if errors.Is(err, fs.ErrNotExist) && want < TileWidth {
		t.Width = TileWidth
		if full, fullErr := read(ctx, t.Path()); fullErr == nil {
			raw, err = full, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Path(), err)
	}
	hashes, err := parse(raw, t.Width)
	if err != nil {
		return nil, fault.New(fault.Internal, "a tile is not readable").Because(fmt.Errorf("%s: %w", t.Path(), err))
	}
	return hashes[:want], nil
}
