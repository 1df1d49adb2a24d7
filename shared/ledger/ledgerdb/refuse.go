package ledgerdb

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
)

const (
	// mostSources is how many kinds of refusals are told apart in a minute. Each costs a commit, once.
	mostSources = 256
	// mostWaiting bounds the counts that wait to be written.
	mostWaiting = 1024
	// flushAtOnce is how many waiting counts one refusal writes: they all go in one commit.
	flushAtOnce = 64
	// patience is how long a refusal is held up by its entry.
	patience = 2 * time.Second
	// quietFor is how long refusals are only counted after the database would not take one.
	quietFor = 5 * time.Second
	// others is the source of refusals that were too many to tell apart.
	others = "others"
	// tooMany is the reason where not even reasons and tenants are told apart.
	tooMany = "too many were refused to tell them apart"
)

// Refusal is an attempt that was turned away; see [ledger.Refusal].
type Refusal = ledger.Refusal

// Refuse writes that somebody was turned away. It never fails: a refusal stays one though its entry cannot be written,
// which is logged and tried again with a later one.
//
// What a flood costs an instance: the first refusal of a tenant, actor, reason and source in a minute is one commit,
// before the answer. The others of that minute are an addition in memory. Their number is written by the next refusal
// in a later minute, together with all that wait, or when the store is closed; a process that is killed takes the
// numbers of its last minute with it, not the fact. A number whose commit does not answer in time is written again, so
// that it may be too high, never too low. Where more than a few hundred sources are refused in one minute,
// the rest is counted as one.
func (s *Store) Refuse(ctx context.Context, r Refusal) {
	now := s.opts.Now().UTC().Truncate(time.Microsecond)
	s.writeRefusals(ctx, s.refusals.note(r.Normal(), now))
}

// Close writes what refusals are still only counted. The store can be used on.
func (s *Store) Close(ctx context.Context) {
	for due := s.refusals.all(); len(due) > 0; due = due[min(len(due), flushAtOnce):] {
		s.writeRefusals(ctx, due[:min(len(due), flushAtOnce)])
	}
}

// writeRefusals commits an entry for each tally, or puts them back. The caller may be gone by then: leaving early must
// not keep one out of the log.
func (s *Store) writeRefusals(ctx context.Context, due []tally) {
	if len(due) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cmp.Or(s.opts.Patience, patience))
	defer cancel()
	receipt, err := s.commitRefusals(ctx, due)
	if err != nil {
		s.refusals.putBack(due, s.opts.Now().Add(quietFor))
		s.opts.Log.ErrorContext(ctx, "refusals could not be written to the audit log; they are counted and tried again",
			"refusals", len(due), "error", err)
		return
	}
	s.witness(ctx, receipt)
}

// commitRefusals writes the entries under random ids, so that what is there already can only be this very commit's.
func (s *Store) commitRefusals(ctx context.Context, due []tally) (Receipt, error) {
	var r Receipt
	b := s.batch("")
	for _, t := range due {
		e, err := s.refusalEntry(t)
		if err != nil {
			return r, err
		}
		raw, err := e.Encode()
		if err != nil {
			return r, err
		}
		head := ledger.HashEntry(raw)
		r.Entries, r.heads = append(r.Entries, e), append(r.heads, head)
		b.tenant = e.Tenant
		b.create(Ref{collectionAudit, e.ID}, entryFields(e, raw, head))
	}
	if err := b.commit(ctx); err != nil && !errors.Is(err, ErrExists) {
		return r, err
	}
	return r, nil
}

func (s *Store) refusalEntry(t tally) (ledger.Entry, error) {
	id, err := ledger.NewID(s.opts.Random)
	return ledger.Entry{
		ID: id, Tenant: t.Tenant, At: t.at, Actor: t.Actor, Action: t.Action, Object: "sources/" + t.Source,
		Outcome: ledger.Refused, Reason: t.Reason, Count: t.count, RequestID: t.RequestID,
	}, err
}

// refusalKey is what refusals of one minute have in common to be one.
type refusalKey struct {
	tenant, reason, source string
	actor                  identity.Actor
}

// tally is a refusal and how often it came again; count is 0 for a single first one.
type tally struct {
	Refusal
	at    time.Time // of the newest
	count int64
}

// refusals counts. It is safe for concurrent use; its memory is bounded.
type refusals struct {
	mu      sync.Mutex
	minute  int64
	seen    map[refusalKey]*tally // of this minute
	waiting []tally               // of minutes before, and what could not be written
	quiet   time.Time             // until when nothing is written
}

// note counts a refusal and returns what is to be written now.
func (f *refusals) note(r Refusal, now time.Time) []tally {
	f.mu.Lock()
	defer f.mu.Unlock()
	if minute := now.Unix() / 60; minute != f.minute {
		f.turn()
		f.minute = minute
	}
	var due []tally
	t, known := f.find(r)
	t.at = now
	switch {
	case known, now.Before(f.quiet):
		t.count++
	default:
		due = append(due, *t)
	}
	if now.Before(f.quiet) {
		return nil
	}
	n := min(len(f.waiting), flushAtOnce)
	due = append(due, f.waiting[:n]...)
	f.waiting = append([]tally(nil), f.waiting[n:]...)
	return due
}

// find returns the refusal's tally of this minute and whether it was there already.
func (f *refusals) find(r Refusal) (*tally, bool) {
	if t := f.seen[keyOf(r)]; t != nil {
		return t, true
	}
	if len(f.seen) >= mostSources {
		r = crowd(r.Tenant, r.Reason)
	}
	if len(f.seen) >= 2*mostSources {
		r = crowd(identity.Hub, tooMany)
	}
	if t := f.seen[keyOf(r)]; t != nil {
		return t, true
	}
	t := &tally{Refusal: r}
	f.seen[keyOf(r)] = t
	return t, false
}

func keyOf(r Refusal) refusalKey { return refusalKey{r.Tenant, r.Reason, r.Source, r.Actor} }

// crowd stands for refusals of many sources.
func crowd(tenant, reason string) Refusal {
	return Refusal{Tenant: tenant, Actor: identity.Nobody(), Action: others, Reason: reason, Source: others}
}

// turn ends a minute: what was counted in it waits to be written.
func (f *refusals) turn() {
	for _, t := range f.seen {
		if t.count > 0 {
			f.wait(*t)
		}
	}
	clear(f.seen)
}

// wait keeps a tally, as a number only when there are too many.
func (f *refusals) wait(t tally) {
	if len(f.waiting) < mostWaiting {
		f.waiting = append(f.waiting, t)
		return
	}
	last := &f.waiting[mostWaiting-1]
	last.count = max(last.count, 1) + max(t.count, 1)
	last.Refusal, last.at = crowd(identity.Hub, tooMany), t.at
}

func (f *refusals) putBack(all []tally, quiet time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.quiet = quiet
	for _, t := range all {
		f.wait(t)
	}
}

// all takes everything that is counted.
func (f *refusals) all() []tally {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turn()
	due := f.waiting
	f.waiting = nil
	return due
}
