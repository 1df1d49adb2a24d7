package evidencedb_test

import (
	"crypto/rand"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

func newStore(t *testing.T) (*evidencedb.Store, *ledgerdb.Store, *cloudtest.Cloud) {
	t.Helper()
	cloud := cloudtest.Start(t)
	ledger, err := ledgerdb.New(ledgerdb.Options{
		Firestore: cloud.Firestore(t, cloud.DialOptions()...), Commits: cloud.Commits(t, cloud.DialOptions()...),
		Now: time.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return evidencedb.New(ledger), ledger, cloud
}

func TestTheNewestEvidenceIsKeptWhateverComesLast(t *testing.T) {
	t.Parallel()
	store, _, _ := newStore(t)
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, minutes := range []int{0, 60, 30, 60} {
		err := store.Record(t.Context(), evidence.BackupHot, noon.Add(time.Duration(minutes)*time.Minute), map[string]any{"documents": minutes})
		if err != nil {
			t.Fatal(err)
		}
	}
	newest, unreadable, err := store.Load(t.Context())
	if err != nil || len(unreadable) > 0 || len(newest) != 1 {
		t.Fatalf("loaded %v, unreadable %v, %v", newest, unreadable, err)
	}
	if e := newest[evidence.BackupHot]; !e.At.Equal(noon.Add(time.Hour)) || e.Facts["documents"] != int64(60) {
		t.Errorf("the newest is %+v", e)
	}
}

func TestEvidenceOfATimeStillToComeGivesWay(t *testing.T) {
	t.Parallel()
	store, _, _ := newStore(t)
	for i, at := range []time.Time{time.Now().AddDate(1, 0, 0), time.Now(), time.Now().Add(-time.Hour)} {
		if err := store.Record(t.Context(), evidence.Drill, at, map[string]any{"number": i}); err != nil {
			t.Fatal(err)
		}
	}
	newest, _, err := store.Load(t.Context())
	if err != nil || newest[evidence.Drill].Facts["number"] != int64(1) {
		t.Errorf("kept is %+v, %v", newest, err)
	}
}

func TestAllEvidenceIsReadInOneCall(t *testing.T) {
	t.Parallel()
	store, _, cloud := newStore(t)
	for _, k := range evidence.Kinds() {
		if err := store.Record(t.Context(), k, time.Now(), nil); err != nil {
			t.Fatal(err)
		}
	}
	cloud.Calls.Reset()
	newest, _, err := store.Load(t.Context())
	if err != nil || len(newest) != len(evidence.Kinds()) {
		t.Fatalf("loaded %d kinds, %v", len(newest), err)
	}
	want := map[string]int{"/google.firestore.v1.Firestore/BatchGetDocuments": 1}
	if diff := cmp.Diff(want, cloud.Calls.Snapshot()); diff != "" {
		t.Errorf("it took (-want +got):\n%s", diff)
	}
}

func TestEvidenceThatCannotBeReadIsMissing(t *testing.T) {
	t.Parallel()
	store, ledger, _ := newStore(t)
	spoiled := ledgerdb.Put(ledgerdb.Ref{Collection: "evidence", ID: "drill"}, map[string]any{"at": "yesterday"})
	if err := ledger.Bookkeep(t.Context(), identity.Hub, spoiled); err != nil {
		t.Fatal(err)
	}
	newest, unreadable, err := store.Load(t.Context())
	if err != nil || len(newest) != 0 || len(unreadable) != 1 || unreadable[0] != evidence.Drill {
		t.Errorf("loaded %v, unreadable %v, %v", newest, unreadable, err)
	}
	if err := store.Record(t.Context(), evidence.Drill, time.Now(), nil); err != nil {
		t.Fatalf("it cannot be replaced: %v", err)
	}
	if newest, _, _ = store.Load(t.Context()); len(newest) != 1 {
		t.Errorf("after it was recorded anew there is %v", newest)
	}
}

func TestARepeatedWriteIsNoFailure(t *testing.T) {
	t.Parallel()
	store, _, cloud := newStore(t)
	cloud.Faults.Set(wire.Nth("/google.firestore.v1.Firestore/Commit", 1, wire.Fault{After: wire.Unavailable()}))
	if err := store.Record(t.Context(), evidence.Drill, time.Now(), nil); err != nil {
		t.Error(err)
	}
}

func TestUnknownEvidenceIsRefused(t *testing.T) {
	t.Parallel()
	store, _, _ := newStore(t)
	if err := store.Record(t.Context(), "hearsay", time.Now(), nil); !fault.Is(err, fault.Invalid) {
		t.Errorf("it is answered %v", err)
	}
}
