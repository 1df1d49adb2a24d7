package deliverydb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/webhook"
)

// The actions of this package, as audit entries name them.
const (
	ActionCreate  = "endpoint.create"
	ActionChange  = "endpoint.change"
	ActionRotate  = "endpoint.rotate_secret"
	ActionDisable = "endpoint.disable"
	ActionRemove  = "endpoint.remove"
)

// Allow says whether a caller may touch an endpoint that was read; its fault is returned as it is.
type Allow func(delivery.Endpoint) error

// Endpoint reads one endpoint of the tenant. A missing one is [fault.NotFound].
func (s *Store) Endpoint(ctx context.Context, tenant, id string) (delivery.Endpoint, error) {
	e, _, err := s.endpoint(ctx, tenant, id)
	return e, err
}

func (s *Store) endpoint(ctx context.Context, tenant, id string) (delivery.Endpoint, ledgerdb.Object, error) {
	if !identity.WellFormed(delivery.EndpointPrefix, id) {
		return delivery.Endpoint{}, ledgerdb.Object{}, noEndpoint()
	}
	found, err := s.opts.Ledger.GetAll(ctx, tenant, endpointRef(id))
	if err != nil {
		return delivery.Endpoint{}, ledgerdb.Object{}, fmt.Errorf("read endpoint %s: %w", id, err)
	}
	if !found[0].Exists() {
		return delivery.Endpoint{}, ledgerdb.Object{}, noEndpoint()
	}
	e, err := delivery.ParseEndpoint(id, tenant, found[0].Fields)
	return e, found[0], err
}

func endpointRef(id string) ledgerdb.Ref {
	return ledgerdb.Ref{Collection: collectionEndpoints, ID: id}
}

func noEndpoint() error { return fault.New(fault.NotFound, "there is no endpoint by this id") }

// Endpoints reads all endpoints of the tenant, by id; there are at most [delivery.MaxEndpoints].
func (s *Store) Endpoints(ctx context.Context, tenant string) ([]delivery.Endpoint, error) {
	return s.listEndpoints(ctx, tenant, s.opts.Ledger.Query(tenant, collectionEndpoints).OrderBy(firestore.DocumentID, firestore.Asc))
}

// EndpointsAfter reads at most limit of the tenant's endpoints whose ids follow the given one.
func (s *Store) EndpointsAfter(ctx context.Context, tenant, after string, limit int) ([]delivery.Endpoint, error) {
	q := s.opts.Ledger.Query(tenant, collectionEndpoints).OrderBy(firestore.DocumentID, firestore.Asc).Limit(limit)
	if after != "" {
		q = q.StartAfter(after)
	}
	return s.listEndpoints(ctx, tenant, q)
}

func (s *Store) listEndpoints(ctx context.Context, tenant string, q firestore.Query) ([]delivery.Endpoint, error) {
	objects, err := s.opts.Ledger.List(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("list endpoints: %w", err)
	}
	endpoints := make([]delivery.Endpoint, len(objects))
	for i, o := range objects {
		if endpoints[i], err = delivery.ParseEndpoint(o.ID, tenant, o.Fields); err != nil {
			return nil, err
		}
	}
	return endpoints, nil
}

// Create makes an endpoint of settings that were checked, and its first secret, which nobody can read again later. A
// tenant that has [delivery.MaxEndpoints] already is refused with [fault.Conflict].
func (s *Store) Create(ctx context.Context, act ledgerdb.Act, settings delivery.Settings) (delivery.Endpoint, webhook.Secret, error) {
	there, err := s.Endpoints(ctx, act.Tenant)
	if err != nil {
		return delivery.Endpoint{}, webhook.Secret{}, err
	}
	if len(there) >= delivery.MaxEndpoints {
		return delivery.Endpoint{}, webhook.Secret{}, fault.New(fault.Conflict, "there are %d endpoints already", len(there))
	}
	id, err := identity.NewID(delivery.EndpointPrefix, s.opts.Random)
	if err != nil {
		return delivery.Endpoint{}, webhook.Secret{}, err
	}
	e := delivery.Endpoint{ID: id, Tenant: act.Tenant, CreatedAt: s.now()}.Change(settings)
	secret, kept, err := s.newSecret(ctx, e)
	if err != nil {
		return delivery.Endpoint{}, webhook.Secret{}, err
	}
	e = e.Rotate(kept, e.CreatedAt)
	err = s.commit(ctx, act, ledgerdb.Create(endpointRef(id), e.Document()), endpointRef(id))
	return e, secret, err
}

// Change gives an endpoint other settings, which were checked.
func (s *Store) Change(ctx context.Context, act ledgerdb.Act, id string, settings delivery.Settings, allow Allow) (delivery.Endpoint, error) {
	return s.change(ctx, act, id, allow, func(e delivery.Endpoint) (delivery.Endpoint, error) {
		return e.Change(settings), nil
	})
}

// Rotate gives an endpoint a new secret, which nobody can read again later; see [delivery.Endpoint.Rotate].
func (s *Store) Rotate(ctx context.Context, act ledgerdb.Act, id string, allow Allow) (delivery.Endpoint, webhook.Secret, error) {
	var secret webhook.Secret
	e, err := s.change(ctx, act, id, allow, func(e delivery.Endpoint) (delivery.Endpoint, error) {
		fresh, kept, err := s.newSecret(ctx, e)
		secret = fresh
		return e.Rotate(kept, s.now()), err
	})
	return e, secret, err
}

// Remove deletes an endpoint. What is still to be sent to it fails.
func (s *Store) Remove(ctx context.Context, act ledgerdb.Act, id string, allow Allow) error {
	for range tries {
		e, object, err := s.endpoint(ctx, act.Tenant, id)
		if err != nil {
			return err
		}
		if err := allow(e); err != nil {
			return err
		}
		err = s.commit(ctx, act, ledgerdb.Remove(object), object.Ref)
		if !errors.Is(err, ledgerdb.ErrStale) {
			return err
		}
		if _, _, gone := s.endpoint(ctx, act.Tenant, id); fault.Is(gone, fault.NotFound) {
			return nil // by this very commit, or by somebody who wanted the same
		}
	}
	return tooMany()
}

// change decides on what is there and commits, anew when somebody else was faster.
func (s *Store) change(
	ctx context.Context, act ledgerdb.Act, id string, allow Allow, decide func(delivery.Endpoint) (delivery.Endpoint, error),
) (delivery.Endpoint, error) {
	for range tries {
		e, object, err := s.endpoint(ctx, act.Tenant, id)
		if err != nil {
			return delivery.Endpoint{}, err
		}
		if err := allow(e); err != nil {
			return delivery.Endpoint{}, err
		}
		next, err := decide(e)
		if err != nil {
			return delivery.Endpoint{}, err
		}
		err = s.commit(ctx, act, ledgerdb.Replace(object, next.Document()), object.Ref)
		if !errors.Is(err, ledgerdb.ErrStale) {
			return next, err
		}
	}
	return delivery.Endpoint{}, tooMany()
}

func tooMany() error {
	return fault.New(fault.Unavailable, "too many change this endpoint at once; try again").After(time.Second)
}

// commit performs an act on one endpoint. A commit that succeeded without telling is recognised by what is stored.
func (s *Store) commit(ctx context.Context, act ledgerdb.Act, c ledgerdb.Change, ref ledgerdb.Ref, with ...ledgerdb.Write) error {
	s.cache.forget(act.Tenant)
	defer s.cache.forget(act.Tenant)
	receipt, err := s.opts.Ledger.Commit(ctx, act, []ledgerdb.Change{c}, with...)
	if errors.Is(err, ledgerdb.ErrStale) || errors.Is(err, ledgerdb.ErrExists) {
		found, readErr := s.opts.Ledger.GetAll(ctx, act.Tenant, ref)
		if readErr == nil && receipt.Wrote(found[0]) {
			return nil
		}
		return ledgerdb.ErrStale
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", act.Action, ref, err)
	}
	return nil
}

// newSecret makes a secret and seals it for its place in the endpoint.
func (s *Store) newSecret(ctx context.Context, e delivery.Endpoint) (webhook.Secret, delivery.Secret, error) {
	secret, err := webhook.NewSecret(s.opts.Random)
	if err != nil {
		return webhook.Secret{}, delivery.Secret{}, err
	}
	id, err := identity.NewID("sec_", s.opts.Random)
	if err != nil {
		return webhook.Secret{}, delivery.Secret{}, err
	}
	key, err := s.opts.Keys.Current(ctx, e.Tenant)
	if err != nil {
		return webhook.Secret{}, delivery.Secret{}, fmt.Errorf("seal a secret of endpoint %s: %w", e.ID, err)
	}
	sealed, err := key.Seal([]byte(secret.Reveal()), place(e, id))
	if err != nil {
		return webhook.Secret{}, delivery.Secret{}, fmt.Errorf("seal a secret of endpoint %s: %w", e.ID, err)
	}
	return secret, delivery.Secret{ID: id, Sealed: sealed, CreatedAt: s.now()}, nil
}

// Secrets opens the endpoint's secrets that sign now, the newest first.
func (s *Store) Secrets(ctx context.Context, e delivery.Endpoint) ([]webhook.Secret, error) {
	live := e.Live(s.now())
	secrets := make([]webhook.Secret, len(live))
	for i, kept := range live {
		plain, err := s.opts.Keys.Open(ctx, kept.Sealed, place(e, kept.ID))
		if err != nil {
			return nil, fmt.Errorf("open a secret of endpoint %s: %w", e.ID, err)
		}
		if secrets[i], err = webhook.ParseSecret(string(plain)); err != nil {
			return nil, fmt.Errorf("read a secret of endpoint %s: %w", e.ID, err)
		}
	}
	return secrets, nil
}

// place is where a secret belongs: it opens nowhere else.
func place(e delivery.Endpoint, secret string) envelope.Binding {
	return envelope.Binding{Tenant: e.Tenant, Collection: collectionEndpoints, Document: e.ID, Field: "secrets." + secret}
}
