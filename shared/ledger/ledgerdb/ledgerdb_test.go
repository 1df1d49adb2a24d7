package ledgerdb_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

// world is a store, and the database beside it.
type world struct {
	t     *testing.T
	store *ledgerdb.Store
	db    *firestore.Client
	log   *bytes.Buffer
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cloud := cloudtest.Start(t)
	w := &world{t: t, db: cloud.Firestore(t), log: &bytes.Buffer{}}
	store, err := ledgerdb.New(ledgerdb.Options{
		Firestore: w.db, Commits: cloud.Commits(t), Random: rand.Reader, Log: slog.New(slog.NewJSONHandler(w.log, nil)),
		Now: func() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC) }, Patience: cloudtest.Patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.store = store
	return w
}

func act(tenant string) ledgerdb.Act {
	return ledgerdb.Act{Tenant: tenant, Actor: identity.Actor{Kind: identity.KindClient, ID: "cli_1"}, Action: "test.act", RequestID: "req_1"}
}

func thing() ledgerdb.Ref { return ledgerdb.Ref{Collection: "endpoints", ID: "ep_1"} }

func (w *world) commit(changes ...ledgerdb.Change) {
	w.t.Helper()
	if _, err := w.store.Commit(w.t.Context(), act("ten_1"), changes); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) get() ledgerdb.Object {
	w.t.Helper()
	o, err := w.store.Get(w.t.Context(), "ten_1", thing())
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

// entries returns the object's entries in order, each checked against the one before.
func (w *world) entries() []ledger.Entry {
	w.t.Helper()
	docs, err := w.db.Collection("audit").Where("tenant", "==", "ten_1").Where("object", "==", thing().String()).OrderBy("revision", firestore.Asc).Documents(w.t.Context()).GetAll()
	if err != nil {
		w.t.Fatal(err)
	}
	var chain []ledger.Entry
	var previous ledger.Hash
	for _, doc := range docs {
		raw, _ := doc.Data()["bytes"].([]byte)
		e, err := ledger.Parse(raw)
		if err != nil {
			w.t.Fatal(err)
		}
		if e.Previous != previous || doc.Data()["hash"] != ledger.HashEntry(raw).String() || doc.Ref.ID != e.ID {
			w.t.Errorf("entry %s does not fit its place", raw)
		}
		previous = ledger.HashEntry(raw)
		chain = append(chain, e)
	}
	return chain
}

func TestObjectFromItsCreationToItsEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.commit(ledgerdb.Create(thing(), map[string]any{"url": "a", "old": true}))
	first := w.get()
	w.commit(ledgerdb.Replace(first, map[string]any{"url": "b"}))
	second := w.get()
	if second.Revision != 2 || second.Fields["url"] != "b" || second.Fields["old"] != nil || second.Tenant != "ten_1" || second.UpdatedAt.IsZero() {
		t.Errorf("after a change: %+v", second)
	}
	raw, err := w.db.Doc(thing().String()).Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	after, err := ledger.HashDocument(raw.Data())
	if err != nil {
		t.Fatal(err)
	}
	if e := w.entries(); len(e) != 2 || e[1].After != after || e[1].Action != "test.act" || e[1].RequestID != "req_1" {
		t.Errorf("entries %+v do not speak for the document", e)
	}
	w.commit(ledgerdb.Remove(second))
	if _, err := w.store.Get(t.Context(), "ten_1", thing()); !fault.Is(err, fault.NotFound) {
		t.Errorf("a removed object is %v", err)
	}
	stones, err := w.db.Collection("tombstones").Documents(t.Context()).GetAll()
	if err != nil {
		t.Fatal(err)
	}
	if e := w.entries(); len(e) != 3 || e[2].After != (ledger.Hash{}) || len(stones) != 1 || stones[0].Data()["object"] != thing().String() {
		t.Errorf("the end left %d entries and %d tombstones", len(e), len(stones))
	}
}

func TestWhoComesSecondIsToldAndWritesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.commit(ledgerdb.Create(thing(), map[string]any{"url": "a"}))
	stale := w.get()
	receipt, err := w.store.Commit(t.Context(), act("ten_1"), []ledgerdb.Change{ledgerdb.Create(thing(), map[string]any{"url": "b"})})
	if !errors.Is(err, ledgerdb.ErrExists) || receipt.Wrote(w.get()) {
		t.Errorf("a second creation: %v", err)
	}
	w.commit(ledgerdb.Replace(stale, map[string]any{"url": "c"}))
	for name, change := range map[string]ledgerdb.Change{
		"a change":  ledgerdb.Replace(stale, map[string]any{"url": "d"}),
		"a removal": ledgerdb.Remove(stale),
	} {
		if _, err := w.store.Commit(t.Context(), act("ten_1"), []ledgerdb.Change{change}); !errors.Is(err, ledgerdb.ErrStale) {
			t.Errorf("%s of what was changed since: %v", name, err)
		}
	}
	if o := w.get(); o.Fields["url"] != "c" || len(w.entries()) != 2 {
		t.Errorf("it reads %+v with %d entries", o.Fields, len(w.entries()))
	}
}

func TestWhatIsHeldStaysAsItIsAndMustNotHaveChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.commit(ledgerdb.Create(thing(), map[string]any{"n": int64(1)}))
	held, another := w.get(), ledgerdb.Ref{Collection: "endpoints", ID: "ep_2"}
	_, err := w.store.Commit(t.Context(), act("ten_1"), []ledgerdb.Change{ledgerdb.Create(another, map[string]any{})}, ledgerdb.Hold(held))
	if err != nil {
		t.Fatal(err)
	}
	after := w.get()
	if diff := cmp.Diff(held.Fields, after.Fields); diff != "" || after.Revision != held.Revision || after.Entry != held.Entry {
		t.Errorf("revision %d became %d (-before +after):\n%s", held.Revision, after.Revision, diff)
	}
	w.commit(ledgerdb.Replace(after, map[string]any{"n": int64(2)}))
	third := ledgerdb.Ref{Collection: "endpoints", ID: "ep_3"}
	_, err = w.store.Commit(t.Context(), act("ten_1"), []ledgerdb.Change{ledgerdb.Create(third, map[string]any{})}, ledgerdb.Hold(after))
	if !errors.Is(err, ledgerdb.ErrStale) {
		t.Errorf("what has changed is held: %v", err)
	}
}

func TestReceiptKnowsItsOwnWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	receipt, err := w.store.Commit(t.Context(), act("ten_1"), []ledgerdb.Change{ledgerdb.Create(thing(), map[string]any{"url": "a"})})
	if err != nil {
		t.Fatal(err)
	}
	if !receipt.Wrote(w.get()) || receipt.Wrote(ledgerdb.Object{}) {
		t.Error("a receipt does not know its own work, or takes nothing for it")
	}
	if !strings.Contains(w.log.String(), receipt.Entries[0].ID) || !strings.Contains(w.log.String(), w.get().Entry.String()) {
		t.Errorf("the witness line is missing: %s", w.log)
	}
}

// TestTheWitnessHearsOfACommitThatDidNotTell lets the answers of commits be lost, and asks as callers do whether they
// happened.
func TestTheWitnessHearsOfACommitThatDidNotTell(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	g.cloud.Faults.Set(wire.Always(commit, wire.Fault{After: wire.Unavailable()}))
	made, err := g.store.Commit(t.Context(), act("ten_1"), []ledgerdb.Change{ledgerdb.Create(thing(), map[string]any{"url": "a"})})
	if err == nil || strings.Contains(g.log.String(), made.Entries[0].ID) {
		t.Fatalf("the commit says %v, and the log %s", err, g.log)
	}
	there, err := g.store.Get(t.Context(), "ten_1", thing())
	if err != nil || !made.Wrote(there) || !strings.Contains(g.log.String(), made.Entries[0].ID) {
		t.Errorf("an act that happened is not in the witness log: %v, %s", err, g.log)
	}
	removed, err := g.store.Commit(t.Context(), act("ten_1"), []ledgerdb.Change{ledgerdb.Remove(there)})
	if err == nil {
		t.Fatal("the answer was not lost")
	}
	happened, err := g.store.Performed(t.Context(), removed)
	if err != nil || !happened || !strings.Contains(g.log.String(), removed.Entries[0].ID) {
		t.Errorf("an act without an object is not in the witness log: %v, %v, %s", happened, err, g.log)
	}
	g.cloud.Faults.Set(wire.Always(commit, wire.Fault{Before: errors.New("no")}))
	never, _ := g.store.Commit(t.Context(), act("ten_1"), []ledgerdb.Change{ledgerdb.Create(thing(), map[string]any{"url": "b"})})
	if happened, err := g.store.Performed(t.Context(), never); happened || err != nil || strings.Contains(g.log.String(), never.Entries[0].ID) {
		t.Errorf("an act that did not happen is witnessed: %v, %v", happened, err)
	}
}

func TestOtherTenantsDocumentsDoNotExist(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.commit(ledgerdb.Create(thing(), map[string]any{"url": "a"}))
	if _, err := w.store.Get(t.Context(), "ten_2", thing()); !fault.Is(err, fault.NotFound) {
		t.Errorf("another tenant reads it: %v", err)
	}
	found, err := w.store.GetAll(t.Context(), "ten_2", thing(), ledgerdb.Ref{Collection: "endpoints", ID: "ep_2"})
	if err != nil || found[0].Exists() || found[1].Exists() {
		t.Errorf("another tenant reads %+v, %v", found, err)
	}
	theirs, err := w.store.List(t.Context(), w.store.Query("ten_2", "endpoints"))
	if err != nil || len(theirs) != 0 {
		t.Errorf("another tenant lists %d, %v", len(theirs), err)
	}
	all, err := w.store.List(t.Context(), w.store.Query("ten_1", "endpoints"))
	if err != nil || len(all) != 1 {
		t.Errorf("the tenant lists %d, %v", len(all), err)
	}
}

// TestAnIDThatNamesAnotherPlaceNamesNothing: `a/b/c` would be a document of a collection below another document.
func TestAnIDThatNamesAnotherPlaceNamesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.db.Doc("endpoints/a/b/c").Set(t.Context(), map[string]any{"tenant": "ten_1"}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", "a/b", "a/b/c", ".", "..", "__x__", "\xff", strings.Repeat("x", 1501), "ep_2"} {
		at := ledgerdb.Ref{Collection: "endpoints", ID: id}
		if o, err := w.store.FindInAllTenants(t.Context(), at); !fault.Is(err, fault.NotFound) {
			t.Errorf("%.20q in all tenants: %v, %v", id, o, err)
		}
		if o, err := w.store.Get(t.Context(), "ten_1", at); !fault.Is(err, fault.NotFound) {
			t.Errorf("%.20q: %v, %v", id, o, err)
		}
	}
	w.commit(ledgerdb.Create(thing(), map[string]any{"name": "a"}))
	all, err := w.store.GetAll(t.Context(), "ten_1", ledgerdb.Ref{Collection: "endpoints", ID: "a/b/c"}, thing(), thing())
	if err != nil || len(all) != 3 || all[0].Exists() || all[1].Ref != thing() || all[2].Ref != thing() {
		t.Errorf("beside one that names nothing: %v, %v", all, err)
	}
	if o, err := w.store.FindInAllTenants(t.Context(), thing()); err != nil || o.Tenant != "ten_1" || o.Fields["name"] != "a" {
		t.Errorf("found %v, %v", o, err)
	}
}

func TestUnlistedCollectionsAndForeignValuesAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, change := range map[string]ledgerdb.Change{
		"an unlisted collection": ledgerdb.Create(ledgerdb.Ref{Collection: "secrets", ID: "x"}, map[string]any{}),
		"an int":                 ledgerdb.Create(thing(), map[string]any{"n": 1}),
	} {
		if _, err := w.store.Commit(t.Context(), act("ten_1"), []ledgerdb.Change{change}); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	if len(w.entries()) != 0 {
		t.Error("an entry was written")
	}
	if _, err := w.store.Get(t.Context(), "ten_1", ledgerdb.Ref{Collection: "secrets", ID: "x"}); err == nil || fault.Is(err, fault.NotFound) {
		t.Errorf("an unlisted collection reads as %v", err)
	}
}

func TestEveryKindOfValueIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
	fields := map[string]any{
		"null": nil, "yes": true, "no": false, "int": int64(math.MinInt64), "double": -0.5, "inf": math.Inf(1), "text": "å", "empty": "",
		"bytes": []byte{0, 255}, "time": at, "list": []any{int64(1), "a", nil, map[string]any{"b": []any{}}},
		"map": map[string]any{"a.b": int64(1), "deep": map[string]any{"c": true}},
	}
	w.commit(ledgerdb.Create(thing(), fields))
	got := w.get()
	delete(got.Fields, "tenant")
	if diff := cmp.Diff(fields, got.Fields); diff != "" {
		t.Errorf("fields (-written +read):\n%s", diff)
	}
	w.commit(ledgerdb.Replace(w.get(), map[string]any{"only": "this"}))
	if got := w.get(); len(got.Fields) != 2 || got.Fields["only"] != "this" {
		t.Errorf("after it was replaced: %v", got.Fields)
	}
}

func TestActWithoutAnActorDoesNotHappen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nameless := act("ten_1")
	nameless.Actor = identity.Actor{}
	if _, err := w.store.Commit(t.Context(), nameless, []ledgerdb.Change{ledgerdb.Create(thing(), map[string]any{"url": "a"})}); err == nil {
		t.Error("nobody acted, and it happened")
	}
	if _, err := w.store.Get(t.Context(), "ten_1", thing()); !fault.Is(err, fault.NotFound) {
		t.Errorf("it is there: %v", err)
	}
}

func TestBookkeepingIsAllOrNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := ledgerdb.Ref{Collection: "deliveries", ID: "one"}, ledgerdb.Ref{Collection: "deliveries", ID: "two"}
	if err := w.store.Bookkeep(t.Context(), "ten_1", ledgerdb.Add(one, map[string]any{"n": int64(1)})); err != nil {
		t.Fatal(err)
	}
	err := w.store.Bookkeep(t.Context(), "ten_1", ledgerdb.Put(two, map[string]any{"n": int64(2)}), ledgerdb.Add(one, map[string]any{"n": int64(3)}))
	found, readErr := w.store.GetAll(t.Context(), "ten_1", one, two)
	if !errors.Is(err, ledgerdb.ErrExists) || readErr != nil || found[1].Exists() || found[0].Fields["n"] != int64(1) {
		t.Errorf("half of it was written: %v, %v, %+v", err, readErr, found)
	}
	if err := w.store.Bookkeep(t.Context(), "ten_1", ledgerdb.Patch(found[0], map[string]any{"m": int64(4)}), ledgerdb.Drop(two)); err != nil {
		t.Fatal(err)
	}
	if err := w.store.Bookkeep(t.Context(), "ten_1", ledgerdb.Patch(found[0], map[string]any{"m": int64(5)})); !errors.Is(err, ledgerdb.ErrStale) {
		t.Errorf("a stale patch: %v", err)
	}
}

func TestShardsAreSharedOutEvenly(t *testing.T) {
	t.Parallel()
	var count [16]int
	for range 16_000 {
		count[ledgerdb.ShardOf("ord_"+rand.Text())]++
	}
	for shard, n := range count {
		if n < 700 || n > 1300 {
			t.Errorf("shard %d has %d of 16,000", shard, n)
		}
	}
}
