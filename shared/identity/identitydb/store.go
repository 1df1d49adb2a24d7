package identitydb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// The collections that this package writes.
const (
	collectionTenants   = "tenants"
	collectionLocations = "locations"
	collectionChannels  = "channels"
	collectionClients   = "clients"
	collectionKeys      = "apiKeys"
	collectionSigning   = "signingKeys"
	collectionTokens    = "accessTokens"
	collectionOnce      = "usedOnce"
	collectionGrants    = "supportGrants"
	collectionSupport   = "supportRequests"
	collectionUsers     = "users"
	collectionSessions  = "sessions"
)

// attempts is how often a change is decided again because somebody else changed the same.
const attempts = 5

// Options are what a Store needs; every field is required.
type Options struct {
	Ledger *ledgerdb.Store
	Keys   *envelopedb.Keyring
	Now    func() time.Time
	Random io.Reader // cryptographic
}

// Store creates and changes tenants, locations, channel links and clients. It is safe for concurrent use.
//
// Its methods take who does it as an act without an action, which is set here. All but [Store.CreateTenant] work in the
// act's tenant. Input that breaks the rules is [fault.Invalid] with every fault.
type Store struct{ opts Options }

// New returns a store.
func New(opts Options) *Store { return &Store{opts} }

// CreateTenant makes a tenant of this name.
func (s *Store) CreateTenant(ctx context.Context, by ledgerdb.Act, name string) (identity.Tenant, error) {
	t := identity.Tenant{Name: name, CreatedAt: s.now()}
	if err := t.Check(); err != nil {
		return t, err
	}
	var err error
	if t.ID, err = identity.NewID(identity.TenantPrefix, s.opts.Random); err != nil {
		return t, err
	}
	by.Tenant, by.Action = t.ID, "tenant.create"
	at := ref(collectionTenants, t.ID)
	return t, s.commit(ctx, by, at, ledgerdb.Create(at, t.Document()))
}

// Tenant reads a tenant as it is stored now.
func (s *Store) Tenant(ctx context.Context, id string) (identity.Tenant, error) {
	if !identity.WellFormed(identity.TenantPrefix, id) {
		return identity.Tenant{}, unknown("tenant")
	}
	return load(ctx, s, id, ref(collectionTenants, id), identity.ParseTenant)
}

// Tenants reads a page of all tenants, by id. It is for operators, never for a caller.
func (s *Store) Tenants(ctx context.Context, p Page) ([]identity.Tenant, error) {
	return listBy(ctx, s, s.opts.Ledger.QueryAllTenants(collectionTenants), p, identity.ParseTenant)
}

// SuspendTenant refuses every credential of the tenant, or takes them again.
func (s *Store) SuspendTenant(ctx context.Context, by ledgerdb.Act, suspended bool) error {
	by.Action = "tenant.suspend"
	if !suspended {
		by.Action = "tenant.resume"
	}
	return s.change(ctx, by, ref(collectionTenants, by.Tenant), func(o ledgerdb.Object) (map[string]any, []ledgerdb.Write, error) {
		t, err := identity.ParseTenant(o.ID, o.Fields)
		t.Suspended = suspended
		return t.Document(), nil, err
	})
}

// SetRetention says for how long the tenant's guests' data is kept. What was kept for longer cannot be read within a
// minute, and is deleted by the next day's run. It cannot be brought back by a longer time.
func (s *Store) SetRetention(ctx context.Context, by ledgerdb.Act, r identity.Retention) error {
	if err := r.Check(); err != nil {
		return err
	}
	by.Action = "tenant.retain"
	return s.change(ctx, by, ref(collectionTenants, by.Tenant), func(o ledgerdb.Object) (map[string]any, []ledgerdb.Write, error) {
		t, err := identity.ParseTenant(o.ID, o.Fields)
		t.Retention = r
		return t.Document(), nil, err
	})
}

func (s *Store) seal(ctx context.Context, l identity.Link, secrets identity.LinkSecrets) ([]byte, error) {
	plain, err := secrets.Encode()
	if err != nil {
		return nil, err
	}
	key, err := s.opts.Keys.Current(ctx, l.Tenant)
	if err != nil {
		return nil, err
	}
	return key.Seal(plain, place(l))
}

// place is where a link's secrets are sealed for.
func place(l identity.Link) envelope.Binding {
	return envelope.Binding{Tenant: l.Tenant, Collection: collectionChannels, Document: l.ID, Field: "sealed"}
}

// ownLocations refuses locations that are not the tenant's, each at its place in the request.
func (s *Store) ownLocations(ctx context.Context, tenant string, named identity.Locations, at string) error {
	if named.Every() {
		return nil
	}
	refs := make([]ledgerdb.Ref, len(named))
	for i, id := range named {
		refs[i] = ref(collectionLocations, id)
	}
	objects, err := s.opts.Ledger.GetAll(ctx, tenant, refs...)
	if err != nil {
		return err
	}
	var unknown []fault.Detail
	for i, o := range objects {
		if !o.Exists() {
			unknown = append(unknown, fault.Detail{Location: fmt.Sprintf(at, i), Message: "is not a location of this tenant"})
		}
	}
	if len(unknown) > 0 {
		return fault.New(fault.Invalid, "some locations are unknown").With(unknown...)
	}
	return nil
}

func ref(collection, id string) ledgerdb.Ref { return ledgerdb.Ref{Collection: collection, ID: id} }

// now is the time as the store keeps it.
func (s *Store) now() time.Time { return s.opts.Now().UTC().Truncate(time.Microsecond) }

// decision returns an object's new fields and what must be written with them.
type decision func(ledgerdb.Object) (map[string]any, []ledgerdb.Write, error)

// change reads an object, decides and commits, and decides again when somebody else was faster.
func (s *Store) change(ctx context.Context, by ledgerdb.Act, at ledgerdb.Ref, decide decision) error {
	for range attempts {
		prior, err := s.opts.Ledger.Get(ctx, by.Tenant, at)
		if err != nil {
			return err
		}
		fields, with, err := decide(prior)
		if err != nil {
			return err
		}
		err = s.commit(ctx, by, at, ledgerdb.Replace(prior, fields), with...)
		if !errors.Is(err, ledgerdb.ErrStale) {
			return err
		}
	}
	return fault.New(fault.Unavailable, "this is being changed by others; try again").Because(ledgerdb.ErrStale)
}

// commit performs an act on one object. A commit that succeeded without telling is found out by reading.
func (s *Store) commit(ctx context.Context, act ledgerdb.Act, at ledgerdb.Ref, c ledgerdb.Change, with ...ledgerdb.Write) error {
	receipt, err := s.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{c}, with...)
	if !errors.Is(err, ledgerdb.ErrExists) && !errors.Is(err, ledgerdb.ErrStale) {
		return err
	}
	now, readErr := s.opts.Ledger.Get(ctx, act.Tenant, at)
	if readErr == nil && receipt.Wrote(now) {
		return nil
	}
	return err
}
