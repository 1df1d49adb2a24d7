package identitydb

import (
	"context"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/token"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// requestPrefix begins the id of a request that was made under a grant.
const requestPrefix = "srq_"

// SetOperator says whether a tenant is the one that runs the hub, whose people of the role support may be let in by
// other tenants' owners.
func (s *Store) SetOperator(ctx context.Context, by ledgerdb.Act, operator bool) error {
	by.Action = "tenant.operate"
	return s.change(ctx, by, ref(collectionTenants, by.Tenant), func(o ledgerdb.Object) (map[string]any, []ledgerdb.Write, error) {
		t, err := identity.ParseTenant(o.ID, o.Fields)
		t.Operator = operator
		return t.Document(), nil, err
	})
}

// CreateGrant lets a person of the hub's support into the act's tenant; its id and times of creation are set here.
func (s *Store) CreateGrant(ctx context.Context, by ledgerdb.Act, g identity.Grant) (identity.Grant, error) {
	g.Tenant, g.CreatedAt, g.GrantedBy, by.Action = by.Tenant, s.now(), by.Actor.ID, "support.grant"
	if err := g.Check(g.CreatedAt); err != nil {
		return g, err
	}
	if err := s.staff(ctx, g.Person); err != nil {
		return g, err
	}
	g.Scopes = identity.NewScopes(g.Scopes...)
	g.ExpiresAt = stored(g.ExpiresAt)
	var err error
	if g.ID, err = identity.NewID(identity.GrantPrefix, s.opts.Random); err != nil {
		return g, err
	}
	at := ref(collectionGrants, g.ID)
	return g, s.commit(ctx, by, at, ledgerdb.Create(at, g.Document()))
}

// staff refuses whoever is not of the hub's support.
func (s *Store) staff(ctx context.Context, person string) error {
	stranger := fault.New(fault.Invalid, "this person is not of the hub's support").
		With(fault.Detail{Location: "body.person", Message: "is not a person of the hub's support"})
	found, err := s.opts.Ledger.FindInAllTenants(ctx, ref(collectionUsers, person))
	if fault.Is(err, fault.NotFound) {
		return stranger
	}
	if err != nil {
		return err
	}
	user, err := identity.ParseUser(found.ID, found.Fields)
	if err != nil {
		return err
	}
	home, err := s.Tenant(ctx, found.Tenant)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	if err != nil || !home.Operator || user.Disabled || user.Role != identity.Support {
		return stranger.Because(err)
	}
	return nil
}

// Grant reads a grant of the tenant.
func (s *Store) Grant(ctx context.Context, tenant, id string) (identity.Grant, error) {
	if !identity.WellFormed(identity.GrantPrefix, id) {
		return identity.Grant{}, unknown("grant")
	}
	return load(ctx, s, tenant, ref(collectionGrants, id), identity.ParseGrant)
}

// Grants reads a page of the tenant's grants, by id.
func (s *Store) Grants(ctx context.Context, tenant string, p Page) ([]identity.Grant, error) {
	return list(ctx, s, tenant, listQuery{collectionGrants, p}, identity.ParseGrant)
}

// EndGrant ends a grant, and with it every token that was given out under it, at once. Ending one that has ended changes
// nothing.
func (s *Store) EndGrant(ctx context.Context, by ledgerdb.Act, id string) error {
	g, err := s.Grant(ctx, by.Tenant, id)
	if err != nil || !g.ActiveAt(s.now()) {
		return err
	}
	by.Action = "support.end"
	return s.change(ctx, by, ref(collectionGrants, id), func(o ledgerdb.Object) (map[string]any, []ledgerdb.Write, error) {
		g, err := identity.ParseGrant(o.ID, o.Fields)
		g.EndedAt = s.now()
		return g.Document(), nil, err
	})
}

// SupportRequest is a request that was made under a grant.
type SupportRequest struct {
	ID     string
	Method string
	Path   string // without its query
	At     time.Time
}

// RecordSupport writes a request under a grant down, for the tenant to see, before it is served: an act, so that one that
// cannot be written is not served.
func (s *Store) RecordSupport(ctx context.Context, by ledgerdb.Act, grant string, r SupportRequest) error {
	id, err := identity.NewID(requestPrefix, s.opts.Random)
	if err != nil {
		return err
	}
	by.Action = "support.request"
	at := ref(collectionSupport, id)
	return s.commit(ctx, by, at, ledgerdb.Create(at, map[string]any{
		"grant": grant, "method": r.Method, "path": r.Path, "at": s.now(),
	}))
}

// SupportRequests reads at most limit of the requests under a grant, the newest first, from before a cursor of
// [ledgerdb.Cursor] on.
func (s *Store) SupportRequests(ctx context.Context, tenant, grant, cursor string, limit int) ([]SupportRequest, error) {
	q := s.opts.Ledger.Query(tenant, collectionSupport).Where("grant", "==", grant).
		OrderBy("at", firestore.Desc).OrderBy(firestore.DocumentID, firestore.Desc).Limit(limit)
	if cursor != "" {
		at, id, err := ledgerdb.ParseCursor(cursor)
		if err != nil {
			return nil, err
		}
		q = q.StartAfter(at, id)
	}
	found, err := s.opts.Ledger.List(ctx, q)
	if err != nil {
		return nil, err
	}
	out := make([]SupportRequest, len(found))
	for i, o := range found {
		out[i].ID = o.ID
		out[i].Method, _ = o.Fields["method"].(string)
		out[i].Path, _ = o.Fields["path"].(string)
		out[i].At, _ = o.Fields["at"].(time.Time)
	}
	return out, nil
}

// Granted is a grant that a person of the hub's support has shown to be theirs.
type Granted struct {
	identity.Grant
	Person identity.Actor
}

// errNoGrant is what all are told whose grant does not hold, whatever is wrong.
func errNoGrant() *fault.Error {
	return fault.New(fault.Forbidden, "this is no grant for you that holds now")
}

// Staff returns the grant that a person of the hub's support asks for by their session's token. They must have finished
// their login and proved just now who they are. A session that does not hold, is not of the hub's support or was not proved
// lately is [fault.Unauthenticated]; a grant that is not theirs or has ended is [fault.Forbidden].
func (a *Authenticator) Staff(ctx context.Context, sessionToken, grant string) (Granted, error) {
	caller, err := a.session(ctx, sessionToken)
	if err != nil {
		return Granted{}, err
	}
	// A login that misses something does not have the role's permissions.
	if caller.MustStepUp() || !caller.Can(identity.SupportRead) {
		return Granted{}, errNoStaff()
	}
	home, err := a.onDuty(ctx, caller.Actor.ID)
	if err != nil {
		return Granted{}, err
	}
	if home != caller.Tenant {
		return Granted{}, errNoStaff()
	}
	if !identity.WellFormed(identity.GrantPrefix, grant) {
		return Granted{}, errNoGrant()
	}
	o, err := a.opts.Ledger.FindInAllTenants(ctx, ref(collectionGrants, grant))
	if fault.Is(err, fault.NotFound) {
		return Granted{}, errNoGrant()
	}
	if err != nil {
		return Granted{}, err
	}
	g, err := identity.ParseGrant(o.ID, o.Fields)
	if err != nil {
		return Granted{}, err
	}
	if !g.Allows(caller.Actor.ID, g.Scopes, a.opts.Now()) {
		return Granted{}, errNoGrant()
	}
	_, err = a.inService(ctx, identity.Caller{Tenant: g.Tenant, Actor: caller.Actor}, nil)
	return Granted{Grant: g, Person: identity.Actor{Kind: identity.KindStaff, ID: caller.Actor.ID}}, err
}

// errNoStaff is what all are told who are not of the hub's support, whatever is missing.
func errNoStaff() *fault.Error {
	return refused("this is no session of the hub's support that was proved lately")
}

// onDuty returns the tenant of a person of the hub's support. It refuses whoever is none, or no longer: disabled, of another
// role, or of a tenant that does not run the hub.
func (a *Authenticator) onDuty(ctx context.Context, person string) (home string, err error) {
	o, err := a.opts.Ledger.FindInAllTenants(ctx, ref(collectionUsers, person))
	if fault.Is(err, fault.NotFound) {
		return "", errNoStaff()
	}
	if err != nil {
		return "", err
	}
	user, err := identity.ParseUser(o.ID, o.Fields)
	if err != nil {
		return "", err
	}
	tenant, err := a.opts.Directory.tenants.get(ctx, user.Tenant, 0)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return "", err
	}
	if err != nil || !tenant.Operator || tenant.Suspended || user.Disabled || user.Role != identity.Support {
		return "", errNoStaff()
	}
	return user.Tenant, nil
}

// supported returns the caller of a token that was given out under a grant. The grant, the token's record and
// who acts are read every time, so that the end of any takes effect at once and everywhere.
func (a *Authenticator) supported(ctx context.Context, c token.Claims) (identity.Caller, error) {
	caller := c.Caller()
	if c.Grant == "" || c.Act == nil || c.Act.Kind != identity.KindStaff {
		return caller, refused("the access token names nobody whom its grant lets in")
	}
	found, err := a.opts.Ledger.GetAll(ctx, c.Tenant, ref(collectionGrants, c.Grant), ref(collectionTokens, c.ID))
	if err != nil {
		return caller, err
	}
	ended := refused("the support access has ended")
	if !found[0].Exists() || !found[1].Exists() || found[1].Fields["revoked"] == true {
		return caller, ended
	}
	g, err := identity.ParseGrant(found[0].ID, found[0].Fields)
	if err != nil {
		return caller, err
	}
	if !g.Allows(c.Act.ID, c.Scopes, a.opts.Now()) {
		return caller, ended
	}
	_, err = a.onDuty(ctx, c.Act.ID)
	if fault.Is(err, fault.Unauthenticated) {
		return caller, ended.Because(err)
	}
	return caller, err
}
