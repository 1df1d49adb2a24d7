package auth

import (
	"context"
	"io"
	"net/http"

	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/identity/peopledb"
)

// The paths that the metadata names.
const (
	pathToken      = "/v1/oauth/token" //nolint:gosec // an address, no credential
	pathRevoke     = "/v1/oauth/revoke"
	pathIntrospect = "/v1/oauth/introspect"
	pathMetadata   = "/.well-known/oauth-authorization-server"
	pathKeys       = "/.well-known/jwks.json"
)

// deps are what the handler works with.
type deps struct {
	issuer  string // the hub's public address, without a slash at its end
	clients *identitydb.Authenticator
	store   *identitydb.Store
	people  *peopledb.People
	signer  *identitydb.Signer
	random  io.Reader // cryptographic
	api     httpapi.Options
}

type server struct {
	deps
	refuse func(ctx context.Context, call httpapi.Call, caller identity.Caller, reason string)
}

// newHandler returns the function's handler: every route it has, and the permission each needs.
func newHandler(d deps) *httpapi.API {
	s := &server{deps: d}
	d.api.Name, d.api.Title = "auth", "Ryggrad auth"
	d.api.Description = "Who may use the hub: people and their sessions, locations, clients and their secrets; the access tokens that the other functions take, and the keys that verify them."
	api := httpapi.New(d.api)
	s.refuse = api.Refuse
	s.oauthRoutes(api)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: pathMetadata, ID: "get-oauth-metadata", Summary: "Describe the token endpoint (RFC 8414)",
		Permission: httpapi.Public,
	}, s.metadata)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: pathKeys, ID: "get-keys", Summary: "Publish the keys that verify access tokens (RFC 7517)",
		Permission: httpapi.Public,
	}, s.keys)
	s.locationRoutes(api)
	s.channelRoutes(api)
	s.clientRoutes(api)
	s.grantRoutes(api)
	s.sessionRoutes(api)
	s.meRoutes(api)
	s.userRoutes(api)
	return api
}

// oauthRoutes are the endpoints that speak OAuth: forms in, and its own errors out.
func (s *server) oauthRoutes(api *httpapi.API) {
	for _, e := range []struct {
		path, id, summary string
		takes, gives      any
		handle            func(http.ResponseWriter, *http.Request, httpapi.Call) error
	}{
		{pathToken, "issue-token", "Exchange a client's credentials for an access token (OAuth 2.0)", tokenForm{}, answer{}, s.token},
		{pathRevoke, "revoke-token", "End one of the client's own access tokens (RFC 7009)", aboutForm{}, revoked{}, s.revoke},
		{pathIntrospect, "introspect-token", "Ask what an access token of the tenant is (RFC 7662)", aboutForm{}, introspection{}, s.introspect},
	} {
		api.HandleRaw(httpapi.Route{
			Method: http.MethodPost, Path: e.path, ID: e.id, Summary: e.summary, Permission: httpapi.Public,
			Takes: []httpapi.Content{{Type: "application/x-www-form-urlencoded", Of: e.takes}},
			Gives: map[int][]httpapi.Content{
				http.StatusOK: {{Of: e.gives}}, http.StatusBadRequest: {{Of: refusal{}}}, http.StatusUnauthorized: {{Of: refusal{}}},
			},
		}, e.handle)
	}
}
