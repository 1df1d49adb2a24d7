// Package orderdb keeps orders in Firestore.
//
// # What an order is made of
//
//	orders/{id}       the record: the order's face, status, history; and `guest` and, where the channel named
//	                  one, `callback`, sealed under the order's own key
//	orderKeys/{id}    that key, wrapped by the tenant's; the guest's blind indexes; the replay digest. Deleting this
//	                  document forgets the guest for good
//	originals/{id}    what the channel sent, byte for byte, compressed and sealed under the order's key
//	idempotency/{id}  an Idempotency-Key, by the order that it was used for
//	events/{id}       the outgoing event, until it is dispatched
//	audit/{id}        the audit entry
//
// All of them are written by the one commit of [Store.Place].
//
// # Exactly once
//
// An order's id is made of what the channel identifies it by, so that the same order sent again meets its own document,
// and the commit's preconditions decide who was first. Whoever was not reads what is there: the same content (by the
// digest) is a replay, other content a conflict. No lock is held and nothing is read before the first attempt: taking in
// a new order is one RPC.
//
// # Forgetting
//
// [Store.Erase] deletes an order's key and original and takes the sealed guest out of its record, in one commit, as an act
// with its entry. What stays is the face, which names nobody. An order that is sent again after that is a replay: without
// the key nobody can tell whether it is the same, and nothing of it is kept.
package orderdb
