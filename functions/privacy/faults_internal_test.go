package privacy

import (
	"net/http"
	"testing"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
	"ryggrad.internal/hub/shared/privacy"
)

// TestAnyCallMayFail asks for an erasure and an export and disturbs one call: to the database, the keys or the bucket. Both
// must come out as if nothing had been.
func TestAnyCallMayFail(t *testing.T) {
	t.Parallel()
	alike := func(method string, call int) bool { // most look into sixteen shards
		return method == "/google.firestore.v1.Firestore/RunQuery" && call%5 != 0
	}
	cloudtest.AnyCallMayFail(t, cloudtest.Stage{Fewest: 30, Pass: alike}, play)
}

func play(t *testing.T, d *cloudtest.Trouble) {
	t.Helper()
	w := newWorld(t)
	orders := []string{w.place(tenantA, "A-1", customer()), w.place(tenantA, "A-2", customer())}
	message := w.keep(channel.KeptFailed, channel.Ref{}, guestPhone+" "+guestEmail)
	w.restart(d)
	w.Faults.Set(d.Rule)
	jobs := map[string]string{"export": "", "erase": ""}
	for _, kind := range []string{"export", "erase"} {
		d.Watch(true)
		for try := 0; jobs[kind] == ""; try++ {
			a := w.ask(kind, theGuest())
			if a.status != http.StatusAccepted && a.status != http.StatusServiceUnavailable || try > 2 {
				t.Fatalf("%s is answered %d %s", kind, a.status, a.text)
			}
			jobs[kind] = a.Job
		}
		for minute := 0; minute < 15 && w.exists("subjectQueue/"+jobs[kind]); minute++ {
			if d.Died(t.Context()) { // another process takes over
				w.restart(d)
			}
			_ = w.tick(d.Life()) // Pub/Sub sends again what fails
			w.wait(privacy.Pause * 2)
		}
		d.Watch(false)
		if kind == "export" {
			w.exported(jobs[kind])
		}
	}
	w.restart(nil)
	w.complete(jobs["erase"], orders, message)
}

// exported checks that an export is whole, and takes it out.
func (w *world) exported(job string) {
	w.t.Helper()
	e, a := w.takeOut(job)
	if a.status != http.StatusOK || e.manifest.SHA256 != e.sum || len(e.lines["orders"]) != 2 || len(e.lines["messages"]) != 1 {
		w.t.Fatalf("the export is answered %d with %+v; the log says\n%s", a.status, e.manifest, w.log.String())
	}
}

// complete checks that an erasure is done.
func (w *world) complete(job string, orders []string, message string) {
	w.t.Helper()
	if w.t.Failed() {
		w.t.FailNow()
	}
	w.erased(job, orders, []string{message})
	for _, id := range orders {
		if n := w.entries("guest.forget", "orders/"+id); n != 1 {
			w.t.Errorf("order %s was forgotten %d times", id, n)
		}
	}
	if w.t.Failed() {
		w.t.Fatalf("the log says\n%s", w.log.String())
	}
}
