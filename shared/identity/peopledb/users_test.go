package peopledb_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/identity/peopledb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// as is somebody who manages people by a login.
func (w *world) as(l peopledb.Login) peopledb.By {
	caller := l.Session.Caller(w.clock.Now())
	return peopledb.By{Act: ledgerdb.ActOf(caller, "", "req_test"), Role: caller.Role}
}

func TestAnAddressBelongsToOnePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("anna@example.com", identity.Viewer)
	for _, email := range []string{"anna@example.com", " ANNA@example.com", "ａnna@example.com"} {
		_, _, err := w.people.CreateUser(t.Context(), w.operator(), identity.Profile{Email: email, Name: "Another"}, identity.Viewer)
		refusedAs(t, err, fault.Conflict, email)
	}
	for email, name := range map[string]string{"no address": "Anna", "a@example.com": ""} {
		_, _, err := w.people.CreateUser(t.Context(), w.operator(), identity.Profile{Email: email, Name: name}, identity.Viewer)
		refusedAs(t, err, fault.Invalid, email)
	}
}

func TestOfTwoWhoCreateTheSamePersonOneWins(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.create("first@example.com", identity.Viewer)
	var mu sync.Mutex
	made := 0
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, _, err := w.people.CreateUser(t.Context(), w.operator(), identity.Profile{Email: "anna@example.com", Name: "Anna"}, identity.Viewer)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
			} else if !fault.Is(err, fault.Conflict) && !fault.Is(err, fault.Unavailable) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if made != 1 {
		t.Errorf("%d were made", made)
	}
}

func TestWhoManagesWhom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, ownerLogin := w.join("owner@example.com", identity.Owner)
	_, adminLogin := w.join("admin@example.com", identity.Admin)
	_, managerLogin := w.join("manager@example.com", identity.Manager)
	other, _ := w.create("other-owner@example.com", identity.Owner)
	third, _ := w.create("third-owner@example.com", identity.Owner)
	viewer, _ := w.create("viewer@example.com", identity.Viewer)
	fresh, _ := w.create("fresh@example.com", identity.Viewer)
	owner, admin, manager := w.as(ownerLogin), w.as(adminLogin), w.as(managerLogin)
	role := func(r identity.Role) peopledb.UserChange { return peopledb.UserChange{Role: &r} }
	for name, c := range map[string]struct {
		by     peopledb.By
		id     string
		change peopledb.UserChange
		want   fault.Kind
	}{
		"an admin makes a viewer an owner":  {admin, viewer, role(identity.Owner), fault.Forbidden},
		"an admin unmakes an owner":         {admin, other, role(identity.Viewer), fault.Forbidden},
		"an admin makes themselves owner":   {admin, admin.Actor.ID, role(identity.Owner), fault.Forbidden},
		"an owner unmakes themselves":       {owner, owner.Actor.ID, role(identity.Viewer), fault.Forbidden},
		"a manager makes a viewer a viewer": {manager, viewer, role(identity.Viewer), fault.Forbidden},
		"an unknown role":                   {owner, viewer, role("root"), fault.Invalid},
		"a person who is not there":         {owner, "usr_aaaaaaaaaaaaaaaaaaaaaaaaaa", role(identity.Viewer), fault.NotFound},
		"an admin makes a viewer an admin":  {admin, fresh, role(identity.Admin), ""},
		"an owner unmakes another":          {owner, third, role(identity.Viewer), ""},
	} {
		if _, err := w.people.ChangeUser(t.Context(), c.by, c.id, c.change); fault.KindOf(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
	refusedAs(t, w.people.RemoveSecondFactor(t.Context(), admin, viewer), fault.Forbidden, "an admin takes a second factor away")
	refusedAs(t, w.people.RemoveSecondFactor(t.Context(), owner, owner.Actor.ID), fault.Forbidden, "an owner takes their own away")
	_, _, err := w.people.CreateUser(t.Context(), admin, identity.Profile{Email: "x@example.com", Name: "X"}, identity.Owner)
	refusedAs(t, err, fault.Forbidden, "an admin creates an owner")
	_, err = w.people.ResetPassword(t.Context(), admin, owner.Actor.ID)
	refusedAs(t, err, fault.Forbidden, "an admin resets an owner")
}

func TestWhateverChangesAPersonEndsTheirSessions(t *testing.T) {
	t.Parallel()
	yes, manager := true, identity.Manager
	for name, change := range map[string]func(*world, member) error{
		"a role": func(w *world, m member) error {
			_, err := w.people.ChangeUser(w.t.Context(), w.operator(), m.id, peopledb.UserChange{Role: &manager})
			return err
		},
		"disabling": func(w *world, m member) error {
			_, err := w.people.ChangeUser(w.t.Context(), w.operator(), m.id, peopledb.UserChange{Disabled: &yes})
			return err
		},
		"an initial password": func(w *world, m member) error {
			_, err := w.people.ResetPassword(w.t.Context(), w.operator(), m.id)
			return err
		},
		"a second factor taken away": func(w *world, m member) error {
			return w.people.RemoveSecondFactor(w.t.Context(), w.operator(), m.id)
		},
		"an owner's wish": func(w *world, m member) error {
			return w.people.EndSessions(w.t.Context(), w.operator(), m.id)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			m, first := w.join("anna@example.com", identity.Viewer)
			second := w.logIn(m)
			w.must(change(w, m))
			w.ended(first)
			w.ended(second)
		})
	}
}

func TestANewInitialPasswordKeepsTheSecondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Owner)
	initial, err := w.people.ResetPassword(t.Context(), w.operator(), m.id)
	w.must(err)
	_, err = w.people.Login(t.Context(), w.try(m))
	refusedAs(t, err, fault.Unauthenticated, "the former password")
	m.password = initial
	l := w.half(m)
	_, err = w.people.Login(t.Context(), w.try(m))
	refusedAs(t, err, fault.Unauthenticated, "the initial password again")
	w.clock.advance(time.Minute)
	l, err = w.people.ProveTOTP(t.Context(), w.own(l), w.code(m))
	if err != nil || l.Session.Stage != identity.SetPassword {
		t.Fatalf("stage %q, %v", l.Session.Stage, err)
	}
	l, err = w.people.SetPassword(t.Context(), w.own(l), "", "yet another passphrase")
	if err != nil || l.Session.Stage != identity.Complete {
		t.Fatalf("stage %q, %v", l.Session.Stage, err)
	}
}

// A login that races with the end of an account never leaves a session that goes on.
func TestALoginThatRacesWithADisablingLoses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m, _ := w.join("anna@example.com", identity.Viewer)
	yes := true
	var mu sync.Mutex
	var begun []peopledb.Login
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if l, err := w.people.Login(t.Context(), w.try(m)); err == nil {
				mu.Lock()
				defer mu.Unlock()
				begun = append(begun, l)
			}
		})
	}
	all.Go(func() {
		for {
			_, err := w.people.ChangeUser(t.Context(), w.operator(), m.id, peopledb.UserChange{Disabled: &yes})
			if !fault.Is(err, fault.Unavailable) {
				w.must(err)
				return
			}
		}
	})
	all.Wait()
	for _, l := range begun {
		w.ended(l)
	}
}

// Owners who unmake each other in a ring, all at once, leave an owner, whoever of them was first and however they do it.
func TestOwnersWhoUnmakeEachOtherLeaveOne(t *testing.T) {
	t.Parallel()
	yes, viewer := true, identity.Viewer
	for name, change := range map[string]peopledb.UserChange{"by a role": {Role: &viewer}, "by disabling": {Disabled: &yes}} {
		for ring := 2; ring <= 3; ring++ {
			t.Run(fmt.Sprintf("%s, %d of them", name, ring), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				var owners []peopledb.By
				for i := range ring {
					_, l := w.join(fmt.Sprintf("owner%d@example.com", i), identity.Owner)
					owners = append(owners, w.as(l))
				}
				var all sync.WaitGroup
				start := make(chan struct{})
				for i, by := range owners {
					all.Go(func() {
						<-start
						_, err := w.people.ChangeUser(t.Context(), by, owners[(i+1)%ring].Actor.ID, change)
						if err != nil && !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.Unavailable) {
							t.Error(err)
						}
					})
				}
				close(start)
				all.Wait()
				left := 0
				for _, by := range owners {
					who, err := w.people.Person(t.Context(), w.tenant, by.Actor.ID)
					w.must(err)
					if who.Owns() {
						left++
					}
				}
				if left == 0 || left == ring {
					t.Errorf("%d owners are left of %d", left, ring)
				}
			})
		}
	}
}

// Whoever was an owner when they asked, and is none any more, unmakes nobody.
func TestAFormerOwnerUnmakesNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, first := w.join("first@example.com", identity.Owner)
	_, second := w.join("second@example.com", identity.Owner)
	viewer := identity.Viewer
	_, err := w.people.ChangeUser(t.Context(), w.as(first), w.as(second).Actor.ID, peopledb.UserChange{Role: &viewer})
	w.must(err)
	_, err = w.people.ChangeUser(t.Context(), w.as(second), w.as(first).Actor.ID, peopledb.UserChange{Role: &viewer})
	refusedAs(t, err, fault.Forbidden, "an owner of a moment ago")
}

func TestPeopleAreListedPageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		w.create(name+"@example.com", identity.Viewer)
	}
	seen, after := map[string]bool{}, ""
	for {
		w.calls.Reset()
		page, err := w.people.Persons(t.Context(), w.tenant, identitydb.Page{After: after, Limit: 2})
		w.must(err)
		if len(page) == 0 {
			break
		}
		if n := w.calls.Count(rpcQuery); n != 1 {
			t.Errorf("a page costs %d queries", n)
		}
		for _, p := range page {
			seen[p.Email], after = true, p.ID
		}
	}
	if len(seen) != 5 {
		t.Errorf("seen %v", seen)
	}
}
