package identity_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/identity"
)

func drawHashes(t *rapid.T, label string) []identity.Hash {
	var all []identity.Hash
	for range rapid.IntRange(0, 3).Draw(t, label) {
		all = append(all, identity.Hash(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash")))
	}
	return all
}

func drawUser(t *rapid.T) identity.User {
	u := identity.User{
		ID: "usr_a", Tenant: "ten_a", Role: rapid.SampledFrom(identity.Roles()).Draw(t, "role"),
		Disabled: rapid.Bool().Draw(t, "disabled"), CreatedAt: drawTime(t, "created"), LoggedInAt: drawTime(t, "logged in"),
		EmailIndex: []byte{1}, Sealed: []byte{2},
		Password: identity.Password{Hash: "h", Former: "f", Initial: rapid.Bool().Draw(t, "initial"), ExpiresAt: drawTime(t, "expires"), SetAt: drawTime(t, "set")},
		TOTP:     identity.TOTP{Sealed: []byte{3}, LastStep: rapid.Int64().Draw(t, "step"), AddedAt: drawTime(t, "added"), Next: []byte{8}, NextAt: drawTime(t, "next")},
		Recovery: drawHashes(t, "codes"),
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "more") {
		id := fmt.Sprint(i)
		u.Passkeys = append(u.Passkeys, identity.Passkey{ID: "psk_" + id, Key: []byte{4}, Record: []byte{5}, Name: "Key", AddedAt: drawTime(t, "added")})
		u.Devices = append(u.Devices, identity.Device{ID: "dev_" + id, Hash: identity.Hash{6}, SeenAt: drawTime(t, "seen"), Trusted: rapid.Bool().Draw(t, "trusted")})
		u.Sessions = append(u.Sessions, "ses_"+id)
	}
	return u
}

func TestUsersAndSessionsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := drawUser(t)
		got, err := identity.ParseUser(want.ID, want.Document())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("user (-want +got):\n%s", diff)
		}
		session := identity.Session{
			ID: "ses_a", Tenant: "ten_a", User: "usr_a", Role: want.Role, Stage: identity.Enroll, CreatedAt: noon, ExpiresAt: noon, SeenAt: noon,
			ProvedAt: drawTime(t, "proved"), Device: "dev_a", Token: identity.Hash{1}, Parent: identity.Hash{2}, Salt: []byte{3},
			RotatedAt: drawTime(t, "rotated"), Spent: drawHashes(t, "spent"),
			Challenge: identity.Challenge{State: []byte{7}, For: "login", ExpiresAt: drawTime(t, "challenge")},
		}
		again, err := identity.ParseSession(session.ID, session.Document())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(session, again); diff != "" {
			t.Fatalf("session (-want +got):\n%s", diff)
		}
	})
}

func TestPeopleAreStoredInTheStoresOwnTypes(t *testing.T) {
	t.Parallel()
	checkStored(t, "user", identity.User{
		CreatedAt: noon.Local(), Passkeys: []identity.Passkey{{AddedAt: noon.Local()}}, Devices: []identity.Device{{}}, Recovery: []identity.Hash{{}},
	}.Document())
	checkStored(t, "session", identity.Session{CreatedAt: noon.Local(), Spent: []identity.Hash{{}}}.Document())
}

func TestWhatComesNextAfterAPassword(t *testing.T) {
	t.Parallel()
	totp := identity.TOTP{Sealed: []byte{1}}
	for name, c := range map[string]struct {
		user identity.User
		want identity.Stage
	}{
		"a viewer's own password":               {identity.User{Role: identity.Viewer}, identity.Complete},
		"a viewer's with a second factor":       {identity.User{Role: identity.Viewer, TOTP: totp}, identity.SecondFactor},
		"an owner's without one":                {identity.User{Role: identity.Owner}, identity.Enroll},
		"an owner's with a passkey":             {identity.User{Role: identity.Owner, Passkeys: []identity.Passkey{{}}}, identity.SecondFactor},
		"one that is not confirmed counts not":  {identity.User{Role: identity.Owner, TOTP: identity.TOTP{Next: []byte{1}}}, identity.Enroll},
		"an initial password":                   {identity.User{Role: identity.Viewer, Password: identity.Password{Initial: true}}, identity.SetPassword},
		"an initial password, but a factor too": {identity.User{Role: identity.Owner, TOTP: totp, Password: identity.Password{Initial: true}}, identity.SecondFactor},
	} {
		if got := c.user.Next(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	reset := identity.User{Role: identity.Owner, TOTP: totp, Password: identity.Password{Initial: true}}
	if got := reset.NextAfterSecondFactor(); got != identity.SetPassword {
		t.Errorf("after the second factor: %q", got)
	}
}

func TestTheOldestSessionGivesWay(t *testing.T) {
	t.Parallel()
	var u identity.User
	var ended []string
	for i := range 25 {
		var gone []string
		u, gone = u.WithSession(fmt.Sprint(i), identity.Complete)
		ended = append(ended, gone...)
	}
	if diff := cmp.Diff([]string{"0", "1", "2", "3", "4"}, ended); diff != "" || len(u.Sessions) != 20 {
		t.Errorf("ended (-want +got):\n%s", diff)
	}
	if u = u.WithoutSession("7"); len(u.Sessions) != 19 {
		t.Errorf("%d sessions are left", len(u.Sessions))
	}
}

func TestAPasswordAloneEndsNothingThatWasFinished(t *testing.T) {
	t.Parallel()
	var u identity.User
	for i := range 20 {
		u, _ = u.WithSession(fmt.Sprint("whole", i), identity.Complete)
		u = u.WithDevice(identity.Device{ID: fmt.Sprint("mine", i), Trusted: true})
	}
	for i := range 30 {
		var ended []string
		u, ended = u.WithSession(fmt.Sprint("half", i), identity.SecondFactor)
		if want := fmt.Sprint("half", i-5); i >= 5 && (len(ended) != 1 || ended[0] != want) {
			t.Errorf("the login %d ends %v, not %s", i, ended, want)
		}
		u = u.WithDevice(identity.Device{ID: fmt.Sprint("theirs", i)})
	}
	if len(u.Sessions) != 25 || u.Sessions[0] != "whole0" || !u.Trusts("mine0") || len(u.Devices) != 25 {
		t.Errorf("left are %v and %d devices", u.Sessions, len(u.Devices))
	}
	u, ended := u.Finishing("half29")
	if diff := cmp.Diff([]string{"whole0"}, ended); diff != "" || len(u.Unfinished) != 4 {
		t.Errorf("finishing a login ends (-want +got):\n%s", diff)
	}
	if u = u.Trusting("theirs29"); u.Trusts("mine0") || !u.Trusts("theirs29") || !u.Trusts("mine1") {
		t.Error("the trusted device that was away longest does not give way")
	}
	after, ended := u.WithoutSessions("half29")
	if len(after.Sessions) != 1 || len(after.Unfinished) != 0 || len(ended) != 23 {
		t.Errorf("left are %v, ended %v", after.Sessions, ended)
	}
}

func TestAProfileReadsBackAndNothingElseDoes(t *testing.T) {
	t.Parallel()
	want := identity.Profile{Email: "a@example.com", Name: "A"}
	b, err := want.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := identity.ParseProfile(b); err != nil || got != want {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := identity.ParseProfile([]byte(`{"email":"a@example.com","more":1}`)); err == nil {
		t.Error("an unknown field is read")
	}
}
