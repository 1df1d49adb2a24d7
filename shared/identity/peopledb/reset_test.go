package peopledb_test

import (
	"sync"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
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
