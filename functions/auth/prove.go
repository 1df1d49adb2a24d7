package auth

import (
	"context"
	"errors"
	"net/http"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
)

// The error codes of RFC 6749, section 5.2.
const (
	invalidRequest       = "invalid_request"
	invalidClient        = "invalid_client"
	invalidScope         = "invalid_scope"
	unauthorizedClient   = "unauthorized_client"
	unsupportedGrantType = "unsupported_grant_type"
)

// refusal is an error of an OAuth endpoint as its caller sees it.
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

// of tells whose refusal it is.
func of(caller identity.Caller, err error) error {
	var refused *refusal
	if errors.As(err, &refused) {
		refused.caller = caller
	}
	return err
}

// answered finishes a request of an OAuth endpoint: with an answer in OAuth's form, or a refusal in it. Failures are left
// to the edge.
func (s *server) answered(w http.ResponseWriter, r *http.Request, call httpapi.Call, given any, err error) error {
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		s.api.Log.WarnContext(r.Context(), "access token refused", "path", r.URL.Path, "reason", refused.Code, "request_id", call.RequestID)
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
	case invalidTarget:
		s.refuse(ctx, call, refused.caller, "the support grant does not hold")
	case unauthorizedClient:
		s.refuse(ctx, call, refused.caller, "the token is another client's")
	}
}

// proven is a client that proved itself.
type proven struct {
	identity.Client
	credential string          // the id of what it proved itself with
	once       identitydb.Once // what it must spend, if that counts one time
}

// prove finds the client who shows a proof. Whatever is wrong with it is invalid_client.
func (s *server) prove(ctx context.Context, p proof) (proven, error) {
	switch {
	case p.assertion != "":
		return s.proveByAssertion(ctx, p)
	case p.client == "" || p.secret == "":
		return proven{}, refuse(invalidClient, "client_id and client_secret are missing")
	}
	client, credential, err := s.clients.Client(ctx, p.client, p.secret)
	return proven{Client: client, credential: credential}, asRefusal(err, invalidClient)
}

func (s *server) proveByAssertion(ctx context.Context, p proof) (proven, error) {
	got, err := s.clients.AssertedClient(ctx, p.assertion, []string{s.issuer, s.issuer + pathToken})
	if err != nil {
		return proven{}, asRefusal(err, invalidClient)
	}
	if p.client != "" && p.client != got.Client.ID {
		return proven{}, refuse(invalidClient, "client_id is not the client of the assertion")
	}
	return proven{Client: got.Client, credential: got.Credential, once: got.Once}, nil
}
