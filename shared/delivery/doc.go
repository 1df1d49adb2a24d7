// Package delivery decides what is sent to whom, in which order, and when again. It is pure: package deliverydb keeps
// endpoints and deliveries, package webhook signs and sends, and functions/delivery drives them.
//
// # Words
//
//	endpoint   a URL of the tenant that wants some types of events, of some of its locations
//	event      something that happened, written in the same commit as the act it tells of
//	delivery   one event for one endpoint, with its attempts; there is at most one for each pair
//	attempt    one request and its answer
//
// # The way of a delivery
//
//	pending ──▶ delivered             the endpoint answered 2xx
//	   │  ▲
//	   │  └── a person asks for another attempt
//	   └────▶ failed                  the attempts of three days are used up, or the endpoint is gone or switched off
//
// A pending delivery always has a time at which to look at it again, whatever happens to the process that works on it:
// while an attempt runs, that is the end of its lease.
//
// # Order
//
// The events of one order are numbered without gaps, and an endpoint gets them in that order: a delivery waits while an
// earlier event of its order is not dispatched yet, or is not settled at the same endpoint ([Blocked]). It waits for as
// long as that one is retried. What a person asks to send again comes late, and says so by its number.
//
// # Sick endpoints
//
// After five failures in a row an endpoint's [Breaker] opens: nothing is sent for a while that grows to five minutes, then
// one message as a probe. What waits loses no attempt by it. The tenant is told by a notice.
//
// # The feed
//
// Who cannot be reached polls the same events. The feed is ordered by the events' times, and has no gaps though commits
// become visible out of that order: see [FeedCursor].
//
// A receiver must still expect an event twice: an answer can be lost. The event's id is the message's id, the same over
// all attempts, and tells it.
//
// # Decisions
//
// Retries are spaced for a kitchen: seven in the first hour, because a POS that restarts is back within minutes and the
// order is still hot, then ever farther apart for three days ([Wait]).
//
// A full payload is made when it is sent and never kept: a delivery holds no guest's data. It shows the order as it is at
// that moment, which may be further than the event; its version says so.
package delivery
