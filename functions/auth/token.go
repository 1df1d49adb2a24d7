package auth

import (
	"context"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/token"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const (
	// clientCredentials is the grant of integrations.
	clientCredentials = "client_credentials"
	// tokenLife is how long a token lives, unless its client ends before.
	tokenLife = 10 * time.Minute
	// tokenPrefix begins a token's id.
	tokenPrefix = "tok_"
)

// answer is a token as given out (RFC 6749, section 5.1).
type answer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in" doc:"Seconds"`
	Scope       string `json:"scope" doc:"The permissions that the token carries"`
	IssuedType  string `json:"issued_token_type,omitempty" doc:"Of a token exchange (RFC 8693)"`
}

// token exchanges a client's credentials for an access token.
func (s *server) token(w http.ResponseWriter, r *http.Request, call httpapi.Call) error {
	given, err := s.exchange(r, call)
	return s.answered(w, r, call, given, err)
}

// write answers as OAuth asks.
func write(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("Pragma", "no-cache")
	w.WriteHeader(status)
	_ = json.MarshalWrite(w, v) // the caller may have left; there is nobody else to tell
}

func (s *server) exchange(r *http.Request, call httpapi.Call) (answer, error) {
	form, shown, err := readRequest(r)
	if err != nil {
		return answer{}, err
	}
	switch form.Get("grant_type") {
	case "":
		return answer{}, refuse(invalidRequest, "grant_type is missing")
	case clientCredentials:
	case tokenExchange:
		return s.getIn(r, call, form, shown)
	default:
		return answer{}, refuse(unsupportedGrantType, "only client_credentials and token exchange are taken here")
	}
	client, err := s.prove(r.Context(), shown)
	if err != nil {
		return answer{}, err
	}
	scopes, err := narrow(client.Client, form.Get("scope"))
	if err != nil {
		return answer{}, of(client.CallerWith(client.credential), asRefusal(err, invalidScope))
	}
	return s.issue(r.Context(), call, client, scopes)
}

// narrow returns the scopes that are asked for, as far as the client has them.
func narrow(client identity.Client, list string) (identity.Scopes, error) {
	asked, err := identity.ParseScopes(list)
	if err != nil {
		return nil, err
	}
	return client.Narrow(asked)
}

// issue signs a token and writes down that it was given out, before it is.
func (s *server) issue(ctx context.Context, call httpapi.Call, client proven, scopes identity.Scopes) (answer, error) {
	claims, err := s.claims(client.Client, scopes)
	if err != nil {
		return answer{}, err
	}
	raw, err := s.signer.Sign(ctx, claims)
	if err != nil {
		return answer{}, err
	}
	by := ledgerdb.ActOf(client.CallerWith(client.credential), "", call.RequestID)
	if err := s.store.RecordToken(ctx, by, claims, client.once); err != nil {
		return answer{}, of(client.CallerWith(client.credential), asRefusal(err, invalidClient))
	}
	s.api.Log.InfoContext(ctx, "access token issued",
		"tenant", client.Tenant, "client", client.ID, "credential_id", client.credential, "token_id", claims.ID)
	return answer{
		AccessToken: raw, TokenType: "Bearer", ExpiresIn: int(claims.ExpiresAt.Sub(claims.IssuedAt).Seconds()), Scope: scopes.String(),
	}, nil
}

// claims are what a token for the client says.
func (s *server) claims(client identity.Client, scopes identity.Scopes) (token.Claims, error) {
	id, err := identity.NewID(tokenPrefix, s.random)
	if err != nil {
		return token.Claims{}, err
	}
	issued := s.api.Now().UTC().Truncate(time.Second)
	expires := issued.Add(tokenLife)
	if client.ExpiresAt.Before(expires) {
		expires = client.ExpiresAt.Truncate(time.Second)
	}
	if !expires.After(issued) {
		return token.Claims{}, refuse(invalidClient, "the client ends this very second")
	}
	return token.Claims{
		Issuer: s.issuer, Audience: s.issuer, ID: id, Client: client.ID, IssuedAt: issued, ExpiresAt: expires,
		Tenant: client.Tenant, Subject: client.CallerWith(id).Actor,
		Scopes: scopes, Locations: client.Locations, Channel: client.Channel,
	}, nil
}
