package deliverydb

import (
	"io"
	"time"

	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// The collections that this package reads and writes.
const (
	collectionEndpoints  = "endpoints"
	collectionDeliveries = "deliveries"
	collectionEvents     = "events"
	collectionBreakers   = "breakers"
	collectionFeeds      = "feeds"
)

// tries bounds how often a decision is made anew because somebody else was faster.
const tries = 5

// Options are what a Store needs; every field is required.
type Options struct {
	Ledger   *ledgerdb.Store
	Keys     *envelopedb.Keyring
	Now      func() time.Time
	Random   io.Reader
	CacheFor time.Duration // how long endpoints are used from memory: until then a change may not show everywhere
}

// Store keeps endpoints and deliveries. It is safe for concurrent use.
type Store struct {
	opts     Options
	cache    cache
	breakers breakers
}

// New returns a Store.
func New(opts Options) *Store {
	return &Store{opts: opts, cache: cache{tenants: map[string]cached{}}}
}

// now is the present as the database keeps time.
func (s *Store) now() time.Time { return s.opts.Now().UTC().Truncate(time.Microsecond) }
