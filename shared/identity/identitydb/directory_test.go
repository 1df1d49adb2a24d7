package identitydb_test

import (
	"context"
	"crypto/rand"
	"sync"
	"testing"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

func TestWhatIsKnownIsNotReadAgainForAMinute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	h := i.build(t)
	find := func() int {
		i.calls.Reset()
		if _, err := i.directory.Location(t.Context(), h.tenant.ID, h.location.ID); err != nil {
			t.Fatal(err)
		}
		return i.rpcs()
	}
	if n := find(); n != 1 {
		t.Errorf("cold: %d calls", n)
	}
	w.clock.advance(identitydb.Usual - 1)
	if n := find(); n != 0 {
		t.Errorf("warm: %d calls", n)
	}
	w.clock.advance(1)
	if n := find(); n != 1 {
		t.Errorf("a minute later: %d calls", n)
	}
}

func TestTheUnknownIsReadThroughEveryFewSeconds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	h := i.build(t)
	id, err := identity.NewID(identity.LocationPrefix, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i.calls.Reset()
	for range 20 {
		if _, err := i.directory.Location(t.Context(), h.tenant.ID, id); !fault.Is(err, fault.NotFound) {
			t.Fatal(err)
		}
	}
	if n := i.rpcs(); n != 1 {
		t.Errorf("20 questions took %d calls, want 1", n)
	}
	l := cornerLocation()
	l.ID = id
	act := by(h.tenant.ID)
	act.Action = "location.create"
	if _, err := i.ledger.Commit(t.Context(), act, []ledgerdb.Change{ledgerdb.Create(ref("locations", id), l.Document())}); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(identitydb.Recent)
	if _, err := i.directory.Location(t.Context(), h.tenant.ID, id); err != nil {
		t.Errorf("five seconds after it was made: %v", err)
	}
}

func TestNonsenseCostsNoRead(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	for _, id := range []string{"", "x", "loc_", "../tenants", "loc_AAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		_, tenant := i.directory.Tenant(t.Context(), id)
		_, location := i.directory.Location(t.Context(), "ten_a", id)
		_, link := i.directory.Link(t.Context(), id)
		for _, err := range []error{tenant, location, link} {
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("%q: %v", id, err)
			}
		}
	}
	if n := i.rpcs(); n != 0 {
		t.Errorf("%d calls", n)
	}
}

func TestManyAtOnceShareOneRead(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	h := i.build(t)
	gate := wire.NewGate()
	i.faults.Set(wire.Nth(rpcGet, 1, wire.Fault{Hold: gate}))
	i.calls.Reset()
	impatient, leave := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := i.directory.Location(impatient, h.tenant.ID, h.location.ID); !fault.Is(err, fault.Unavailable) {
			t.Errorf("who left: %v", err)
		}
	})
	<-gate.Reached()
	leave()
	for range 30 {
		wg.Go(func() {
			if _, err := i.directory.Location(t.Context(), h.tenant.ID, h.location.ID); err != nil {
				t.Errorf("who stayed: %v", err)
			}
		})
	}
	gate.Open()
	wg.Wait()
	if n := i.rpcs(); n != 1 {
		t.Errorf("%d calls, want 1: the read must outlive who began it", n)
	}
}

func TestAFailureIsNotRemembered(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	h := i.build(t)
	i.faults.Set(wire.Nth(rpcGet, 1, wire.Fault{Before: context.DeadlineExceeded}))
	if _, err := i.directory.Tenant(t.Context(), h.tenant.ID); !fault.Is(err, fault.Unavailable) {
		t.Errorf("while it fails: %v", err)
	}
	if _, err := i.directory.Tenant(t.Context(), h.tenant.ID); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
