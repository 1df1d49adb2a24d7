package cloudtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
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

// Stage says how a play is done.
type Stage struct {
	Fewest int                                // calls that a play makes; one that makes fewer proves nothing
	Stride int                                // only one of so many calls is disturbed; 0 and 1: every one
	Pass   func(method string, call int) bool // RPCs that are let pass, such as most of many alike; nil: none
}

// AnyCallMayFail has a play done again and again, each time with another call of it disturbed: the first, the second, and
// so on, until a play makes no such call. A play that comes out as if nothing had been has passed. The ways to disturb a
// call take turns; RYGGRAD_TEST_FAULTS=all tries each at every call. Under the race detector only every second one is
// disturbed and on Google's emulators every fourth, from another one on each time.
func AnyCallMayFail(t *testing.T, s Stage, play func(t *testing.T, d *Trouble)) {
	t.Helper()
	all := os.Getenv("RYGGRAD_TEST_FAULTS") == "all"
	stride := max(s.Stride, 1)
	switch {
	case all:
		stride = 1
	case google(): // calls are disturbed before they get there, so a sample is enough where each play takes seconds
		stride *= 4
	case Raced:
		stride *= 2
	}
	first, turn := 1+rand.IntN(stride), rand.IntN(len(fates())) //nolint:gosec // what is tried is no secret
	for i, f := range fates() {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for n, made := first, math.MaxInt; made >= n; n += stride {
				if !all && ((n-first)/stride+turn)%len(fates()) != i {
					continue
				}
				t.Run(fmt.Sprint("call ", n), func(t *testing.T) { made = newTrouble(t, s, f, n).play(t, play) })
			}
		})
	}
}

// Trouble disturbs one call of a play, to whatever service. It is safe for concurrent use.
type Trouble struct {
	stage Stage
	fate  fate
	n     int64
	calls atomic.Int64
	on    atomic.Bool
	dead  atomic.Bool
	life  context.Context //nolint:containedctx // of the process that may die
	end   context.CancelFunc
}

func newTrouble(t *testing.T, s Stage, f fate, n int) *Trouble {
	t.Helper()
	d := &Trouble{stage: s, fate: f, n: int64(n)}
	d.life, d.end = context.WithCancel(t.Context())
	return d
}

// play returns how many calls could be disturbed.
func (d *Trouble) play(t *testing.T, play func(t *testing.T, d *Trouble)) int {
	t.Helper()
	play(t, d)
	d.end()
	made := int(d.calls.Load())
	if made < int(d.n) && made < d.stage.Fewest { // none of its calls was disturbed
		t.Fatalf("a play makes %d calls: too few to prove anything", made)
	}
	return made
}

// Watch begins to count and to disturb, or stops it.
func (d *Trouble) Watch(on bool) { d.on.Store(on) }

// Life returns the context of the process. It ends when the process dies.
func (d *Trouble) Life() context.Context { return d.life }

// Died tells whether the process has died since the last time that was asked, and has another one live then, of which
// [Trouble.Life] is the context.
func (d *Trouble) Died(ctx context.Context) bool {
	if !d.dead.CompareAndSwap(true, false) {
		return false
	}
	d.life, d.end = context.WithCancel(ctx)
	return true
}

// errBroken is what a disturbed call returns. ABORTED is repeated by nobody on the way, so it reaches the code under test.
func errBroken() error { return status.Error(codes.Aborted, "wire: broken") }

// Strikes counts a call and tells whether it is the one: it is not sent then, or its answer is lost.
func (d *Trouble) Strikes() (before, after bool) {
	if !d.on.Load() || d.calls.Add(1) != d.n {
		return false, false
	}
	if d.fate.dies {
		d.dead.Store(true)
		d.end()
	}
	return d.fate.before, d.fate.after
}

// Rule disturbs RPCs.
func (d *Trouble) Rule(method string, call int) wire.Fault {
	if d.stage.Pass != nil && d.stage.Pass(method, call) {
		return wire.Fault{}
	}
	switch before, after := d.Strikes(); {
	case before:
		return wire.Fault{Before: errBroken()}
	case after:
		return wire.Fault{After: errBroken()}
	default:
		return wire.Fault{}
	}
}

// RoundTrip disturbs requests, such as those to buckets.
func (d *Trouble) RoundTrip(r *http.Request) (*http.Response, error) {
	before, after := d.Strikes()
	if before {
		return nil, errBroken()
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if after && err == nil {
		return nil, errors.Join(errBroken(), answer.Body.Close())
	}
	return answer, err
}
