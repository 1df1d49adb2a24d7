package tlog

import (
	"bytes"
	"crypto/sha256"
	"strconv"
	"strings"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger"
)

// MaxBatch is how many entries a batch has at most.
const MaxBatch = 4096

// Batch says which audit entries stand in the log from place First on.
type Batch struct {
	First  uint64
	IDs    []string
	Hashes []ledger.Hash // of the entries' bytes
}

// End returns the place after the batch's last: the log's size with it.
func (b Batch) End() uint64 { return b.First + uint64(len(b.IDs)) }

// Encode returns the ids, one a line, and the hashes one after the other.
func (b Batch) Encode() (ids string, hashes []byte) {
	return strings.Join(b.IDs, "\n"), encodeTile(b.Hashes)
}

// ParseBatch reads what [Batch.Encode] wrote.
func ParseBatch(first uint64, ids string, hashes []byte) (Batch, error) {
	b := Batch{First: first, IDs: strings.Split(ids, "\n")}
	n := len(b.IDs)
	if n > MaxBatch || len(hashes) != n*sha256.Size || first > maxIndex {
		return Batch{}, fault.New(fault.Invalid, "a batch of %d ids does not have %d bytes of hashes", n, len(hashes))
	}
	seen := make(map[string]bool, n)
	for _, id := range b.IDs {
		if id == "" || strings.ContainsAny(id, "/ ") || seen[id] {
			return Batch{}, fault.New(fault.Invalid, "a batch names an entry twice, or something that is no entry")
		}
		seen[id] = true
	}
	b.Hashes = make([]ledger.Hash, n)
	for i := range b.Hashes {
		b.Hashes[i] = ledger.Hash(hashes[i*sha256.Size : (i+1)*sha256.Size])
	}
	return b, nil
}

// BodiesPath is where the bytes of a batch's entries are. They are no part of the public log. The name sorts by place.
func BodiesPath(first uint64) string { return bodies + pad(first) }

const bodies = "entries/"

// pad writes a place with as many digits as any has.
func pad(n uint64) string {
	digits := "0000000000000000"
	text := strconv.FormatUint(n, 10)
	return digits[:max(0, len(digits)-len(text))] + text
}

// EncodeBodies writes the entries' bytes, one a line. A missing one is an empty line.
func EncodeBodies(all [][]byte) []byte {
	return append(bytes.Join(all, []byte("\n")), '\n')
}

// ParseBodies reads what [EncodeBodies] wrote.
func ParseBodies(raw []byte) ([][]byte, error) {
	if len(raw) == 0 || raw[len(raw)-1] != '\n' {
		return nil, fault.New(fault.Invalid, "the entries' bytes break off")
	}
	return bytes.Split(raw[:len(raw)-1], []byte("\n")), nil
}
