package delivery

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
	"ryggrad.internal/hub/shared/localcloud/wire"
	"ryggrad.internal/hub/shared/order"
)

// fate is what happens to one call.
type fate struct {
	name  string
	fault wire.Fault
	dies  bool // the process goes with it
}

func fates() []fate {
	// ABORTED is repeated by nobody on the way, so it reaches the code under test.
	broken := status.Error(codes.Aborted, "wire: broken")
	return []fate{
		{name: "fails", fault: wire.Fault{Before: broken}},
		{name: "succeeds without telling", fault: wire.Fault{After: broken}},
		{name: "is repeated after it succeeded", fault: wire.Fault{After: wire.Unavailable()}},
		{name: "kills the process before", fault: wire.Fault{Before: broken}, dies: true},
		{name: "kills the process after", fault: wire.Fault{After: broken}, dies: true},
	}
}

// TestAnyCallMayFail plays an order of three events to two endpoints, one of which fails at times, and disturbs one call
// to the database: the first, the second, and so on through the whole play. Every event must arrive at both, and for the
// first time in its order. The five ways to disturb a call take turns; RYGGRAD_TEST_FAULTS=all tries each at every call,
// which takes minutes, and under the race detector only every second one is disturbed, from the first or the second on.
func TestAnyCallMayFail(t *testing.T) {
	t.Parallel()
	all, turn := os.Getenv("RYGGRAD_TEST_FAULTS") == "all", rand.IntN(len(fates()))
	step := 1
	switch {
	case all:
	case os.Getenv("RYGGRAD_TEST_EMULATORS") == "google":
		step = 10 // calls are disturbed on the client's side, so a sample is enough where each play takes seconds
	case cloudtest.Raced:
		step = 2
	}
	begin := 1 + rand.IntN(step)
	for i, f := range fates() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for n := begin; ; n += step {
				if !all && (n/step+turn)%len(fates()) != i {
					continue
				}
				if calls := play(t, f, n); calls < n {
					if calls < 20 {
						t.Errorf("a play makes %d calls: too few to prove anything", calls)
					}
					return
				}
			}
		})
	}
}

// play returns how many calls could be disturbed.
func play(t *testing.T, f fate, n int) int {
	t.Helper()
	w := newWorld(t)
	steady, shaky := newReceiver(t), newReceiver(t, 500, 200, 200, 503, 200)
	endpoints := []delivery.Endpoint{w.endpoint(steady, delivery.Full), w.endpoint(shaky, delivery.Thin)}
	id, first := w.place("A-1")
	events := []string{first, w.advance(id, order.Accepted), w.advance(id, order.Ready)}

	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	var calls atomic.Int64
	w.cloud.Faults.Set(func(method string, call int) wire.Fault {
		if !counts(method, call) || calls.Add(1) != int64(n) {
			return wire.Fault{}
		}
		if f.dies {
			kill()
		}
		return f.fault
	})
	for _, e := range []string{events[0], events[2], events[1]} {
		w.announce(ctx, e)
	}
	for minute := 0; minute < 8 && !w.settled(2*len(events)); minute++ {
		if ctx.Err() != nil { // the process died: another one takes over
			w.restart()
			ctx = t.Context()
		}
		w.tick(ctx)
	}
	made := int(calls.Load())
	w.cloud.Faults.Set(nil)
	w.check(fmt.Sprintf("call %d %s", n, f.name), endpoints, events, []*receiver{steady, shaky})
	return made
}

// counts tells which calls take part: every commit and every reading of documents, and of the queries, most of which are
// the jobs' own over sixteen shards, a sample.
func counts(method string, call int) bool {
	switch strings.TrimPrefix(method, "/google.firestore.v1.Firestore/") {
	case "Commit", "BatchGetDocuments":
		return true
	case "RunQuery":
		return call < 12 || call%11 == 0
	default:
		return false
	}
}

// settled tells whether nothing is left to do.
func (w *world) settled(deliveries int) bool {
	w.t.Helper()
	stored := w.stored("deliveries")
	for _, d := range stored {
		if d["state"] == "pending" {
			return false
		}
	}
	return len(stored) == deliveries
}

// check looks at the end of a play.
func (w *world) check(what string, endpoints []delivery.Endpoint, events []string, receivers []*receiver) {
	w.t.Helper()
	for _, e := range events {
		if _, pending := w.stored("events")[e]["pending"]; pending {
			w.t.Errorf("%s: an event was never dispatched", what)
			continue
		}
		for _, to := range endpoints {
			if d := w.delivery(e, to); d.State != delivery.Delivered {
				w.t.Errorf("%s: %s is %s, due at %s", what, d.ID, d.State, d.NextAt)
			}
		}
	}
	for _, r := range receivers {
		var newest int64
		for _, sequence := range r.sequences() {
			if sequence > newest+1 {
				w.t.Errorf("%s: out of order: %v", what, r.sequences())
			}
			newest = max(newest, sequence)
		}
		if newest != int64(len(events)) {
			w.t.Errorf("%s: only %v arrived", what, r.sequences())
		}
	}
}
