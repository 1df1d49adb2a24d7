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

// How long things are kept. Retention by tenant can only shorten it.
const (
	keyLife         = 365 * 24 * time.Hour // guests' data
	originalLife    = 90 * 24 * time.Hour  // what channels sent
	idempotencyLife = 24 * time.Hour       // draft-ietf-httpapi-idempotency-key-header
)

// tries bounds how often a decision is made anew because somebody else was faster.
const tries = 8

// Options are what a Store needs; every field is required.
type Options struct {
	Ledger *ledgerdb.Store
	Keys   *envelopedb.Keyring
	Now    func() time.Time
	Random io.Reader
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
}

// Erased tells whether the guest was erased or has expired.
func (s Stored) Erased(now time.Time) bool { return !s.key.Exists() || expired(s.key, now) }

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
	return parse(found[0], found[1])
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
