package peopledb_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/peopledb"
)

func TestAnInitialPasswordIsGoodOnceAndOnlyToSetAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, initial := w.create("anna@example.com", identity.Viewer)
	try := peopledb.Try{Email: "Anna@Example.com ", Password: initial}
	l, err := w.people.Login(t.Context(), try)
	if err != nil || l.Session.Stage != identity.SetPassword {
		t.Fatalf("stage %q, %v", l.Session.Stage, err)
	}
	caller, err := w.present(l)
	if err != nil || caller.Can(identity.OrdersRead) || !caller.Can(identity.AccountPassword) {
		t.Errorf("caller %v, %v", caller, err)
	}
	_, err = w.people.Login(t.Context(), try)
	refusedAs(t, err, fault.Unauthenticated, "the initial password again")
	_, err = w.people.SetPassword(t.Context(), w.own(l), "", "too short")
	refusedAs(t, err, fault.Invalid, "a short password")
	_, err = w.people.SetPassword(t.Context(), w.own(l), "", initial)
	refusedAs(t, err, fault.Invalid, "the initial password as one's own")
	after, err := w.people.SetPassword(t.Context(), w.own(l), "", good)
	if err != nil || after.Session.Stage != identity.Complete {
		t.Fatalf("stage %q, %v", after.Session.Stage, err)
	}
	w.ended(l)
	w.holds(after)
}

func TestAnInitialPasswordExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, initial := w.create("anna@example.com", identity.Viewer)
	w.clock.advance(identity.InitialPasswordLife)
	_, err := w.people.Login(t.Context(), peopledb.Try{Email: "anna@example.com", Password: initial})
	refusedAs(t, err, fault.Unauthenticated, "a day later")
}

func TestWhoeverNeedsASecondFactorGetsNowhereWithout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, initial := w.create("anna@example.com", identity.Owner)
	l, err := w.people.Login(t.Context(), peopledb.Try{Email: "anna@example.com", Password: initial})
	w.must(err)
	l, err = w.people.SetPassword(t.Context(), w.own(l), "", good)
	if err != nil || l.Session.Stage != identity.Enroll {
		t.Fatalf("stage %q, %v", l.Session.Stage, err)
	}
	if caller, err := w.present(l); err != nil || caller.Can(identity.UsersRead) || !caller.Can(identity.AccountFactors) {
		t.Errorf("caller %v, %v", caller, err)
	}
	var m member
	l = w.enroll(&m, l)
	if caller, err := w.present(l); err != nil || !caller.Can(identity.UsersWrite) || !caller.SteppedUp {
		t.Errorf("afterwards: %v, %v", caller, err)
	}
}

// A login is one optimistic transaction: a query, a read and a commit; and no call of KMS.
func TestALoginIsOneTransaction(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Viewer)
	w.logIn(m)
	w.calls.Reset()
	w.logIn(m)
	if diff := cmp.Diff(map[string]int{rpcQuery: 1, rpcGet: 1, rpcCommit: 1}, w.calls.Snapshot()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestKnownAndUnknownPeopleCostTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Viewer)
	disabled, _ := w.join("bo@example.com", identity.Viewer)
	yes := true
	_, err := w.people.ChangeUser(t.Context(), w.operator(), disabled.id, peopledb.UserChange{Disabled: &yes})
	w.must(err)
	spent := func(email, text string) (map[string]int, string) {
		w.calls.Reset()
		_, err := w.people.Login(t.Context(), peopledb.Try{Email: email, Password: text})
		refusedAs(t, err, fault.Unauthenticated, email)
		return w.calls.Snapshot(), strings.SplitN(err.Error(), ":", 2)[0]
	}
	want, words := spent(m.email, "not the password")
	for email, text := range map[string]string{"nobody@example.com": "not the password", disabled.email: good} {
		got, said := spent(email, text)
		if diff := cmp.Diff(want, got); diff != "" || said != words {
			t.Errorf("%s is told %q (-known +this):\n%s", email, said, diff)
		}
	}
}

func TestGuessingIsSlowedDownForKnownAndUnknownAlike(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Viewer)
	for _, email := range []string{m.email, "nobody@example.com"} {
		for i := range 5 {
			_, err := w.people.Login(t.Context(), peopledb.Try{Email: email, Password: "guess"})
			refusedAs(t, err, fault.Unauthenticated, fmt.Sprintf("%s, guess %d", email, i))
		}
		_, err := w.people.Login(t.Context(), peopledb.Try{Email: email, Password: good})
		refusedAs(t, err, fault.Limited, email+", after five guesses")
	}
	known := w.try(m)
	if _, err := w.people.Login(t.Context(), known); err != nil {
		t.Errorf("the owner is locked out of their own device: %v", err)
	}
	w.clock.advance(6 * time.Second)
	known.Device = ""
	if _, err := w.people.Login(t.Context(), known); err != nil {
		t.Errorf("after the wait: %v", err)
	}
	if _, err := w.people.Login(t.Context(), peopledb.Try{Email: m.email, Password: "guess"}); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("a success does not forgive: %v", err)
	}
}

func TestAStrangersDeviceDoesNotPassForAKnownOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Viewer)
	_, forged, err := identity.NewDevice(strings.NewReader(strings.Repeat("x", 48)))
	w.must(err)
	for range 5 {
		_, err := w.people.Login(t.Context(), peopledb.Try{Email: m.email, Password: "guess", Device: forged.Reveal()})
		refusedAs(t, err, fault.Unauthenticated, "a guess")
	}
	_, err = w.people.Login(t.Context(), peopledb.Try{Email: m.email, Password: good})
	refusedAs(t, err, fault.Limited, "a stranger, after guesses with a forged device")
}

// However many guess at once, no more answers are given than attempts are free.
func TestGuessesAtOnceAreCountedToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Viewer)
	m.device = ""
	var mu sync.Mutex
	answers := map[fault.Kind]int{}
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			try := peopledb.Try{Email: m.email, Password: fmt.Sprintf("guess %d", i)}
			_, err := w.people.Login(t.Context(), try)
			mu.Lock()
			defer mu.Unlock()
			answers[fault.KindOf(err)]++
		})
	}
	all.Wait()
	if answers[fault.Unauthenticated] > 5 || answers[fault.Unauthenticated]+answers[fault.Limited]+answers[fault.Unavailable] != 24 {
		t.Errorf("answers %v", answers)
	}
}

func TestANewDeviceIsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Viewer)
	if l := w.logIn(m); l.Device != (identity.Secret{}) {
		t.Error("a known device gets another secret")
	}
	before := w.notices()["new_device"]
	m.device = ""
	if l := w.logIn(m); l.Device == (identity.Secret{}) {
		t.Error("a new device gets nothing to prove itself by")
	}
	if now := w.notices()["new_device"]; before != 0 || now != 1 {
		t.Errorf("told %d times, then %d", before, now)
	}
}

func TestHashesAreMadeAnewUnderANewPepper(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Viewer)
	hash := func() string {
		who, err := w.people.Person(t.Context(), w.tenant, m.id)
		w.must(err)
		return who.Password.Hash
	}
	before := hash()
	w.must(w.people.RotatePepper(t.Context(), w.operator().Act))
	other := peopledb.New(w.opts) // another instance, which has not read the former pepper
	if _, err := other.Login(t.Context(), w.try(m)); err != nil {
		t.Fatal(err)
	}
	after := hash()
	if before == after {
		t.Error("the hash stays under the old pepper")
	}
	if _, err := w.people.Login(t.Context(), w.try(m)); err != nil || hash() != after {
		t.Errorf("an instance that knows only the former pepper: %v", err)
	}
}

func TestASuspendedTenantsPeopleAreShutOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, l := w.join("anna@example.com", identity.Viewer)
	w.clock.advance(time.Minute)
	w.suspend()
	_, err := w.people.Login(t.Context(), w.try(m))
	refusedAs(t, err, fault.Forbidden, "a login")
	_, err = w.present(l)
	refusedAs(t, err, fault.Forbidden, "a session")
	_, err = w.people.Refresh(t.Context(), l.Token.Reveal(), "req_test")
	refusedAs(t, err, fault.Forbidden, "a refresh")
}

// Nothing that tells who somebody is stands anywhere in plain: not in documents, entries, events or logs.
func TestNothingTellsWhoAUserIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna.karlsson@example.com", identity.Owner)
	_, err := w.people.Login(t.Context(), peopledb.Try{Email: m.email, Password: "Anna Karlsson guesses"})
	refusedAs(t, err, fault.Unauthenticated, "a guess")
	for _, collection := range []string{"users", "logins", "loginAttempts", "sessions", "audit", "events", "peppers"} {
		found, err := w.ledger.List(t.Context(), w.ledger.QueryAllTenants(collection))
		w.must(err)
		if len(found) == 0 {
			t.Errorf("there is nothing in %s", collection)
		}
		for _, o := range found {
			plain := strings.ToLower(fmt.Sprintf("%s %q", o.ID, o.Fields))
			for _, word := range []string{"anna", "karlsson", good, m.secret.Reveal(), m.recovery[0], m.device} {
				if strings.Contains(plain, strings.ToLower(word)) {
					t.Errorf("%s holds %q in plain", o.Ref, word)
				}
			}
		}
	}
	if log := strings.ToLower(w.log.String()); strings.Contains(log, "karlsson") || strings.Contains(log, good) {
		t.Error("the log tells who it is, or their password")
	}
}

func TestEveryStepLeavesAnEntry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Owner)
	l := w.logIn(m)
	_, err := w.people.Login(t.Context(), peopledb.Try{Email: m.email, Password: "guess"})
	refusedAs(t, err, fault.Unauthenticated, "a guess")
	_, err = w.people.ProveTOTP(t.Context(), w.own(l), "000000")
	refusedAs(t, err, fault.Unauthenticated, "a guess")
	w.must(w.people.EndSession(t.Context(), w.act(l), m.id, l.Session.ID))
	got := w.actions()
	want := map[string]int{
		"tenant.create": 1, "pepper.rotate": 1, "user.create": 1, "session.create": 3, "password.replace": 1, "totp.show": 1,
		"totp.add": 1, "recovery_codes.replace": 1, "session.totp": 2, "session.end": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}
