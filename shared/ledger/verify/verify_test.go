package verify_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/tlog"
	"ryggrad.internal/hub/shared/ledger/verify"
)

const origin = "hub.test/log"

// shelf is a log's objects.
type shelf map[string][]byte

func (s shelf) log() verify.Log {
	return verify.Log{
		Read: func(_ context.Context, path string) ([]byte, error) {
			if data, ok := s[path]; ok {
				return data, nil
			}
			return nil, fs.ErrNotExist
		},
		List: func(_ context.Context, prefix string) ([]string, error) {
			var names []string
			for name := range s {
				if strings.HasPrefix(name, prefix) {
					names = append(names, name)
				}
			}
			slices.Sort(names)
			return names, nil
		},
	}
}

// hand is who signs.
type hand struct {
	key  string
	sign func([]byte) ([]byte, error)
}

func newHand(tb testing.TB, seed byte) hand {
	tb.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	key, err := tlog.Key(origin, private.Public().(ed25519.PublicKey))
	if err != nil {
		tb.Fatal(err)
	}
	return hand{key, func(m []byte) ([]byte, error) { return ed25519.Sign(private, m), nil }}
}

// history is n acts on a third as many objects of two tenants, and a refusal now and then.
func history(tb testing.TB, n int) [][]byte {
	tb.Helper()
	heads, revisions := map[string]ledger.Hash{}, map[string]int64{}
	all := make([][]byte, n)
	for i := range all {
		e := ledger.Entry{
			ID: "ent_" + strings.Repeat("a", 26-8) + fmt.Sprintf("%08d", i), Tenant: fmt.Sprint("ten_", i%2), At: time.UnixMicro(int64(i)),
			Actor: identity.Nobody(), Action: "test.act", Object: fmt.Sprint("orders/ord_", i%2, "_", i%max(1, n/3)), Outcome: ledger.Done, After: ledger.Hash{1},
		}
		if i%17 == 16 {
			e.Outcome, e.After, e.Object = ledger.Refused, ledger.Hash{}, "sources/x"
		} else {
			chain := e.Tenant + e.Object
			revisions[chain]++
			e.Revision, e.Previous = revisions[chain], heads[chain]
		}
		raw, err := e.Encode()
		if err != nil {
			tb.Fatal(err)
		}
		if e.Outcome == ledger.Done {
			heads[e.Tenant+e.Object] = ledger.HashEntry(raw)
		}
		all[i] = raw
	}
	return all
}

// seal makes a log of entries, as sealers do, in batches of any size.
func seal(tb testing.TB, by hand, entries [][]byte, batch int) shelf {
	tb.Helper()
	s, edge := shelf{}, &tlog.Edge{}
	for len(entries) > 0 {
		n := min(batch, len(entries))
		hashes := make([]ledger.Hash, n)
		for i := range hashes {
			hashes[i] = ledger.HashEntry(entries[i])
		}
		s[tlog.BodiesPath(edge.Size())] = tlog.EncodeBodies(entries[:n])
		for _, o := range edge.Append(hashes) {
			s[o.Path] = o.Data
		}
		s.sign(tb, by, tlog.Checkpoint{Origin: origin, Size: edge.Size(), Root: edge.Root()})
		entries = entries[n:]
	}
	return s
}

func (s shelf) sign(tb testing.TB, by hand, c tlog.Checkpoint) {
	tb.Helper()
	signed, err := c.Sign(by.key, by.sign)
	if err != nil {
		tb.Fatal(err)
	}
	s[tlog.CheckpointPath], s[fmt.Sprintf("checkpoints/%016d", c.Size)] = signed, signed
}

func check(tb testing.TB, s shelf, opts verify.Options) verify.Report {
	tb.Helper()
	opts.Log, opts.Temp = s.log(), tb.TempDir()
	if opts.Keys == nil {
		opts.Keys = tlog.Keys{newHand(tb, 1).key}
	}
	r, err := verify.Verify(context.Background(), opts)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

func TestAWholeLogHolds(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 255, 256, 257, 1000, 17_000} {
		s := seal(t, newHand(t, 1), history(t, n), 300)
		r := check(t, s, verify.Options{})
		if !r.OK() || r.Bytes != uint64(n) || r.Checkpoint.Size != uint64(n) || r.Checkpoints != (n+299)/300 {
			t.Errorf("a log of %d: %+v", n, r)
		}
	}
}

func TestTheLogGoesOnFromWhatAVerifierRemembers(t *testing.T) {
	t.Parallel()
	entries := history(t, 700)
	early := seal(t, newHand(t, 1), entries[:333], 333)[tlog.CheckpointPath]
	s := seal(t, newHand(t, 1), entries, 700)
	if r := check(t, s, verify.Options{Since: early}); !r.OK() {
		t.Errorf("found %v", r.Findings)
	}
	other := seal(t, newHand(t, 1), history(t, 800)[100:433], 333)[tlog.CheckpointPath]
	r := check(t, s, verify.Options{Since: other})
	if len(r.Findings) == 0 || r.Findings[0].Place != 332 {
		t.Errorf("another past is believed: %v", r.Findings)
	}
}

// TestTamperingIsNamed changes a log in every way that somebody could who can write its objects, and in those that need
// the key too.
func TestTamperingIsNamed(t *testing.T) {
	t.Parallel()
	mine, theirs := newHand(t, 1), newHand(t, 2)
	const n = 900
	entries := history(t, n)
	whole := seal(t, mine, entries, 300)
	without := func(i int) [][]byte { return slices.Delete(slices.Clone(entries), i, i+1) }
	swapped := func(i, j int) [][]byte {
		all := slices.Clone(entries)
		all[i], all[j] = all[j], all[i]
		return all
	}
	for name, c := range map[string]struct {
		tamper func(s shelf) shelf
		since  []byte
		place  int64 // of the first finding
		says   string
	}{
		"a changed entry": {tamper: func(s shelf) shelf {
			body := tlog.BodiesPath(300)
			s[body] = bytes.Replace(s[body], []byte(`ent_aaaaaaaaaaaaaaaaaa00000444`), []byte(`ent_aaaaaaaaaaaaaaaaaa00099444`), 1)
			return s
		}, place: 444, says: "not those that were sealed"},
		"a changed bundle": {tamper: func(s shelf) shelf {
			s["tile/entries/001"][34*10+5] ^= 1
			return s
		}, place: 266, says: "not those that were sealed"},
		"a changed tile": {tamper: func(s shelf) shelf {
			s["tile/0/002"][32*7] ^= 1
			return s
		}, place: 519, says: "tile/0/002"},
		"a dropped entry, the log built and signed anew": {
			tamper: func(shelf) shelf { return seal(t, mine, without(444), 300) }, place: 743, says: "entries are missing"},
		"an inserted entry, the log built and signed anew": {
			tamper: func(shelf) shelf { return seal(t, mine, slices.Insert(slices.Clone(entries), 500, entries[444]), 300) },
			place:  500, says: "and so is ent_aaaaaaaaaaaaaaaaaa00000444 at 444"},
		"reordered entries, the log built and signed anew": {
			tamper: func(shelf) shelf { return seal(t, mine, swapped(0, 300), 300) }, place: 0, says: ""},
		"two tenants' entries swapped": {tamper: func(s shelf) shelf {
			s[tlog.BodiesPath(300)] = tlog.EncodeBodies(swapped(444, 445)[300:600])
			return s
		}, place: 444, says: "they say ent_aaaaaaaaaaaaaaaaaa00000445"},
		"a truncated log": {tamper: func(s shelf) shelf {
			s[tlog.CheckpointPath] = s["checkpoints/0000000000000600"]
			return s
		}, place: -1, says: "cut or put back"},
		"a log that was put back, from whoever remembers": {tamper: func(shelf) shelf {
			return seal(t, mine, entries[:600], 300)
		}, since: whole[tlog.CheckpointPath], place: -1, says: "cut or put back"},
		"a forked log": {tamper: func(s shelf) shelf {
			s.sign(t, mine, tlog.Checkpoint{Origin: origin, Size: 600, Root: ledger.Hash{1}})
			s[tlog.CheckpointPath] = whole[tlog.CheckpointPath]
			return s
		}, place: 599, says: "do not make the root"},
		"another newest root": {tamper: func(s shelf) shelf {
			kept := s["checkpoints/0000000000000900"]
			s.sign(t, mine, tlog.Checkpoint{Origin: origin, Size: 900, Root: ledger.Hash{1}})
			s["checkpoints/0000000000000900"] = kept
			return s
		}, place: -1, says: "forked"},
		"another key's signature": {
			tamper: func(shelf) shelf { return seal(t, theirs, entries, 300) }, place: -1, says: "none of the known keys"},
		"a bundle that is gone": {tamper: func(s shelf) shelf {
			delete(s, "tile/entries/002")
			return s
		}, place: 512, says: "not there"},
		"bytes that are gone": {tamper: func(s shelf) shelf {
			delete(s, tlog.BodiesPath(300))
			return s
		}, place: 300, says: "bytes are not there"},
		"no checkpoint": {tamper: func(s shelf) shelf {
			delete(s, tlog.CheckpointPath)
			return s
		}, place: -1, says: "no checkpoint"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := shelf{}
			for path, data := range maps.Clone(whole) {
				s[path] = slices.Clone(data)
			}
			r := check(t, c.tamper(s), verify.Options{Since: c.since})
			if r.OK() {
				t.Fatal("nothing is found")
			}
			if first := r.Findings[0]; first.Place != c.place || !strings.Contains(first.String(), c.says) {
				t.Errorf("the first finding is %v", first)
			}
		})
	}
}

func TestALogThatGrowsMeanwhileHolds(t *testing.T) {
	t.Parallel()
	entries := history(t, 600)
	s, grown := seal(t, newHand(t, 1), entries[:300], 300), seal(t, newHand(t, 1), entries, 300)
	log := s.log()
	read := log.Read
	log.Read = func(ctx context.Context, path string) ([]byte, error) {
		data, err := read(ctx, path)
		if path == tlog.CheckpointPath {
			maps.Copy(s, grown)
		}
		return data, err
	}
	r, err := verify.Verify(t.Context(), verify.Options{Log: log, Keys: tlog.Keys{newHand(t, 1).key}, Temp: t.TempDir()})
	if err != nil || !r.OK() || r.Checkpoint.Size != 300 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAnObjectThatNoEntrySpeaksOfIsNamed(t *testing.T) {
	t.Parallel()
	s := seal(t, newHand(t, 1), history(t, 20), 300)
	if r := check(t, s, verify.Options{Object: "orders/ord_0_0"}); !r.OK() || r.Chains != 1 {
		t.Errorf("%+v", r)
	}
	if r := check(t, s, verify.Options{Object: "orders/ord_0_0", Tenant: "ten_1"}); r.OK() || !strings.Contains(r.Findings[0].What, "orders/ord_0_0 of ten_1") {
		t.Errorf("another tenant's: %+v", r)
	}
	if r := check(t, s, verify.Options{Tenant: "ten_1"}); !r.OK() || r.Chains != 3 {
		t.Errorf("a tenant's: %+v", r)
	}
	if r := check(t, s, verify.Options{Object: "orders/ord_none"}); r.OK() || !strings.Contains(r.Findings[0].What, "orders/ord_none") {
		t.Errorf("%+v", r)
	}
}

// TestAKeyThatIsNotKnownAnyMoreIsNamed verifies a log that two keys signed with the second one only, and with both.
func TestAKeyThatIsNotKnownAnyMoreIsNamed(t *testing.T) {
	t.Parallel()
	former, newest := newHand(t, 1), newHand(t, 2)
	s := seal(t, former, history(t, 900), 300)
	s["keys/one"], s["keys/two"] = []byte(former.key+"\n"), []byte(newest.key+"\n")
	head, err := tlog.Keys{former.key}.Open(s[tlog.CheckpointPath])
	if err != nil {
		t.Fatal(err)
	}
	s.sign(t, newest, head)
	if r := check(t, s, verify.Options{Keys: tlog.Keys{newest.key, former.key}}); !r.OK() || r.Checkpoints != 3 {
		t.Errorf("with both keys: %+v", r)
	}
	explain := func(context.Context, []byte) string { return "version 1 is destroyed" }
	r := check(t, s, verify.Options{Keys: tlog.Keys{newest.key}, Explain: explain})
	if len(r.Findings) != 1 || r.Checkpoints != 1 || r.Bytes != 900 {
		t.Fatalf("with the second only: %+v", r)
	}
	for _, says := range []string{"checkpoints/0000000000000300", "none of the known keys", "version 1 is destroyed", "keys/one", former.key} {
		if !strings.Contains(r.Findings[0].What, says) {
			t.Errorf("%q does not say %q", r.Findings[0].What, says)
		}
	}
}

// TestWhatIsMadeAgainBeginsAnew writes an object's entries: `+` makes it, `~` changes it, `-` removes it, `=` is the entry
// before once more.
func TestWhatIsMadeAgainBeginsAnew(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ object, acts, says string }{
		"removed and made again":       {"factorResets/usr_1", "+~-+~-+", ""},
		"lapsed and made again":        {"messages/msg_1", "+~+~~+", ""},
		"made again, and never gone":   {"orders/ord_1", "+~+", "and so is"},
		"changed after it was removed": {"factorResets/usr_1", "+-~", ""},
		"made, and sealed twice":       {"messages/msg_1", "+=", "and so is"},
		"made again with a gap":        {"factorResets/usr_1", "+-+~~", "entries are missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entries := lives(t, c.object, c.acts)
			if strings.HasSuffix(c.says, "missing") {
				entries = slices.Delete(entries, 3, 4)
			}
			r := check(t, seal(t, newHand(t, 1), entries, 300), verify.Options{})
			if (c.says == "") != r.OK() || !strings.Contains(fmt.Sprint(r.Findings), c.says) || r.Chains != 1 {
				t.Errorf("%+v", r)
			}
		})
	}
}

func lives(tb testing.TB, object, acts string) [][]byte {
	tb.Helper()
	var all [][]byte
	e := ledger.Entry{Tenant: "ten_1", Actor: identity.Nobody(), Action: "test.act", Object: object, Outcome: ledger.Done}
	for i, act := range acts {
		switch act {
		case '=':
			all = append(all, all[i-1])
			continue
		case '+':
			e.Revision, e.Previous, e.After = 1, ledger.Hash{}, ledger.Hash{1}
		case '~':
			e.Revision, e.After = e.Revision+1, ledger.Hash{1}
		case '-':
			e.Revision, e.After = e.Revision+1, ledger.Hash{}
		}
		e.ID, e.At = fmt.Sprintf("ent_%026d", i), time.UnixMicro(int64(i))
		raw, err := e.Encode()
		if err != nil {
			tb.Fatal(err)
		}
		e.Previous = ledger.HashEntry(raw)
		all = append(all, raw)
	}
	return all
}

func TestAPublicLogIsCheckedWithoutItsBytes(t *testing.T) {
	t.Parallel()
	s := seal(t, newHand(t, 1), history(t, 500), 300)
	log := s.log()
	log.List = nil
	r, err := verify.Verify(t.Context(), verify.Options{Log: log, Keys: tlog.Keys{newHand(t, 1).key}, Temp: t.TempDir()})
	if err != nil || !r.OK() || r.Bytes != 0 || r.Checkpoint.Size != 500 {
		t.Errorf("%+v, %v", r, err)
	}
}

// BenchmarkVerify verifies a log of a million entries in a folder, and reports how much the heap grows meanwhile.
func BenchmarkVerify(b *testing.B) {
	const n = 1_000_000
	dir := b.TempDir()
	seal(b, newHand(b, 1), history(b, n), tlog.MaxBatch).put(b, dir)
	opts := verify.Options{Log: folder(dir), Keys: tlog.Keys{newHand(b, 1).key}, Temp: b.TempDir()}
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapInuse
	}
	runtime.GC()
	base, most := heap(), uint64(0)
	opts.Progress = func(_, _ uint64) { most = max(most, heap()) }
	b.ReportAllocs()
	for b.Loop() {
		r, err := verify.Verify(b.Context(), opts)
		if err != nil || !r.OK() || r.Bytes != n {
			b.Fatal(r.Findings, err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/million")
	b.ReportMetric(float64(most-min(base, most))/(1<<20), "MiB-more")
}

// put writes a log into a folder.
func (s shelf) put(tb testing.TB, dir string) {
	tb.Helper()
	for name, data := range s {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600)); err != nil {
			tb.Fatal(err)
		}
	}
}

// folder is a log that was put into one.
func folder(dir string) verify.Log {
	return verify.Log{
		Read: func(_ context.Context, path string) ([]byte, error) { return os.ReadFile(filepath.Join(dir, path)) },
		List: func(_ context.Context, prefix string) ([]string, error) {
			entries, err := os.ReadDir(filepath.Join(dir, prefix))
			names := make([]string, len(entries))
			for i, e := range entries {
				names[i] = prefix + e.Name()
			}
			return names, err
		},
	}
}
