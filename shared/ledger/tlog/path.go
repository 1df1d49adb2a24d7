package tlog

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"ryggrad.internal/hub/shared/fault"
)

const (
	// TileHeight is the number of tree levels in a tile.
	TileHeight = 8
	// TileWidth is how many hashes a full tile has, and how many entries a full bundle.
	TileWidth = 1 << TileHeight
	// maxLevel is the highest level of tiles that a log can have.
	maxLevel = 63
	// maxIndex bounds a tile's number, so that no arithmetic on it overflows.
	maxIndex = 1<<55 - 1
)

// CheckpointPath is where a log's newest checkpoint is.
const CheckpointPath = "checkpoint"

// Tile names a tile, or a bundle of entries.
type Tile struct {
	Entries bool   // a bundle of entries; Level is 0
	Level   int    // of tiles: 0 holds the hashes of leaves
	Index   uint64 // within the level
	Width   int    // how many hashes or entries it has, 1 to 256
}

// Path returns where the tile is below the log's address.
func (t Tile) Path() string {
	var b strings.Builder
	b.WriteString("tile/")
	if t.Entries {
		b.WriteString("entries")
	} else {
		b.WriteString(strconv.Itoa(t.Level))
	}
	digits := fmt.Sprintf("%03d", t.Index%1000)
	for n := t.Index / 1000; n > 0; n /= 1000 {
		digits = fmt.Sprintf("x%03d/", n%1000) + digits
	}
	b.WriteString("/" + digits)
	if t.Width < TileWidth {
		b.WriteString(".p/" + strconv.Itoa(t.Width))
	}
	return b.String()
}

// ParsePath reads what [Tile.Path] wrote. Every other spelling is refused with [fault.NotFound]: nothing is there.
func ParsePath(path string) (Tile, error) {
	bad := fault.New(fault.NotFound, "there is no such tile")
	rest, ok := strings.CutPrefix(path, "tile/")
	kind, digits, found := strings.Cut(rest, "/")
	if !ok || !found {
		return Tile{}, bad
	}
	t := Tile{Entries: kind == "entries", Width: TileWidth}
	if !t.Entries {
		level, err := strconv.Atoi(kind)
		if err != nil || level < 0 || level > maxLevel {
			return Tile{}, bad
		}
		t.Level = level
	}
	digits, width, partial := strings.Cut(digits, ".p/")
	if partial {
		n, err := strconv.Atoi(width)
		if err != nil || n < 1 || n >= TileWidth {
			return Tile{}, bad
		}
		t.Width = n
	}
	var fits bool
	if t.Index, fits = parseIndex(digits); !fits || t.Path() != path {
		return Tile{}, bad
	}
	return t, nil
}

// parseIndex reads a tile's number, three digits between slashes.
func parseIndex(digits string) (index uint64, fits bool) {
	for part := range strings.SplitSeq(digits, "/") {
		n, err := strconv.ParseUint(strings.TrimPrefix(part, "x"), 10, 16)
		if err != nil || n > 999 || index > maxIndex/1000 {
			return 0, false
		}
		index = index*1000 + n
	}
	return index, true
}

// Within tells whether a log of this size has the tile: at this size or at one before.
func (t Tile) Within(size uint64) bool { return t.Needs() <= size }

// Needs returns the smallest size of a log that has the tile; none has one of more than 2⁶³.
func (t Tile) Needs() uint64 {
	if t.Level > 7 || t.Index > maxIndex>>(TileHeight*t.Level) {
		return math.MaxUint64
	}
	return (t.Index*TileWidth + uint64(t.Width)) << (TileHeight * t.Level) //nolint:gosec // a width is 1 to 256
}

// At returns the tile as a log of this size has it: full, or as wide as the log reaches. It is false where the log does
// not reach it.
func (t Tile) At(size uint64) (Tile, bool) {
	have := size >> (TileHeight * t.Level)
	first := t.Index * TileWidth
	if have <= first {
		return t, false
	}
	t.Width = int(min(have-first, TileWidth))
	return t, true
}
