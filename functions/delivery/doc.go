// Package delivery brings events to the endpoints that want them, and to the platforms that orders came from.
//
//	delivery  HTTP: endpoints and their secrets, test messages, what became of deliveries, another try, replays, the feed
//	dispatch  Pub/Sub, topic events: makes the deliveries of one event and attempts each at once
//	relay     every minute: announces again what was not dispatched within 30 seconds, and fetches that were left behind
//	retry     every minute: attempts what is due
//	deadlines every minute: warns of orders that must be decided soon, and decides as the channel link's policy says
//
// The way of an event through this package: whoever wrote it announces its id. dispatch.go finds the tenant's endpoints
// that want it and commits a delivery for each; courier.go takes each delivery through its turn in the order's line, its
// message, the request and the record. What fails comes back by retry.go, what was never announced by relay.go. The rules
// are shared/delivery's, the commits deliverydb's.
//
// A delivery is for an endpoint of the tenant or for the platform that the order came from (report.go), where that
// documents how it hears of statuses and the channel link, or the order's own webhook, says where. An address that a webhook
// named is proven by nobody: it gets no credential, it is called once, and one that must not be called is given up at once,
// so that it holds up no other order. Both go the same way: one
// delivery for each event, in the order of the order's events, repeated on the same schedule, behind a breaker.
//
// # Who waits for whom
//
// Endpoints do not wait for each other: an instance has at most sixteen requests open to one of them (lanes.go), the retry
// job gives each a lane of its own, and one that fails five times in a row is called no more until its breaker's pause is
// over, while what is due there is put off, so that the job's view is not full of it.
//
// # What may fail when
//
// Any process may die and any call may fail at any point:
//
//	before the commit that makes the deliveries   the event keeps its mark; the relay announces it again
//	after it                                      every delivery is claimed with a lease, and due when that ends
//	between an answer and its record              the endpoint is sent the event once more; its id is the same
//
// So dispatch acknowledges every message that it can read: there is nothing that Pub/Sub's own repeating would add.
package delivery
