package privacy

import (
	"net/http"
	"time"

	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/privacy/privacydb"
)

// deps are what the HTTP function works with.
type deps struct {
	store     *privacydb.Store
	announcer event.Announcer
	now       func() time.Time
	api       httpapi.Options
}

type server struct{ deps }

// newHandler returns the HTTP function's handler: every route it has, and the permission each needs.
func newHandler(d deps) *httpapi.API {
	s := &server{d}
	d.api.Name, d.api.Title = "privacy", "Ryggrad privacy"
	d.api.Description = "Shows guests what is held about them, and forgets them."
	api := httpapi.New(d.api)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: "/v1/subjects/export", ID: "export-subject",
		Summary:    "Ask for everything that is held about a guest, or see what that would be",
		Permission: identity.SubjectsExport, StepUp: true, Also: []int{http.StatusAccepted},
	}, s.export)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: "/v1/subjects/erase", ID: "erase-subject",
		Summary:    "Forget a guest for good, or see what that would erase",
		Permission: identity.SubjectsErase, StepUp: true, Also: []int{http.StatusAccepted},
	}, s.erase)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: "/v1/subjects/exports/{id}", ID: "get-subject-export", Summary: "Show how far an export is",
		Permission: identity.SubjectsExport,
	}, s.getExport)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: "/v1/subjects/erasures/{id}", ID: "get-subject-erasure", Summary: "Show how far an erasure is",
		Permission: identity.SubjectsErase,
	}, s.getErasure)
	api.HandleRaw(httpapi.Route{
		Method: http.MethodPost, Path: "/v1/subjects/exports/{id}/content", ID: "take-subject-export",
		Summary:    "Take a finished export out, which can be done once: a manifest, then a line of JSON for each document",
		Permission: identity.SubjectsExport, StepUp: true,
		Gives: map[int][]httpapi.Content{http.StatusOK: {{Type: ndjson, Of: ""}}},
	}, s.takeOut)
	return api
}
