package tlog_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	formatslog "github.com/transparency-dev/formats/log"
	"golang.org/x/mod/sumdb/note"
	theirs "golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/tlog"
)

const origin = "hub.test/log"

// shelf is a log's objects. Creating one that is there with other bytes fails the test.
type shelf map[string][]byte

func (s shelf) put(t *testing.T, objects []tlog.Object) {
	t.Helper()
	for _, o := range objects {
		if old, ok := s[o.Path]; ok && !bytes.Equal(old, o.Data) {
			t.Fatalf("%s was made twice, differently", o.Path)
		}
		s[o.Path] = o.Data
	}
}

func (s shelf) read(_ context.Context, path string) ([]byte, error) {
	if data, ok := s[path]; ok {
		return data, nil
	}
	return nil, fs.ErrNotExist
}

func entries(from, n int) []ledger.Hash {
	all := make([]ledger.Hash, n)
	for i := range all {
		all[i] = sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(from+i)))
	}
	return all
}

// reference is the same log by golang.org/x/mod/sumdb/tlog, which shares no code with ours.
type reference struct {
	stored  []theirs.Hash
	entries int64
}

func (r *reference) ReadHashes(indexes []int64) ([]theirs.Hash, error) {
	out := make([]theirs.Hash, len(indexes))
	for i, x := range indexes {
		out[i] = r.stored[x]
	}
	return out, nil
}

func (r *reference) add(t *testing.T, entry ledger.Hash) {
	t.Helper()
	more, err := theirs.StoredHashes(r.entries, entry[:], r)
	if err != nil {
		t.Fatal(err)
	}
	r.stored = append(r.stored, more...)
	r.entries++
}

func (r *reference) root(t *testing.T, n int64) ledger.Hash {
	t.Helper()
	root, err := theirs.TreeHash(n, r)
	if err != nil {
		t.Fatal(err)
	}
	return ledger.Hash(root)
}

// grow builds a log of n entries in steps of any size, and the reference's.
func grow(t *testing.T, n int, steps ...int) (shelf, *tlog.Edge, *reference) {
	t.Helper()
	s, e, r := shelf{}, &tlog.Edge{}, &reference{}
	for _, h := range entries(0, n) {
		r.add(t, h)
	}
	for at := 0; at < n; {
		step := n - at
		if len(steps) > 0 {
			step, steps = min(steps[0], step), steps[1:]
		}
		s.put(t, e.Append(entries(at, step)))
		at += step
	}
	return s, e, r
}

func TestRootsAndTilesAreThoseOfAnotherLibrary(t *testing.T) {
	t.Parallel()
	s, e, r := grow(t, 1000, 1, 2, 253, 1, 255, 300)
	if e.Size() != 1000 || e.Root() != r.root(t, 1000) {
		t.Fatalf("a log of %d has the root %s", e.Size(), e.Root())
	}
	for path, data := range s {
		tile, err := tlog.ParsePath(path)
		if err != nil {
			t.Fatal(err)
		}
		if tile.Entries {
			bundle, err := tlog.ParseBundle(data, tile.Width)
			if diff := cmp.Diff(entries(int(tile.Index)*256, tile.Width), bundle); err != nil || diff != "" {
				t.Errorf("%s: %v %s", path, err, diff)
			}
			continue
		}
		want, err := theirs.ReadTileData(theirs.Tile{H: 8, L: tile.Level, N: int64(tile.Index), W: tile.Width}, r)
		if err != nil || !bytes.Equal(want, data) {
			t.Errorf("%s is another than golang.org/x/mod/sumdb/tlog's: %v", path, err)
		}
	}
}

func TestTheSameLogGrowsInAnySteps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 700).Draw(rt, "entries")
		steps := rapid.SliceOf(rapid.IntRange(1, 300)).Draw(rt, "steps")
		s, e, _ := grow(t, n, steps...)
		whole := &tlog.Edge{}
		whole.Append(entries(0, n))
		if e.Root() != whole.Root() {
			rt.Error("the steps change the root")
		}
		found, err := tlog.LoadEdge(t.Context(), s.read, uint64(n), e.Root())
		if err != nil {
			rt.Fatal(err)
		}
		more := rapid.IntRange(1, 300).Draw(rt, "more")
		if diff := cmp.Diff(e.Clone().Append(entries(n, more)), found.Append(entries(n, more))); diff != "" {
			rt.Errorf("what is found again grows otherwise: %s", diff)
		}
	})
}

func TestALogOfThreeLevelsGrowsRight(t *testing.T) {
	t.Parallel()
	const n = 256*256 + 300
	s, e, r := grow(t, n, 65_535, 1, 100)
	if e.Root() != r.root(t, n) {
		t.Error("the root is wrong")
	}
	if _, err := tlog.LoadEdge(t.Context(), s.read, n, e.Root()); err != nil {
		t.Error(err)
	}
	if s["tile/1/000"] == nil || s["tile/2/000.p/1"] == nil || s["tile/0/256"] == nil || s["tile/entries/257.p/44"] == nil {
		t.Error("tiles are missing")
	}
}

func TestProofsAreBelievedByAnotherLibrary(t *testing.T) {
	t.Parallel()
	const n = 1200
	s, e, r := grow(t, n, 1, 300, 256, 30)
	for range 200 {
		size := uint64(1 + rand.IntN(n))
		if size < n {
			s.put(t, (&tlog.Edge{}).Append(entries(0, int(size)))) // the tiles as they were then
		}
		index, before := rand.Uint64N(size), 1+rand.Uint64N(size)
		hashes, err := tlog.Inclusion(t.Context(), s.read, index, size)
		if err != nil {
			t.Fatal(err)
		}
		leaf := theirs.RecordHash(entries(int(index), 1)[0][:])
		if err := theirs.CheckRecord(foreign(hashes), int64(size), theirs.Hash(r.root(t, int64(size))), int64(index), leaf); err != nil {
			t.Errorf("entry %d of %d: %v", index, size, err)
		}
		c := tlog.Checkpoint{Origin: origin, Size: size, Root: r.root(t, int64(size))}
		if err := tlog.CheckInclusion(c, index, entries(int(index), 1)[0], hashes); err != nil {
			t.Error(err)
		}
		if err := tlog.CheckInclusion(c, index, entries(n+1, 1)[0], hashes); err == nil {
			t.Error("another entry is believed")
		}
		hashes, err = tlog.Consistency(t.Context(), s.read, before, size)
		if err != nil {
			t.Fatal(err)
		}
		if before < size {
			if err := theirs.CheckTree(foreign(hashes), int64(size), theirs.Hash(c.Root), int64(before), theirs.Hash(r.root(t, int64(before)))); err != nil {
				t.Errorf("%d to %d: %v", before, size, err)
			}
		}
		past := tlog.Checkpoint{Origin: origin, Size: before, Root: r.root(t, int64(before))}
		if err := tlog.CheckConsistency(past, c, hashes); err != nil {
			t.Error(err)
		}
		past.Root = ledger.Hash{1}
		if err := tlog.CheckConsistency(past, c, hashes); err == nil {
			t.Error("another past is believed")
		}
	}
	if _, err := tlog.Inclusion(t.Context(), s.read, n, n); err == nil {
		t.Error("an entry beyond the log is proven")
	}
	if e.Size() != n {
		t.Errorf("%d entries", e.Size())
	}
}

func foreign(hashes []ledger.Hash) []theirs.Hash {
	out := make([]theirs.Hash, len(hashes))
	for i, h := range hashes {
		out[i] = theirs.Hash(h)
	}
	return out
}

func TestAnEdgeThatDoesNotMakeTheRootIsRefused(t *testing.T) {
	t.Parallel()
	s, e, _ := grow(t, 700, 300)
	for path, data := range s {
		if !strings.Contains(path, ".p/188") && path != "tile/1/000.p/2" {
			continue
		}
		changed := shelf{}
		for p, d := range s {
			changed[p] = d
		}
		changed[path] = append([]byte(nil), data...)
		changed[path][40] ^= 1
		if _, err := tlog.LoadEdge(t.Context(), changed.read, 700, e.Root()); !errors.Is(err, tlog.ErrRoot) {
			t.Errorf("%s changed: %v", path, err)
		}
		delete(changed, path)
		if _, err := tlog.LoadEdge(t.Context(), changed.read, 700, e.Root()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s missing: %v", path, err)
		}
	}
}

// keyOf makes a key of a log by this name.
func keyOf(t testing.TB, name string, seed byte) (string, func([]byte) ([]byte, error)) {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	key, err := tlog.Key(name, private.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	return key, func(message []byte) ([]byte, error) { return ed25519.Sign(private, message), nil }
}

func TestCheckpointsAreBelievedByOtherLibraries(t *testing.T) {
	t.Parallel()
	key, sign := keyOf(t, origin, 1)
	c := tlog.Checkpoint{Origin: origin, Size: 4711, Root: ledger.Hash{9, 8, 7}}
	signed, err := c.Sign(key, sign)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(key)
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		t.Fatal(err)
	}
	tree, err := theirs.ParseTree([]byte(strings.Replace(opened.Text, origin, "go.sum database tree", 1)))
	if err != nil || tree.N != 4711 || ledger.Hash(tree.Hash) != c.Root {
		t.Errorf("golang.org/x/mod reads %+v, %v", tree, err)
	}
	parsed, rest, _, err := formatslog.ParseCheckpoint(signed, origin, v)
	if err != nil || parsed.Size != 4711 || !bytes.Equal(parsed.Hash, c.Root[:]) || len(rest) > 0 {
		t.Errorf("transparency-dev/formats reads %+v, %v", parsed, err)
	}
	again, err := c.Sign(key, sign)
	if err != nil || !bytes.Equal(again, signed) {
		t.Error("signing again gives other bytes")
	}
	if back, err := (tlog.Keys{key}).Open(signed); err != nil || back != c {
		t.Errorf("read back: %+v, %v", back, err)
	}
}

func TestCheckpointsOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	key, sign := keyOf(t, origin, 1)
	successor, signNow := keyOf(t, origin, 2)
	foreignKey, foreignSign := keyOf(t, "other.test/log", 1)
	c := tlog.Checkpoint{Origin: origin, Size: 3, Root: ledger.Hash{1}}
	signed, err := c.Sign(key, sign)
	if err != nil {
		t.Fatal(err)
	}
	renewed, err := c.Sign(successor, signNow)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (tlog.Keys{successor, key}).Open(signed); err != nil {
		t.Errorf("a checkpoint of the former key: %v", err)
	}
	if _, err := (tlog.Keys{key}).Open(renewed); !errors.Is(err, tlog.ErrUnsigned) {
		t.Errorf("a checkpoint of an unknown key: %v", err)
	}
	stolen, err := c.Sign(foreignKey, foreignSign)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (tlog.Keys{key, foreignKey}).Open(stolen); !errors.Is(err, tlog.ErrUnsigned) {
		t.Errorf("another log's key signs for this one: %v", err)
	}
	end := "AA=\n"
	if bytes.HasSuffix(signed, []byte(end)) {
		end = "QQ=\n"
	}
	for what, text := range map[string]string{
		"another size":        strings.Replace(string(signed), "\n3\n", "\n4\n", 1),
		"no signature":        string(signed[:bytes.Index(signed, []byte("\n\n"))+2]),
		"a broken signature":  string(signed[:len(signed)-4]) + end,
		"nothing":             "",
		"something before it": "x" + string(signed),
	} {
		if _, err := (tlog.Keys{key}).Open([]byte(text)); err == nil {
			t.Errorf("%s is believed", what)
		}
	}
	for what, text := range map[string]string{
		"an extension":     origin + "\n3\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nmore\n",
		"leading zeros":    origin + "\n03\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		"a short root":     origin + "\n3\nAQ==\n",
		"no root":          origin + "\n3\n",
		"a negative size":  origin + "\n-3\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		"a size of letter": origin + "\nx\nAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
	} {
		v, err := note.NewVerifier(key)
		if err != nil {
			t.Fatal(err)
		}
		odd, err := note.Sign(&note.Note{Text: text}, odd{v, sign})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := (tlog.Keys{key}).Open(odd); err == nil {
			t.Errorf("%s, rightly signed, reads as %+v", what, got)
		}
	}
}

type odd struct {
	note.Verifier
	sign func([]byte) ([]byte, error)
}

func (o odd) Sign(m []byte) ([]byte, error) { return o.sign(m) }

func TestAProofStandsOnItsOwn(t *testing.T) {
	t.Parallel()
	raw, err := ledger.Entry{
		ID: "ent_1", Tenant: "ten_1", Actor: identity.Nobody(), Action: "a", Object: "b/c", Outcome: ledger.Refused,
	}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	s, e := shelf{}, &tlog.Edge{}
	s.put(t, e.Append(append(entries(0, 300), ledger.HashEntry(raw))))
	key, sign := keyOf(t, origin, 1)
	signed, err := tlog.Checkpoint{Origin: origin, Size: e.Size(), Root: e.Root()}.Sign(key, sign)
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := tlog.Inclusion(t.Context(), s.read, 300, 301)
	if err != nil {
		t.Fatal(err)
	}
	text := tlog.Proof{Index: 300, Hashes: hashes, Checkpoint: signed, Entry: raw}.Encode()
	proof, err := tlog.ParseProof(text)
	if err != nil {
		t.Fatal(err)
	}
	if entry, c, err := proof.Check(tlog.Keys{key}); err != nil || entry.ID != "ent_1" || c.Size != 301 {
		t.Errorf("it proves %+v in %+v, %v", entry, c, err)
	}
	wrong := proof
	wrong.Entry = bytes.Replace(raw, []byte("ten_1"), []byte("ten_2"), 1)
	if _, _, err := wrong.Check(tlog.Keys{key}); err == nil {
		t.Error("it proves another entry too")
	}
	wrong = proof
	wrong.Index = 299
	if _, _, err := wrong.Check(tlog.Keys{key}); err == nil {
		t.Error("it proves another place too")
	}
}

func TestPathsAreThoseOfTheSpecification(t *testing.T) {
	t.Parallel()
	for path, tile := range map[string]tlog.Tile{
		"tile/0/000":                 {Width: 256},
		"tile/0/x001/x234/067":       {Index: 1234067, Width: 256},
		"tile/2/003.p/17":            {Level: 2, Index: 3, Width: 17},
		"tile/entries/x001/000.p/99": {Entries: true, Index: 1000, Width: 99},
	} {
		if got := tile.Path(); got != path {
			t.Errorf("%+v is at %s", tile, got)
		}
		if got, err := tlog.ParsePath(path); err != nil || got != tile {
			t.Errorf("%s is %+v, %v", path, got, err)
		}
	}
	for _, path := range []string{
		"", "tile", "tile/0", "tile/64/000", "tile/-1/000", "tile/00/000", "tile/0/0", "tile/0/1000", "tile/0/x000/001", "tile/0/001/001",
		"tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/01", "tile/0/000.p/", "tile/0/../1/000", "tile/entries/000/", "TILE/0/000", "tile/0/+01",
	} {
		if got, err := tlog.ParsePath(path); err == nil {
			t.Errorf("%s is read as %+v", path, got)
		}
	}
}

func TestBatchesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	b := tlog.Batch{First: 77, IDs: []string{"ent_b", "ent_a"}, Hashes: entries(0, 2)}
	ids, hashes := b.Encode()
	back, err := tlog.ParseBatch(77, ids, hashes)
	if diff := cmp.Diff(b, back); err != nil || diff != "" || back.End() != 79 {
		t.Errorf("%v %s", err, diff)
	}
	for what, ids := range map[string]string{
		"an entry twice": "ent_a\nent_a", "an empty id": "ent_a\n", "a path": "ent_a\naudit/ent_b", "one too few": "ent_a",
		"too many": strings.TrimSuffix(strings.Repeat("x\n", 4097), "\n"),
	} {
		if _, err := tlog.ParseBatch(77, ids, hashes); err == nil {
			t.Errorf("%s is read", what)
		}
	}
	bodies, err := tlog.ParseBodies(tlog.EncodeBodies([][]byte{[]byte("a"), nil, []byte("b")}))
	if err != nil || fmt.Sprintf("%q", bodies) != `["a" "" "b"]` {
		t.Errorf("bodies %q, %v", bodies, err)
	}
	if _, err := tlog.ParseBodies([]byte("a\nb")); err == nil {
		t.Error("bodies that break off are read")
	}
}
