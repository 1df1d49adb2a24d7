// Package orders takes orders in and tells how they stand.
//
//	orders     HTTP: places, shows, lists and advances orders; receives the delivery platforms' own webhooks; shows and
//	           replays what they sent that made no order
//	fetch      Pub/Sub, topic fetches: gets the orders that platforms only told of
//	reconcile  Pub/Sub, every minute: carries out cancellations that came before their orders
//
// Where a platform's webhook only tells that there is an order (refer.go), the fetch is committed and announced, the
// platform is answered, and fetch.go asks for the order until it is here or the platform's time for accepting it is over;
// then the tenant gets a notice. What the relay finds left behind it announces again.
//
// The way of an order through this package: routes.go names the routes and their permissions; place.go (our own API) or
// webhook.go (a platform's) turns a request into an order and checks it; orderdb commits it; the event is announced;
// the caller is answered. What happens to the event then is package delivery's.
//
// Of the reason that a platform gives for a cancellation only a code stands in the order in plain
// ([channel.ReasonCode]): its words may name the guest. They are in the message, which is kept with its bytes sealed.
package orders
