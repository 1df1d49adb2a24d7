// Package deliverydb keeps endpoints and deliveries in Firestore.
//
//	endpoints/{id}               an endpoint with its secrets, sealed under the tenant's key; changed by acts only
//	deliveries/{event}_{endpoint}  what became of an event at an endpoint; bookkeeping, no act
//	breakers/{endpoint}          that an endpoint is not to be called for a while; there is none of one that is well
//	feeds/{id}                   how far somebody who polls the events has got
//	events/{id}                  written with the act that it tells of; this package takes its mark away
//
// # Commits
//
// Dispatching an event is ONE commit: all its deliveries, claimed for their first attempt, and the removal of the mark by
// which the relay finds it. So an event that is dispatched has all its deliveries, one that is not has none, and whoever
// dies in between loses nothing. Who comes second finds the work done.
//
// A delivery is worked on under a claim with a lease. What is recorded after an attempt is written only while the claim
// is still one's own, except that a success is recorded in any case: it is true whoever else tried.
//
// # Reading
//
// Endpoints are read from memory for a while, see [Options]. A tenant without endpoints is asked for every time, so that
// the first endpoint works at once.
package deliverydb
