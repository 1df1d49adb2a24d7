// Package order holds what an order is and what may become of it. It is pure: no clock, no database, no HTTP.
//
// An order comes in whole, is checked ([Order.Check] refuses, [Order.Warnings] only tells) and is split in two: the
// face, which anybody at the restaurant may see, and the [Guest], which is encrypted and can be erased for good.
//
//	face, guest := o.Split()
//	record := order.Receive(origin, face, now, "client")
//	next, changed, err := record.Advance(order.Change{Status: order.Accepted}, now, "client")
//
// # Decisions
//
// Money is an integer in the currency's minor unit everywhere; there is no money type, because the currency is the
// order's, not the amount's.
//
// An order's id is derived from its origin ([ID]), so exactly-once needs no look-up: the second creation of the same
// document fails.
//
// Totals that do not add up are a warning. Platforms round, fund discounts and collect fees in ways that they do not
// tell; a refused order is a hungry guest, a warned one is a question for the bookkeeper.
//
// The words for payment methods, fees and funders are open, the types and statuses of an order are closed: the hub acts
// on the latter only.
//
// A card number in free text is found by [CardNumber]; our own API refuses the order, adapters mask it in the order and
// in the bytes that are kept.
package order
