package tlog

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/transparency-dev/formats/proof"
	"github.com/transparency-dev/merkle/compact"
	merkle "github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger"
)

// maxProof bounds a proof file: 64 hashes, a checkpoint with its signatures, and an entry's bytes.
const maxProof = 64 << 10

// Inclusion returns the hashes that prove the entry at index to be in the log of this size.
func Inclusion(ctx context.Context, read Read, index, size uint64) ([]ledger.Hash, error) {
	if index >= size {
		return nil, fault.New(fault.Invalid, "a log of %d entries has no entry %d", size, index)
	}
	nodes, err := merkle.Inclusion(index, size)
	if err != nil {
		return nil, err
	}
	return prove(ctx, read, nodes, size)
}

// Consistency returns the hashes that prove the log of the size before to be the beginning of the one after.
func Consistency(ctx context.Context, read Read, before, after uint64) ([]ledger.Hash, error) {
	if before > after {
		return nil, fault.New(fault.Invalid, "a log does not shrink from %d to %d", before, after)
	}
	if before == 0 || before == after {
		return nil, nil
	}
	nodes, err := merkle.Consistency(before, after)
	if err != nil {
		return nil, err
	}
	return prove(ctx, read, nodes, after)
}

func prove(ctx context.Context, read Read, nodes merkle.Nodes, size uint64) ([]ledger.Hash, error) {
	found := make([][]byte, len(nodes.IDs))
	for i, id := range nodes.IDs {
		h, err := node(ctx, read, id, size)
		if err != nil {
			return nil, err
		}
		found[i] = h[:]
	}
	hashes, err := nodes.Rehash(found, rfc6962.DefaultHasher.HashChildren)
	if err != nil {
		return nil, err
	}
	out := make([]ledger.Hash, len(hashes))
	for i, h := range hashes {
		out[i] = ledger.Hash(h)
	}
	return out, nil
}

// node returns the hash of a full subtree.
func node(ctx context.Context, read Read, id compact.NodeID, size uint64) (ledger.Hash, error) {
	level := int(id.Level / TileHeight)
	within := id.Level % TileHeight
	first := id.Index << within
	t, ok := Tile{Level: level, Index: first / TileWidth}.At(size)
	if !ok {
		return ledger.Hash{}, fmt.Errorf("node %d of level %d is beyond the log's %d entries", id.Index, id.Level, size)
	}
	hashes, err := readTile(ctx, read, t)
	if err != nil {
		return ledger.Hash{}, err
	}
	from := first % TileWidth
	return rootOf(hashes[from : from+1<<within]), nil
}

// CheckInclusion tells whether hashes prove the entry's hash to be at index of the log.
func CheckInclusion(c Checkpoint, index uint64, entry ledger.Hash, hashes []ledger.Hash) error {
	leaf := LeafHash(entry)
	if index >= c.Size {
		return fault.New(fault.Invalid, "a log of %d entries has no entry %d", c.Size, index)
	}
	if err := merkle.VerifyInclusion(rfc6962.DefaultHasher, index, c.Size, leaf[:], raw(hashes), c.Root[:]); err != nil {
		return fault.New(fault.Invalid, "the proof does not lead from entry %d to the checkpoint's root", index).Because(err)
	}
	return nil
}

// CheckConsistency tells whether hashes prove one log to be the beginning of the other.
func CheckConsistency(before, after Checkpoint, hashes []ledger.Hash) error {
	if before.Size == 0 {
		return nil
	}
	err := merkle.VerifyConsistency(rfc6962.DefaultHasher, before.Size, after.Size, raw(hashes), before.Root[:], after.Root[:])
	if err != nil {
		return fault.New(fault.Invalid, "the log of %d entries is not the beginning of the one of %d", before.Size, after.Size).Because(err)
	}
	return nil
}

func raw(hashes []ledger.Hash) [][]byte {
	out := make([][]byte, len(hashes))
	for i := range hashes {
		out[i] = hashes[i][:]
	}
	return out
}

// Proof is an entry's inclusion, to be kept and checked without anybody's help.
type Proof struct {
	Index      uint64
	Hashes     []ledger.Hash
	Checkpoint []byte // the signed note
	Entry      []byte // the audit entry's bytes
}

// Encode writes the proof as https://c2sp.org/tlog-proof says, with the entry as its extra data.
func (p Proof) Encode() []byte {
	f := proof.TLogProof{Index: p.Index, Checkpoint: p.Checkpoint, ExtraData: p.Entry}
	for _, h := range p.Hashes {
		f.Hashes = append(f.Hashes, h)
	}
	return f.Marshal()
}

// ParseProof reads what [Proof.Encode] wrote, and nothing else.
func ParseProof(text []byte) (Proof, error) {
	var f proof.TLogProof
	if len(text) > maxProof {
		return Proof{}, fault.New(fault.Invalid, "a proof of %d bytes is none of ours", len(text))
	}
	if err := f.Unmarshal(text); err != nil {
		return Proof{}, fault.New(fault.Invalid, "this is not a proof").Because(err)
	}
	p := Proof{Index: f.Index, Checkpoint: f.Checkpoint, Entry: f.ExtraData}
	for _, h := range f.Hashes {
		p.Hashes = append(p.Hashes, h)
	}
	if string(p.Encode()) != string(text) {
		return Proof{}, fault.New(fault.Invalid, "this is not a proof as it is written")
	}
	return p, nil
}

// Check tells what the proof proves: the entry, which stands in the log of the checkpoint that one of the keys signed.
func (p Proof) Check(keys Keys) (ledger.Entry, Checkpoint, error) {
	c, err := keys.Open(p.Checkpoint)
	if err != nil {
		return ledger.Entry{}, c, err
	}
	e, err := ledger.Parse(p.Entry)
	if err != nil {
		return e, c, err
	}
	return e, c, CheckInclusion(c, p.Index, ledger.HashEntry(p.Entry), p.Hashes)
}

// Growth is a log that went on from a size before, proven.
type Growth struct {
	Before     uint64
	Hashes     []ledger.Hash
	Checkpoint []byte // the signed note of the log as it is
}

// Encode writes what a witness takes, as https://c2sp.org/tlog-witness says: the size before, the hashes, and the
// checkpoint.
func (g Growth) Encode() []byte {
	text := fmt.Appendf(nil, "old %d\n", g.Before)
	for _, h := range g.Hashes {
		text = append(base64.StdEncoding.AppendEncode(text, h[:]), '\n')
	}
	return append(append(text, '\n'), g.Checkpoint...)
}
