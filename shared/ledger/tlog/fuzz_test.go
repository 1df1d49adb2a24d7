package tlog_test

import (
	"bytes"
	"testing"

	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/tlog"
)

func FuzzParsePath(f *testing.F) {
	for _, s := range []string{"tile/0/000", "tile/entries/x001/000.p/99", "tile/7/x999/x999/999", "tile/0/x18446744073709551616/000"} {
		f.Add(s, uint64(300))
	}
	f.Fuzz(func(t *testing.T, path string, size uint64) {
		tile, err := tlog.ParsePath(path)
		if err == nil && tile.Path() != path {
			t.Errorf("%q is read as %q", path, tile.Path())
		}
		if at, ok := tile.At(size); ok && !at.Within(size) {
			t.Errorf("%q is in a log of %d, and is not", path, size)
		}
	})
}

func FuzzOpenCheckpoint(f *testing.F) {
	key, sign := keyOf(f, origin, 1)
	signed, err := tlog.Checkpoint{Origin: origin, Size: 3, Root: ledger.Hash{1}}.Sign(key, sign)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Add([]byte(origin + "\n3\n\n— x y\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := tlog.Keys{key}.Open(raw)
		if err == nil && !bytes.HasPrefix(raw, []byte(c.Text()+"\n— ")) {
			t.Errorf("%q is believed to be %+v", raw, c)
		}
	})
}

func FuzzParseProof(f *testing.F) {
	f.Add(tlog.Proof{Index: 3, Hashes: []ledger.Hash{{1}, {2}}, Checkpoint: []byte("x\n"), Entry: []byte("{}")}.Encode())
	f.Add([]byte("c2sp.org/tlog-proof@v1\nindex 0\n\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := tlog.ParseProof(raw)
		if err == nil && !bytes.Equal(p.Encode(), raw) {
			t.Errorf("%q is read as %q", raw, p.Encode())
		}
	})
}

func FuzzParseBundlesAndTiles(f *testing.F) {
	f.Add(append([]byte{0, 32}, make([]byte, 32)...), 1)
	f.Fuzz(func(t *testing.T, raw []byte, width int) {
		if b, err := tlog.ParseBundle(raw, width); err == nil && len(b) != width {
			t.Error("a bundle of another width")
		}
		if h, err := tlog.ParseTile(raw, width); err == nil && len(h) != width {
			t.Error("a tile of another width")
		}
	})
}

func FuzzParseBatch(f *testing.F) {
	f.Add(uint64(0), "ent_a", make([]byte, 32))
	f.Add(uint64(1)<<63, "ent_a\nent_b", make([]byte, 64))
	f.Fuzz(func(t *testing.T, first uint64, ids string, hashes []byte) {
		b, err := tlog.ParseBatch(first, ids, hashes)
		if err != nil {
			return
		}
		if i, h := b.Encode(); i != ids || !bytes.Equal(h, hashes) || b.End() <= first {
			t.Error("a batch comes back otherwise")
		}
	})
}

func FuzzParseBodies(f *testing.F) {
	f.Add([]byte("{}\n\n{}\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if b, err := tlog.ParseBodies(raw); err == nil && !bytes.Equal(tlog.EncodeBodies(b), raw) {
			t.Error("bodies come back otherwise")
		}
	})
}
