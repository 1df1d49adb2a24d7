package ledgerdb_test

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

const commit = "/google.firestore.v1.Firestore/Commit"

// gate is a store under refusals, with a clock that the test moves and calls that are counted and disturbed.
type gate struct {
	*world
	cloud *cloudtest.Cloud
	mu    sync.Mutex
	now   time.Time
}

func newGate(t *testing.T) *gate {
	t.Helper()
	g := &gate{world: &world{t: t, log: &bytes.Buffer{}}, cloud: cloudtest.Start(t), now: time.Date(2026, 3, 1, 12, 0, 5, 0, time.UTC)}
	g.db = g.cloud.Firestore(t)
	var err error
	g.store, err = ledgerdb.New(ledgerdb.Options{
		Firestore: g.cloud.Firestore(t, g.cloud.DialOptions()...), Commits: g.cloud.Commits(t, g.cloud.DialOptions()...), Random: rand.Reader, Log: slog.New(slog.NewJSONHandler(g.log, nil)),
		Now: func() time.Time { g.mu.Lock(); defer g.mu.Unlock(); return g.now }, Patience: cloudtest.Patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	// The first commit of all may take longer than a refusal waits, on Google's emulator.
	if _, err := g.db.Collection("audit").Doc("none").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *gate) advance(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now = g.now.Add(d)
}

func (g *gate) commits() int { return g.cloud.Calls.Count(commit) }

// refused reads the refusals in the log.
func (g *gate) refused() []ledger.Entry {
	g.t.Helper()
	docs, err := g.db.Collection("audit").Documents(g.t.Context()).GetAll()
	if err != nil {
		g.t.Fatal(err)
	}
	var all []ledger.Entry
	for _, d := range docs {
		e, err := ledger.Parse(d.Data()["bytes"].([]byte))
		if err != nil {
			g.t.Fatal(err)
		}
		if d.Data()["tenant"] != e.Tenant || e.Outcome != ledger.Refused {
			g.t.Errorf("a refusal is stored as %v", d.Data())
		}
		all = append(all, e)
	}
	return all
}

// total is how many refusals the entries stand for.
func (g *gate) total() int64 {
	var n int64
	for _, e := range g.refused() {
		n += max(1, e.Count)
	}
	return n
}

func attempt(source string) ledgerdb.Refusal {
	return ledgerdb.Refusal{Action: "place-order", Reason: "the credential does not hold", Source: source, RequestID: "req_1"}
}

func TestARefusalOfSomebodyUnknownIsTheHubsOwn(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	g.store.Refuse(t.Context(), attempt("192.0.2.0/24"))
	known := attempt("key_1")
	known.Tenant, known.Actor = "ten_1", identity.Actor{Kind: identity.KindClient, ID: "cli_1"}
	g.store.Refuse(t.Context(), known)
	said := map[string]bool{}
	for _, e := range g.refused() {
		said[fmt.Sprint(e.Tenant, " ", e.Actor, " ", e.Object, " ", e.Action, " ", e.Count)] = true
	}
	if !said["hub unknown:nobody sources/192.0.2.0/24 place-order 0"] || !said["ten_1 client:cli_1 sources/key_1 place-order 0"] || len(said) != 2 {
		t.Errorf("the log says %v", said)
	}
}

func TestAFloodOfRefusalsCostsTwoCommits(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	var flood sync.WaitGroup
	for range 10 {
		flood.Go(func() {
			for range 1000 {
				g.store.Refuse(t.Context(), attempt("192.0.2.0/24"))
			}
		})
	}
	flood.Wait()
	if n := g.commits(); n != 1 {
		t.Errorf("10,000 refusals within a minute made %d commits", n)
	}
	g.advance(time.Minute)
	g.store.Refuse(t.Context(), attempt("192.0.2.0/24"))
	if n, total := g.commits(), g.total(); n != 2 || total != 10_001 {
		t.Errorf("%d commits tell of %d refusals", n, total)
	}
}

func TestWhatIsOnlyCountedIsWrittenAtTheEnd(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	for range 5 {
		g.store.Refuse(t.Context(), attempt("192.0.2.0/24"))
	}
	g.store.Close(t.Context())
	g.store.Close(t.Context())
	if n, total := g.commits(), g.total(); n != 2 || total != 5 {
		t.Errorf("%d commits tell of %d refusals", n, total)
	}
}

func TestManySourcesCostNoMoreThanSome(t *testing.T) {
	t.Parallel()
	if os.Getenv("RYGGRAD_TEST_EMULATORS") == "google" {
		t.Skip("SKIPPED: a commit that takes the emulator longer than a refusal waits is made and counted again")
	}
	g := newGate(t)
	const many = 3000
	for i := range many {
		r := attempt((&net.IPNet{IP: net.IPv4(10, byte(i/256), byte(i), 0), Mask: net.CIDRMask(24, 32)}).String())
		r.Reason = fmt.Sprint("reason ", i%700)
		g.store.Refuse(t.Context(), r)
	}
	if n := g.commits(); n > 600 {
		t.Errorf("%d sources made %d commits", many, n)
	}
	g.store.Close(t.Context())
	if total := g.total(); total != many {
		t.Errorf("%d refusals became %d", many, total)
	}
}

func TestRefusalsOutliveAnOutage(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	g.cloud.Faults.Set(wire.Always(commit, wire.Fault{Before: status.Error(codes.Aborted, "wire: broken")}))
	for range 50 {
		g.store.Refuse(t.Context(), attempt("192.0.2.0/24"))
	}
	if n := g.commits(); n != 1 {
		t.Errorf("a database that is down was asked %d times", n)
	}
	g.cloud.Faults.Set(nil)
	g.advance(time.Minute)
	g.store.Refuse(t.Context(), attempt("192.0.2.0/24"))
	if total := g.total(); total != 51 {
		t.Errorf("51 refusals became %d", total)
	}
}

func TestACommitThatSucceedsWithoutTellingIsNotWrittenTwice(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	g.cloud.Faults.Set(wire.Nth(commit, 1, wire.Fault{After: wire.Unavailable()}))
	g.store.Refuse(t.Context(), attempt("192.0.2.0/24"))
	g.store.Close(t.Context())
	if total := g.total(); total != 1 {
		t.Errorf("one refusal became %d", total)
	}
}

func TestRefusalsHoldNoAddress(t *testing.T) {
	t.Parallel()
	g := newGate(t)
	g.store.Refuse(t.Context(), attempt(""))
	for _, e := range g.refused() {
		if !strings.HasPrefix(e.Object, "sources/unknown") {
			t.Errorf("an unknown source is %s", e.Object)
		}
	}
}
