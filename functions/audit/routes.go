package audit

import (
	"net/http"
	"time"

	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// deps are what the handler works with.
type deps struct {
	ledger *ledgerdb.Store
	log    objects.Bucket
	head   objects.Bucket
	now    func() time.Time
	api    httpapi.Options
}

type server struct {
	deps
	shelf *shelf
}

// newHandler returns the function's handler: every route it has, and the permission each needs.
func newHandler(d deps) *httpapi.API {
	s := &server{deps: d, shelf: newShelf(d.log, d.head, d.now)}
	d.api.Name, d.api.Title = "audit", "Ryggrad audit log"
	d.api.Description = "Shows who did what, proves that nobody changed it since, and serves the sealed log to whoever wants to check."
	api := httpapi.New(d.api)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: "/v1/audit", ID: "list-audit-entries", Summary: "List audit entries, oldest first",
		Permission: identity.AuditRead,
	}, s.list)
	api.HandleRaw(httpapi.Route{
		Method: http.MethodGet, Path: "/v1/audit/{id}/proof", ID: "prove-audit-entry",
		Summary:    "Prove that an entry is in the sealed log, as a file that stands on its own (c2sp.org/tlog-proof)",
		Permission: identity.AuditRead,
	}, s.prove)
	api.HandleRaw(httpapi.Route{
		Method: http.MethodGet, Path: "/log/checkpoint", ID: "get-log-checkpoint", Summary: "Show the newest signed checkpoint",
		Permission: httpapi.Public,
	}, s.checkpoint)
	api.HandleRaw(httpapi.Route{
		Method: http.MethodGet, Path: "/log/consistency/{size}", ID: "prove-log-consistency",
		Summary:    "Prove that the log goes on from its beginning of this size, in the form of c2sp.org/tlog-witness",
		Permission: httpapi.Public,
	}, s.consistency)
	api.HandleRaw(httpapi.Route{
		Method: http.MethodGet, Path: "/log/keys", ID: "get-log-keys", Summary: "Show the public keys that signed checkpoints",
		Permission: httpapi.Public,
	}, s.keys)
	api.HandleRaw(httpapi.Route{
		Method: http.MethodGet, Path: "/log/tile/{tile...}", ID: "get-log-tile", Summary: "Show a tile or a bundle of entries (c2sp.org/tlog-tiles)",
		Permission: httpapi.Public,
	}, s.tile)
	return api
}
