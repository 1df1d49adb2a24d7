package auth

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/assertion"
	"ryggrad.internal/hub/shared/identity/identitydb"
)

const pathClients = "/v1/clients"

func (s *server) clientRoutes(api *httpapi.API) {
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathClients, ID: "create-client", Summary: "Create a client; its secrets are shown once",
		Permission: identity.ClientsWrite, StepUp: true, Status: http.StatusCreated,
	}, s.createClient)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: pathClients, ID: "list-clients", Summary: "List clients, without their secrets",
		Permission: identity.ClientsRead,
	}, s.listClients)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: pathClients + "/{id}", ID: "get-client",
		Summary: "Show a client, and when its API keys were last used", Permission: identity.ClientsRead,
	}, s.getClient)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodDelete, Path: pathClients + "/{id}", ID: "remove-client",
		Summary:    "End a client: its secrets and API keys within a minute, its access tokens with their time",
		Permission: identity.ClientsWrite, Status: http.StatusNoContent,
	}, s.removeClient)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathClients + "/{id}/secrets", ID: "rotate-client-secret",
		Summary:    "Give a client a new secret, shown once; the former one goes on for the overlap",
		Permission: identity.ClientsWrite, StepUp: true, Status: http.StatusCreated,
	}, s.rotateSecret)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodDelete, Path: pathClients + "/{id}/secrets/{secretId}", ID: "remove-client-secret",
		Summary:    "End one of a client's secrets within a minute",
		Permission: identity.ClientsWrite, Status: http.StatusNoContent,
	}, s.removeSecret)
}

type newClientBody struct {
	Name      string                `json:"name" minLength:"1" maxLength:"120" doc:"For people" example:"Till at Storgatan"`
	Scopes    []identity.Permission `json:"scopes" minItems:"1" maxItems:"50" nullable:"false" doc:"What it may do" example:"[\"orders:read\"]"`
	Locations []string              `json:"locations" minItems:"1" maxItems:"100" nullable:"false" doc:"Where it may do it; [\"*\"] stands for all locations, those to come included"`
	Channel   string                `json:"channel,omitempty" maxLength:"64" doc:"The channel link that its orders come through"`
	ExpiresAt time.Time             `json:"expiresAt" doc:"When it ends; at most two years ahead"`
}

func (b newClientBody) client() identity.Client {
	return identity.Client{Name: b.Name, Scopes: b.Scopes, Locations: b.Locations, Channel: b.Channel, ExpiresAt: b.ExpiresAt.UTC()}
}

// ClientDetails is a client as it is shown.
type ClientDetails struct {
	ClientID  string                `json:"clientId"`
	Name      string                `json:"name"`
	Scopes    []identity.Permission `json:"scopes" nullable:"false"`
	Locations []string              `json:"locations" nullable:"false"`
	Channel   string                `json:"channel,omitempty"`
	CreatedAt time.Time             `json:"createdAt"`
	ExpiresAt time.Time             `json:"expiresAt"`
	Disabled  bool                  `json:"disabled"`
	Secrets   []clientSecretBody    `json:"secrets" nullable:"false" doc:"What it proves itself with, without the secrets themselves"`
}

type clientSecretBody struct {
	ID         string              `json:"id"`
	Kind       identity.SecretKind `json:"kind"`
	CreatedAt  time.Time           `json:"createdAt"`
	ExpiresAt  time.Time           `json:"expiresAt,omitzero" doc:"When it ends, if before its client"`
	LastUsedAt time.Time           `json:"lastUsedAt,omitzero" doc:"Of an API key, to the hour"`
}

func showClient(c identity.Client, uses map[string]time.Time) ClientDetails {
	body := ClientDetails{
		ClientID: c.ID, Name: c.Name, Scopes: c.Scopes, Locations: c.Locations, Channel: c.Channel,
		CreatedAt: c.CreatedAt, ExpiresAt: c.ExpiresAt, Disabled: c.Disabled, Secrets: []clientSecretBody{},
	}
	for _, kind := range identity.SecretKinds() {
		for _, k := range c.Credentials(kind) {
			body.Secrets = append(body.Secrets, clientSecretBody{k.ID, kind, k.CreatedAt, k.ExpiresAt, uses[k.ID]})
		}
	}
	return body
}

type createClientInput struct{ Body newClientBody }

type createdClientOutput struct {
	Location string `header:"Location" doc:"The client's address"`
	Body     createdClientBody
}

// createdClientBody is a client with its first secrets, which are never shown again.
type createdClientBody struct {
	ClientDetails
	ClientSecret string `json:"clientSecret" doc:"For the token endpoint; keep it, it is not shown again" example:"ryc_live_…"`
	APIKey       string `json:"apiKey" doc:"To send with every request instead of a token; keep it, it is not shown again" example:"ryg_live_…"`
}

func (s *server) createClient(ctx context.Context, call httpapi.Call, in *createClientInput) (*createdClientOutput, error) {
	c := in.Body.client()
	if err := grantable(call.Caller, c); err != nil {
		return nil, err
	}
	issued, err := s.store.CreateClient(ctx, act(call), c)
	if err != nil {
		return nil, err
	}
	return &createdClientOutput{Location: pathClients + "/" + issued.Client.ID, Body: createdClientBody{
		ClientDetails: showClient(issued.Client, nil), ClientSecret: issued.ClientSecret.Reveal(), APIKey: issued.APIKey.Reveal(),
	}}, nil
}

// grantable refuses to give a client what its maker does not have.
func grantable(caller identity.Caller, c identity.Client) error {
	var beyond []fault.Detail
	for i, p := range c.Scopes {
		if p.ForIntegration() && !caller.Can(p) {
			beyond = append(beyond, fault.Detail{Location: fmt.Sprintf("body.scopes[%d]", i), Message: "is not a permission that you have yourself"})
		}
	}
	for i, l := range c.Locations {
		if !caller.MayUse(l) && !caller.Locations.Every() {
			beyond = append(beyond, fault.Detail{Location: fmt.Sprintf("body.locations[%d]", i), Message: "is not a location that you reach yourself"})
		}
	}
	if len(beyond) > 0 {
		return fault.New(fault.Invalid, "the client would have more than its maker").With(beyond...)
	}
	return nil
}

type clientInput struct {
	ID string `path:"id" maxLength:"64" doc:"The client's id"`
}

type clientOutput struct{ Body ClientDetails }

type clientsOutput struct{ Body pageBody[ClientDetails] }

func (s *server) listClients(ctx context.Context, call httpapi.Call, in *pageInput) (*clientsOutput, error) {
	page, err := in.page(identity.ClientPrefix)
	if err != nil {
		return nil, err
	}
	found, err := s.store.Clients(ctx, call.Caller.Tenant, page)
	if err != nil {
		return nil, err
	}
	return &clientsOutput{paged(*in, found, func(c identity.Client) string { return c.ID },
		func(c identity.Client) (ClientDetails, bool) { return showClient(c, nil), true })}, nil
}

func (s *server) getClient(ctx context.Context, call httpapi.Call, in *clientInput) (*clientOutput, error) {
	c, err := s.store.Client(ctx, call.Caller.Tenant, in.ID)
	if err != nil {
		return nil, err
	}
	uses, err := s.store.LastUses(ctx, call.Caller.Tenant, c.Keys)
	if err != nil {
		return nil, err
	}
	return &clientOutput{showClient(c, uses)}, nil
}

func (s *server) removeClient(ctx context.Context, call httpapi.Call, in *clientInput) (*struct{}, error) {
	return &struct{}{}, s.store.RemoveClient(ctx, act(call), in.ID)
}

// defaultOverlap is how long a former secret goes on when nobody says how long.
const defaultOverlap = 24 * time.Hour

type rotateSecretInput struct {
	ID   string `path:"id" maxLength:"64" doc:"The client's id"`
	Body struct {
		Kind    identity.SecretKind  `json:"kind" enum:"client_secret,api_key,public_key,signing_secret" doc:"Which kind of secret"`
		Overlap *int                 `json:"overlapSeconds,omitempty" minimum:"0" maximum:"2592000" doc:"How long the former one goes on, at most 30 days; 86400 unless said otherwise"`
		JWK     *assertion.ClientKey `json:"jwk,omitempty" doc:"With public_key only: the public half of a key that the client made itself"`
	}
}

func (in *rotateSecretInput) rotation() (identitydb.Rotation, error) {
	r := identitydb.Rotation{Client: in.ID, Kind: in.Body.Kind, Overlap: defaultOverlap}
	if in.Body.Overlap != nil {
		r.Overlap = time.Duration(*in.Body.Overlap) * time.Second
	}
	if (in.Body.JWK != nil) != (r.Kind == identity.KindPublicKey) {
		return r, fault.New(fault.Invalid, "a public key needs a jwk, and only it does").
			With(fault.Detail{Location: "body.jwk", Message: "goes with the kind public_key"})
	}
	if in.Body.JWK != nil {
		r.Key = *in.Body.JWK
	}
	return r, nil
}

type rotatedSecretOutput struct {
	Body struct {
		ID    string              `json:"id"`
		Kind  identity.SecretKind `json:"kind"`
		Value string              `json:"value,omitempty" doc:"The secret; keep it, it is not shown again. Absent of a public key."`
	}
}

func (s *server) rotateSecret(ctx context.Context, call httpapi.Call, in *rotateSecretInput) (*rotatedSecretOutput, error) {
	r, err := in.rotation()
	if err != nil {
		return nil, err
	}
	secret, err := s.store.RotateSecret(ctx, act(call), r)
	if err != nil {
		return nil, err
	}
	out := &rotatedSecretOutput{}
	out.Body.ID, out.Body.Kind, out.Body.Value = secret.ID, r.Kind, secret.Value
	return out, nil
}

type secretInput struct {
	ID       string `path:"id" maxLength:"64" doc:"The client's id"`
	SecretID string `path:"secretId" maxLength:"64" doc:"The secret's id"`
}

func (s *server) removeSecret(ctx context.Context, call httpapi.Call, in *secretInput) (*struct{}, error) {
	return &struct{}{}, s.store.RemoveSecret(ctx, act(call), in.ID, in.SecretID)
}
