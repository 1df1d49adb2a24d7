package auth

import (
	"context"
	"net/http"
	"time"

	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/peopledb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const pathUsers = "/v1/users"

func (s *server) userRoutes(api *httpapi.API) {
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathUsers, ID: "create-user",
		Summary:    "Create a person; their initial password is shown once, works once, within 24 hours, and only to set another",
		Permission: identity.UsersWrite, StepUp: true, Status: http.StatusCreated,
	}, s.createUser)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: pathUsers, ID: "list-users", Summary: "List the people of the tenant", Permission: identity.UsersRead,
	}, s.listUsers)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: pathUsers + "/{id}", ID: "get-user", Summary: "Show a person", Permission: identity.UsersRead,
	}, s.getUser)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPatch, Path: pathUsers + "/{id}", ID: "change-user",
		Summary:    "Give a person another role, or disable or enable them; ends their sessions",
		Permission: identity.UsersWrite, StepUp: true,
	}, s.changeUser)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathUsers + "/{id}/initial-password", ID: "reset-password",
		Summary:    "Replace a person's password by an initial one, shown once; keeps their second factor, ends their sessions",
		Permission: identity.UsersWrite, StepUp: true, Status: http.StatusCreated,
	}, s.resetPassword)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodDelete, Path: pathUsers + "/{id}/second-factor", ID: "remove-second-factor",
		Summary:    "Take away the second factors of somebody who lost them; only another owner can",
		Permission: identity.UsersWrite, StepUp: true, Status: http.StatusNoContent,
	}, s.removeSecondFactor)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodDelete, Path: pathUsers + "/{id}/sessions", ID: "end-user-sessions", Summary: "End all sessions of a person",
		Permission: identity.UsersWrite, Status: http.StatusNoContent,
	}, s.endUserSessions)
}

// managerBy is the caller as somebody who manages people.
func managerBy(call httpapi.Call) peopledb.By {
	return peopledb.By{Act: ledgerdb.ActOf(call.Caller, "", call.RequestID), Role: call.Caller.Role}
}

// userBody is a person as they are shown.
type userBody struct {
	ID           string        `json:"id"`
	Email        string        `json:"email"`
	Name         string        `json:"name"`
	Role         identity.Role `json:"role"`
	Disabled     bool          `json:"disabled"`
	SecondFactor bool          `json:"secondFactor" doc:"Whether they have one"`
	Initial      bool          `json:"initialPassword" doc:"Whether they have not set a password of their own yet"`
	CreatedAt    time.Time     `json:"createdAt"`
	LoggedInAt   time.Time     `json:"loggedInAt,omitzero" doc:"Their last login"`
}

func shownUser(p peopledb.Person) userBody {
	return userBody{
		ID: p.ID, Email: p.Email, Name: p.Name, Role: p.Role, Disabled: p.Disabled, SecondFactor: p.HasSecondFactor(),
		Initial: p.Password.Initial, CreatedAt: p.CreatedAt, LoggedInAt: p.LoggedInAt,
	}
}

type createUserInput struct {
	Body struct {
		Email string        `json:"email" minLength:"3" maxLength:"254" doc:"Their address, which nobody else in the hub has" example:"alva@example.com"`
		Name  string        `json:"name" minLength:"1" maxLength:"120" example:"Alva Lindqvist"`
		Role  identity.Role `json:"role" enum:"owner,admin,manager,support,auditor,viewer"`
	}
}

type createdUserOutput struct {
	Location string `header:"Location"`
	Body     struct {
		ID              string `json:"id"`
		InitialPassword string `json:"initialPassword" doc:"Give it to the person; it is not shown again"`
	}
}

func (s *server) createUser(ctx context.Context, call httpapi.Call, in *createUserInput) (*createdUserOutput, error) {
	u, initial, err := s.people.CreateUser(ctx, managerBy(call), identity.Profile{Email: in.Body.Email, Name: in.Body.Name}, in.Body.Role)
	if err != nil {
		return nil, err
	}
	out := &createdUserOutput{Location: pathUsers + "/" + u.ID}
	out.Body.ID, out.Body.InitialPassword = u.ID, initial
	return out, nil
}

type usersOutput struct{ Body pageBody[userBody] }

func (s *server) listUsers(ctx context.Context, call httpapi.Call, in *pageInput) (*usersOutput, error) {
	page, err := in.page(identity.UserPrefix)
	if err != nil {
		return nil, err
	}
	found, err := s.people.Persons(ctx, call.Caller.Tenant, page)
	if err != nil {
		return nil, err
	}
	id := func(p peopledb.Person) string { return p.ID }
	show := func(p peopledb.Person) (userBody, bool) { return shownUser(p), true }
	return &usersOutput{paged(*in, found, id, show)}, nil
}

type userInput struct {
	ID string `path:"id" maxLength:"64" doc:"The person's id"`
}

type userOutput struct{ Body userBody }

func (s *server) getUser(ctx context.Context, call httpapi.Call, in *userInput) (*userOutput, error) {
	who, err := s.people.Person(ctx, call.Caller.Tenant, in.ID)
	if err != nil {
		return nil, err
	}
	return &userOutput{shownUser(who)}, nil
}

type changeUserInput struct {
	ID   string `path:"id" maxLength:"64" doc:"The person's id"`
	Body struct {
		Role     *identity.Role `json:"role,omitempty" enum:"owner,admin,manager,support,auditor,viewer"`
		Disabled *bool          `json:"disabled,omitempty"`
	}
}

func (s *server) changeUser(ctx context.Context, call httpapi.Call, in *changeUserInput) (*userOutput, error) {
	who, err := s.people.ChangeUser(ctx, managerBy(call), in.ID, peopledb.UserChange{Role: in.Body.Role, Disabled: in.Body.Disabled})
	if err != nil {
		return nil, err
	}
	return &userOutput{shownUser(who)}, nil
}

type initialOutput struct {
	Body struct {
		InitialPassword string `json:"initialPassword" doc:"Give it to the person; it is not shown again"`
	}
}

func (s *server) resetPassword(ctx context.Context, call httpapi.Call, in *userInput) (*initialOutput, error) {
	initial, err := s.people.ResetPassword(ctx, managerBy(call), in.ID)
	if err != nil {
		return nil, err
	}
	out := &initialOutput{}
	out.Body.InitialPassword = initial
	return out, nil
}

func (s *server) removeSecondFactor(ctx context.Context, call httpapi.Call, in *userInput) (*struct{}, error) {
	return &struct{}{}, s.people.RemoveSecondFactor(ctx, managerBy(call), in.ID)
}

func (s *server) endUserSessions(ctx context.Context, call httpapi.Call, in *userInput) (*struct{}, error) {
	return &struct{}{}, s.people.EndSessions(ctx, managerBy(call), in.ID)
}
