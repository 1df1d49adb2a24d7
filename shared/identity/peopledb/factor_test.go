package peopledb_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/peopledb"
	"ryggrad.internal/hub/shared/identity/totp"
)

// half logs in with the password alone.
func (w *world) half(m member) peopledb.Login {
	w.t.Helper()
	l, err := w.people.Login(w.t.Context(), w.try(m))
	w.must(err)
	if l.Session.Stage != identity.SecondFactor {
		w.t.Fatalf("stage %q", l.Session.Stage)
	}
	return l
}

func TestAOneTimePasswordIsGoodOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Owner)
	w.clock.advance(totp.Period)
	code := w.code(m)
	l := w.half(m)
	full, err := w.people.ProveTOTP(t.Context(), w.own(l), code)
	w.must(err)
	w.ended(l)
	w.holds(full)
	_, err = w.people.ProveTOTP(t.Context(), w.own(w.half(m)), code)
	refusedAs(t, err, fault.Unauthenticated, "the same code again")
	_, err = w.people.ProveTOTP(t.Context(), w.own(full), code)
	refusedAs(t, err, fault.Unauthenticated, "the same code for a step-up")
}

func TestCodesCannotBeGuessed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Owner)
	thief := m
	thief.device = ""
	for range 5 { // each time a login and a device of their own
		_, err := w.people.ProveTOTP(t.Context(), w.own(w.half(thief)), "000000")
		refusedAs(t, err, fault.Unauthenticated, "a guess")
	}
	w.clock.advance(time.Second)
	_, err := w.people.ProveTOTP(t.Context(), w.own(w.half(thief)), w.code(m))
	refusedAs(t, err, fault.Limited, "after five guesses")
	_, err = w.people.ProveRecovery(t.Context(), w.own(w.half(thief)), m.recovery[0])
	refusedAs(t, err, fault.Limited, "with a recovery code")
	w.clock.advance(totp.Period)
	if _, err := w.people.ProveTOTP(t.Context(), w.own(w.half(m)), w.code(m)); err != nil {
		t.Errorf("the owner is locked out of their own device: %v", err)
	}
}

func TestARecoveryCodeIsGoodOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Owner)
	if len(m.recovery) != 10 {
		t.Fatalf("%d codes", len(m.recovery))
	}
	l, err := w.people.ProveRecovery(t.Context(), w.own(w.half(m)), m.recovery[3])
	if err != nil || l.Session.Stage != identity.Complete {
		t.Fatalf("stage %q, %v", l.Session.Stage, err)
	}
	_, err = w.people.ProveRecovery(t.Context(), w.own(w.half(m)), m.recovery[3])
	refusedAs(t, err, fault.Unauthenticated, "again")
	if w.notices()["recovery_code_used"] != 1 {
		t.Error("nobody is told")
	}
	_, err = w.people.RecoveryCodes(t.Context(), w.own(l))
	w.must(err)
	_, err = w.people.ProveRecovery(t.Context(), w.own(w.half(m)), m.recovery[4])
	refusedAs(t, err, fault.Unauthenticated, "a code of former ones")
}

func TestAnotherGeneratorTakesThePlaceOfTheFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Owner)
	l, old := w.logIn(m), m
	text, uri, err := w.people.NewTOTP(t.Context(), w.own(l))
	w.must(err)
	if m.secret, err = totp.Parse(text); err != nil || uri == "" {
		t.Fatal(err)
	}
	_, err = w.people.ConfirmTOTP(t.Context(), w.own(l), w.code(old))
	refusedAs(t, err, fault.Unauthenticated, "a code of the former")
	other := w.logIn(old)
	l, err = w.people.ConfirmTOTP(t.Context(), w.own(l), w.code(m))
	w.must(err)
	w.ended(other)
	w.holds(l)
	w.clock.advance(2 * totp.Period)
	_, err = w.people.ProveTOTP(t.Context(), w.own(l), w.code(old))
	refusedAs(t, err, fault.Unauthenticated, "a code of the former")
	_, _, err = w.people.NewTOTP(t.Context(), w.own(l))
	w.must(err)
	w.clock.advance(15 * time.Minute)
	_, err = w.people.ConfirmTOTP(t.Context(), w.own(l), w.code(m))
	refusedAs(t, err, fault.Conflict, "a secret that was shown long ago")
}

func TestANewPasswordNeedsThePresentOneAndEndsOtherSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, here := w.join("anna@example.com", identity.Viewer)
	there := w.logIn(m)
	const next = "another passphrase of mine"
	_, err := w.people.SetPassword(t.Context(), w.own(here), "not the present one", next)
	refusedAs(t, err, fault.Unauthenticated, "a wrong present one")
	_, err = w.people.SetPassword(t.Context(), w.own(here), good, "anna-example-pizzeria")
	refusedAs(t, err, fault.Invalid, "context words")
	here, err = w.people.SetPassword(t.Context(), w.own(here), good, next)
	w.must(err)
	w.holds(here)
	w.ended(there)
	_, err = w.people.Login(t.Context(), w.try(m))
	refusedAs(t, err, fault.Unauthenticated, "the former password")
	m.password = next
	w.logIn(m)
	if w.notices()["password_replaced"] != 2 {
		t.Errorf("told %v", w.notices())
	}
}

func TestAPasswordIsNoStepUpForWhoHasASecondFactor(t *testing.T) {
	t.Parallel()
	for role, must := range map[identity.Role]bool{identity.Owner: true, identity.Viewer: false} {
		w := newWorld(t)
		_, l := w.join("anna@example.com", role)
		w.clock.advance(identity.StepUpLife)
		l, err := w.people.SetPassword(t.Context(), w.own(l), good, "another passphrase of mine")
		w.must(err)
		if caller, err := w.present(l); err != nil || caller.MustStepUp() != must {
			t.Errorf("%s must step up: %v, %v", role, caller.MustStepUp(), err)
		}
	}
}

func TestANewPasswordForgetsNoGuessAtASecondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, l := w.join("anna@example.com", identity.Owner)
	for range 4 {
		_, err := w.people.ProveTOTP(t.Context(), w.own(l), "000000")
		refusedAs(t, err, fault.Unauthenticated, "a guess")
	}
	l, err := w.people.SetPassword(t.Context(), w.own(l), good, "another passphrase of mine")
	w.must(err)
	_, err = w.people.ProveTOTP(t.Context(), w.own(l), "000000")
	refusedAs(t, err, fault.Unauthenticated, "the fifth guess")
	_, err = w.people.ProveTOTP(t.Context(), w.own(l), w.code(m))
	refusedAs(t, err, fault.Limited, "after five guesses")
}

func TestABreachedPasswordIsRefusedAndASilentServiceIsNot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, l := w.join("anna@example.com", identity.Viewer)
	answer := map[string]error{"one that was leaked before": nil}
	w.opts.Breached = func(_ context.Context, text string) (bool, error) {
		err, known := answer[text]
		return known && err == nil, err
	}
	asking := peopledb.New(w.opts)
	_, err := asking.SetPassword(t.Context(), w.own(l), good, "one that was leaked before")
	refusedAs(t, err, fault.Invalid, "a breached password")
	answer["nobody answers this"] = errors.New("down")
	if _, err := asking.SetPassword(t.Context(), w.own(l), good, "nobody answers this"); err != nil {
		t.Errorf("while the service is silent: %v", err)
	}
	if !strings.Contains(w.log.String(), "could not be compared with breaches") {
		t.Error("the log says nothing of it")
	}
}
