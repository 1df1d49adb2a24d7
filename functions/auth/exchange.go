package auth

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/identity/token"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const (
	// tokenExchange is the grant by which the hub's support gets in (RFC 8693).
	tokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange" //nolint:gosec // a name
	// accessTokenType is the only type of tokens that are exchanged and given out.
	accessTokenType = "urn:ietf:params:oauth:token-type:access_token" //nolint:gosec // a name
	// invalidTarget is RFC 8693's error for a resource that one may not have.
	invalidTarget = "invalid_target"
	// supportClient stands in the client_id of tokens that no client asked for.
	supportClient = "support"
	// supportLife is how long such a token lives; its grant is read on every request besides.
	supportLife = 10 * time.Minute
)

// getIn exchanges the session of a person of the hub's support for an access token under a grant of a tenant's owner. The
// session is the subject_token, and the grant's address the resource. Who asks proves itself by the session alone.
func (s *server) getIn(r *http.Request, call httpapi.Call, form url.Values, shown proof) (answer, error) {
	if shown != (proof{}) {
		return answer{}, refuse(invalidRequest, "a token exchange is no client's; the subject_token is the proof")
	}
	if form.Get("subject_token_type") != accessTokenType || form.Get("subject_token") == "" {
		return answer{}, refuse(invalidRequest, "subject_token must be a session, with the subject_token_type of an access token")
	}
	if kind := form.Get("requested_token_type"); kind != "" && kind != accessTokenType {
		return answer{}, refuse(invalidRequest, "only access tokens are given out")
	}
	if form.Has("actor_token") {
		return answer{}, refuse(invalidRequest, "who acts follows from the subject_token; there is no actor_token")
	}
	id, found := strings.CutPrefix(form.Get("resource"), s.issuer+pathGrants+"/")
	if !found {
		return answer{}, refuse(invalidTarget, "resource must be the address of a support grant")
	}
	granted, err := s.clients.Staff(r.Context(), form.Get("subject_token"), id)
	switch {
	case fault.Is(err, fault.Unauthenticated):
		return answer{}, asRefusal(err, invalidClient)
	case err != nil:
		return answer{}, asRefusal(err, invalidTarget)
	}
	return s.letIn(r.Context(), call, granted, form.Get("scope"))
}

// letIn signs a token under a grant. It carries the owner's authority and names who really acts.
func (s *server) letIn(ctx context.Context, call httpapi.Call, g identitydb.Granted, scope string) (answer, error) {
	caller := identity.Caller{Tenant: g.Tenant, Actor: identity.Actor{Kind: identity.KindUser, ID: g.GrantedBy}, Act: &g.Person, Credential: g.ID}
	scopes, err := identity.ParseScopes(scope)
	if err == nil && len(scopes) == 0 {
		scopes = g.Scopes
	}
	if err != nil || len(scopes.Beyond(g.Scopes)) > 0 {
		return answer{}, of(caller, refuse(invalidScope, "the grant does not hold all of the scope"))
	}
	id, err := identity.NewID(tokenPrefix, s.random)
	if err != nil {
		return answer{}, err
	}
	issued := s.api.Now().UTC().Truncate(time.Second)
	expires := issued.Add(supportLife)
	if g.ExpiresAt.Before(expires) {
		expires = g.ExpiresAt.Truncate(time.Second)
	}
	if !expires.After(issued) {
		return answer{}, refuse(invalidTarget, "the grant ends this very second")
	}
	claims := token.Claims{
		Issuer: s.issuer, Audience: s.issuer, ID: id, Client: supportClient, IssuedAt: issued, ExpiresAt: expires,
		Tenant: g.Tenant, Subject: caller.Actor, Act: caller.Act, Grant: g.ID,
		Scopes: scopes, Locations: identity.Locations{identity.EveryLocation},
	}
	raw, err := s.signer.Sign(ctx, claims)
	if err != nil {
		return answer{}, err
	}
	if err := s.store.RecordToken(ctx, ledgerdb.ActOf(caller, "", call.RequestID), claims, identitydb.Once{}); err != nil {
		return answer{}, err
	}
	s.api.Log.InfoContext(ctx, "support access token issued", "tenant", g.Tenant, "grant", g.ID, "staff", g.Person.ID, "token_id", id)
	return answer{
		AccessToken: raw, TokenType: "Bearer", ExpiresIn: int(expires.Sub(issued).Seconds()), Scope: scopes.String(), IssuedType: accessTokenType,
	}, nil
}
