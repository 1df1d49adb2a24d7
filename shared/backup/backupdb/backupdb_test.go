package backupdb_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/backupdb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// fill makes some of everything.
func (w *world) fill() {
	w.Helper()
	w.do("orders", map[string]any{"status": "received", "n": int64(1), "share": 0.25, "none": nil, "tags": []any{"a", int64(2)}}, ids("ord_", 0, 40)...)
	w.keep("orderKeys", map[string]any{"wrapped": []byte{1, 2, 3}, "expireAt": w.clock().Add(1000 * time.Hour)}, ids("ord_", 0, 40)...)
	w.keep("tenantKeys", map[string]any{"wrapped": []byte{4}}, tenant+"_2026-03")
	w.do("clients", map[string]any{"name": "Till", "disabled": false}, ids("cli_", 0, 5)...)
	w.do("locations", map[string]any{"name": "Söder"}, ids("loc_", 0, 5)...)
}

func TestABackupComesBackDocumentByDocument(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var hot []map[string]string
	backUp := func() {
		hot = append(hot, w.state(w.place, time.Time{}, backup.Hot))
		w.backUp()
	}
	w.fill()
	w.pass(backup.Overlap + time.Minute) // what was filled in is not in the next run too
	backUp()
	w.do("orders", map[string]any{"status": "accepted", "n": int64(2)}, ids("ord_", 5, 15)...)
	w.do("orders", map[string]any{"status": "received"}, ids("ord_", 40, 50)...)
	w.remove("orders", ids("ord_", 10, 20)...)
	w.must(w.ledger.Bookkeep(t.Context(), tenant, ledgerdb.Drop(ledgerdb.Ref{Collection: "orderKeys", ID: id("ord_", 3)})))
	w.pass(time.Hour)
	backUp()
	w.do("orders", map[string]any{"status": "received"}, ids("ord_", 10, 12)...) // again, after they were deleted
	w.remove("orders", ids("ord_", 40, 45)...)
	w.pass(time.Hour)
	backUp()
	at := w.moments(backup.Hot)
	if len(at) != 3 || len(w.moments(backup.Keys)) != 3 || len(w.moments(backup.Config)) != 1 {
		t.Fatalf("backups of hot at %v, of keys at %v, of config at %v", at, w.moments(backup.Keys), w.moments(backup.Config))
	}
	chain, err := w.vault().Chain(t.Context(), backup.Hot, at[2])
	w.must(err)
	if len(chain) != 3 || !chain[0].Full() || chain[1].Documents() >= chain[0].Documents() {
		t.Errorf("a chain of %d, of %d and %d documents", len(chain), chain[0].Documents(), chain[1].Documents())
	}
	for i, moment := range at {
		to := w.open("scratch" + string(rune('0'+i)))
		r := w.restorer(to, w.vault())
		r.RememberAtOnce([]int64{1000, 60, 25}[i]) // in one, by some shards at a time, and by parts of a shard
		out, err := r.Run(t.Context(), by(""), backupdb.Choice{At: moment})
		w.must(err)
		want, got := hot[i], w.state(to, time.Time{}, backup.Hot)
		for name := range got { // the entry of the restore itself
			if _, there := want[name]; !there && name[:6] == "audit/" {
				delete(got, name)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("hot at %s (-want +got):\n%.2000s", moment, diff)
		}
		if diff := cmp.Diff(w.state(w.place, time.Time{}, backup.Keys), w.state(to, time.Time{}, backup.Keys)); diff != "" {
			t.Errorf("keys (-want +got):\n%.2000s", diff)
		}
		if out.Documents == 0 || len(want) == 0 {
			t.Errorf("restored %+v", out)
		}
	}
}
