package auth

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/peopledb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const (
	pathSessions = "/v1/sessions"
	// deviceCookie keeps what a device proves itself by. Browsers take a __Host- cookie by https and for this host only.
	deviceCookie = "__Host-ryggrad-device"
	deviceLife   = 400 * 24 * time.Hour // as long as browsers keep one
)

func (s *server) sessionRoutes(api *httpapi.API) {
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathSessions, ID: "log-in", Summary: "Log in with an address and a password",
		Permission: httpapi.Public, Status: http.StatusCreated, Refuses: []int{http.StatusUnauthorized},
	}, s.logIn)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathSessions + "/current/refresh", ID: "refresh-session",
		Summary: "Replace the session's token, which ends the former one", Permission: httpapi.Public, Refuses: []int{http.StatusUnauthorized},
	}, s.refresh)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathSessions + "/current/totp", ID: "prove-totp",
		Summary: "Give a one-time password: the second factor of a login, or a repeated proof", Permission: identity.SessionsOwn,
	}, s.proveTOTP)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathSessions + "/current/recovery-code", ID: "prove-recovery-code",
		Summary: "Give a recovery code in the place of a second factor; it is good once", Permission: identity.SessionsOwn,
	}, s.proveRecovery)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathSessions + "/current/passkey/options", ID: "ask-passkey",
		Summary: "Get what a browser needs to prove a passkey", Permission: identity.SessionsOwn,
	}, s.askPasskey)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathSessions + "/current/passkey", ID: "prove-passkey",
		Summary: "Give a passkey's answer: the second factor of a login, or a repeated proof", Permission: identity.SessionsOwn,
	}, s.provePasskey)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: pathSessions, ID: "list-sessions", Summary: "List one's own sessions",
		Permission: identity.SessionsOwn,
	}, s.listSessions)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodDelete, Path: pathSessions + "/{id}", ID: "end-session", Summary: "End one of one's own sessions; `current` is this one",
		Permission: identity.SessionsOwn, Status: http.StatusNoContent,
	}, s.endSession)
}

// ownBy is the caller as somebody who acts on their own account.
func ownBy(call httpapi.Call) peopledb.Own {
	return peopledb.Own{Caller: call.Caller, RequestID: call.RequestID}
}

type logInInput struct {
	Device string `cookie:"__Host-ryggrad-device" doc:"What an earlier login left on this device"`
	Body   struct {
		Email    string `json:"email" minLength:"3" maxLength:"254" doc:"The person's address"`
		Password string `json:"password" minLength:"1" maxLength:"4096"`
	}
}

// tokenBody is a session as it is given out.
type tokenBody struct {
	Token     string          `json:"token" doc:"The session's token, a Bearer token; keep it, it is not shown again" example:"rys_…"`
	Next      *identity.Stage `json:"next" enum:"second_factor,enroll_second_factor,set_password" doc:"What is still to be done; null when the session is complete"`
	ExpiresAt time.Time       `json:"expiresAt" doc:"When it ends unless it is used or refreshed"`
}

func shownToken(l peopledb.Login) tokenBody {
	body := tokenBody{Token: l.Token.Reveal(), ExpiresAt: l.Session.Ends()}
	if l.Session.Stage != identity.Complete {
		body.Next = &l.Session.Stage
	}
	return body
}

type tokenOutput struct{ Body tokenBody }

func tokenOf(l peopledb.Login, err error) (*tokenOutput, error) {
	if err != nil {
		return nil, err
	}
	return &tokenOutput{shownToken(l)}, nil
}

type logInOutput struct {
	SetCookie string `header:"Set-Cookie" doc:"What this device proves itself by at its next login"`
	Body      tokenBody
}

func (s *server) logIn(ctx context.Context, call httpapi.Call, in *logInInput) (*logInOutput, error) {
	l, err := s.people.Login(ctx, peopledb.Try{
		Email: in.Body.Email, Password: in.Body.Password, Device: in.Device, RequestID: call.RequestID,
	})
	if err != nil {
		return nil, err
	}
	out := &logInOutput{Body: shownToken(l)}
	if l.Device != (identity.Secret{}) {
		cookie := http.Cookie{
			Name: deviceCookie, Value: l.Device.Reveal(), Path: "/", MaxAge: int(deviceLife.Seconds()),
			Secure: true, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		}
		out.SetCookie = cookie.String()
	}
	return out, nil
}

type refreshInput struct {
	Authorization string `header:"Authorization" maxLength:"256" doc:"The session's token, as a Bearer token"`
}

func (s *server) refresh(ctx context.Context, call httpapi.Call, in *refreshInput) (*tokenOutput, error) {
	scheme, raw, _ := strings.Cut(in.Authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") || raw == "" {
		return nil, fault.New(fault.Unauthenticated, "the Authorization header must be `Bearer` and the session's token")
	}
	return tokenOf(s.people.Refresh(ctx, raw, call.RequestID))
}

type codeInput struct {
	Body struct {
		Code string `json:"code" minLength:"6" maxLength:"64" doc:"The code; spaces make no difference, nor do hyphens in a recovery code"`
	}
}

func (s *server) proveTOTP(ctx context.Context, call httpapi.Call, in *codeInput) (*tokenOutput, error) {
	return tokenOf(s.people.ProveTOTP(ctx, ownBy(call), in.Body.Code))
}

func (s *server) proveRecovery(ctx context.Context, call httpapi.Call, in *codeInput) (*tokenOutput, error) {
	return tokenOf(s.people.ProveRecovery(ctx, ownBy(call), in.Body.Code))
}

// optionsOutput is what a browser's navigator.credentials wants, in the JSON form of WebAuthn Level 3.
type optionsOutput struct{ Body any }

func optionsOf(options any, err error) (*optionsOutput, error) {
	if err != nil {
		return nil, err
	}
	// The library's types know how they are written in encoding/json's own way only.
	raw, err := json.Marshal(options)
	if err != nil {
		return nil, err
	}
	var body map[string]any
	if err := json.Unmarshal(raw, &body); err != nil {
		return nil, err
	}
	return &optionsOutput{body}, nil
}

func (s *server) askPasskey(ctx context.Context, call httpapi.Call, _ *struct{}) (*optionsOutput, error) {
	return optionsOf(s.people.PasskeyToProve(ctx, ownBy(call)))
}

type passkeyInput struct {
	Body struct {
		Credential map[string]any `json:"credential" doc:"The answer of navigator.credentials.get(), as its toJSON() gives it"`
	}
}

func (s *server) provePasskey(ctx context.Context, call httpapi.Call, in *passkeyInput) (*tokenOutput, error) {
	raw, err := json.Marshal(in.Body.Credential)
	if err != nil {
		return nil, err
	}
	return tokenOf(s.people.ProvePasskey(ctx, ownBy(call), raw))
}

type sessionBody struct {
	ID        string    `json:"id"`
	Current   bool      `json:"current" doc:"Whether this request comes by it"`
	Complete  bool      `json:"complete" doc:"Whether its login was finished"`
	CreatedAt time.Time `json:"createdAt"`
	SeenAt    time.Time `json:"seenAt" doc:"Its last use, to within five minutes"`
	ExpiresAt time.Time `json:"expiresAt"`
}

type sessionsOutput struct {
	Body struct {
		Items      []sessionBody `json:"items" nullable:"false"`
		NextCursor string        `json:"nextCursor" doc:"Always empty: all are shown at once"`
	}
}

func (s *server) listSessions(ctx context.Context, call httpapi.Call, _ *struct{}) (*sessionsOutput, error) {
	alive, err := s.reached(ctx, call)
	if err != nil {
		return nil, err
	}
	out := &sessionsOutput{}
	out.Body.Items = []sessionBody{}
	for _, one := range alive {
		out.Body.Items = append(out.Body.Items, sessionBody{
			ID: one.ID, Current: one.ID == call.Caller.Credential, Complete: one.Stage == identity.Complete,
			CreatedAt: one.CreatedAt, SeenAt: one.SeenAt, ExpiresAt: one.Ends(),
		})
	}
	return out, nil
}

// reached returns the sessions that the caller may see and end: all of their own, but this one only while its login misses
// something. Whoever found a password learns nothing of its owner by it, and logs nobody out.
func (s *server) reached(ctx context.Context, call httpapi.Call) ([]identity.Session, error) {
	alive, err := s.people.Sessions(ctx, call.Caller.Tenant, call.Caller.Actor.ID)
	this := func(one identity.Session) bool { return one.ID == call.Caller.Credential }
	if i := slices.IndexFunc(alive, this); i >= 0 && alive[i].Stage == identity.Complete {
		return alive, err
	}
	return slices.DeleteFunc(alive, func(one identity.Session) bool { return !this(one) }), err
}

type ownSessionInput struct {
	ID string `path:"id" maxLength:"64" doc:"The session's id, or current"`
}

func (s *server) endSession(ctx context.Context, call httpapi.Call, in *ownSessionInput) (*struct{}, error) {
	id := in.ID
	if id == "current" {
		id = call.Caller.Credential
	}
	within, err := s.reached(ctx, call)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(within, func(one identity.Session) bool { return one.ID == id }) {
		return nil, fault.New(fault.NotFound, "there is no such session")
	}
	if id != call.Caller.Credential && call.Caller.MustStepUp() {
		return nil, fault.New(fault.StepUp, "prove again who you are before you end another session")
	}
	act := ledgerdb.ActOf(call.Caller, "", call.RequestID)
	return &struct{}{}, s.people.EndSession(ctx, act, call.Caller.Actor.ID, id)
}
