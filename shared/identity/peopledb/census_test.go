package peopledb_test

import (
	"testing"
	"time"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/peopledb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

func TestPeopleAreCountedByWhatProtectsThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := w.clock.Now()
	initial := identity.Password{Hash: "h", Initial: true, ExpiresAt: now.Add(time.Hour)}
	owned := identity.Password{Hash: "h"}
	totp := identity.TOTP{Sealed: []byte("s")}
	for i, u := range []identity.User{
		{Role: identity.Owner, Password: owned, TOTP: totp},
		{Role: identity.Admin, Password: owned},
		{Role: identity.Support, Password: initial},
		{Role: identity.Support, Password: owned, Disabled: true},
		{Role: identity.Viewer, Password: owned},
		{Role: identity.Viewer, Password: identity.Password{Hash: "h", Initial: true, ExpiresAt: now}},
		{Role: identity.Viewer, Password: identity.Password{Hash: "h", Initial: true, ExpiresAt: now.Add(25 * time.Hour)}},
	} {
		u.ID, u.Tenant = "usr_"+string(rune('a'+i)), w.tenant
		at := ledgerdb.Ref{Collection: "users", ID: u.ID}
		w.must(w.ledger.Bookkeep(t.Context(), w.tenant, ledgerdb.Add(at, u.Document())))
	}
	got, err := peopledb.Count(t.Context(), w.ledger, now)
	w.must(err)
	if want := (peopledb.Census{Privileged: 3, Without: 1, Initial: 2, TooLong: 1}); got != want {
		t.Errorf("the census is %+v, want %+v", got, want)
	}
}
