package privacy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/localcloud/wire"
	"ryggrad.internal/hub/shared/privacy"
)

// fate is what happens to one call.
type fate struct {
	name          string
	before, after bool // not sent; done, and the answer lost
	dies          bool // the process goes with it
}

func fates() []fate {
	return []fate{
		{name: "fails", before: true},
		{name: "succeeds without telling", after: true},
		{name: "kills the process before", before: true, dies: true},
		{name: "kills the process after", after: true, dies: true},
	}
}

// TestAnyCallMayFail asks for an erasure and an export and disturbs one call: to the database, the keys or the bucket; the
// first, the second, and so on through the whole play. Both must come out as if nothing had been. The ways to disturb a
// call take turns; RYGGRAD_TEST_FAULTS=all tries each at every call.
func TestAnyCallMayFail(t *testing.T) {
	t.Parallel()
	all, turn := os.Getenv("RYGGRAD_TEST_FAULTS") == "all", rand.IntN(len(fates()))
	for i, f := range fates() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for n := 1; ; n++ {
				if !all && (n+turn)%len(fates()) != i {
					continue
				}
				if calls := play(t, f, n); calls < n {
					if calls < 30 {
						t.Errorf("a play makes %d calls: too few to prove anything", calls)
					}
					return
				}
			}
		})
	}
}

var errBroken = errors.New("wire: broken")

// trouble disturbs the n-th call.
type trouble struct {
	fate
	n     int64
	calls atomic.Int64
	kill  context.CancelFunc
}

func (d *trouble) strikes() bool {
	if d.calls.Add(1) != d.n {
		return false
	}
	if d.dies {
		d.kill()
	}
	return true
}

func (d *trouble) rule(method string, call int) wire.Fault {
	if method == "/google.firestore.v1.Firestore/RunQuery" && call%5 != 0 { // most look into sixteen shards
		return wire.Fault{}
	}
	// ABORTED is repeated by nobody on the way, so it reaches the code under test.
	broken := status.Error(codes.Aborted, "wire: broken")
	switch {
	case !d.strikes():
		return wire.Fault{}
	case d.before:
		return wire.Fault{Before: broken}
	default:
		return wire.Fault{After: broken}
	}
}

// RoundTrip is the way to the bucket.
func (d *trouble) RoundTrip(r *http.Request) (*http.Response, error) {
	strikes := d.strikes()
	if strikes && d.before {
		return nil, errBroken
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if strikes && d.after && err == nil {
		_ = answer.Body.Close()
		return nil, errBroken
	}
	return answer, err
}

// play returns how many calls could be disturbed.
func play(t *testing.T, f fate, n int) int {
	t.Helper()
	w := newWorld(t)
	orders := []string{w.place(tenantA, "A-1", customer()), w.place(tenantA, "A-2", customer())}
	message := w.keep(channel.KeptFailed, channel.Ref{}, guestPhone+" "+guestEmail)
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	d := &trouble{fate: f, n: int64(n), kill: kill}
	w.restart(d)
	w.Faults.Set(d.rule)
	jobs := map[string]string{"export": "", "erase": ""}
	for _, kind := range []string{"export", "erase"} {
		for try := 0; jobs[kind] == ""; try++ {
			a := w.ask(kind, theGuest())
			if a.status != http.StatusAccepted && a.status != http.StatusServiceUnavailable || try > 2 {
				t.Fatalf("call %d %s: %s is answered %d %s", n, f.name, kind, a.status, a.text)
			}
			jobs[kind] = a.Job
		}
		for minute := 0; minute < 15 && w.exists("subjectQueue/"+jobs[kind]); minute++ {
			if ctx.Err() != nil { // the process died: another one takes over
				w.restart(d)
				ctx = t.Context()
			}
			_ = w.tick(ctx) // Pub/Sub sends again what fails
			w.wait(privacy.Pause * 2)
		}
		if kind == "export" {
			w.Faults.Set(nil)
			w.exported(jobs[kind], f.name, n)
			w.Faults.Set(d.rule)
		}
	}
	made := int(d.calls.Load())
	w.Faults.Set(nil)
	w.restart(nil)
	w.complete(fmt.Sprintf("call %d %s", n, f.name), jobs["erase"], orders, message)
	return made
}

// exported checks that an export is whole, and takes it out.
func (w *world) exported(job, name string, n int) {
	w.t.Helper()
	e, a := w.takeOut(job)
	if a.status != http.StatusOK || e.manifest.SHA256 != e.sum || len(e.lines["orders"]) != 2 || len(e.lines["messages"]) != 1 {
		w.t.Fatalf("call %d %s: the export is answered %d with %+v; the log says\n%s", n, name, a.status, e.manifest, w.log.String())
	}
}

// complete checks that an erasure is done.
func (w *world) complete(name, job string, orders []string, message string) {
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
		w.t.Fatalf("%s; the log says\n%s", name, w.log.String())
	}
}
