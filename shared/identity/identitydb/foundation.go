package identitydb

import (
	"context"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// What follows is for package peopledb, which keeps people in the same way and stands apart because only the auth function
// needs what it is made of.

// Change reads an object of the act's tenant, decides and commits, and decides again when somebody else was faster.
func (s *Store) Change(ctx context.Context, by ledgerdb.Act, at ledgerdb.Ref, decide func(ledgerdb.Object) (map[string]any, []ledgerdb.Write, error)) error {
	return s.change(ctx, by, at, decide)
}

// Commit performs an act on one object. A commit that succeeded without telling is found out by reading.
func (s *Store) Commit(ctx context.Context, act ledgerdb.Act, c ledgerdb.Change, at ledgerdb.Ref, with ...ledgerdb.Write) error {
	return s.commit(ctx, act, at, c, with...)
}

// Remove deletes an object of the act's tenant. There being none is [fault.NotFound].
func (s *Store) Remove(ctx context.Context, by ledgerdb.Act, at ledgerdb.Ref) error {
	return s.remove(ctx, by, at, func(ledgerdb.Object) ([]ledgerdb.Write, error) { return nil, nil })
}

// Now is the time as the store keeps it.
func (s *Store) Now() time.Time { return s.now() }

// Load reads one of the tenant's documents; what is missing or another tenant's is [fault.NotFound].
func Load[T any](ctx context.Context, s *Store, tenant string, at ledgerdb.Ref, parse func(string, map[string]any) (T, error)) (T, error) {
	return load(ctx, s, tenant, at, parse)
}

// List reads a page of the tenant's documents of a collection.
func List[T any](ctx context.Context, s *Store, tenant string, from Part, parse func(string, map[string]any) (T, error)) ([]T, error) {
	return list(ctx, s, tenant, listQuery{collection: from.Collection, page: from.Page}, parse)
}

// Part is a part of a collection.
type Part struct {
	Collection string
	Page
}

// InService refuses the callers of a suspended tenant with [fault.Forbidden].
func (d *Directory) InService(ctx context.Context, tenant string) error {
	return d.inService(ctx, tenant)
}

// Reading keeps one thing in memory as it was read, for everybody who asks.
type Reading[T any] struct{ cache *cache[T] }

// NewReading returns a reading that nobody has made yet. While nothing can be read, one that is younger than the outage is
// good.
func NewReading[T any](now func() time.Time, outage time.Duration, read func(context.Context) (T, error)) *Reading[T] {
	c := newCache(now, func(ctx context.Context, _ string) (T, error) { return read(ctx) })
	c.outage = outage
	return &Reading[T]{c}
}

// Get returns what was read at most age ago.
func (r *Reading[T]) Get(ctx context.Context, age time.Duration) (T, error) {
	return r.cache.get(ctx, "", age)
}

// Forget makes the next Get read.
func (r *Reading[T]) Forget() { r.cache.forget("") }

// Refused is [fault.Unauthenticated] in these words.
func Refused(message string) *fault.Error { return refused(message) }

// RefusedUnless makes a refusal of what was not found, and leaves failures what they are.
func RefusedUnless(err error, message string) error { return refusedUnless(err, message) }
