package backupdb_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"cloud.google.com/go/kms/apiv1/kmspb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/backupdb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/ledger/verify"
	"ryggrad.internal/hub/shared/localcloud/wire"
	"ryggrad.internal/hub/shared/privacy"
)

// seal seals what a database has not sealed yet, into the one log that there is.
func (w *world) seal(of *place) {
	w.Helper()
	sealer, err := of.cfg.Log.Open(w.Context(), of.hub, nil)
	w.must(err)
	_, err = sealer.Run(w.Context())
	w.must(err)
}

// erase says that the data of orders must not come back.
func (w *world) erase(orders ...string) {
	w.Helper()
	id, err := privacy.NewErasureID(rand.Reader)
	w.must(err)
	slices.Sort(orders)
	e := privacy.Erasure{ID: id, Tenant: tenant, At: w.clock(), Orders: orders}
	raw, err := e.Encode()
	w.must(err)
	w.must(w.buckets.Erasures.Create(w.Context(), e.Object(), raw))
}

func (w *world) findings(of *place) (all []string) {
	w.Helper()
	_, err := of.ledger.CheckDocuments(w.Context(), func(what string) { all = append(all, what) })
	w.must(err)
	return all
}

func (w *world) fields(of *place, collection, id string) map[string]any {
	w.Helper()
	found, err := of.ledger.GetAll(w.Context(), tenant, ledgerdb.Ref{Collection: collection, ID: id})
	w.must(err)
	return found[0].Fields
}

func TestWhatTheLogKnowsBeyondTheMomentIsToldInIt(t *testing.T) {
	t.Parallel()
	for name, atOnce := range map[string]int64{"all at once": 1000, "in parts": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tellBeyond(t, atOnce)
		})
	}
}

func tellBeyond(t *testing.T, atOnce int64) {
	t.Helper()
	w := newWorld(t)
	w.fill()
	w.seal(w.place)
	w.backUp()
	w.do("orders", map[string]any{"status": "accepted"}, ids("ord_", 0, 3)...)
	w.do("orders", map[string]any{"status": "received"}, ids("ord_", 50, 52)...)
	w.remove("orders", id("ord_", 5))
	w.do("clients", map[string]any{"name": "Till", "disabled": false, "rotated": true}, id("cli_", 1))
	w.remove("clients", id("cli_", 2))
	w.erase(id("ord_", 7), id("ord_", 8))
	w.seal(w.place)
	to := w.open("scratch")
	r := w.restorer(to, w.vault())
	r.RememberAtOnce(atOnce)
	out, err := r.Run(t.Context(), by(""), backupdb.Choice{})
	w.must(err)
	slices.Sort(out.Lost)
	lost := []string{"orders/" + id("ord_", 50), "orders/" + id("ord_", 51)}
	slices.Sort(lost)
	if diff := cmp.Diff(lost, out.Lost); diff != "" {
		t.Errorf("lost (-want +got):\n%s", diff)
	}
	if out.PutBack != 6 || out.Erased != 2 || out.Log.Size == 0 || out.Log.Entries != 8 {
		t.Errorf("restored %+v", out)
	}
	if all := w.findings(to); len(all) > 0 {
		t.Errorf("the database contradicts its log:\n%s", strings.Join(all, "\n"))
	}
	if w.fields(to, "orderKeys", id("ord_", 7)) != nil || w.fields(to, "orderKeys", id("ord_", 9)) == nil {
		t.Error("an erased key came back, or another one did not")
	}
	for n, disabled := range map[int]bool{0: false, 1: true, 2: true} {
		if got := w.fields(to, "clients", id("cli_", n))["disabled"]; got != disabled {
			t.Errorf("client %d: disabled is %v", n, got)
		}
	}
	enabled, err := r.Confirm(t.Context(), by(""), out.ID, []string{"clients/" + id("cli_", 1)})
	if err != nil || len(enabled) != 1 || w.fields(to, "clients", id("cli_", 1))["disabled"] != false {
		t.Errorf("confirmed %v: %v", enabled, err)
	}
	w.seal(to)
	w.holds()
	w.do("orders", map[string]any{"status": "late"}, id("ord_", 0)) // the old database is still there, and must not go on
	_, err = r.Continue(t.Context(), by(""), out.ID)
	if err == nil {
		t.Error("a restore that is done is continued")
	}
}

// TestAnErasureIsCarriedOutInWhatIsBroughtBack erases guests after a backup and while it is restored or put back.
func TestAnErasureIsCarriedOutInWhatIsBroughtBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	before, during, meanwhile := id("ord_", 7), id("ord_", 8), sync.Once{}
	w.do("orders", map[string]any{"status": "cancelled", "guest": []byte("sealed"), "reason": "Zorn called"}, before, during, id("ord_", 9))
	w.seal(w.place)
	w.backUp()
	w.erase(before)
	to := w.open("scratch")
	r := w.restorerTold(to, w.vault(), func(ctx context.Context, each func(privacy.Erasure)) error {
		err := backupdb.ErasuresIn(w.buckets.Erasures)(ctx, each)
		meanwhile.Do(func() { w.erase(during) })
		return err
	})
	_, err := r.Run(t.Context(), by(""), backupdb.Choice{})
	w.must(err)
	w.forgotten(to, before, during)
	if f := w.fields(to, "orders", id("ord_", 9)); f["guest"] == nil || f["reason"] == nil || w.fields(to, "orderKeys", id("ord_", 9)) == nil {
		t.Error("another guest was erased too")
	}
	w.remove("orders", before, during)
	_, err = w.restorer(w.place, w.vault()).PutBack(t.Context(), by(""), backupdb.Choice{})
	w.must(err)
	w.forgotten(w.place, before, during)
	for _, of := range []*place{to, w.place} {
		if all := w.findings(of); len(all) > 0 {
			t.Errorf("the database contradicts its log:\n%s", strings.Join(all, "\n"))
		}
	}
}

// TestWhatIsErasedWhileARestoreLiesDownDoesNotComeBack has a restore die when all is written, and erases then.
func TestWhatIsErasedWhileARestoreLiesDownDoesNotComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	w.house()
	w.backUp()
	to, commits := w.open("scratch"), 0
	w.faults.Set(func(method string, _ int) wire.Fault {
		if method == commitCall {
			commits++
		}
		if method == runQuery && commits > 3 { // what was written is compared
			return wire.Fault{Before: status.Error(codes.PermissionDenied, "cut")}
		}
		return wire.Fault{}
	})
	r := w.restorer(to, w.vault())
	out, err := r.Run(t.Context(), by(""), backupdb.Choice{})
	w.faults.Set(nil)
	if err == nil || !strings.Contains(err.Error(), "compare") || w.fields(to, "orderKeys", id("ord_", 7)) == nil || len(w.ofTenant(to, another)) == 0 {
		t.Fatalf("it does not die where it should: %v", err)
	}
	w.erase(id("ord_", 7))
	w.destroy(another)
	out, err = r.Continue(t.Context(), by(""), out.ID)
	w.must(err)
	if w.fields(to, "orderKeys", id("ord_", 7)) != nil || w.fields(to, "orderKeys", id("ord_", 8)) == nil || len(w.ofTenant(to, another)) > 0 || out.Erased != 5 {
		t.Errorf("of the tenant there is %v; restored %+v", w.ofTenant(to, another), out)
	}
}

// TestWhatIsErasedWhileAFileIsWrittenDoesNotComeBack has restores die at each of their first commits, also between what
// a file holds and the word that it is written, and erases then.
func TestWhatIsErasedWhileAFileIsWrittenDoesNotComeBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	w.backUp()
	half := 0
	for n := 3; n < 12; n++ { // the first two say that it is begun
		to := w.open(fmt.Sprint("scratch-", n))
		r := w.restorer(to, w.vault())
		w.faults.Set(wire.Nth(commitCall, n, wire.Fault{Before: status.Error(codes.PermissionDenied, "cut")}))
		out, err := r.Run(t.Context(), by(""), backupdb.Choice{})
		w.faults.Set(nil)
		if err == nil {
			break
		}
		gone := ids("ord_", n*3, n*3+3)
		there := func(one string) bool { return w.fields(to, "orderKeys", one) != nil }
		if slices.ContainsFunc(gone, there) {
			half++
		}
		w.erase(gone...)
		_, err = r.Continue(t.Context(), by(""), out.ID)
		if err != nil || slices.ContainsFunc(gone, there) {
			t.Errorf("cut at commit %d: %v", n, err)
		}
	}
	if half == 0 {
		t.Error("what was erased was never written before")
	}
}

// forgotten checks that orders are there and nothing of their guests.
func (w *world) forgotten(of *place, orders ...string) {
	w.Helper()
	for _, id := range orders {
		f := w.fields(of, "orders", id)
		if f["status"] != "cancelled" || f["guest"] != nil || f["reason"] != nil || w.fields(of, "orderKeys", id) != nil {
			w.Errorf("of the order %s there is %v", id, f)
		}
	}
}

// holds verifies the whole published log.
func (w *world) holds() {
	w.Helper()
	log := w.sealedLog()
	keys, err := log.Keys(w.Context())
	w.must(err)
	report, err := verify.Verify(w.Context(), verify.Options{Log: verify.Log{Read: log.Read, List: func(ctx context.Context, prefix string) ([]string, error) { return log.List(ctx, prefix, "") }}, Keys: keys})
	w.must(err)
	if len(report.Findings) > 0 || report.Checkpoint.Size == 0 {
		w.Errorf("the log of %d entries: %v", report.Checkpoint.Size, report.Findings)
	}
}

func TestARestoreThatDiesAnywhereIsContinued(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	w.seal(w.place)
	w.backUp()
	w.do("orders", map[string]any{"status": "accepted"}, ids("ord_", 0, 3)...)
	w.do("orders", map[string]any{"status": "received"}, id("ord_", 50))
	w.do("clients", map[string]any{"name": "Till", "disabled": false, "rotated": true}, id("cli_", 1))
	w.seal(w.place)
	to := w.open("scratch")
	r := w.restorer(to, w.vault())
	unfinished := ""
	for n := 1; ; n++ {
		w.faults.Set(wire.Nth(commitCall, n, wire.Fault{Before: status.Error(codes.PermissionDenied, "cut")}))
		var out backupdb.Restored
		var err error
		if unfinished == "" {
			out, err = r.Run(t.Context(), by(""), backupdb.Choice{})
		} else {
			out, err = r.Continue(t.Context(), by(""), unfinished)
		}
		w.faults.Set(nil)
		if err == nil {
			if n < 5 || len(out.Lost) != 1 || len(out.Disabled) != 1 {
				t.Errorf("done after %d tries: %+v", n, out)
			}
			break
		}
		if !strings.Contains(err.Error(), "cut") || n > 60 {
			t.Fatalf("try %d: %v", n, err)
		}
		if unfinished, err = r.Unfinished(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := w.maker.Do(t.Context(), backupdb.Message{Step: backupdb.Plan}); err != nil {
			t.Fatal(err)
		}
	}
	if all := w.findings(to); len(all) > 0 {
		t.Errorf("the database contradicts its log:\n%s", strings.Join(all, "\n"))
	}
	w.seal(to)
	w.holds()
}

func TestOnlyAnEmptyDatabaseIsRestoredInto(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	w.backUp()
	_, err := w.restorer(w.place, w.vault()).Run(t.Context(), by(""), backupdb.Choice{})
	if err == nil || !strings.Contains(err.Error(), "not empty") || !strings.Contains(err.Error(), "new database") {
		t.Errorf("restored over what is there: %v", err)
	}
}

func TestWithoutKMSTheOfflineKeyRestores(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	w.backUp()
	_, err := w.hub.KMS.DestroyCryptoKeyVersion(t.Context(), &kmspb.DestroyCryptoKeyVersionRequest{
		Name: w.cfg.KeyName("backup") + "/cryptoKeyVersions/1",
	})
	w.must(err)
	to := w.open("scratch")
	_, err = w.restorer(to, w.vault()).Run(t.Context(), by(""), backupdb.Choice{})
	if err == nil || !strings.Contains(err.Error(), "--offline-key") || !strings.Contains(err.Error(), "files/hot/") {
		t.Fatalf("without the key: %v", err)
	}
	v := w.vault()
	v.Unlock = backupdb.UnlockOffline(w.cloud.OfflineKey())
	again := w.open("scratch2")
	_, err = w.restorer(again, v).Run(t.Context(), by(""), backupdb.Choice{})
	w.must(err)
	if diff := cmp.Diff(w.state(w.place, time.Time{}, backup.Keys), w.state(again, time.Time{}, backup.Keys)); diff != "" {
		t.Errorf("keys (-want +got):\n%.2000s", diff)
	}
}

func TestWhatWasDoneToABackupIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	w.backUp()
	w.pass(time.Hour)
	w.backUp()
	read := w.vault().Shelf(backup.Hot).Read
	at := w.moments(backup.Hot)
	first, second := backup.ManifestObject(backup.Hot, at[0]), backup.ManifestObject(backup.Hot, at[1])
	file := func(n int) string {
		m, _, err := w.vault().Manifest(t.Context(), backup.Hot, at[n])
		w.must(err)
		return m.Part(m.Files[0].Shard, m.Files[0].Number).Object()
	}
	for name, c := range map[string]struct {
		object string
		change func([]byte) []byte
		says   string
	}{
		"a cut file":            {file(0), func(b []byte) []byte { return b[:len(b)/2] }, "cut"},
		"a changed file":        {file(1), func(b []byte) []byte { b[len(b)-1] ^= 1; return b }, "checksum"},
		"a missing file":        {file(1), func([]byte) []byte { return nil }, "not there"},
		"another file":          {file(0), func([]byte) []byte { b, _ := read(t.Context(), file(1)); return b }, "another name"},
		"a changed manifest":    {second, func(b []byte) []byte { b[20] ^= 1; return b }, "not the manifest that was signed"},
		"a replayed manifest":   {second, func([]byte) []byte { b, _ := read(t.Context(), first); return b }, "another name"},
		"a missing predecessor": {first, func([]byte) []byte { return nil }, "not there"},
	} {
		v := w.vault()
		shelf := v.Shelf(backup.Hot)
		v.Shelf = func(backup.Set) backupdb.Shelf {
			return backupdb.Shelf{List: shelf.List, Read: func(ctx context.Context, object string) ([]byte, error) {
				data, err := shelf.Read(ctx, object)
				if object == c.object && err == nil {
					if data = c.change(slices.Clone(data)); data == nil {
						return nil, fs.ErrNotExist
					}
				}
				return data, err
			}}
		}
		checked, err := v.Check(t.Context(), backupdb.CheckOptions{Set: backup.Hot, At: at[1]})
		w.must(err)
		if len(checked.Findings) != 1 || !strings.HasPrefix(checked.Findings[0], c.object) || !strings.Contains(checked.Findings[0], c.says) {
			t.Errorf("%s: %v", name, checked.Findings)
		}
	}
	if checked, err := w.vault().Check(t.Context(), backupdb.CheckOptions{Set: backup.Hot}); err != nil || len(checked.Findings) > 0 || checked.Opened != checked.Files {
		t.Errorf("unchanged: %+v, %v", checked, err)
	}
}

func TestWhatWasDeletedIsPutBackIntoALivingDatabase(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	w.seal(w.place)
	w.backUp()
	before := w.fields(w.place, "orders", id("ord_", 4))
	w.remove("orders", ids("ord_", 0, 10)...) // a bad deploy
	w.remove("clients", ids("cli_", 0, 2)...) // and a tenant that deletes its own
	_, err := w.documents.Commit(t.Context(), &firestorepb.CommitRequest{Database: "projects/" + w.cfg.Project + "/databases/(default)", Writes: []*firestorepb.Write{
		{Operation: &firestorepb.Write_Delete{Delete: "projects/" + w.cfg.Project + "/databases/(default)/documents/orders/" + id("ord_", 20)}}}})
	w.must(err) // without any trace
	w.do("orders", map[string]any{"status": "late"}, id("ord_", 30))
	r := w.restorer(w.place, w.vault())
	out, err := r.PutBack(t.Context(), by(""), backupdb.Choice{Tenant: tenant, Collections: []string{"orders", "clients"}})
	w.must(err)
	if out.PutBack != 13 || len(out.Disabled) != 2 {
		t.Errorf("put back %+v", out)
	}
	if diff := cmp.Diff(before, w.fields(w.place, "orders", id("ord_", 4))); diff != "" {
		t.Errorf("an order (-want +got):\n%s", diff)
	}
	if w.fields(w.place, "orders", id("ord_", 30))["status"] != "late" || w.fields(w.place, "clients", id("cli_", 1))["disabled"] != true {
		t.Error("what was there was written over, or a deleted client is good again")
	}
	again, err := r.PutBack(t.Context(), by(""), backupdb.Choice{})
	if err != nil || again.Documents != 0 {
		t.Errorf("again: %+v, %v", again, err)
	}
	if all := w.findings(w.place); len(all) > 0 {
		t.Errorf("the database contradicts its log:\n%s", strings.Join(all, "\n"))
	}
	w.seal(w.place)
	w.holds()
}
