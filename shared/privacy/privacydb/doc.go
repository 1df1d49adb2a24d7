// Package privacydb finds guests, and keeps and carries out the jobs that export and erase their data.
//
//	subjectJobs/{id}            what was asked for, and what came of it; see [privacy.Job]
//	subjectQueue/{id}           when to look at the job again; bookkeeping, gone when nothing is left to do
//	exportKeys/{id}_{attempt}   the key of a finished export, wrapped by the tenant's; deleted when it is taken out
//	exportParts/{id}_{attempt}_{n}  the export itself: NDJSON, compressed, sealed under that key, in parts
//
// A job is asked for by ONE commit: the job, its place in the queue and the audit entry. Whoever dies on the way leaves it in
// the queue, where the next look finds it when its time comes. Every step can be repeated.
//
// # Finding
//
// Guests are found by the blind indexes of their phone number and e-mail address in `orderKeys`; what is then weighed, and
// when it is enough, is package privacy's. Messages that made no order have no index. So those that
// failed or came too early are opened and searched, also when an order came of them since: up to 20,000 of a tenant, the
// newest of each state; where there are more, the answer says so. They live for 30 days at most.
//
// # An erasure
//
//  1. writes the object that tells every restore, outside the database, where nobody can change it;
//  2. deletes the key and the original of every order and message, order by order, each in a commit of its own with an audit
//     entry; cuts the texts out of the log of deliveries;
//  3. says that it is done, unless a message about one of the orders is on its way to somebody right now: what its sender
//     writes down is cut out when it has arrived, within two minutes.
//
// No instance keeps a guest's data in memory beyond a request; what they keep are tenants' keys, for 15 minutes, and these
// open nothing once the order's own key is deleted.
//
// # An export
//
// is written line by line and sealed part by part, so that memory stays flat. Its key lives for a day. Whoever takes it out
// deletes the key in the same commit that says so, before the first byte is sent: it is read once. Whoever loses it on the
// way asks for another.
package privacydb
