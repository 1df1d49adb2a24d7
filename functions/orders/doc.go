// Package orders takes orders in and tells how they stand.
//
//	orders     HTTP: places, shows, lists and advances orders; receives the delivery platforms' own webhooks; shows and
//	           replays what they sent that made no order
//	reconcile  Pub/Sub, every minute: carries out cancellations that came before their orders
//
// The way of an order through this package: routes.go names the routes and their permissions; place.go (our own API) or
// webhook.go (a platform's) turns a request into an order and checks it; orderdb commits it; the event is announced;
// the caller is answered. What happens to the event then is package delivery's.
//
// Of the reason that a platform gives for a cancellation only a code stands in the order in plain
// ([channel.ReasonCode]): its words may name the guest. They are in the message, which is kept with its bytes sealed.
package orders
