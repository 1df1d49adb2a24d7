package backup

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"

	"ryggrad.internal/hub/shared/fault"
)

// Digest says which documents there are, whatever their order: the sum, modulo 2^256, of the SHA-256 of their lines. It
// tells mistakes, not adversaries; files and manifests are protected by keys.
type Digest [4]uint64

// Add counts a line in.
func (d *Digest) Add(line []byte) { d.Sum(digestOf(sha256.Sum256(line))) }

// Sum counts another digest's lines in.
func (d *Digest) Sum(other Digest) {
	var carry uint64
	for i := range d {
		d[i], carry = bits.Add64(d[i], other[i], carry)
	}
}

func digestOf(sum [sha256.Size]byte) (d Digest) {
	for i := range d {
		d[i] = binary.LittleEndian.Uint64(sum[i*8:])
	}
	return d
}

// MarshalText gives 64 hex digits.
func (d Digest) MarshalText() ([]byte, error) {
	var raw [sha256.Size]byte
	for i := range d {
		binary.LittleEndian.PutUint64(raw[i*8:], d[i])
	}
	return []byte(hex.EncodeToString(raw[:])), nil
}

// UnmarshalText reads what [Digest.MarshalText] gave.
func (d *Digest) UnmarshalText(text []byte) error {
	raw, err := hex.DecodeString(string(text))
	if err != nil || len(raw) != sha256.Size {
		return fault.New(fault.Invalid, "a digest is 64 hex digits")
	}
	*d = digestOf([sha256.Size]byte(raw))
	return nil
}

// Tally is how many documents there are, and which.
type Tally struct {
	Documents int64  `json:"documents"`
	Digest    Digest `json:"digest"`
}

// Tallies are tallies by collection.
type Tallies map[string]*Tally

// Add counts a line in.
func (t Tallies) Add(collection string, line []byte) {
	one := t.of(collection)
	one.Documents++
	one.Digest.Add(line)
}

// Sum counts other tallies in.
func (t Tallies) Sum(others Tallies) {
	for collection, other := range others {
		one := t.of(collection)
		one.Documents += other.Documents
		one.Digest.Sum(other.Digest)
	}
}

// Documents returns how many documents there are.
func (t Tallies) Documents() (n int64) {
	for _, one := range t {
		n += one.Documents
	}
	return n
}

func (t Tallies) of(collection string) *Tally {
	if t[collection] == nil {
		t[collection] = &Tally{}
	}
	return t[collection]
}
