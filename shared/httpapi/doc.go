// Package httpapi is the HTTP edge of every function: typed routes on net/http patterns with their OpenAPI
// description, strict JSON, one shape for every error, authentication and permission before anything else is looked
// at, rate limits, request and trace ids, and an access log that holds no personal data.
//
//	api := httpapi.New(httpapi.Options{Name: "orders", …})
//	httpapi.Handle(api, httpapi.Route{
//		Method: "POST", Path: "/v1/orders", ID: "place-order", Summary: "Place an order",
//		Permission: identity.OrdersWrite, Status: http.StatusCreated,
//	}, s.place)
//
// A handler takes who calls as a parameter, never from a context:
//
//	func (s *server) place(ctx context.Context, call httpapi.Call, in *placeInput) (*placeOutput, error)
//
// and returns faults; [Status] is the one table that turns a fault's kind into an HTTP status.
//
// # What happens to a request
//
//	ids and trace → body limit → credential → rate limit → permission → step-up → strict decode → schema → handler → access log
//
// A caller without permission learns nothing about its body. Every fault of a body is answered at once, each with its
// JSON location and never with the value that was sent.
//
// # Decisions
//
// Bodies are decoded by github.com/go-json-experiment/json, the prototype of Go's encoding/json/v2. encoding/json takes
// duplicate names and names in another case, last wins, so that {"role":"viewer","ROLE":"owner"} is an owner; this one
// refuses both, and invalid UTF-8 and unknown names too.
//
// huma has its error constructor and its case rule in package variables. They are set once, in init, because every
// function wants the same and huma offers no other way.
//
// A function starts while somebody waits, so what a route needs is made on its first request: huma's operation with its
// schemas, in a registry of its own that nothing else writes to. The description, which needs all of them, is made when it
// is asked for.
//
// Rate limits are counted in each instance. They protect an instance from one caller; the edge in front of the
// functions protects the whole.
package httpapi
