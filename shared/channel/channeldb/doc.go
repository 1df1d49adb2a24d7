// Package channeldb keeps what channels sent and what made no order: events, cancellations whose order is not here yet,
// and orders that could not be read. Nothing that a platform proved to have sent is lost.
//
//	messages/{id}     what was understood of it, see [channel.Kept]
//	orderKeys/{id}    the key of its bytes, wrapped by the tenant's, as an order's key is
//	originals/{id}    its bytes, compressed and sealed under that key
//
// The three are written by one commit. The same message sent again has the same id and meets its own document.
//
// # Decisions
//
// A message that needs somebody to look (failed) or something to be done (waiting) is an act with its audit entry; an
// event that is only noted is bookkeeping, because couriers report every few seconds.
//
// A message's bytes cannot be looked up by guest, since nobody has read them. So they live for a month only, whatever
// else is kept longer: that is the horizon within which an erasure of the guest is complete.
//
// A cancellation whose order is not here is taken, not refused: asking the platform to send it again would never end if
// the order never comes, and most give up before a delayed order does come. It waits for a day; a job looks for its order
// every minute.
package channeldb
