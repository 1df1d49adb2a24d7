package auth

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
)

const pathMe = "/v1/me"

func (s *server) meRoutes(api *httpapi.API) {
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: pathMe, ID: "get-me", Summary: "Show oneself and one's second factors",
		Permission: identity.AccountFactors,
	}, s.me)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPut, Path: pathMe + "/password", ID: "set-password",
		Summary: "Set one's own password; ends one's other sessions", Permission: identity.AccountPassword,
	}, s.setPassword)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathMe + "/totp", ID: "new-totp", Summary: "Make a secret for an authenticator app, shown once",
		Permission: identity.AccountFactors, StepUp: true, Status: http.StatusCreated,
	}, s.newTOTP)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathMe + "/totp/verify", ID: "confirm-totp",
		Summary:    "Put the secret in place by its first code; ends one's other sessions",
		Permission: identity.AccountFactors, StepUp: true,
	}, s.confirmTOTP)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathMe + "/passkeys/options", ID: "ask-new-passkey",
		Summary: "Get what a browser needs to make a passkey", Permission: identity.AccountFactors, StepUp: true,
	}, s.askNewPasskey)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathMe + "/passkeys", ID: "add-passkey", Summary: "Add a passkey; ends one's other sessions",
		Permission: identity.AccountFactors, StepUp: true, Status: http.StatusCreated,
	}, s.addPasskey)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodDelete, Path: pathMe + "/passkeys/{id}", ID: "remove-passkey", Summary: "Remove a passkey; ends one's other sessions",
		Permission: identity.AccountFactors, StepUp: true, Status: http.StatusNoContent,
	}, s.removePasskey)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathMe + "/recovery-codes", ID: "new-recovery-codes",
		Summary:    "Make ten recovery codes, shown once; former ones are void",
		Permission: identity.AccountFactors, StepUp: true, Status: http.StatusCreated,
	}, s.newRecoveryCodes)
}

type meOutput struct {
	Body struct {
		userBody
		Passkeys      []passkeyBody `json:"passkeys" nullable:"false"`
		RecoveryCodes int           `json:"recoveryCodes" doc:"How many are left"`
	}
}

type passkeyBody struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	AddedAt time.Time `json:"addedAt"`
	UsedAt  time.Time `json:"usedAt,omitzero"`
}

func (s *server) me(ctx context.Context, call httpapi.Call, _ *struct{}) (*meOutput, error) {
	who, err := s.people.Person(ctx, call.Caller.Tenant, call.Caller.Actor.ID)
	if err != nil {
		return nil, err
	}
	out := &meOutput{}
	out.Body.userBody, out.Body.RecoveryCodes = shownUser(who), len(who.Recovery)
	out.Body.Passkeys = []passkeyBody{}
	for _, k := range who.Passkeys {
		out.Body.Passkeys = append(out.Body.Passkeys, passkeyBody{ID: k.ID, Name: k.Name, AddedAt: k.AddedAt, UsedAt: k.UsedAt})
	}
	return out, nil
}

type passwordInput struct {
	Body struct {
		Current string `json:"currentPassword,omitempty" maxLength:"4096" doc:"The present one; not needed right after an initial password was used"`
		New     string `json:"newPassword" maxLength:"4096" doc:"15 to 128 characters of any kind, 8 where a second factor is enforced"`
	}
}

func (s *server) setPassword(ctx context.Context, call httpapi.Call, in *passwordInput) (*tokenOutput, error) {
	return tokenOf(s.people.SetPassword(ctx, ownBy(call), in.Body.Current, in.Body.New))
}

type totpOutput struct {
	Body struct {
		Secret string `json:"secret" doc:"In base32, for apps that take it typed"`
		URI    string `json:"uri" doc:"For apps that read it from a QR code" example:"otpauth://totp/…"`
	}
}

func (s *server) newTOTP(ctx context.Context, call httpapi.Call, _ *struct{}) (*totpOutput, error) {
	secret, uri, err := s.people.NewTOTP(ctx, ownBy(call))
	if err != nil {
		return nil, err
	}
	out := &totpOutput{}
	out.Body.Secret, out.Body.URI = secret, uri
	return out, nil
}

func (s *server) confirmTOTP(ctx context.Context, call httpapi.Call, in *codeInput) (*tokenOutput, error) {
	return tokenOf(s.people.ConfirmTOTP(ctx, ownBy(call), in.Body.Code))
}

func (s *server) askNewPasskey(ctx context.Context, call httpapi.Call, _ *struct{}) (*optionsOutput, error) {
	return optionsOf(s.people.PasskeyToAdd(ctx, ownBy(call)))
}

type newPasskeyInput struct {
	Body struct {
		Name       string         `json:"name" minLength:"1" maxLength:"80" doc:"What the person calls it"`
		Credential map[string]any `json:"credential" doc:"The answer of navigator.credentials.create(), as its toJSON() gives it"`
	}
}

type newPasskeyOutput struct {
	Body struct {
		ID string `json:"id"`
		tokenBody
	}
}

func (s *server) addPasskey(ctx context.Context, call httpapi.Call, in *newPasskeyInput) (*newPasskeyOutput, error) {
	raw, err := json.Marshal(in.Body.Credential)
	if err != nil {
		return nil, err
	}
	l, id, err := s.people.AddPasskey(ctx, ownBy(call), in.Body.Name, raw)
	if err != nil {
		return nil, err
	}
	out := &newPasskeyOutput{}
	out.Body.ID, out.Body.tokenBody = id, shownToken(l)
	return out, nil
}

type ownPasskeyInput struct {
	ID string `path:"id" maxLength:"64" doc:"The passkey's id"`
}

func (s *server) removePasskey(ctx context.Context, call httpapi.Call, in *ownPasskeyInput) (*struct{}, error) {
	return &struct{}{}, s.people.RemovePasskey(ctx, ownBy(call), in.ID)
}

type codesOutput struct {
	Body struct {
		Codes []string `json:"codes" nullable:"false" doc:"Each is good once; keep them, they are not shown again"`
	}
}

func (s *server) newRecoveryCodes(ctx context.Context, call httpapi.Call, _ *struct{}) (*codesOutput, error) {
	codes, err := s.people.RecoveryCodes(ctx, ownBy(call))
	if err != nil {
		return nil, err
	}
	out := &codesOutput{}
	out.Body.Codes = codes
	return out, nil
}
