package identitydb_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// session stores a login of a viewer and returns its token.
func (i *instance) session(t *testing.T, h house, change func(*identity.Session)) (identity.Session, identity.Secret) {
	t.Helper()
	id, err := identity.NewID(identity.SessionPrefix, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	token, err := identity.NewSessionToken(id, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	now := i.clock.Now()
	s := identity.Session{
		ID: id, Tenant: h.tenant.ID, User: "usr_aaaaaaaaaaaaaaaaaaaaaaaaaa", Role: identity.Viewer, Token: token.Hash(),
		CreatedAt: now, SeenAt: now, ProvedAt: now, ExpiresAt: now.Add(identity.SessionLife),
	}
	change(&s)
	at := ledgerdb.Ref{Collection: "sessions", ID: id}
	if err := i.ledger.Bookkeep(t.Context(), s.Tenant, ledgerdb.Add(at, s.Document())); err != nil {
		t.Fatal(err)
	}
	return s, token
}

func TestASessionIsItsPerson(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	h := i.build(t)
	s, token := i.session(t, h, func(*identity.Session) {})
	want := identity.Caller{
		Tenant: h.tenant.ID, Actor: identity.Actor{Kind: identity.KindUser, ID: s.User}, Role: identity.Viewer, Scopes: identity.Viewer.Permissions(),
		Locations: identity.Locations{identity.EveryLocation}, Credential: s.ID, SteppedUp: true,
	}
	got, err := i.present(t, token.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
	i.calls.Reset()
	if _, err := i.present(t, token.Reveal()); err != nil || i.rpcs() != 2 || i.calls.Count(rpcGet) != 2 {
		t.Errorf("again: %v, after the calls %v, want a get for the session and one for the tenant", err, i.calls.Snapshot())
	}
}

func TestSessionsThatDoNotHoldAreRefused(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	h := i.build(t)
	now := i.clock.Now()
	for name, change := range map[string]func(*identity.Session){
		"expired":       func(s *identity.Session) { s.ExpiresAt = now },
		"silent":        func(s *identity.Session) { s.SeenAt = now.Add(-identity.SessionIdle) },
		"another token": func(s *identity.Session) { s.Token = identity.Hash{1} },
		"a spent token": func(s *identity.Session) { s.Spent, s.Token = []identity.Hash{s.Token}, identity.Hash{1} },
		"an old parent": func(s *identity.Session) {
			s.Parent, s.Token, s.RotatedAt = s.Token, identity.Hash{1}, now.Add(-identity.RefreshGrace)
		},
	} {
		_, token := i.session(t, h, change)
		if _, err := i.present(t, token.Reveal()); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, racing := i.session(t, h, func(s *identity.Session) { s.Parent, s.Token, s.RotatedAt = s.Token, identity.Hash{1}, now })
	if _, err := i.present(t, racing.Reveal()); err != nil {
		t.Errorf("a token that was replaced this second: %v", err)
	}
	unknown, err := identity.NewSessionToken("ses_aaaaaaaaaaaaaaaaaaaaaaaaaa", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.present(t, unknown.Reveal()); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("unknown: %v", err)
	}
}

func TestAnEndedSessionIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here, there := w.instance(t), w.instance(t)
	h := here.build(t)
	s, token := here.session(t, h, func(*identity.Session) {})
	if _, err := there.present(t, token.Reveal()); err != nil {
		t.Fatal(err)
	}
	if err := here.ledger.Bookkeep(t.Context(), s.Tenant, ledgerdb.Drop(ledgerdb.Ref{Collection: "sessions", ID: s.ID})); err != nil {
		t.Fatal(err)
	}
	if _, err := there.present(t, token.Reveal()); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("after its end: %v", err)
	}
}

func TestUseProlongsASessionAndIsSeldomWritten(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	h := i.build(t)
	_, token := i.session(t, h, func(*identity.Session) {})
	i.calls.Reset()
	for range 20 { // two hours in steps of six minutes
		i.clock.advance(6 * time.Minute)
		for range 2 {
			if _, err := i.present(t, token.Reveal()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := i.calls.Count(rpcCommit); n != 20 {
		t.Errorf("20 uses, two each, were written %d times", n)
	}
	i.clock.advance(identity.SessionIdle)
	if _, err := i.present(t, token.Reveal()); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("after a silence: %v", err)
	}
}
