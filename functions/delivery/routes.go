package delivery

import (
	"io"
	"net/http"

	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/webhook"
)

// deps are what the HTTP function works with.
type deps struct {
	courier   courier
	directory *identitydb.Directory
	policy    webhook.Policy
	entropy   io.Reader // for ids
	api       httpapi.Options
}

type server struct{ deps }

// newHandler returns the HTTP function's handler: every route it has, and the permission each needs.
func newHandler(d deps) *httpapi.API {
	s := &server{d}
	d.api.Name, d.api.Title = "delivery", "Ryggrad delivery"
	d.api.Description = "Webhook endpoints, and what became of the messages to them. Messages are Standard Webhooks 1.0."
	api := httpapi.New(d.api)
	s.endpointRoutes(api)
	s.deliveryRoutes(api)
	s.feedRoutes(api)
	describeMessages(api)
	return api
}

func (s *server) endpointRoutes(api *httpapi.API) {
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: "/v1/endpoints", ID: "create-endpoint", Summary: "Create an endpoint; its secret is shown once",
		Permission: identity.EndpointsWrite, Status: http.StatusCreated,
	}, s.create)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: "/v1/endpoints", ID: "list-endpoints", Summary: "List endpoints",
		Permission: identity.EndpointsRead,
	}, s.list)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: "/v1/endpoints/{id}", ID: "get-endpoint", Summary: "Show an endpoint",
		Permission: identity.EndpointsRead,
	}, s.get)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPut, Path: "/v1/endpoints/{id}", ID: "change-endpoint", Summary: "Replace an endpoint's settings, or switch it off or on",
		Permission: identity.EndpointsWrite,
	}, s.change)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodDelete, Path: "/v1/endpoints/{id}", ID: "remove-endpoint", Summary: "Remove an endpoint",
		Permission: identity.EndpointsWrite, Status: http.StatusNoContent,
	}, s.remove)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: "/v1/endpoints/{id}/secret", ID: "rotate-endpoint-secret",
		Summary:    "Give an endpoint a new secret, shown once; the former one goes on signing for 24 hours",
		Permission: identity.EndpointsWrite, Status: http.StatusCreated,
	}, s.rotate)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: "/v1/endpoints/{id}/test", ID: "test-endpoint", Summary: "Send a test message and show the answer",
		Permission: identity.EndpointsWrite,
	}, s.test)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: "/v1/endpoints/{id}/replay", ID: "replay-endpoint",
		Summary:    "Send an endpoint again what happened between two moments",
		Permission: identity.DeliveriesRetry, Status: http.StatusAccepted,
	}, s.replay)
}

func (s *server) feedRoutes(api *httpapi.API) {
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: "/v1/events", ID: "poll-events", Summary: "Poll for events instead of receiving them",
		Permission: identity.EventsRead,
	}, s.feed)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: "/v1/events/acknowledgement", ID: "acknowledge-events",
		Summary:    "Have the hub remember how far one has polled",
		Permission: identity.EventsRead, Status: http.StatusNoContent,
	}, s.acknowledge)
}

func (s *server) deliveryRoutes(api *httpapi.API) {
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: "/v1/deliveries", ID: "list-deliveries", Summary: "List what was sent to endpoints, newest first",
		Permission: identity.DeliveriesRead,
	}, s.deliveries)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: "/v1/deliveries/{id}/retry", ID: "retry-delivery", Summary: "Send a delivery again, within a minute",
		Permission: identity.DeliveriesRetry, Status: http.StatusAccepted,
	}, s.again)
}
