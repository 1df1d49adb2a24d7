// Package ledgerdb is the one way to the hub's documents.
//
// # Writing
//
// Every act goes through [Store.Commit]: the objects it changes, an audit entry for each of them, and whatever belongs
// to them (an order's key, an outgoing event) are written by ONE Firestore commit, so that an act and its entry happen
// together or not at all. A create that finds its document there is [ErrExists], a change of a document that somebody
// else changed since it was read is [ErrStale]; the caller reads again and decides again. There are no locks.
//
// A commit can succeed without telling. Google's client repeats it on UNAVAILABLE, so ErrExists and ErrStale may speak
// of the caller's own write: [Receipt.Wrote] tells, by the entry that the stored object carries, and tells the witness log
// what Commit could not.
//
// Bookkeeping, which is no act, goes through [Store.Bookkeep]. It must not touch documents that acts write.
//
// # Reading
//
// [Store.Get], [Store.GetAll] and [Store.Query] take the tenant whose data may be seen and answer as if other tenants'
// documents did not exist. That is the hub's tenant isolation; nothing above has to remember it. Jobs that work for all
// tenants, and whoever has an id that tells the tenant, say so by calling [Store.QueryAllTenants] or
// [Store.FindInAllTenants].
//
// # Documents
//
// This package adds to every document: `tenant`; `us`, a number from 0 to 15 from the id's hash, by which exports and
// jobs share out their work; and `updatedAt`, the time of the commit by the database's clock. Objects carry `revision`
// and `entry` too, see package ledger.
//
// # Decisions
//
// Optimistic preconditions instead of transactions: a create is one RPC instead of two, and no lock is held while a
// function waits for something else. What was rejected: audit entries written by a trigger (an act could then happen
// without its entry), and one chain for a whole tenant (a document that all orders write, at about one write a second).
//
// Commits are made of Firestore's own messages and sent by the generated client. The batch of the other client, which
// reads use, is marked deprecated in favour of one that is not atomic, and it looks at every value by reflection: taking
// an order in went from 1,800 to 1,354 allocations without it (BenchmarkPlace in functions/orders).
package ledgerdb
