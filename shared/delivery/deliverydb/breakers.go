package deliverydb

import (
	"context"
	"fmt"
	"sync"
	"time"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/webhook"
)

// breakerFor is how long a breaker is believed from memory. What this process sees itself counts at once.
const breakerFor = 5 * time.Second

// mostBreakers bounds how many breakers are held in memory.
const mostBreakers = 20_000

// breakers holds what this process knows of endpoints' health.
type breakers struct {
	mu    sync.Mutex
	known map[string]knownBreaker
}

type knownBreaker struct {
	delivery.Breaker
	read time.Time
}

func (b *breakers) load(endpoint string) (knownBreaker, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k, ok := b.known[endpoint]
	return k, ok
}

// update changes what is known of an endpoint, and returns it before and after.
func (b *breakers) update(endpoint string, now time.Time, change func(delivery.Breaker) delivery.Breaker) (before, after delivery.Breaker) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.known == nil || len(b.known) >= mostBreakers {
		b.known = map[string]knownBreaker{}
	}
	k := b.known[endpoint]
	before = k.Breaker
	k.Breaker, k.read = change(before), now
	b.known[endpoint] = k
	return before, k.Breaker
}

// Breaker returns the breaker of an endpoint, as it was seconds ago at most.
func (s *Store) Breaker(ctx context.Context, tenant, endpoint string) (delivery.Breaker, error) {
	now := s.now()
	if k, ok := s.breakers.load(endpoint); ok && now.Sub(k.read) < breakerFor {
		return k.Breaker, nil
	}
	found, err := s.opts.Ledger.GetAll(ctx, tenant, breakerRef(endpoint))
	if err != nil {
		return delivery.Breaker{}, fmt.Errorf("read the breaker of %s: %w", endpoint, err)
	}
	stored, err := delivery.ParseBreaker(found[0].Fields)
	if err != nil {
		return delivery.Breaker{}, err
	}
	_, after := s.breakers.update(endpoint, now, func(mine delivery.Breaker) delivery.Breaker { return mine.Meet(stored) })
	return after, nil
}

func breakerRef(endpoint string) ledgerdb.Ref {
	return ledgerdb.Ref{Collection: collectionBreakers, ID: endpoint}
}

// Admit asks whether a message may be sent to an endpoint now. Of a breaker whose pause is over it lets one through as a
// probe; the others are told when to ask again.
func (s *Store) Admit(ctx context.Context, tenant, endpoint string) (until time.Time, ok bool, err error) {
	if _, err := s.Breaker(ctx, tenant, endpoint); err != nil {
		return time.Time{}, false, err
	}
	now := s.now()
	s.breakers.update(endpoint, now, func(b delivery.Breaker) delivery.Breaker {
		if until, ok = b.Open(now); ok {
			ok = false
			return b
		}
		ok = true
		if b.Tripped() {
			return b.Probe(now)
		}
		return b
	})
	return until, ok, nil
}

// Note records what an attempt says of an endpoint. It writes only when the breaker opens, stays open, or closes again.
// It tells whether the breaker opened now.
func (s *Store) Note(ctx context.Context, tenant, endpoint string, r webhook.Result) (opened bool, err error) {
	now := s.now()
	before, after := s.breakers.update(endpoint, now, func(b delivery.Breaker) delivery.Breaker { return b.Note(r, now) })
	switch {
	case after.Tripped():
		err = s.opts.Ledger.Bookkeep(ctx, tenant, ledgerdb.Put(breakerRef(endpoint), after.Document()))
	case before.Tripped():
		err = s.opts.Ledger.Bookkeep(ctx, tenant, ledgerdb.Drop(breakerRef(endpoint)))
	}
	if err != nil {
		return false, fmt.Errorf("record the breaker of %s: %w", endpoint, err)
	}
	return after.Tripped() && !before.Tripped(), nil
}
