// Package privacy holds the rules by which guests are found, shown and forgotten. It is pure; its Firestore code is
// privacydb, its routes are in functions/privacy.
//
// # What an erasure is
//
// A guest's data is sealed under keys of its own, one per order. Forgetting the guest means deleting these keys, and an
// [Erasure] says which: it names the guest's orders, and the kept messages that were about them. It is written outside
// the database, before anything is deleted, and nobody can change or remove it, so that a restore of any older state
// finds every erasure and carries it out before it serves. It holds ids only: nothing in it tells who the guest was.
//
// # Bytes
//
// An erasure is the object `erasures/{id}`, one JSON object without spaces, its members in this order:
//
//	version   1
//	id        `era_` and 128 random bits
//	tenant    whose guest it was
//	at        when the erasure was decided: RFC 3339, UTC, microseconds
//	orders    ids of orders, sorted, each once
//	messages  ids of kept messages, sorted, each once
//	all       true, and only there, when the tenant was destroyed: nothing that it had may come back, and nothing is named
//
// [Parse] refuses every other spelling: an object that nobody can change has no reason to look otherwise, and whoever
// reads it decides what must not come back.
package privacy
