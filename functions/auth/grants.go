package auth

import (
	"context"
	"net/http"
	"time"

	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const pathGrants = "/v1/support-grants"

func (s *server) grantRoutes(api *httpapi.API) {
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathGrants, ID: "grant-support", Summary: "Let a person of the hub's support in, for a day at most",
		Permission: identity.SupportGrant, StepUp: true, Status: http.StatusCreated,
	}, s.grantSupport)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: pathGrants, ID: "list-support-grants", Summary: "List whom support access was granted to",
		Permission: identity.SupportRead,
	}, s.listGrants)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: pathGrants + "/{id}", ID: "get-support-grant", Summary: "Show a grant of support access",
		Permission: identity.SupportRead,
	}, s.getGrant)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: pathGrants + "/{id}/requests", ID: "list-support-requests",
		Summary: "List every request that was made under a grant, the newest first", Permission: identity.SupportRead,
	}, s.listSupportRequests)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodDelete, Path: pathGrants + "/{id}", ID: "end-support-grant", Summary: "End support access, at once",
		Permission: identity.SupportGrant, Status: http.StatusNoContent,
	}, s.endGrant)
}

type grantInput struct {
	Body struct {
		Person    string                `json:"person" maxLength:"64" doc:"The id of the person of the hub's support" example:"usr_…"`
		Scope     []identity.Permission `json:"scope" minItems:"1" maxItems:"20" nullable:"false" doc:"What the person may do; credentials, keys, exports and people cannot be granted" example:"[\"orders:read\"]"`
		Reason    string                `json:"reason" minLength:"1" maxLength:"500" doc:"What it is for, for whoever looks at it later"`
		ExpiresAt time.Time             `json:"expiresAt" doc:"When it ends by itself; at most 24 hours ahead"`
	}
}

// grantBody is a grant as it is shown.
type grantBody struct {
	ID        string                `json:"id"`
	Person    string                `json:"person"`
	Scope     []identity.Permission `json:"scope" nullable:"false"`
	Reason    string                `json:"reason"`
	GrantedBy string                `json:"grantedBy"`
	CreatedAt time.Time             `json:"createdAt"`
	ExpiresAt time.Time             `json:"expiresAt"`
	EndedAt   time.Time             `json:"endedAt,omitzero" doc:"When it was ended before its time"`
	Active    bool                  `json:"active" doc:"Whether it holds now"`
}

func (s *server) showGrant(g identity.Grant) grantBody {
	return grantBody{
		ID: g.ID, Person: g.Person, Scope: g.Scopes, Reason: g.Reason, GrantedBy: g.GrantedBy, CreatedAt: g.CreatedAt,
		ExpiresAt: g.ExpiresAt, EndedAt: g.EndedAt, Active: g.ActiveAt(s.api.Now()),
	}
}

type grantedOutput struct {
	Location string `header:"Location" doc:"The grant's address, by which the person exchanges it for an access token"`
	Body     grantBody
}

func (s *server) grantSupport(ctx context.Context, call httpapi.Call, in *grantInput) (*grantedOutput, error) {
	g, err := s.store.CreateGrant(ctx, act(call), identity.Grant{
		Person: in.Body.Person, Scopes: in.Body.Scope, Reason: in.Body.Reason, ExpiresAt: in.Body.ExpiresAt,
	})
	if err != nil {
		return nil, err
	}
	return &grantedOutput{Location: pathGrants + "/" + g.ID, Body: s.showGrant(g)}, nil
}

type grantsOutput struct{ Body pageBody[grantBody] }

func (s *server) listGrants(ctx context.Context, call httpapi.Call, in *pageInput) (*grantsOutput, error) {
	page, err := in.page(identity.GrantPrefix)
	if err != nil {
		return nil, err
	}
	found, err := s.store.Grants(ctx, call.Caller.Tenant, page)
	if err != nil {
		return nil, err
	}
	return &grantsOutput{paged(*in, found, func(g identity.Grant) string { return g.ID },
		func(g identity.Grant) (grantBody, bool) { return s.showGrant(g), true })}, nil
}

type oneGrantInput struct {
	ID string `path:"id" maxLength:"64" doc:"The grant's id"`
}

type grantOutput struct{ Body grantBody }

func (s *server) getGrant(ctx context.Context, call httpapi.Call, in *oneGrantInput) (*grantOutput, error) {
	g, err := s.store.Grant(ctx, call.Caller.Tenant, in.ID)
	if err != nil {
		return nil, err
	}
	return &grantOutput{s.showGrant(g)}, nil
}

func (s *server) endGrant(ctx context.Context, call httpapi.Call, in *oneGrantInput) (*struct{}, error) {
	return &struct{}{}, s.store.EndGrant(ctx, act(call), in.ID)
}

type supportRequestsInput struct {
	ID     string `path:"id" maxLength:"64" doc:"The grant's id"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50"`
	Cursor string `query:"cursor" maxLength:"128" doc:"The nextCursor of the page before"`
}

type supportRequestBody struct {
	At     time.Time `json:"at"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
}

type supportRequestsOutput struct{ Body pageBody[supportRequestBody] }

func (s *server) listSupportRequests(ctx context.Context, call httpapi.Call, in *supportRequestsInput) (*supportRequestsOutput, error) {
	if _, err := s.store.Grant(ctx, call.Caller.Tenant, in.ID); err != nil {
		return nil, err
	}
	found, err := s.store.SupportRequests(ctx, call.Caller.Tenant, in.ID, in.Cursor, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return &supportRequestsOutput{paged(pageInput{Limit: in.Limit}, found,
		func(r identitydb.SupportRequest) string { return ledgerdb.Cursor(r.At, r.ID) },
		func(r identitydb.SupportRequest) (supportRequestBody, bool) {
			return supportRequestBody{At: r.At, Method: r.Method, Path: r.Path}, true
		})}, nil
}
