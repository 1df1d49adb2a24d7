package orderdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order"
)

// The collections that this package writes.
const (
	collectionOrders      = "orders"
	collectionOrderKeys   = "orderKeys"
	collectionOriginals   = "originals"
	collectionIdempotency = "idempotency"
	collectionEvents      = "events"
)

// How long things are kept, at most: a tenant's retention is compared when they are read.
const (
	keyLife         = identity.GuestDays * 24 * time.Hour
	originalLife    = identity.OriginalDays * 24 * time.Hour
	idempotencyLife = 24 * time.Hour // draft-ietf-httpapi-idempotency-key-header
)

// tries bounds how often a decision is made anew because somebody else was faster.
const tries = 8

// Options are what a Store needs; every field but Retention is required.
type Options struct {
	Ledger *ledgerdb.Store
	Keys   *envelopedb.Keyring
	Now    func() time.Time
	Random io.Reader

	// Retention tells for how long a tenant has guests' data kept. It is asked with every reading. Without it, all tenants
	// keep it as long as the hub does.
	Retention func(ctx context.Context, tenant string) (identity.Retention, error)
}

// Store keeps orders. It is safe for concurrent use.
type Store struct {
	opts      Options
	originals *envelope.Originals
}

// New returns a Store.
func New(opts Options) *Store {
	return &Store{opts: opts, originals: envelope.NewOriginals()}
}

// Stored is an order as read: its record, and its guest where somebody may still know them.
type Stored struct {
	order.Record
	UpdatedAt time.Time

	object   ledgerdb.Object
	key      ledgerdb.Object
	original ledgerdb.Object // read by [Store.LoadAll] alone

	// By how much sooner than its documents say the tenant has the guest forgotten, and what the channel sent.
	guestSooner, originalSooner time.Duration
}

// Erased tells whether the guest was erased or has expired.
func (s Stored) Erased(now time.Time) bool {
	return !s.key.Exists() || expired(s.key, now.Add(s.guestSooner))
}

// expired compares the time too, because Firestore deletes late.
func expired(o ledgerdb.Object, now time.Time) bool {
	at, ok := o.Fields["expireAt"].(time.Time)
	return ok && !now.Before(at)
}

// Load reads an order of the tenant, in one RPC. A missing one is [fault.NotFound].
func (s *Store) Load(ctx context.Context, tenant, id string) (Stored, error) {
	if !order.IsID(id) {
		return Stored{}, notFound()
	}
	found, err := s.opts.Ledger.GetAll(ctx, tenant, ledgerdb.Ref{Collection: collectionOrders, ID: id}, ledgerdb.Ref{Collection: collectionOrderKeys, ID: id})
	if err != nil {
		return Stored{}, fmt.Errorf("load order %s: %w", id, err)
	}
	if !found[0].Exists() {
		return Stored{}, notFound()
	}
	return s.kept(ctx, found[0], found[1], ledgerdb.Object{})
}

// kept reads an order with what of its guest the tenant still keeps.
func (s *Store) kept(ctx context.Context, object, key, original ledgerdb.Object) (Stored, error) {
	stored, err := parse(object, key)
	if err != nil || s.opts.Retention == nil {
		stored.original = original
		return stored, err
	}
	r, err := s.opts.Retention(ctx, stored.Tenant)
	if err != nil {
		return Stored{}, fmt.Errorf("retention of order %s: %w", stored.ID, err)
	}
	stored.original = original
	stored.guestSooner, stored.originalSooner, _ = r.Sooner()
	return stored, nil
}

func notFound() error { return fault.New(fault.NotFound, "there is no order by this id") }

func parse(object, key ledgerdb.Object) (Stored, error) {
	r, err := order.ParseRecord(object.ID, object.Fields)
	r.Tenant = object.Tenant
	return Stored{Record: r, UpdatedAt: object.UpdatedAt, object: object, key: key}, err
}

// Whole returns the order with its guest. Of an order whose guest was erased it returns the face alone.
func (s *Store) Whole(ctx context.Context, o Stored) (order.Order, error) {
	if o.Erased(s.opts.Now()) {
		return o.Order, nil
	}
	key, err := s.dataKey(ctx, o)
	if err != nil {
		return order.Order{}, err
	}
	sealed, _ := o.object.Fields["guest"].([]byte)
	plain, err := key.Open(sealed, place(o.Tenant, collectionOrders, o.ID, "guest"))
	if err != nil {
		return order.Order{}, fmt.Errorf("open the guest of order %s: %w", o.ID, err)
	}
	var guest order.Guest
	if err := json.Unmarshal(plain, &guest); err != nil {
		return order.Order{}, fmt.Errorf("read the guest of order %s: %w", o.ID, errors.New("not the JSON that was sealed"))
	}
	return order.Merge(o.Order, guest), nil
}

// dataKey unwraps the order's own key.
func (s *Store) dataKey(ctx context.Context, o Stored) (*envelope.DataKey, error) {
	wrapped, _ := o.key.Fields["key"].([]byte)
	id, err := envelope.SealedBy(wrapped)
	if err != nil {
		return nil, fmt.Errorf("key of order %s: %w", o.ID, err)
	}
	tenantKey, err := s.opts.Keys.Load(ctx, o.Tenant, id)
	if err != nil {
		return nil, fmt.Errorf("key of order %s: %w", o.ID, err)
	}
	key, err := tenantKey.Unwrap(wrapped, place(o.Tenant, collectionOrderKeys, o.ID, "key"))
	if err != nil {
		return nil, fmt.Errorf("key of order %s: %w", o.ID, err)
	}
	return key, nil
}

func place(tenant, collection, document, field string) envelope.Binding {
	return envelope.Binding{Tenant: tenant, Collection: collection, Document: document, Field: field}
}
