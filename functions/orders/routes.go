package orders

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/channel/channeldb"
	"ryggrad.internal/hub/shared/channel/fetchdb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/order/orderdb"
)

// deps are what the handler works with.
type deps struct {
	orders    *orderdb.Store
	messages  *channeldb.Store
	directory *identitydb.Directory
	announcer event.Announcer
	fetches   *fetchdb.Store
	referrals event.Announcer // on the topic of fetches
	now       func() time.Time
	api       httpapi.Options
}

type server struct {
	deps
	body   *httpapi.Body[order.Order]
	meter  func(r *http.Request, key string) error
	refuse func(ctx context.Context, call httpapi.Call, caller identity.Caller, reason string)
}

// newHandler returns the function's handler: every route it has, and the permission each needs.
func newHandler(d deps) *httpapi.API {
	s := &server{deps: d}
	d.api.Name, d.api.Title = "orders", "Ryggrad orders"
	d.api.Description = "Takes orders in exactly once and tells how they stand. Money is an integer in the currency's minor unit."
	api := httpapi.New(d.api)
	s.body = httpapi.BodyOf[order.Order](api)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: "/v1/orders", ID: "place-order", Summary: "Place an order",
		Permission: identity.OrdersWrite, Status: http.StatusCreated, Takes: []httpapi.Content{{Of: order.Order{}}},
	}, s.place)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: "/v1/orders", ID: "list-orders", Summary: "List orders by their last change",
		Permission: identity.OrdersRead,
	}, s.list)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: "/v1/orders/{id}", ID: "get-order", Summary: "Show an order",
		Permission: identity.OrdersRead,
	}, s.get)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodGet, Path: "/v1/orders/{id}/history", ID: "get-order-history", Summary: "Show an order's way so far",
		Permission: identity.OrdersRead,
	}, s.history)
	httpapi.Handle(api, httpapi.Route{
		Method: http.MethodPost, Path: "/v1/orders/{id}/status", ID: "advance-order", Summary: "Report an order's progress",
		Permission: identity.OrdersStatus,
	}, s.advance)
	api.HandleRaw(httpapi.Route{
		Method: http.MethodPost, Path: "/v1/pos/deliverect/orderStatus/{id}", ID: "report-deliverect-status",
		Summary:    "Report an order's progress in Deliverect's form",
		Permission: identity.OrdersStatus,
		Takes:      []httpapi.Content{{}}, Gives: map[int][]httpapi.Content{http.StatusOK: {{}}},
	}, s.deliverectStatus)
	api.HandleRaw(httpapi.Route{
		Method: http.MethodPost, Path: "/v1/pos/deliverect/updatePreparationTime", ID: "report-deliverect-preparation",
		Summary:    "Report in Deliverect's form how many minutes an order still takes",
		Permission: identity.OrdersStatus,
		Takes:      []httpapi.Content{{}}, Gives: map[int][]httpapi.Content{http.StatusOK: {{}}},
	}, s.deliverectPreparation)
	s.messageRoutes(api)
	s.meter, s.refuse = api.Meter, api.Refuse
	s.channelRoutes(api, http.MethodPost)
	s.channelRoutes(api, http.MethodPut)
	return api
}

func (s *server) channelRoutes(api *httpapi.API, method string) {
	for _, path := range channelPaths(method) {
		api.HandleRaw(httpapi.Route{
			Method: method, Path: "/v1/channels/{adapter}/{link}/" + path, ID: "receive-channel-" + path,
			Summary:    "Receive a delivery platform's own webhook, proven by the platform's signature",
			Permission: httpapi.Public, Unmetered: true,
			Takes: []httpapi.Content{{}}, Gives: map[int][]httpapi.Content{http.StatusOK: {{}}, http.StatusCreated: {{}}, http.StatusAccepted: {{}}},
		}, s.webhook)
	}
}

// channelPaths returns the paths that any platform calls below its link with a method.
func channelPaths(method string) []string {
	var paths []string
	for _, a := range channel.Adapters() {
		paths = append(paths, pathsOf(a, method)...)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

func pathsOf(a channel.Adapter, method string) []string {
	if method == http.MethodPut {
		return a.Puts
	}
	return a.Paths
}

// lastSegment returns the part of a path behind its last slash.
func lastSegment(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

// reach lets a caller at an order only where the credential reaches the order's location. To anybody else the order
// does not exist.
func reach(caller identity.Caller) orderdb.Allow {
	return func(r order.Record) error {
		if caller.MayUse(r.Order.Location) {
			return nil
		}
		return fault.New(fault.NotFound, "there is no order by this id")
	}
}

// load reads an order that the caller may see.
func (s *server) load(ctx context.Context, caller identity.Caller, id string) (orderdb.Stored, error) {
	stored, err := s.orders.Load(ctx, caller.Tenant, id)
	if err != nil {
		return stored, err
	}
	return stored, reach(caller)(stored.Record)
}
