// Package ledger is the audit log's own language: what an entry says, the bytes that it is, and the chain that the
// entries of one object form. It is pure; package ledger/ledgerdb commits entries together with the acts they tell of.
//
// # Acts and entries
//
// An act is a caller's or operator's change of business or security state. Every act commits one [Entry] for each
// object it changes, in the same commit as the change: if the entry cannot be written, the act does not happen.
// Bookkeeping (delivery attempts, marks, last use) is not an act.
//
// # Bytes
//
// An entry IS its canonical bytes: one JSON object with the fields in the order of [Entry], without spaces, the time in
// UTC with microseconds. [Entry.Encode] writes them, [Parse] reads them and refuses any other spelling, and the
// entry's hash is their SHA-256. Whoever holds the bytes can check the hash with a shell.
//
// # Chains
//
// Every object has a chain of its own, so that no document is written by all: an entry names the object's revision and
// the hash of the entry before, and the hash of the document that the act left behind ([HashDocument]). The object's
// document carries its revision and its newest entry's hash. So an entry that is dropped, changed or swapped breaks its
// object's chain, and a document edited behind the log no longer hashes to its newest entry's `after`.
//
// What a chain alone cannot show: that an object's last entries were cut off together with its document being put
// back, or that the whole log was written anew. That is what the sealed log is for (packages ledger/tlog and
// ledger/sealing): every minute the entries are put into a Merkle tree whose signed root is published.
package ledger
