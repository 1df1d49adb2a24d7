package peopledb_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/identity/password"
	"ryggrad.internal/hub/shared/identity/peopledb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const (
	// large is the variable that asks for the test of a hundred thousand people instead of a few thousand.
	large = "RYGGRAD_TEST_LARGE"
	// timing is the variable that asks for the test that measures times.
	timing = "RYGGRAD_TEST_TIMING"

	perCommit = 1000
	perPage   = 101 // as the API asks for a page of a hundred
)

func crowdAddress(i int) string { return fmt.Sprintf("person%06d@example.com", i) }

// crowd writes many people at once, as no API does. They have the password of somebody who has one.
func (w *world) crowd(n int, like member) {
	w.t.Helper()
	model, err := w.people.Person(w.t.Context(), w.tenant, like.id)
	w.must(err)
	own, err := w.opts.Keys.Current(w.t.Context(), w.tenant)
	w.must(err)
	hub, err := w.opts.Keys.Current(w.t.Context(), identity.Hub)
	w.must(err)
	var writes []ledgerdb.Write
	for i := range n {
		id, err := identity.NewID(identity.UserPrefix, w.opts.Random)
		w.must(err)
		contact, _ := envelope.Email(crowdAddress(i))
		u := identity.User{Tenant: w.tenant, Role: identity.Viewer, CreatedAt: w.clock.Now(), EmailIndex: hub.Index(contact), Password: model.Password}
		plain, err := identity.Profile{Email: crowdAddress(i), Name: "One of many"}.Encode()
		w.must(err)
		u.Sealed, err = own.Seal(plain, envelope.Binding{Tenant: w.tenant, Collection: "users", Document: id, Field: "sealed"})
		w.must(err)
		writes = append(writes, ledgerdb.Add(ledgerdb.Ref{Collection: "users", ID: id}, u.Document()))
	}
	for part := range slices.Chunk(writes, perCommit) {
		w.must(w.ledger.Bookkeep(w.t.Context(), w.tenant, part...))
	}
}

// Every page of a long list costs one query, and everybody stands in one page.
func TestALongListIsReadPageByPage(t *testing.T) {
	t.Parallel()
	w, people := newWorld(t), 3000
	if os.Getenv(large) != "" {
		people = 100_000
	} else {
		t.Logf("SKIPPED: 100,000 people; with %s they are listed instead of %d", large, people)
	}
	m, _ := w.join("anna@example.com", identity.Viewer)
	w.crowd(people-1, m)
	seen, after, pages, began := map[string]bool{}, "", 0, time.Now()
	for {
		w.calls.Reset()
		page, err := w.people.Persons(t.Context(), w.tenant, identitydb.Page{After: after, Limit: perPage})
		w.must(err)
		if got := w.calls.Snapshot(); len(got) != 1 || got[rpcQuery] != 1 || len(page) > perPage {
			t.Fatalf("a page of %d costs %v", len(page), got)
		}
		if len(page) == 0 {
			break
		}
		for _, p := range page[:min(len(page), perPage-1)] {
			if seen[p.Email] || p.ID <= after {
				t.Fatalf("%s comes again, or after %s", p.ID, after)
			}
			seen[p.Email], after = true, p.ID
		}
		pages++
	}
	if len(seen) != people {
		t.Errorf("%d of %d people were listed", len(seen), people)
	}
	t.Logf("%d people on %d pages in %v", len(seen), pages, time.Since(began))
}

// Known and unknown addresses, one try of each in turn, each address once. First with hashes that cost next to nothing, so
// that all that the code and the store do differently shows: it must be lost in a hundredth of a login that costs what it
// costs. Then with such logins: whoever sees one answer of each and says that the slower one was of the known address must
// be right in 43 to 57 of 100 cases; with five hundred tries chance alone strays by 1.8.
//
//nolint:paralleltest // what runs beside it would be measured too
func TestKnownAndUnknownPeopleTakeTheSameTime(t *testing.T) {
	if os.Getenv(timing) == "" {
		t.Skipf("SKIPPED: times are measured with %s only", timing)
	}
	cheap, full := race(t, password.Cost{MemoryKiB: 64, Passes: 1}, 4000), race(t, password.Recommended(), 500)
	if apart := (cheap.known - cheap.unknown).Abs(); apart > full.unknown/100 {
		t.Errorf("without the hash the medians differ by %v, of a login of %v", apart, full.unknown)
	}
	if full.guessed < 0.43 || full.guessed > 0.57 {
		t.Errorf("the slower answer is of the known address in %.1f of 100 cases", 100*full.guessed)
	}
}

// raced is what a race between known and unknown addresses ends with: both medians, and in which part of all pairs the
// known one was slower.
type raced struct {
	known, unknown time.Duration
	guessed        float64
}

func race(t *testing.T, cost password.Cost, tries int) raced {
	t.Helper()
	w := newWorld(t)
	w.opts.Cost = cost
	w.people = peopledb.New(w.opts)
	m, _ := w.join("anna@example.com", identity.Viewer)
	w.crowd(tries, m)
	took := func(email string) time.Duration {
		began := time.Now()
		_, err := w.people.Login(t.Context(), peopledb.Try{Email: email, Password: "not the password"})
		spent := time.Since(began)
		refusedAs(t, err, fault.Unauthenticated, email)
		return spent
	}
	var known, unknown []time.Duration
	for i := range tries {
		if i%2 == 0 {
			known = append(known, took(crowdAddress(i)))
		}
		unknown = append(unknown, took(fmt.Sprintf("nobody%06d@example.com", i)))
		if i%2 == 1 {
			known = append(known, took(crowdAddress(i)))
		}
	}
	guessed := slowerIsFirst(known, unknown)
	slices.Sort(known)
	slices.Sort(unknown)
	r := raced{known: known[tries/2], unknown: unknown[tries/2], guessed: guessed}
	t.Logf("hash of %d KiB, %d tries of each: median known %v, unknown %v, ratio %.3f; the known one was slower in %.1f of 100 cases",
		cost.MemoryKiB, tries, r.known, r.unknown, float64(r.known)/float64(r.unknown), 100*guessed)
	return r
}

// slowerIsFirst tells in which part of all pairs the one of the first list is the slower one (Mann and Whitney's U, as a
// part of 1).
func slowerIsFirst(first, second []time.Duration) float64 {
	sorted := slices.Sorted(slices.Values(second))
	wins := 0.0
	for _, d := range first {
		below, _ := slices.BinarySearch(sorted, d)
		upTo, _ := slices.BinarySearch(sorted, d+1)
		wins += float64(below) + float64(upTo-below)/2
	}
	return wins / float64(len(first)*len(second))
}
