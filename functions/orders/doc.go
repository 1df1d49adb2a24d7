// Package orders takes orders in and tells how they stand.
//
//	orders  HTTP: places, shows, lists and advances orders; receives the delivery platforms' own webhooks
//
// The way of an order through this package: routes.go names the routes and their permissions; place.go (our own API) or
// webhook.go (a platform's) turns a request into an order and checks it; orderdb commits it; the event is announced;
// the caller is answered. What happens to the event then is package delivery's.
package orders
