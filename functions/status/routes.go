package status

import (
	"log/slog"
	"net/http"
	"time"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/incident/incidentdb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// deps are what the functions work with.
type deps struct {
	cfg        config
	ledger     *ledgerdb.Store
	identities *identitydb.Store
	evidence   *evidencedb.Store
	incidents  *incidentdb.Store
	copies     objects.Bucket
	table      []functions.Function // what is built
	client     *http.Client
	now        func() time.Time
	log        *slog.Logger
}

type server struct {
	deps
	shelf  *shelf
	pages  *pages
	merged merged
	api    *httpapi.API
}

// newHandler returns the function's handler: every route it has, and the permission each needs.
func newHandler(d deps, opts httpapi.Options) (http.Handler, error) {
	p, err := newPages(d.cfg)
	if err != nil {
		return nil, err
	}
	s := &server{deps: d, pages: p, shelf: &shelf{ledger: d.ledger, copies: d.copies, now: d.now}}
	opts.Name, opts.Title = "status", "Ryggrad status"
	opts.Description = "Shows how the hub is, proves what it claims, tells of incidents and takes reports."
	s.api = httpapi.New(opts)
	s.pageRoutes()
	s.incidentRoutes()
	return s.api, nil
}

// pageRoutes are what a browser asks for.
func (s *server) pageRoutes() {
	page := []httpapi.Content{{Type: "text/html", Of: ""}}
	for _, r := range []struct {
		path, id, summary string
		gives             []httpapi.Content
		handler           func(http.ResponseWriter, *http.Request, httpapi.Call) error
	}{
		{"/status", "get-status", "Show how the hub is, as a page or as JSON", append(page, httpapi.Content{Of: statusBody{}}), s.status},
		{"/status/history", "get-status-history", "Show the incidents of a year", page, s.history},
		{"/status/feed.atom", "get-status-feed", "Follow incidents by Atom (RFC 4287)", []httpapi.Content{{Type: "application/atom+xml", Of: ""}}, s.feed},
		{"/trust", "get-trust", "Show every claim with its evidence, as a page or as JSON", append(page, httpapi.Content{Of: trustBody{}}), s.trust},
		{"/.well-known/security.txt", "get-security-contact", "Show whom to tell of a weakness (RFC 9116)", []httpapi.Content{{Type: "text/plain", Of: ""}}, s.securityText},
		{"/openapi.json", "get-description", "Show the description of the whole API", []httpapi.Content{{Of: nil}}, s.description},
	} {
		s.api.HandleRaw(httpapi.Route{
			Method: http.MethodGet, Path: r.path, ID: r.id, Summary: r.summary, Permission: httpapi.Public,
			Gives: map[int][]httpapi.Content{http.StatusOK: r.gives}, Refuses: []int{http.StatusNotFound},
		}, r.handler)
	}
}

// incidentRoutes are what programs ask for.
func (s *server) incidentRoutes() {
	httpapi.Handle(s.api, httpapi.Route{
		Method: http.MethodGet, Path: "/v1/incidents", ID: "list-incidents", Summary: "List the incidents of a year, the newest first",
		Permission: httpapi.Public,
	}, s.listIncidents)
	httpapi.Handle(s.api, httpapi.Route{
		Method: http.MethodGet, Path: "/v1/notices", ID: "list-notices", Summary: "List what the tenant was told, the newest first",
		Permission: identity.NoticesRead,
	}, s.listNotices)
	httpapi.Handle(s.api, httpapi.Route{
		Method: http.MethodPost, Path: "/v1/incident-reports", ID: "report-incident", Summary: "Report that something is wrong, for a receipt",
		Permission: identity.IncidentsReport, Status: http.StatusCreated,
	}, s.report)
	takes := make([]httpapi.Content, 0, len(weaknessTypes()))
	for _, media := range weaknessTypes() {
		takes = append(takes, httpapi.Content{Type: media, Of: ""})
	}
	s.api.HandleRaw(httpapi.Route{
		Method: http.MethodPost, Path: "/v1/vulnerability-reports", ID: "report-vulnerability",
		Summary: "Report a weakness, encrypted or not, for a receipt; nobody need say who they are", Permission: httpapi.Public,
		Takes: takes, Gives: map[int][]httpapi.Content{http.StatusCreated: {{Of: receipt{}}}},
	}, s.weakness)
}
