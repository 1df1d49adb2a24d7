package peopledb_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/peopledb"
)

func (w *world) refresh(l peopledb.Login) (peopledb.Login, error) {
	return w.people.Refresh(w.t.Context(), l.Token.Reveal(), "req_test")
}

func TestARefreshIsOneReadAndOneCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, l := w.join("anna@example.com", identity.Viewer)
	w.calls.Reset()
	after, err := w.refresh(l)
	w.must(err)
	if diff := cmp.Diff(map[string]int{rpcGet: 1, rpcCommit: 1}, w.calls.Snapshot()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	w.holds(after)
	w.holds(l) // for a moment
	w.clock.advance(identity.RefreshGrace)
	w.ended(l)
}

func TestAStolenTokenEndsTheSessionForBoth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, stolen := w.join("anna@example.com", identity.Viewer)
	owners, err := w.refresh(stolen)
	w.must(err)
	w.clock.advance(identity.RefreshGrace)
	_, err = w.refresh(stolen)
	refusedAs(t, err, fault.Unauthenticated, "the thief")
	w.ended(owners)
	_, err = w.refresh(owners)
	refusedAs(t, err, fault.Unauthenticated, "the owner, afterwards")
	if w.notices()["session_token_reused"] != 1 || w.actions()["session.end_stolen"] != 1 || w.actions()["session.refresh"] != 1 {
		t.Errorf("told %v, entries %v", w.notices(), w.actions())
	}
}

func TestTabsThatRefreshAtOnceGetTheSameToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, l := w.join("anna@example.com", identity.Viewer)
	var mu sync.Mutex
	tokens := map[string]bool{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			got, err := w.refresh(l)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
				return
			}
			tokens[got.Token.Reveal()] = true
		})
	}
	all.Wait()
	if len(tokens) != 1 {
		t.Errorf("%d tokens", len(tokens))
	}
}

func TestPeopleSeeAndEndTheirSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, first := w.join("anna@example.com", identity.Viewer)
	second := w.logIn(m)
	stranger, _ := w.join("bo@example.com", identity.Viewer)
	ids := func() (out []string) {
		all, err := w.people.Sessions(t.Context(), w.tenant, m.id)
		w.must(err)
		for _, s := range all {
			out = append(out, s.ID)
		}
		return out
	}
	if got := ids(); len(got) < 2 || got[len(got)-1] != second.Session.ID {
		t.Errorf("sessions %v", got)
	}
	err := w.people.EndSession(t.Context(), w.act(second), stranger.id, first.Session.ID)
	refusedAs(t, err, fault.NotFound, "another's session")
	w.must(w.people.EndSession(t.Context(), w.act(second), m.id, first.Session.ID))
	w.ended(first)
	w.holds(second)
	w.clock.advance(identity.SessionIdle)
	w.ended(second)
	if got := ids(); len(got) != 0 {
		t.Errorf("sessions that ended by silence are listed: %v", got)
	}
	_, err = w.refresh(second)
	refusedAs(t, err, fault.Unauthenticated, "after its end")
}

func TestAHalfLoginDoesNotLast(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Owner)
	l := w.half(m)
	w.clock.advance(identity.PendingLife)
	w.ended(l)
	full := w.logIn(m)
	for range 26 { // in steps of 28 minutes
		w.clock.advance(28 * time.Minute)
		if full.Session.ExpiresAt.After(w.clock.Now()) {
			w.holds(full)
		}
	}
	w.ended(full)
}
