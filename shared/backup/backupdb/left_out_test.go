package backupdb_test

import (
	"crypto/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/backupdb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/wire"
	"ryggrad.internal/hub/shared/privacy"
)

const another = "ten_baaaaaaaaaaaaaaaaaaaaaaaaa"

// house gives another tenant some of everything.
func (w *world) house() {
	w.Helper()
	act := by("test.act")
	act.Tenant = another
	_, err := w.ledger.Commit(w.Context(), act, []ledgerdb.Change{
		ledgerdb.Create(ledgerdb.Ref{Collection: "orders", ID: id("ord_", 900)}, map[string]any{"status": "received"}),
		ledgerdb.Create(ledgerdb.Ref{Collection: "clients", ID: id("cli_", 900)}, map[string]any{"disabled": false}),
	})
	w.must(err)
	w.must(w.ledger.Bookkeep(w.Context(), another,
		ledgerdb.Put(ledgerdb.Ref{Collection: "orderKeys", ID: id("ord_", 900)}, map[string]any{"wrapped": []byte{1}}),
		ledgerdb.Put(ledgerdb.Ref{Collection: "tenantKeys", ID: another + "_2026-03"}, map[string]any{"wrapped": []byte{2}}),
	))
}

// ofTenant returns the names of a tenant's documents, but those of the log.
func (w *world) ofTenant(p *place, tenant string) []string {
	w.Helper()
	names := []string{}
	for name, l := range w.state(p, time.Time{}, backup.Sets()...) {
		if strings.Contains(l, `"tenant":{"stringValue":"`+tenant+`"}`) && !strings.HasPrefix(name, "audit/") && !strings.HasPrefix(name, "tombstones/") {
			names = append(names, name)
		}
	}
	return names
}

// destroy says that nothing of a tenant must come back.
func (w *world) destroy(tenant string) {
	w.Helper()
	eraseID, err := privacy.NewErasureID(rand.Reader)
	w.must(err)
	e := privacy.Erasure{ID: eraseID, Tenant: tenant, At: w.clock(), All: true}
	raw, err := e.Encode()
	w.must(err)
	w.must(w.buckets.Erasures.Create(w.Context(), e.Object(), raw))
}

func TestATenantThatWasDestroyedAfterTheMomentDoesNotComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	w.house()
	w.backUp()
	w.destroy(another) // and the database is gone, before anything of it was sealed
	to := w.open("scratch")
	out, err := w.restorer(to, w.vault()).Run(t.Context(), by(""), backupdb.Choice{})
	w.must(err)
	if names := w.ofTenant(to, another); len(names) > 0 || out.Erased != 4 || len(w.ofTenant(w.place, another)) != 4 || len(w.ofTenant(to, tenant)) == 0 {
		t.Errorf("there is %v, %d documents were left out", names, out.Erased)
	}
	back, err := w.restorer(w.open("scratch"), w.vault()).PutBack(t.Context(), by(""), backupdb.Choice{Tenant: another})
	if names := w.ofTenant(to, another); err != nil || len(names) > 0 || back.Documents != 0 {
		t.Errorf("put back %+v, %v, %v", back, names, err)
	}
}

func TestTwoRestoresIntoOneDatabaseDoNotMix(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	w.backUp()
	w.do("orders", map[string]any{"status": "accepted"}, ids("ord_", 0, 20)...)
	w.pass(time.Hour)
	w.backUp()
	at := w.moments(backup.Hot)
	to := w.open("scratch")
	gate := wire.NewGate()
	w.faults.Set(wire.Nth("/google.firestore.v1.Firestore/Commit", 1, wire.Fault{Hold: gate})) // the first has seen that it is empty
	errs := make([]error, 2)
	var both sync.WaitGroup
	both.Go(func() {
		_, errs[0] = w.restorer(to, w.vault()).Run(t.Context(), by(""), backupdb.Choice{At: at[0]})
	})
	<-gate.Reached()
	unfinished := make(chan struct{})
	both.Go(func() {
		defer close(unfinished)
		_, errs[1] = w.restorer(to, w.vault()).Run(t.Context(), by(""), backupdb.Choice{At: at[1]})
	})
	<-unfinished
	gate.Open()
	both.Wait()
	if errs[1] != nil || fault.KindOf(errs[0]) != fault.Conflict {
		t.Fatalf("the late one: %v; the other one: %v", errs[0], errs[1])
	}
	want, err := backupdb.ReadBack(t.Context(), w.vault(), backup.Hot, at[1])
	w.must(err)
	if diff := cmp.Diff(want, w.withoutRestore(to)); diff != "" {
		t.Errorf("restored (-want +got):\n%.2000s", diff)
	}
}

// withoutRestore is the hot state of a database but for the entries that restores wrote.
func (w *world) withoutRestore(p *place) map[string]string {
	w.Helper()
	all := w.state(p, time.Time{}, backup.Hot)
	for name, l := range all {
		if strings.HasPrefix(name, "audit/") && strings.Contains(l, `"action":{"stringValue":"restore"}`) {
			delete(all, name)
		}
	}
	return all
}

func TestARestoreThatIsContinuedElsewhereStops(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	w.backUp()
	to := w.open("scratch")
	const commit = "/google.firestore.v1.Firestore/Commit"
	gate := wire.NewGate()
	w.faults.Set(wire.Nth(commit, 3, wire.Fault{Hold: gate})) // in the middle
	first := make(chan error)
	go func() {
		_, err := w.restorer(to, w.vault()).Run(t.Context(), by(""), backupdb.Choice{})
		first <- err
	}()
	<-gate.Reached()
	r := w.restorer(to, w.vault())
	running, err := r.Unfinished(t.Context())
	w.must(err)
	_, err = r.Continue(t.Context(), by(""), running)
	w.must(err)
	gate.Open()
	if err := <-first; fault.KindOf(err) != fault.Conflict {
		t.Errorf("the one that was held: %v", err)
	}
	want, err := backupdb.ReadBack(t.Context(), w.vault(), backup.Hot, w.moments(backup.Hot)[0])
	w.must(err)
	if diff := cmp.Diff(want, w.withoutRestore(to)); diff != "" {
		t.Errorf("restored (-want +got):\n%.2000s", diff)
	}
}

func TestAPartIsRestoredToLookAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	w.house()
	w.seal(w.place)
	w.backUp()
	r := w.restorer(w.open("tenant"), w.vault())
	_, err := r.Run(t.Context(), by(""), backupdb.Choice{Tenant: another})
	w.must(err)
	to := w.open("tenant")
	if names := w.ofTenant(to, another); len(names) != 4 || len(w.ofTenant(to, tenant)) != 0 {
		t.Errorf("of the tenant there is %v, of others %v", names, w.ofTenant(to, tenant))
	}
	found, err := to.ledger.GetAll(t.Context(), another, ledgerdb.Ref{Collection: "clients", ID: id("cli_", 900)})
	if err != nil || found[0].Fields["disabled"] != true {
		t.Errorf("its client is %v, %v", found[0].Fields, err)
	}
	if running, err := r.Unfinished(t.Context()); err != nil || running == "" {
		t.Errorf("the part is taken for a whole database: %v", err)
	}
	_, err = w.restorer(w.open("orders"), w.vault()).Run(t.Context(), by(""), backupdb.Choice{Collections: []string{"orders"}})
	w.must(err)
	for name := range w.state(w.open("orders"), time.Time{}, backup.Sets()...) {
		if !strings.HasPrefix(name, "orders/") && !strings.HasPrefix(name, "audit/") { // an entry tells of the restore
			t.Errorf("there is %s", name)
		}
	}
	if _, err := r.Run(t.Context(), by(""), backupdb.Choice{Collections: []string{"sessions"}}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a collection that is not backed up: %v", err)
	}
}
