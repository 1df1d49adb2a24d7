package ledgerdb_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// told collects what is told.
func told(check func(tell func(string)) (int, error)) (string, error) {
	var all []string
	_, err := check(func(what string) { all = append(all, what) })
	slices.Sort(all)
	return strings.Join(all, "; "), err
}

func (w *world) documents() string {
	w.t.Helper()
	what, err := told(func(tell func(string)) (int, error) { return w.store.CheckDocuments(w.t.Context(), tell) })
	if err != nil {
		w.t.Fatal(err)
	}
	return what
}

func (w *world) set(path string, updates ...firestore.Update) {
	w.t.Helper()
	if _, err := w.db.Doc(path).Update(w.t.Context(), updates); err != nil {
		w.t.Fatal(err)
	}
}

func TestADocumentChangedBehindTheLogIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tamper func(w *world)
		says   string
	}{
		"nothing":    {func(*world) {}, ""},
		"a field":    {func(w *world) { w.set("endpoints/ep_1", firestore.Update{Path: "url", Value: "x"}) }, "changed behind its entry"},
		"its tenant": {func(w *world) { w.set("endpoints/ep_1", firestore.Update{Path: "tenant", Value: "ten_2"}) }, "another document or revision"},
		"its newest entry": {func(w *world) {
			w.set("endpoints/ep_1", firestore.Update{Path: "entry", Value: ledger.Hash{1}.String()})
		}, "not there"},
		"an entry that is not sealed yet is deleted": {func(w *world) {
			chain := w.entries()
			if _, err := w.db.Doc("audit/" + chain[len(chain)-1].ID).Delete(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
		}, "not there"},
		"an entry's bytes": {func(w *world) {
			w.set("audit/"+w.entries()[1].ID, firestore.Update{Path: "bytes", Value: []byte("{}")})
		}, "were changed"},
		"one that no act made": {func(w *world) {
			doc, err := w.db.Doc("endpoints/ep_1").Get(w.t.Context())
			if err != nil {
				w.t.Fatal(err)
			}
			fields := doc.Data()
			delete(fields, "entry")
			if _, err := w.db.Doc("endpoints/ep_2").Set(w.t.Context(), fields); err != nil {
				w.t.Fatal(err)
			}
		}, "endpoints/ep_2: no act made it"},
		"put back": {func(w *world) {
			old, err := w.db.Doc("endpoints/ep_1").Get(w.t.Context())
			if err != nil {
				w.t.Fatal(err)
			}
			w.commit(ledgerdb.Replace(w.get(), map[string]any{"url": "c"}))
			if _, err := w.db.Doc("endpoints/ep_1").Set(w.t.Context(), old.Data()); err != nil {
				w.t.Fatal(err)
			}
		}, "put back to revision 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.commit(ledgerdb.Create(thing(), map[string]any{"url": "a"}))
			w.commit(ledgerdb.Replace(w.get(), map[string]any{"url": "b"}))
			c.tamper(w)
			if what := w.documents(); (c.says == "") != (what == "") || !strings.Contains(what, c.says) {
				t.Errorf("told %q", what)
			}
		})
	}
}

func TestEntriesAreHeldAgainstWhatWasSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.commit(ledgerdb.Create(thing(), map[string]any{"url": "a"}))
	w.commit(ledgerdb.Replace(w.get(), map[string]any{"url": "b"}))
	chain := w.entries()
	if gone, err := w.store.MarkSealed(t.Context(), 0, []string{chain[0].ID, chain[1].ID, "ent_gone"}); err != nil || !slices.Equal(gone, []string{"ent_gone"}) {
		t.Fatalf("marked, %v are gone, %v", gone, err)
	}
	var leaves []ledger.Hash
	for _, e := range chain {
		raw, err := e.Encode()
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, ledger.HashEntry(raw))
	}
	sealed := func(place uint64) (ledger.Hash, error) {
		if place >= uint64(len(leaves)) {
			return ledger.Hash{}, errors.New("beyond")
		}
		return leaves[place], nil
	}
	check := func() string {
		what, err := told(func(tell func(string)) (int, error) {
			return w.store.CheckEntries(t.Context(), uint64(len(leaves)), sealed, tell)
		})
		if err != nil {
			t.Fatal(err)
		}
		return what
	}
	if what := check(); what != "" {
		t.Errorf("told %s", what)
	}
	leaves[0], leaves[1] = leaves[1], leaves[0]
	if what := check(); strings.Count(what, "not what was sealed at its place") != 2 {
		t.Errorf("told %s", what)
	}
	w.set("audit/"+chain[0].ID, firestore.Update{Path: "bytes", Value: []byte("x")})
	if what := check(); !strings.Contains(what, chain[0].ID+" is not what it was") {
		t.Errorf("told %s", what)
	}
}

// TestWhatIsDoneToEntriesAndObjectsIsTold does to a database what its writers can, where no witness log is at hand.
func TestWhatIsDoneToEntriesAndObjectsIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tamper func(w *world, chain []ledger.Entry)
		says   string
	}{
		"nothing": {func(*world, []ledger.Entry) {}, ""},
		"a sealed entry is deleted": {func(w *world, chain []ledger.Entry) {
			w.delete("audit/" + chain[1].ID)
		}, "sealed at place 1 is not there"},
		"an entry is given to another tenant": {func(w *world, chain []ledger.Entry) {
			w.set("audit/"+chain[0].ID, firestore.Update{Path: "tenant", Value: "ten_2"})
		}, "stored as something else"},
		"an entry is given to another actor": {func(w *world, chain []ledger.Entry) {
			w.set("audit/"+chain[0].ID, firestore.Update{Path: "actor", Value: "user:usr_1"})
		}, "stored as something else"},
		"an entry is copied": {func(w *world, chain []ledger.Entry) {
			doc, err := w.db.Doc("audit/" + chain[0].ID).Get(w.t.Context())
			if err != nil {
				w.t.Fatal(err)
			}
			if _, err := w.db.Doc("audit/ent_copy").Set(w.t.Context(), doc.Data()); err != nil {
				w.t.Fatal(err)
			}
		}, "ent_copy is stored as something else"},
		"an entry does not wait any more": {func(w *world, chain []ledger.Entry) {
			w.set("audit/"+chain[2].ID, firestore.Update{Path: "pending", Value: firestore.Delete})
		}, "never sealed"},
		"an entry waits where nobody looks": {func(w *world, chain []ledger.Entry) {
			w.set("audit/"+chain[2].ID, firestore.Update{Path: "us", Value: 16})
		}, "never sealed"},
		"an object is deleted": {func(w *world, _ []ledger.Entry) { w.delete("endpoints/ep_1") }, "endpoints/ep_1: it is not there"},
		"an object names no entry": {func(w *world, _ []ledger.Entry) {
			w.set("endpoints/ep_1", firestore.Update{Path: "entry", Value: firestore.Delete})
		}, "endpoints/ep_1: it names no entry"},
		"an object is removed by an act": {func(w *world, _ []ledger.Entry) { w.commit(ledgerdb.Remove(w.get())) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.commit(ledgerdb.Create(thing(), map[string]any{"url": "a"}))
			w.commit(ledgerdb.Replace(w.get(), map[string]any{"url": "b"}))
			w.commit(ledgerdb.Replace(w.get(), map[string]any{"url": "c"}))
			chain := w.entries()
			leaves := []ledger.Hash{chain[1].Previous, chain[2].Previous}
			if _, err := w.store.MarkSealed(t.Context(), 0, []string{chain[0].ID}); err != nil { // the second is published and not marked yet
				t.Fatal(err)
			}
			c.tamper(w, chain)
			sealed := func(place uint64) (ledger.Hash, error) { return leaves[place], nil }
			what, err := told(func(tell func(string)) (int, error) { return w.store.CheckEntries(t.Context(), 2, sealed, tell) })
			if err != nil || (c.says == "") != (what == "") || !strings.Contains(what, c.says) {
				t.Errorf("told %q, %v", what, err)
			}
		})
	}
}

func (w *world) delete(path string) {
	w.t.Helper()
	if _, err := w.db.Doc(path).Delete(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func TestTheWitnessLogKnowsWhatIsMissing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.commit(ledgerdb.Create(thing(), map[string]any{"url": "a"}))
	w.commit(ledgerdb.Replace(w.get(), map[string]any{"url": "b"}))
	chain, lines := w.entries(), w.log.String()
	export := ""
	for line := range strings.Lines(lines) {
		export += `{"insertId":"x","jsonPayload":` + strings.TrimSpace(line) + "}\n"
	}
	for name, log := range map[string]string{"as written": lines, "as Cloud Logging exports it": export} {
		what, err := told(func(tell func(string)) (int, error) {
			return w.store.CheckWitness(t.Context(), strings.NewReader(log+"no json\n"+`{"entry_id":"a/b","entry_hash":"x"}`+"\n"), tell)
		})
		if err != nil || what != "" {
			t.Errorf("%s: told %q, %v", name, what, err)
		}
	}
	if _, err := w.db.Doc("audit/" + chain[1].ID).Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.set("audit/"+chain[0].ID, firestore.Update{Path: "bytes", Value: []byte("x")})
	what, err := told(func(tell func(string)) (int, error) {
		return w.store.CheckWitness(t.Context(), strings.NewReader(lines), tell)
	})
	if err != nil || !strings.Contains(what, chain[1].ID+" was committed") || !strings.Contains(what, chain[0].ID+" is not the one that was committed") {
		t.Errorf("told %q, %v", what, err)
	}
}
