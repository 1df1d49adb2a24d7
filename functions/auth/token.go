package auth

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/token"
)

const (
	// clientCredentials is the one grant.
	clientCredentials = "client_credentials"
	// tokenLife is how long a token lives, unless its client ends before.
	tokenLife = 10 * time.Minute
	// tokenPrefix begins a token's id.
	tokenPrefix = "tok_"
)

// The error codes of RFC 6749, section 5.2.
const (
	invalidRequest       = "invalid_request"
	invalidClient        = "invalid_client"
	invalidScope         = "invalid_scope"
	unsupportedGrantType = "unsupported_grant_type"
)

// refusal is an error of the token endpoint as its caller sees it.
type refusal struct {
	Code        string `json:"error" doc:"As RFC 6749, section 5.2, lists them"`
	Description string `json:"error_description" doc:"What is wrong, for a person"` // printable ASCII without quotes and backslashes, says the RFC

	caller identity.Caller // who it is, if that was proven
}

// Error gives the text for the log.
func (r *refusal) Error() string { return r.Code + ": " + r.Description }

func refuse(code, description string) error { return &refusal{Code: code, Description: description} }

// status is 401 for who could not prove itself, else 400.
func (r *refusal) status() int {
	if r.Code == invalidClient {
		return http.StatusUnauthorized
	}
	return http.StatusBadRequest
}

// answer is a token as given out (RFC 6749, section 5.1).
type answer struct {
	AccessToken string `json:"access_token"`
	TokenType   string `json:"token_type"`
	ExpiresIn   int    `json:"expires_in" doc:"Seconds"`
	Scope       string `json:"scope" doc:"The permissions that the token carries"`
}

// token exchanges a client's credentials for an access token.
func (s *server) token(w http.ResponseWriter, r *http.Request, call httpapi.Call) error {
	given, err := s.exchange(r)
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		s.api.Log.WarnContext(r.Context(), "access token refused", "reason", refused.Code, "request_id", call.RequestID)
		s.note(r.Context(), call, refused)
		if refused.Code == invalidClient {
			w.Header().Set("WWW-Authenticate", `Basic realm="ryggrad"`)
		}
		write(w, refused.status(), refused)
	case err != nil:
		return err
	default:
		write(w, http.StatusOK, given)
	}
	return nil
}

// note puts a refusal of who asks, or of what it may have, into the audit log. Requests that say nothing are none.
func (s *server) note(ctx context.Context, call httpapi.Call, refused *refusal) {
	switch refused.Code {
	case invalidClient:
		s.refuse(ctx, call, refused.caller, "the client's credentials do not hold")
	case invalidScope:
		s.refuse(ctx, call, refused.caller, "the client may not have the scope")
	}
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

func (s *server) exchange(r *http.Request) (answer, error) {
	req, err := readTokenRequest(r)
	if err != nil {
		return answer{}, err
	}
	switch {
	case req.grantType == "":
		return answer{}, refuse(invalidRequest, "grant_type is missing")
	case req.grantType != clientCredentials:
		return answer{}, refuse(unsupportedGrantType, "only client_credentials is taken here")
	case req.client == "" || req.secret == "":
		return answer{}, refuse(invalidClient, "client_id and client_secret are missing")
	}
	client, credential, err := s.clients.Client(r.Context(), req.client, req.secret)
	if err != nil {
		return answer{}, asRefusal(err, invalidClient)
	}
	scopes, err := narrow(client, req.scope)
	if err != nil {
		err = asRefusal(err, invalidScope)
		var refused *refusal
		if errors.As(err, &refused) {
			refused.caller = client.CallerWith(credential)
		}
		return answer{}, err
	}
	return s.issue(r.Context(), client, credential, scopes)
}

// narrow returns the scopes that are asked for, as far as the client has them.
func narrow(client identity.Client, list string) (identity.Scopes, error) {
	asked, err := identity.ParseScopes(list)
	if err != nil {
		return nil, err
	}
	return client.Narrow(asked)
}

// asRefusal turns what the caller is to blame for into a refusal and leaves failures what they are.
func asRefusal(err error, code string) error {
	var f *fault.Error
	if !errors.As(err, &f) {
		return err
	}
	switch f.Kind {
	case fault.Unauthenticated, fault.Forbidden, fault.Invalid:
		return refuse(code, f.Message)
	default:
		return err
	}
}

func (s *server) issue(ctx context.Context, client identity.Client, credential string, scopes identity.Scopes) (answer, error) {
	id, err := identity.NewID(tokenPrefix, s.random)
	if err != nil {
		return answer{}, err
	}
	issued := s.api.Now().UTC().Truncate(time.Second)
	expires := issued.Add(tokenLife)
	if client.ExpiresAt.Before(expires) {
		expires = client.ExpiresAt.Truncate(time.Second)
	}
	if !expires.After(issued) {
		return answer{}, refuse(invalidClient, "the client ends this very second")
	}
	raw, err := s.signer.Sign(ctx, token.Claims{
		Issuer: s.issuer, Audience: s.issuer, ID: id, Client: client.ID, IssuedAt: issued, ExpiresAt: expires,
		Tenant: client.Tenant, Subject: client.CallerWith(id).Actor,
		Scopes: scopes, Locations: client.Locations, Channel: client.Channel,
	})
	if err != nil {
		return answer{}, err
	}
	s.api.Log.InfoContext(ctx, "access token issued",
		"tenant", client.Tenant, "client", client.ID, "credential_id", credential, "token_id", id)
	return answer{
		AccessToken: raw, TokenType: "Bearer", ExpiresIn: int(expires.Sub(issued).Seconds()), Scope: scopes.String(),
	}, nil
}
