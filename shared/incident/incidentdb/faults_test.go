package incidentdb_test

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/delivery/noticedb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/incident"
	"ryggrad.internal/hub/shared/incident/incidentdb"
	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

// world is a hub with a tenant, whose incidents are kept through calls that can be disturbed, and a clock that the test
// moves.
type world struct {
	t      *testing.T
	cloud  *cloudtest.Cloud
	hub    *hub.Hub
	store  *incidentdb.Store
	tenant string

	mu  sync.Mutex
	now time.Time
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, cloud: cloudtest.Start(t), now: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}
	cfg, err := gcp.Load[gcp.Config](w.cloud.Env())
	w.must(err)
	cfg.DialOptions = w.cloud.DialOptions()
	w.hub, err = hub.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	w.must(err)
	t.Cleanup(func() { w.must(w.hub.Close()) })
	w.store = incidentdb.New(incidentdb.Options{
		Ledger: w.hub.Ledger, Keys: w.hub.Keys, Tenants: w.hub.Identities(), Now: w.time, Random: w.hub.Random,
	})
	tenant, err := w.hub.Identities().CreateTenant(t.Context(), ledgerdb.Act{Actor: identity.Actor{Kind: identity.KindOperator, ID: "test"}}, "Group")
	w.must(err)
	w.tenant = tenant.ID
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// alert is a notification about the function orders.
func alert(id string, open bool, impact incident.Impact) incident.Notification {
	return incident.Notification{ID: id, Open: open, Function: "orders", Group: "orders", Impact: impact, Region: "europe-north1", Subject: "Orders are slow"}
}

// minute ends what is over and tells tenants, as the job of every minute does.
func (w *world) minute() error {
	_, err := w.store.Tell(w.t.Context())
	return errors.Join(w.store.Settle(w.t.Context()), err)
}

// trouble is a trouble from its first alert to its end, by the steps of Pub/Sub and of the job.
func (w *world) trouble() []func() error {
	hear := func(n incident.Notification) func() error {
		return func() error { return w.store.Hear(w.t.Context(), n) }
	}
	return []func() error{
		hear(alert("0.a", true, incident.Minor)), w.minute,
		hear(alert("0.b", true, incident.Critical)),
		hear(alert("0.b", false, incident.Critical)), hear(alert("0.a", false, incident.Minor)), w.minute,
		func() error { w.pass(incident.QuietFor); return nil },
		w.minute, w.minute,
	}
}

// whatHappened is what is left of troubles.
type whatHappened struct {
	Incidents, Open, Updates, Notices int
	Acts                              map[string]int
}

func (w *world) happened() whatHappened {
	w.t.Helper()
	all, err := w.store.Since(w.t.Context(), time.Time{}, 100)
	w.must(err)
	h := whatHappened{Incidents: len(all), Acts: map[string]int{}}
	for _, i := range all {
		h.Updates += len(i.Updates)
		if i.Open() {
			h.Open++
		}
	}
	told, err := noticedb.List(w.t.Context(), w.hub.Ledger, w.tenant, "", 100)
	w.must(err)
	h.Notices = len(told.Notices)
	entries, err := w.hub.Ledger.Entries(w.t.Context(), identity.Hub, ledgerdb.EntryFilter{Limit: 100})
	w.must(err)
	for _, stored := range entries.Entries {
		e, err := ledger.Parse(stored.Bytes)
		w.must(err)
		if strings.HasPrefix(e.Object, "incidents/") {
			h.Acts[e.Action]++
		}
	}
	return h
}

// one is what one trouble leaves.
func one() whatHappened {
	return whatHappened{Incidents: 1, Updates: 3, Notices: 3, Acts: map[string]int{"incident.open": 1, "incident.update": 1, "incident.resolve": 1}}
}

// TestAnyCallMayFailOnceAndNothingIsSaidTwice lets each call to the database fail, or its answer be lost, and repeats the
// step as Pub/Sub does. RYGGRAD_TEST_FAULTS=all disturbs every call and not every seventh.
func TestAnyCallMayFailOnceAndNothingIsSaidTwice(t *testing.T) {
	t.Parallel()
	every := 7
	if os.Getenv("RYGGRAD_TEST_FAULTS") == "all" {
		every = 1
	}
	broken := status.Error(codes.Internal, "wire: injected fault")
	for name, fault := range map[string]wire.Fault{
		"is not sent": {Before: broken}, "is done without an answer": {After: broken}, "is done and sent again": {After: wire.Unavailable()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n, fewer := 1, false; !fewer; n += every {
				w := newWorld(t)
				fewer = w.disturb(n, fault)
				if diff := cmp.Diff(one(), w.happened()); diff != "" {
					t.Errorf("call %d (-want +got):\n%s", n, diff)
				}
			}
		})
	}
}

// disturb goes through a trouble of which the n-th call fails, repeats what failed, and does every step once more. It
// reports whether there were fewer calls.
func (w *world) disturb(n int, fault wire.Fault) (fewer bool) {
	w.t.Helper()
	var calls atomic.Int64
	w.cloud.Faults.Set(func(string, int) wire.Fault {
		if calls.Add(1) == int64(n) {
			return fault
		}
		return wire.Fault{}
	})
	defer w.cloud.Faults.Set(nil)
	for _, step := range w.trouble() {
		var err error
		for range 3 {
			if err = step(); err == nil {
				break
			}
		}
		w.must(err)
	}
	return calls.Load() < int64(n)
}

// TestNotificationsMayComeTwiceAndInAnyOrder shuffles the notifications of a flapping trouble, each twice.
func TestNotificationsMayComeTwiceAndInAnyOrder(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("order ", seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			var all []incident.Notification
			for i := range 6 {
				for range 2 {
					all = append(all, alert(fmt.Sprint("0.", i), true, incident.Major), alert(fmt.Sprint("0.", i), false, incident.Major))
				}
			}
			order := rand.New(rand.NewPCG(seed, 1))
			order.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for _, n := range all {
				w.must(w.store.Hear(t.Context(), n))
				w.pass(20 * time.Second)
				w.must(w.minute())
			}
			w.pass(incident.QuietFor)
			w.must(w.minute())
			w.must(w.minute())
			if h := w.happened(); h.Incidents > 1 || h.Open > 0 || h.Notices != 2*h.Incidents {
				t.Errorf("it became %+v", h)
			}
		})
	}
}

func TestAlertsAtOnceMakeOneIncident(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			for range 5 { // Pub/Sub sends again what was not taken
				if w.store.Hear(t.Context(), alert(fmt.Sprint("0.", i), true, incident.Major)) == nil {
					return
				}
			}
			t.Errorf("alert %d is never taken", i)
		})
	}
	all.Wait()
	w.must(w.minute())
	if h := w.happened(); h.Incidents != 1 || h.Open != 1 || h.Notices != 1 {
		t.Errorf("they became %+v", h)
	}
}

// TestAnIncidentThatIsGoneStopsNoSignal takes an incident away, as a restore of another moment does.
func TestAnIncidentThatIsGoneStopsNoSignal(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]struct {
		hear func(w *world) error
		open int
	}{
		"another alert opens another": {func(w *world) error { return w.store.Hear(t.Context(), alert("0.b", true, incident.Major)) }, 1},
		"its end ends nothing":        {func(w *world) error { return w.store.Hear(t.Context(), alert("0.a", false, incident.Major)) }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.must(w.store.Hear(t.Context(), alert("0.a", true, incident.Major)))
			gone, err := w.store.Since(t.Context(), time.Time{}, 1)
			w.must(err)
			w.must(w.hub.Ledger.Bookkeep(t.Context(), identity.Hub, ledgerdb.Drop(ledgerdb.Ref{Collection: "incidents", ID: gone[0].ID})))
			w.must(next.hear(w))
			w.pass(incident.QuietFor)
			w.must(w.minute())
			if h := w.happened(); h.Open != next.open {
				t.Errorf("it became %+v", h)
			}
			w.must(w.store.Hear(t.Context(), alert("0.c", true, incident.Major)))
			if h := w.happened(); h.Open != 1 {
				t.Errorf("the next trouble became %+v", h)
			}
		})
	}
}

// TestAnAlertWhosePolicyWasRenamedIsNotRefusedForEver hears one alert as of two functions.
func TestAnAlertWhosePolicyWasRenamedIsNotRefusedForEver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	renamed := alert("0.a", true, incident.Major)
	renamed.Function, renamed.Group = "dispatch", "dispatch"
	w.must(w.store.Hear(t.Context(), alert("0.a", true, incident.Major)))
	w.must(w.store.Hear(t.Context(), renamed))
	if h := w.happened(); h.Open != 2 {
		t.Errorf("they became %+v", h)
	}
}
