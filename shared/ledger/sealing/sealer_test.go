package sealing_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/ledger/sealing"
	"ryggrad.internal/hub/shared/ledger/tlog"
)

func TestEntriesAreSealedInTheOrderOfTheirChains(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if n := w.run(); n != 0 {
		t.Errorf("an empty log seals %d", n)
	}
	for i := range 40 {
		w.create(fmt.Sprint("ep_", i))
	}
	for i := range 40 {
		w.change(fmt.Sprint("ep_", i%10))
	}
	if n := w.run(); n != 80 {
		t.Errorf("80 entries, %d sealed", n)
	}
	w.change("ep_3")
	w.change("ep_3")
	if n := w.run(); n != 2 {
		t.Errorf("2 more, %d sealed", n)
	}
	w.check(82)
	if f := w.log.findings(); len(f) > 0 {
		t.Errorf("found %v", f)
	}
}

func TestASealerThatRemembersNothingGoesOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 5 {
		w.create(fmt.Sprint("ep_", i))
		w.seal = w.sealer()
		w.run()
	}
	w.check(5)
}

func TestTwoSealersAtOnceMakeOneLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for round := range 4 {
		for i := range 10 {
			w.create(fmt.Sprintf("ep_%d_%d", round, i))
		}
		var all sync.WaitGroup
		for range 3 {
			s := w.sealer()
			all.Go(func() {
				if _, err := s.Run(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		w.run() // what they left to each other
		w.check(10 * (round + 1))
	}
}

// Whenever another sealer goes on between what this one reads of the database and of what is published.
func TestASealerThatIsOvertakenIsNotAlarmed(t *testing.T) {
	t.Parallel()
	for read := 1; ; read++ {
		w := newWorld(t)
		faster, err := w.cfg.Open(t.Context(), w.hub, nil)
		w.must(err)
		w.create("ep_1", "ep_2")
		reads := 0
		w.wires.set(func(r *http.Request) fault {
			if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, w.cfg.HeadBucket+"/o/"+tlog.CheckpointPath) {
				if reads++; reads == read {
					w.create("ep_3", "ep_4")
					_, err := faster.Run(t.Context())
					w.must(err)
				}
			}
			return fault{}
		})
		w.run()
		if reads < read {
			break
		}
		w.check(4)
		if f := w.log.findings(); len(f) > 0 {
			t.Errorf("overtaken at its read %d of the head it found %v", read, f)
		}
	}
}

func TestEntriesWhoseClocksDifferKeepTheirOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("ep_1")
	for _, behind := range []time.Duration{time.Hour, time.Minute, 2 * time.Hour} {
		slow, err := ledgerdb.New(ledgerdb.Options{
			Firestore: w.db, Commits: w.cloud.Commits(t), Random: rand.Reader, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return time.Now().Add(-behind) },
		})
		w.must(err)
		w.hub.Ledger = slow
		w.change("ep_1")
	}
	w.run()
	w.check(4)
	if f := w.log.findings(); len(f) > 0 {
		t.Errorf("found %v", f)
	}
}

func TestWhatIsWrongWithEntriesIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("ep_1", "ep_2", "ep_3")
	w.change("ep_1")
	ids := map[string]string{}
	for id, doc := range w.entries() {
		ids[fmt.Sprint(doc["object"], doc["revision"])] = id
	}
	_, err := w.db.Doc("audit/" + ids["endpoints/ep_11"]).Delete(t.Context())
	w.must(err)
	_, err = w.db.Doc("audit/"+ids["endpoints/ep_21"]).Update(t.Context(), []firestore.Update{{Path: "tenant", Value: "ten_2"}})
	w.must(err)
	_, err = w.db.Doc("audit/"+ids["endpoints/ep_31"]).Update(t.Context(), []firestore.Update{{Path: "bytes", Value: []byte("{}")}})
	w.must(err)
	if n := w.run(); n != 3 {
		t.Errorf("%d sealed", n)
	}
	found := w.log.findings()
	for _, want := range []string{
		"the entry before this one is not there " + ids["endpoints/ep_12"],
		"an entry is stored as something else than its bytes say " + ids["endpoints/ep_21"],
		"an entry's bytes are not an entry " + ids["endpoints/ep_31"],
	} {
		if !slices.Contains(found, want) {
			t.Errorf("%q is not found, but %v", want, found)
		}
	}
}

func TestADatabaseThatWasPutBackIsNotSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("ep_1", "ep_2")
	w.run()
	head := w.head()
	_, err := w.db.Doc("sealState/state").Delete(t.Context())
	w.must(err)
	w.create("ep_3")
	if _, err := w.sealer().Run(t.Context()); !errors.Is(err, sealing.ErrBehind) {
		t.Errorf("sealing a database that was put back: %v", err)
	}
	if w.head() != head {
		t.Error("the log was changed")
	}
}

func TestALogThatWasChangedIsNotExtended(t *testing.T) {
	t.Parallel()
	for name, tamper := range map[string]func(w *world){
		"a tile of the edge": func(w *world) { w.overwrite("tile/0/000.p/2", make([]byte, 64)) },
		"the checkpoint's root": func(w *world) {
			w.overwrite("checkpoints/0000000000000002", []byte(strings.Repeat("x\n", 3)+"\n— a b\n"))
		},
		"a tile that is to be made": func(w *world) { w.overwrite("tile/0/000.p/3", make([]byte, 96)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.create("ep_1", "ep_2")
			w.run()
			tamper(w)
			w.create("ep_3")
			if _, err := w.sealer().Run(t.Context()); !errors.Is(err, sealing.ErrFork) {
				t.Errorf("sealed: %v", err)
			}
			if w.head().Size != 2 {
				t.Error("the log was extended")
			}
		})
	}
}

// overwrite puts other content under an object's name, as nobody can where the bucket is locked.
func (w *world) overwrite(name string, data []byte) {
	w.t.Helper()
	b := w.store.Bucket(w.cfg.LogBucket)
	_, generation, err := b.Load(w.t.Context(), name)
	if err != nil {
		generation = 0
	}
	w.must(b.Replace(w.t.Context(), name, data, generation))
}

func TestAnOldCheckpointIsToldOfAndReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	head := w.store.Bucket(w.cfg.HeadBucket)
	w.create("ep_1")
	w.run()
	old, err := head.Read(t.Context(), tlog.CheckpointPath)
	w.must(err)
	w.create("ep_2")
	w.run()
	_, generation, err := head.Load(t.Context(), tlog.CheckpointPath)
	w.must(err)
	w.must(head.Replace(t.Context(), tlog.CheckpointPath, old, generation))
	w.create("ep_3")
	w.run()
	if f := w.log.findings(); !slices.Contains(f, "the published checkpoint is an old one") {
		t.Errorf("found %v", f)
	}
	w.check(3)
}
