package sealing_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"cloud.google.com/go/kms/apiv1/kmspb"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/tlog"
	"ryggrad.internal/hub/shared/ledger/verify"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

const commit = "/google.firestore.v1.Firestore/Commit"

// verify checks the log of a world as whoever has its buckets does.
func (w *world) verify() verify.Report {
	w.t.Helper()
	log := w.store.Bucket(w.cfg.LogBucket)
	r, err := verify.Verify(w.t.Context(), verify.Options{
		Log: verify.Log{Read: w.readEither, List: func(ctx context.Context, prefix string) ([]string, error) { return log.List(ctx, prefix, "") }}, Keys: w.keys(), Temp: w.t.TempDir(),
	})
	w.must(err)
	return r
}

func (w *world) readEither(ctx context.Context, path string) ([]byte, error) {
	if path == tlog.CheckpointPath {
		return w.store.Bucket(w.cfg.HeadBucket).Read(ctx, path)
	}
	return w.read(ctx, path)
}

// forge puts a document among the entries that no act wrote.
func (w *world) forge(id string, bytes string, more ...any) {
	w.t.Helper()
	doc := map[string]any{"tenant": "ten_1", "us": 3, "pending": true, "at": time.Now(), "bytes": []byte(bytes), "hash": "", "object": "x/y", "revision": 1}
	for i := 0; i < len(more); i += 2 {
		doc[more[i].(string)] = more[i+1]
	}
	_, err := w.db.Collection("audit").Doc(id).Set(w.t.Context(), doc)
	w.must(err)
}

func TestAForgedDocumentStopsNothing(t *testing.T) {
	t.Parallel()
	for name, id := range map[string]string{ // of what Firestore takes as a name
		"a space": "ent_a b", "a line's end": "ent_a\nent_b", "a long one": "ent_" + strings.Repeat("a", 1400), "another alphabet": "ent_å",
		"lines' ends for letters": "ent_" + strings.Repeat("a", 24) + "\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.forge(id, "x")
			w.create("ep_1", "ep_2")
			if n := w.run(); n != 2 {
				t.Errorf("sealed %d", n)
			}
			if f := w.log.findings(); len(f) == 0 {
				t.Error("nothing is told of it")
			}
			if r := w.verify(); !r.OK() || r.Checkpoint.Size != 2 {
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestForgedDocumentsBeforeEntriesStarveNoPart puts more old documents into a part than a batch takes of it, before the
// entry of an act.
func TestForgedDocumentsBeforeEntriesStarveNoPart(t *testing.T) {
	t.Parallel()
	const many = tlog.MaxBatch/16 + 44
	for name, c := range map[string]struct {
		id     func(i int) string
		bytes  func(id string) []byte
		sealed int
		holds  bool
	}{
		"of a name that none of ours has": {
			func(i int) string { return fmt.Sprintf("zzz_%026d", i) }, func(string) []byte { return []byte("x") }, 1, true},
		"that are no entries": {ownName, func(string) []byte { return []byte("x") }, many + 1, false},
		"that wait for themselves": {ownName, func(id string) []byte {
			raw, _ := ledger.Entry{ID: id, Tenant: "ten_1", At: time.Unix(0, 0), Actor: identity.Nobody(), Action: "test.act",
				Object: "endpoints/" + id, Revision: 2, Previous: ledger.HashEntry([]byte(id)), Outcome: ledger.Done}.Encode()
			return raw
		}, many + 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.create("ep_1")
			var part any
			for _, doc := range w.entries() {
				part = doc["us"]
			}
			forged := w.db.Batch() //nolint:staticcheck // all of them in one commit
			for i := range many {
				id := c.id(i)
				forged.Set(w.db.Doc("audit/"+id), map[string]any{
					"tenant": "ten_1", "us": part, "pending": true, "at": time.Unix(0, 0), "bytes": c.bytes(id),
					"hash": ledger.HashEntry([]byte(id)).String(), "object": "endpoints/" + id, "revision": 2,
				})
			}
			_, err := forged.Commit(t.Context())
			w.must(err)
			if n := w.run(); n != c.sealed {
				t.Errorf("sealed %d, not %d", n, c.sealed)
			}
			for id, doc := range w.entries() {
				if _, placed := doc["index"]; doc["object"] == "endpoints/ep_1" && !placed {
					t.Errorf("the act's entry %s has no place", id)
				}
			}
			if f := w.log.findings(); len(f) < many {
				t.Errorf("told of %d", len(f))
			}
			if r := w.verify(); r.OK() != c.holds {
				t.Errorf("found %v", r.Findings)
			}
		})
	}
}

// ownName is a name such as entries have.
func ownName(i int) string {
	return "ent_" + strings.Repeat("a", 23) + string([]rune{rune('a' + i/26), rune('a' + i%26), 'a'})
}

func TestBytesOfTwoLinesAreOneEntry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.forge("ent_aaaaaaaaaaaaaaaaaaaaaaaaaa", "x\ny\nz", "at", time.Now().Add(-time.Hour))
	w.create("ep_1", "ep_2")
	w.run()
	w.create("ep_3")
	w.run()
	r := w.verify()
	if len(r.Findings) != 1 || r.Findings[0].Place != 0 || r.Bytes != 3 {
		t.Errorf("%+v", r)
	}
}

// TestASealerThatWasSlowTakesAnothersBatchAsItIs lets another sealer finish a batch while the one that began it waits.
func TestASealerThatWasSlowTakesAnothersBatchAsItIs(t *testing.T) {
	t.Parallel()
	for name, dies := range map[string]bool{"finished the next": false, "died in the next": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.create("ep_1", "ep_2")
			gate := wire.NewGate()
			w.cloud.Faults.Set(wire.Nth(commit, 1, wire.Fault{Linger: gate}))
			slow, done := w.sealer(), make(chan error)
			go func() { _, err := slow.Run(t.Context()); done <- err }()
			<-gate.Reached()
			w.run()
			w.create("ep_3", "ep_4")
			if dies {
				w.wires.set(func(r *http.Request) fault { return fault{before: strings.Contains(r.URL.Path, "upload")} })
			}
			_, err := w.seal.Run(t.Context())
			if (err != nil) != dies {
				t.Fatal(err)
			}
			w.wires.set(nil)
			gate.Open()
			if err := <-done; err != nil {
				t.Errorf("the slow one: %v", err)
			}
			w.cloud.Faults.Set(nil)
			w.run()
			w.check(4)
			if r := w.verify(); !r.OK() {
				t.Errorf("found %v", r.Findings)
			}
			if f := w.log.findings(); len(f) > 0 {
				t.Errorf("told of %v", f)
			}
		})
	}
}

func TestWhatIsKeptAlreadyAndIsNotTheEntriesIsToldOf(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ data, says string }{
		"no bytes":       {"x", "the bytes that are kept of a batch"},
		"another number": {"x\ny\n", "the bytes that are kept of a batch"},
		"other bytes":    {"x\n", "the bytes that are kept of an entry"},
		"too few":        {"\n", ""}, // an earlier sealer did not find them
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.create("ep_1")
			w.must(w.store.Bucket(w.cfg.LogBucket).Create(t.Context(), tlog.BodiesPath(0), []byte(c.data)))
			w.run()
			if f := strings.Join(w.log.findings(), "; "); (c.says == "") != (f == "") || !strings.Contains(f, c.says) {
				t.Errorf("told of %q", f)
			}
			if r := w.verify(); r.OK() {
				t.Error("it holds")
			}
		})
	}
}

// TestAnEntryThatSealersDoNotFindHoldsNobodyUp hides an entry from the sealers, and changes its object again.
func TestAnEntryThatSealersDoNotFindHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]firestore.Update{
		"its part":  {Path: "us", Value: 99},
		"its time":  {Path: "at", Value: firestore.Delete},
		"it is out": {Path: "pending", Value: firestore.Delete},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.create("ep_1")
			for id := range w.entries() {
				_, err := w.db.Doc("audit/"+id).Update(t.Context(), []firestore.Update{change})
				w.must(err)
			}
			w.change("ep_1")
			w.create("ep_2")
			if n := w.run(); n != 2 {
				t.Errorf("%d are sealed", n)
			}
			if f := w.log.findings(); len(f) != 1 || !strings.Contains(f[0], "never sealed") {
				t.Errorf("told of %v", f)
			}
		})
	}
}

// TestCheckpointsOfTwoKeysMakeOneLog rotates the key as an operator does: a version more, named by the configuration.
func TestCheckpointsOfTwoKeysMakeOneLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("ep_1", "ep_2")
	w.run()
	old := w.keys()
	_, err := w.cloud.KMS(t).CreateCryptoKeyVersion(t.Context(), &kmspb.CreateCryptoKeyVersionRequest{Parent: w.cloud.Key("audit-checkpoints")})
	w.must(err)
	w.cfg.KeyVersion = 2
	w.seal = w.sealer()
	w.create("ep_3")
	w.run()
	w.check(3)
	both := w.keys()
	if len(both) != 2 || both[1] != old[0] {
		t.Fatalf("the keys are %v", both)
	}
	signed, err := w.store.Bucket(w.cfg.HeadBucket).Read(t.Context(), tlog.CheckpointPath)
	w.must(err)
	if _, err := old.Open(signed); err == nil {
		t.Error("the old key signed after it was replaced")
	}
	if _, err := both[:1].Open(signed); err != nil {
		t.Errorf("the new key did not sign: %v", err)
	}
	if r := w.verify(); !r.OK() || r.Checkpoints != 2 {
		t.Errorf("%+v", r)
	}
	if f := w.log.findings(); len(f) > 0 {
		t.Errorf("told of %v", f)
	}
}
