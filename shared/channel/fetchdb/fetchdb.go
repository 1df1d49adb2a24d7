// Package fetchdb keeps what platforms told of and the hub has still to ask for.
//
//	fetches/{id}     what is to be fetched; an act wrote it, and one more says when it was given up
//	fetchQueue/{id}  when to look at it again; bookkeeping, gone when nothing is left to do
//
// A reference is taken in by ONE commit: the fetch, its place in the queue and the audit entry. Its id is made of the
// platform's own event id, so that an event that comes again finds itself. Whoever dies on the way leaves the fetch in the
// queue, where the relay finds it when its time comes.
package fetchdb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const (
	collectionFetches = "fetches"
	collectionQueue   = "fetchQueue"
)

// The acts of this package, as audit entries name them.
const (
	ActionRefer  = "order.refer"
	ActionGiveUp = "order.fetch_failed"
)

// Options are what a Store needs; every field is required.
type Options struct {
	Ledger *ledgerdb.Store
	Now    func() time.Time
}

// Store keeps fetches. It is safe for concurrent use.
type Store struct{ opts Options }

// New returns a Store.
func New(opts Options) *Store { return &Store{opts} }

// With returns the same store by another clock.
func (s *Store) With(now func() time.Time) *Store {
	return New(Options{Ledger: s.opts.Ledger, Now: now})
}

// Fetch is a fetch as read.
type Fetch struct {
	channel.Fetch
	object, queue ledgerdb.Object
}

// Queued tells whether there is still something to do.
func (f Fetch) Queued() bool { return f.queue.Exists() }

// Refer takes a reference in, once however often it comes. It tells whether it is new.
func (s *Store) Refer(ctx context.Context, act ledgerdb.Act, f channel.Fetch) (fresh bool, err error) {
	receipt, err := s.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{ledgerdb.Create(fetchRef(f.ID), f.Document())},
		ledgerdb.Add(queueRef(f.ID), f.Progress()))
	if errors.Is(err, ledgerdb.ErrExists) {
		found, err := s.opts.Ledger.GetAll(ctx, act.Tenant, fetchRef(f.ID))
		if err != nil {
			return false, fmt.Errorf("take in reference %s: %w", f.ID, err)
		}
		return receipt.Wrote(found[0]), nil
	}
	if err != nil {
		return false, fmt.Errorf("take in reference %s: %w", f.ID, err)
	}
	return true, nil
}

func fetchRef(id string) ledgerdb.Ref { return ledgerdb.Ref{Collection: collectionFetches, ID: id} }
func queueRef(id string) ledgerdb.Ref { return ledgerdb.Ref{Collection: collectionQueue, ID: id} }

// Load reads a fetch of the tenant. A missing one is [fault.NotFound].
func (s *Store) Load(ctx context.Context, tenant, id string) (Fetch, error) {
	if id == "" || strings.Contains(id, "/") {
		return Fetch{}, fault.New(fault.NotFound, "there is no such fetch")
	}
	found, err := s.opts.Ledger.GetAll(ctx, tenant, fetchRef(id), queueRef(id))
	if err != nil {
		return Fetch{}, fmt.Errorf("read fetch %s: %w", id, err)
	}
	if !found[0].Exists() {
		return Fetch{}, fault.New(fault.NotFound, "there is no such fetch")
	}
	f, err := channel.ParseFetch(id, tenant, found[0].Fields, found[1].Fields)
	return Fetch{f, found[0], found[1]}, err
}

// Take claims a fetch that was read. It reports false when it is not due, or somebody else was faster.
func (s *Store) Take(ctx context.Context, f Fetch) (Fetch, bool, error) {
	taken, ok := f.Take(s.now())
	if !ok || !f.Queued() {
		return f, false, nil
	}
	err := s.opts.Ledger.Bookkeep(ctx, f.Tenant, ledgerdb.Patch(f.queue, taken.Progress()))
	if errors.Is(err, ledgerdb.ErrStale) {
		now, err := s.Load(ctx, f.Tenant, f.ID) // it may have succeeded without telling
		return now, err == nil && now.Queued() && now.NextAt.Equal(taken.NextAt) && now.Tries == taken.Tries, err
	}
	if err != nil {
		return f, false, fmt.Errorf("claim fetch %s: %w", f.ID, err)
	}
	f.Fetch = taken
	return f, true, nil
}

// Postpone puts a claimed fetch off.
func (s *Store) Postpone(ctx context.Context, f Fetch, asked time.Duration) error {
	return s.book(ctx, f, ledgerdb.Put(queueRef(f.ID), f.Postpone(s.now(), asked).Progress()))
}

// Done takes a fetch out of the queue: the order is here.
func (s *Store) Done(ctx context.Context, f Fetch) error {
	return s.book(ctx, f, ledgerdb.Drop(queueRef(f.ID)))
}

func (s *Store) book(ctx context.Context, f Fetch, w ledgerdb.Write) error {
	if err := s.opts.Ledger.Bookkeep(ctx, f.Tenant, w); err != nil {
		return fmt.Errorf("record fetch %s: %w", f.ID, err)
	}
	return nil
}

// GiveUp says for good that the order was not got, and takes it out of the queue. It is an act, and may come twice.
func (s *Store) GiveUp(ctx context.Context, f Fetch, why string) error {
	act := ledgerdb.Act{Tenant: f.Tenant, Actor: identity.Actor{Kind: identity.KindSystem, ID: "fetch"}, Action: ActionGiveUp}
	fields := f.Document()
	fields["failed"] = why
	_, err := s.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{ledgerdb.Replace(f.object, fields)}, ledgerdb.Drop(queueRef(f.ID)))
	if errors.Is(err, ledgerdb.ErrStale) {
		now, readErr := s.Load(ctx, f.Tenant, f.ID)
		if readErr == nil && !now.Queued() {
			return nil // by this very commit, or by who came before
		}
	}
	if err != nil {
		return fmt.Errorf("give up fetch %s: %w", f.ID, err)
	}
	return nil
}

// Left is a fetch that it is time to look at.
type Left struct{ Tenant, ID string }

// Due reads what it is time to look at, of all tenants: at most limit of each of the 16 shards.
func (s *Store) Due(ctx context.Context, before time.Time, limit int) ([]Left, error) {
	var due []Left
	for shard := range 16 {
		objects, err := s.opts.Ledger.List(ctx, s.opts.Ledger.QueryAllTenants(collectionQueue).Where("us", "==", shard).
			Where("nextAttemptAt", "<=", before).OrderBy("nextAttemptAt", firestore.Asc).Limit(limit))
		if err != nil {
			return nil, fmt.Errorf("find fetches that are due: %w", err)
		}
		for _, o := range objects {
			due = append(due, Left{o.Tenant, o.ID})
		}
	}
	return due, nil
}

func (s *Store) now() time.Time { return s.opts.Now().UTC().Truncate(time.Microsecond) }
