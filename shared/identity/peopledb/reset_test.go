package peopledb_test

import (
	"sync"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

func TestASoleOwnersSecondFactorGoesByTwoOperatorsAndADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, l := w.join("anna@example.com", identity.Owner)
	first, second := w.operator(), w.operator()
	second.Actor.ID = "another"
	w.must(w.people.AskReset(t.Context(), first.Act, m.id))
	refusedAs(t, w.people.AskReset(t.Context(), first.Act, m.id), fault.Conflict, "asked twice")
	refusedAs(t, w.people.DoReset(t.Context(), first, m.id), fault.Conflict, "before anybody agreed")
	refusedAs(t, w.people.AgreeReset(t.Context(), first.Act, m.id), fault.Forbidden, "by the one who asked")
	w.must(w.people.AgreeReset(t.Context(), second.Act, m.id))
	w.clock.advance(identity.ResetDelay - 1e9)
	refusedAs(t, w.people.DoReset(t.Context(), second, m.id), fault.Conflict, "before the day is over")
	w.clock.advance(1e9)
	w.must(w.people.DoReset(t.Context(), second, m.id))
	w.ended(l)
	again, err := w.people.Login(t.Context(), w.try(m))
	if err != nil || again.Session.Stage != identity.Enroll {
		t.Errorf("stage %q, %v", again.Session.Stage, err)
	}
	refusedAs(t, w.people.DoReset(t.Context(), second, m.id), fault.NotFound, "done twice")
	other, _ := w.join("bo@example.com", identity.Owner)
	w.must(w.people.AskReset(t.Context(), first.Act, other.id))
	w.must(w.people.AgreeReset(t.Context(), second.Act, other.id))
	w.clock.advance(identity.ResetDelay)
	w.must(w.people.RemoveSecondFactor(t.Context(), first, other.id))
	refusedAs(t, w.people.DoReset(t.Context(), second, other.id), fault.NotFound, "after an owner did it")
	for _, id := range []string{m.id, other.id} { // one ends what was asked, one takes the factors
		w.entries("user.second_factor_remove", "factorResets/"+id, 1)
		w.entries("user.second_factor_remove", "users/"+id, 1)
	}
	if told := w.notices(); told["second_factor_reset_asked"] != 2 || told["second_factor_removed"] != 2 {
		t.Errorf("told %v", told)
	}
}

func TestAnAgreementLapses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Owner)
	first, second := w.operator(), w.operator()
	second.Actor.ID = "another"
	w.must(w.people.AskReset(t.Context(), first.Act, m.id))
	w.must(w.people.AgreeReset(t.Context(), second.Act, m.id))
	w.clock.advance(identity.ResetDelay + 7*24*time.Hour)
	refusedAs(t, w.people.DoReset(t.Context(), second, m.id), fault.Conflict, "a week too late")
	w.must(w.people.CancelReset(t.Context(), first.Act, m.id))
	w.must(w.people.AskReset(t.Context(), first.Act, m.id))
}

func TestAResetIsDoneOrCancelledAndNotBoth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Owner)
	first, second := w.operator(), w.operator()
	second.Actor.ID = "another"
	for range 12 {
		w.must(w.people.AskReset(t.Context(), first.Act, m.id))
		w.must(w.people.AgreeReset(t.Context(), second.Act, m.id))
		w.clock.advance(identity.ResetDelay)
		var did, cancelled error
		var both sync.WaitGroup
		both.Go(func() { did = w.people.DoReset(t.Context(), second, m.id) })
		both.Go(func() { cancelled = w.people.CancelReset(t.Context(), first.Act, m.id) })
		both.Wait()
		if (did == nil) == (cancelled == nil) {
			t.Errorf("done: %v, cancelled: %v", did, cancelled)
		}
	}
}

func TestAResetIsNotLeftForFactorsToCome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Owner)
	first := w.operator()
	for range 12 {
		var asked error
		var both sync.WaitGroup
		both.Go(func() { asked = w.people.AskReset(t.Context(), first.Act, m.id) })
		both.Go(func() { w.must(w.people.RemoveSecondFactor(t.Context(), first, m.id)) })
		both.Wait()
		if asked != nil && !fault.Is(asked, fault.Unavailable) {
			t.Errorf("asked: %v", asked)
		}
		// What was asked after the factors went can be cancelled; what was asked before went with them, by an entry.
		if err := w.people.CancelReset(t.Context(), first.Act, m.id); err != nil {
			refusedAs(t, err, fault.NotFound, "cancelled")
		}
	}
	done := w.actions()
	if closed := done["user.second_factor_reset_close"] + done["user.second_factor_remove"] - 12; closed != done["user.second_factor_reset_ask"] {
		t.Errorf("%d were asked, %d have an end in the log", done["user.second_factor_reset_ask"], closed)
	}
}

func TestTakingFactorsAwaySurvivesEveryFailingCall(t *testing.T) {
	t.Parallel()
	everyCall(t, func(w *world) error {
		if err := w.people.AskReset(w.t.Context(), w.operator().Act, w.owner.id); err != nil {
			return err
		}
		w.faults.Set(wire.Nth(rpcCommit, 1, wire.Fault{After: wire.Unavailable()}))
		return w.people.RemoveSecondFactor(w.t.Context(), w.operator(), w.owner.id)
	}, func(w *world) {
		if err := w.people.RemoveSecondFactor(w.t.Context(), w.operator(), w.owner.id); err != nil {
			w.t.Error(err)
		}
		w.entries("user.second_factor_remove", "factorResets/"+w.owner.id, w.actions()["user.second_factor_reset_ask"])
	})
}
