package peopledb_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/peopledb"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

// disturbances are a call that fails, one that fails for good, and ones that are done without telling.
func disturbances() map[string]wire.Fault {
	return map[string]wire.Fault{
		"fails":                {Before: wire.Unavailable()},
		"fails for good":       {Before: status.Error(codes.Internal, "down")},
		"is done and repeated": {After: wire.Unavailable()},
		"is done and silent":   {After: status.Error(codes.Internal, "down")},
	}
}

// everyCall plays something with each of its calls disturbed in each way, and afterwards looks whether all is well.
func everyCall(t *testing.T, play func(*world) error, after func(*world)) {
	t.Helper()
	for _, method := range []string{rpcQuery, rpcGet, rpcCommit} {
		for name, disturbed := range disturbances() {
			t.Run(fmt.Sprintf("%s %s", method[len("/google.firestore.v1.Firestore/"):], name), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				w.prepare()
				w.faults.Set(wire.Nth(method, 1, disturbed))
				err := play(w)
				w.faults.Set(nil)
				if err != nil && !fault.Is(err, fault.Unavailable) {
					t.Errorf("it fails with %s: %v", fault.KindOf(err), err)
				}
				after(w)
			})
		}
	}
}

// prepare joins a viewer and an owner, who is half-way through another login.
func (w *world) prepare() {
	w.t.Helper()
	w.viewer, w.login = w.join("viewer@example.com", identity.Viewer)
	w.owner, _ = w.join("owner@example.com", identity.Owner)
	w.halfway = w.half(w.owner)
}

func TestALoginSurvivesEveryFailingCall(t *testing.T) {
	t.Parallel()
	everyCall(t, func(w *world) error {
		l, err := w.people.Login(w.t.Context(), w.try(w.viewer))
		if err == nil {
			w.holds(l)
		}
		return err
	}, func(w *world) {
		w.holds(w.logIn(w.viewer))
		sessions, err := w.people.Sessions(w.t.Context(), w.tenant, w.viewer.id)
		w.must(err)
		// Every session is a login's in the log; the owner's two are there too.
		if n := w.actions()["session.create"]; n != len(sessions)+2 {
			w.t.Errorf("%d sessions live, %d logins are in the log", len(sessions), n)
		}
	})
}

func TestAWrongPasswordIsNeverTakenWhateverFails(t *testing.T) {
	t.Parallel()
	everyCall(t, func(w *world) error {
		_, err := w.people.Login(w.t.Context(), peopledb.Try{Email: w.viewer.email, Password: "a guess"})
		if fault.Is(err, fault.Unauthenticated) {
			return nil
		}
		if err == nil {
			w.t.Error("a guess is taken")
		}
		return err
	}, func(w *world) { w.holds(w.logIn(w.viewer)) })
}

func TestARefreshSurvivesEveryFailingCall(t *testing.T) {
	t.Parallel()
	everyCall(t, func(w *world) error {
		l, err := w.refresh(w.login)
		if err == nil {
			w.holds(l)
		}
		return err
	}, func(w *world) {
		again, err := w.refresh(w.login) // the answer was lost, perhaps: the same token is asked for again
		w.must(err)
		w.holds(again)
	})
}

func TestAOneTimePasswordIsGoodOnceWhateverFails(t *testing.T) {
	t.Parallel()
	everyCall(t, func(w *world) error {
		w.clock.advance(time.Minute)
		_, err := w.people.ProveTOTP(w.t.Context(), w.own(w.halfway), w.code(w.owner))
		w.proven = err == nil
		return err
	}, func(w *world) {
		_, err := w.people.ProveTOTP(w.t.Context(), w.own(w.half(w.owner)), w.code(w.owner))
		if w.proven && !fault.Is(err, fault.Unauthenticated) {
			w.t.Errorf("the code is good twice: %v", err)
		}
		w.clock.advance(time.Minute)
		w.holds(w.logIn(w.owner))
	})
}
