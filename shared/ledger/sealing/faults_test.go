package sealing_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/localcloud/wire"
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

// TestAnyCallMayFail seals two batches and disturbs one call: to the database, the keys or the buckets; the first, the
// second, and so on through the whole play. The log must come out as if nothing had been. The ways to disturb a call
// take turns; RYGGRAD_TEST_FAULTS=all tries each at every call.
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

// play returns how many calls could be disturbed.
func play(t *testing.T, f fate, n int) int {
	t.Helper()
	w := newWorld(t)
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	var calls atomic.Int64
	mine := func() bool {
		if calls.Add(1) != int64(n) {
			return false
		}
		if f.dies {
			kill()
		}
		return true
	}
	broken := status.Error(codes.Aborted, "wire: broken")
	watch := func(on bool) {
		if !on {
			w.cloud.Faults.Set(nil)
			w.wires.set(nil)
			return
		}
		w.cloud.Faults.Set(func(method string, call int) wire.Fault {
			if strings.HasSuffix(method, "RunQuery") && call%5 != 0 || !mine() { // of sixteen alike, some
				return wire.Fault{}
			}
			if f.before {
				return wire.Fault{Before: broken}
			}
			return wire.Fault{After: broken}
		})
		w.wires.set(func(*http.Request) fault {
			if !mine() {
				return fault{}
			}
			return fault{before: f.before, after: f.after}
		})
	}
	for round := range 2 {
		w.create(fmt.Sprint("ep_", round), fmt.Sprint("ep_x", round))
		w.change("ep_0")
		watch(true)
		if _, err := w.seal.Run(ctx); err != nil || ctx.Err() != nil {
			watch(false)
			if f.dies {
				w.seal = w.sealer()
			}
			ctx = t.Context()
			w.run()
		}
		watch(false)
	}
	w.check(6)
	if found := w.log.findings(); len(found) > 0 {
		t.Errorf("call %d %s: found %v", n, f.name, found)
	}
	return int(calls.Load())
}
