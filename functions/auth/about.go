package auth

import (
	"context"
	"net/http"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/identity/token"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// revoked is what a client is answered that ends a token: nothing (RFC 7009, section 2.2).
type revoked struct{}

// revoke ends a token before its time (RFC 7009). Whoever verifies tokens offline takes it until then; whoever asks by
// introspection is told at once. A token that does not hold has ended already; another client's is refused.
func (s *server) revoke(w http.ResponseWriter, r *http.Request, call httpapi.Call) error {
	err := s.endToken(r, call)
	return s.answered(w, r, call, revoked{}, err)
}

func (s *server) endToken(r *http.Request, call httpapi.Call) error {
	client, claims, err := s.about(r)
	if err != nil || claims == nil {
		return err
	}
	caller := client.CallerWith(client.credential)
	if claims.Client != client.ID || claims.Tenant != client.Tenant {
		return of(caller, refuse(unauthorizedClient, "this token was given to another client"))
	}
	return s.store.RevokeToken(r.Context(), ledgerdb.ActOf(caller, "", call.RequestID), claims.ID)
}

// about reads who asks about which token. The claims are nil when the token does not hold.
func (s *server) about(r *http.Request) (proven, *token.Claims, error) {
	form, shown, err := readRequest(r)
	if err != nil {
		return proven{}, nil, err
	}
	client, err := s.prove(r.Context(), shown)
	if err != nil {
		return client, nil, err
	}
	if err := s.spend(r.Context(), client); err != nil {
		return client, nil, err
	}
	raw := form.Get("token")
	if raw == "" {
		return client, nil, refuse(invalidRequest, "token is missing")
	}
	claims, err := s.clients.Token(r.Context(), raw)
	if fault.Is(err, fault.Unauthenticated) {
		return client, nil, nil
	}
	return client, &claims, err
}

// spend uses up what the client proved itself with, if that counts one time.
func (s *server) spend(ctx context.Context, client proven) error {
	if client.once == (identitydb.Once{}) {
		return nil
	}
	err := s.clients.Spend(ctx, client.Tenant, client.once)
	return of(client.CallerWith(client.credential), asRefusal(err, invalidClient))
}

// introspection is what a token is (RFC 7662, section 2.2); of one that does not hold, only that.
type introspection struct {
	Active    bool   `json:"active" doc:"Whether the token holds now; if not, nothing else is told"`
	Scope     string `json:"scope,omitempty"`
	ClientID  string `json:"client_id,omitempty"`
	TokenType string `json:"token_type,omitempty"`
	ExpiresAt int64  `json:"exp,omitzero" doc:"Seconds since 1970"`
	IssuedAt  int64  `json:"iat,omitzero" doc:"Seconds since 1970"`
	Subject   string `json:"sub,omitempty"`
	Audience  string `json:"aud,omitempty"`
	Issuer    string `json:"iss,omitempty"`
	ID        string `json:"jti,omitempty"`
	Tenant    string `json:"tenant,omitempty"`
}

// introspect tells a client of the same tenant what a token is (RFC 7662). Of others' tokens it tells what it tells of
// nonsense.
func (s *server) introspect(w http.ResponseWriter, r *http.Request, call httpapi.Call) error {
	told, err := s.tell(r)
	return s.answered(w, r, call, told, err)
}

func (s *server) tell(r *http.Request) (introspection, error) {
	client, claims, err := s.about(r)
	if err != nil || claims == nil || claims.Tenant != client.Tenant {
		return introspection{}, err
	}
	record, err := s.store.Token(r.Context(), client.Tenant, claims.ID)
	if fault.Is(err, fault.NotFound) || err == nil && record.Revoked {
		return introspection{}, nil
	}
	if err != nil {
		return introspection{}, err
	}
	_, err = s.store.Client(r.Context(), client.Tenant, claims.Client)
	if fault.Is(err, fault.NotFound) {
		return introspection{}, nil // it ended, and its tokens with it as far as anybody asks
	}
	return introspection{
		Active: true, Scope: claims.Scopes.String(), ClientID: claims.Client, TokenType: "Bearer",
		ExpiresAt: claims.ExpiresAt.Unix(), IssuedAt: claims.IssuedAt.Unix(), Subject: claims.Subject.String(),
		Audience: claims.Audience, Issuer: claims.Issuer, ID: claims.ID, Tenant: claims.Tenant,
	}, err
}
