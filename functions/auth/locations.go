package auth

import (
	"context"
	"net/http"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const pathLocations = "/v1/locations"

func (s *server) locationRoutes(api *httpapi.API) {
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: pathLocations, ID: "create-location", Summary: "Create a location",
		Permission: identity.LocationsWrite, Status: http.StatusCreated,
	}, s.createLocation)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: pathLocations, ID: "list-locations", Summary: "List locations",
		Permission: identity.LocationsRead,
	}, s.listLocations)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: pathLocations + "/{id}", ID: "get-location", Summary: "Show a location",
		Permission: identity.LocationsRead,
	}, s.getLocation)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPut, Path: pathLocations + "/{id}", ID: "change-location", Summary: "Replace a location's settings",
		Permission: identity.LocationsWrite,
	}, s.changeLocation)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodDelete, Path: pathLocations + "/{id}", ID: "remove-location",
		Summary: "Remove a location that no channel link serves", Permission: identity.LocationsWrite, Status: http.StatusNoContent,
	}, s.removeLocation)
}

// LocationSettings is what is decided about a location.
type LocationSettings struct {
	Name     string `json:"name" minLength:"1" maxLength:"120" doc:"For people" example:"Storgatan"`
	Timezone string `json:"timezone" maxLength:"64" doc:"A zone of the IANA database" example:"Europe/Stockholm"`
	Currency string `json:"currency" pattern:"^[A-Z]{3}$" doc:"ISO 4217; every order of the location is in it" example:"SEK"`
	Country  string `json:"country" pattern:"^[A-Z]{2}$" doc:"ISO 3166-1 alpha-2; how local phone numbers are read" example:"SE"`
}

func (b LocationSettings) location(id string) identity.Location {
	return identity.Location{ID: id, Name: b.Name, Timezone: b.Timezone, Currency: b.Currency, Country: b.Country}
}

// locationBody is a location as it is shown.
type locationBody struct {
	ID string `json:"id"`
	LocationSettings
	CreatedAt time.Time `json:"createdAt"`
}

func showLocation(l identity.Location) locationBody {
	return locationBody{ID: l.ID, LocationSettings: LocationSettings{l.Name, l.Timezone, l.Currency, l.Country}, CreatedAt: l.CreatedAt}
}

type createLocationInput struct{ Body LocationSettings }

type createdLocationOutput struct {
	Location string `header:"Location" doc:"The location's address"`
	Body     locationBody
}

type locationInput struct {
	ID string `path:"id" maxLength:"64" doc:"The location's id"`
}

type changeLocationInput struct {
	ID   string `path:"id" maxLength:"64" doc:"The location's id"`
	Body LocationSettings
}

type locationOutput struct{ Body locationBody }

type locationsOutput struct{ Body pageBody[locationBody] }

// createLocation is for credentials that reach every location: others could not see what they made.
func (s *server) createLocation(ctx context.Context, call httpapi.Call, in *createLocationInput) (*createdLocationOutput, error) {
	if !call.Caller.Locations.Every() {
		return nil, fault.New(fault.Forbidden, "the credential reaches certain locations only, so it cannot make others")
	}
	l, err := s.store.CreateLocation(ctx, act(call), in.Body.location(""))
	if err != nil {
		return nil, err
	}
	return &createdLocationOutput{Location: pathLocations + "/" + l.ID, Body: showLocation(l)}, nil
}

func (s *server) listLocations(ctx context.Context, call httpapi.Call, in *pageInput) (*locationsOutput, error) {
	page, err := in.page(identity.LocationPrefix)
	if err != nil {
		return nil, err
	}
	found, err := s.store.Locations(ctx, call.Caller.Tenant, page)
	if err != nil {
		return nil, err
	}
	return &locationsOutput{paged(*in, found, func(l identity.Location) string { return l.ID },
		func(l identity.Location) (locationBody, bool) { return showLocation(l), call.Caller.MayUse(l.ID) })}, nil
}

func (s *server) getLocation(ctx context.Context, call httpapi.Call, in *locationInput) (*locationOutput, error) {
	if err := reach(call, in.ID); err != nil {
		return nil, err
	}
	l, err := s.store.Location(ctx, call.Caller.Tenant, in.ID)
	if err != nil {
		return nil, err
	}
	return &locationOutput{showLocation(l)}, nil
}

func (s *server) changeLocation(ctx context.Context, call httpapi.Call, in *changeLocationInput) (*locationOutput, error) {
	if err := reach(call, in.ID); err != nil {
		return nil, err
	}
	l, err := s.store.ChangeLocation(ctx, act(call), in.Body.location(in.ID))
	if err != nil {
		return nil, err
	}
	return &locationOutput{showLocation(l)}, nil
}

func (s *server) removeLocation(ctx context.Context, call httpapi.Call, in *locationInput) (*struct{}, error) {
	if err := reach(call, in.ID); err != nil {
		return nil, err
	}
	return &struct{}{}, s.store.RemoveLocation(ctx, act(call), in.ID)
}

// reach hides a location that the credential does not reach.
func reach(call httpapi.Call, location string) error {
	if !call.Caller.MayUse(location) {
		return fault.New(fault.NotFound, "there is no such location")
	}
	return nil
}

// act is the caller's; the store names the action.
func act(call httpapi.Call) ledgerdb.Act { return ledgerdb.ActOf(call.Caller, "", call.RequestID) }
