// Package verify checks a sealed audit log from nothing but its objects, and names what is wrong with it.
//
// # The order
//
//  1. Signatures: the newest checkpoint is signed by a known key, and so is every one that was kept.
//  2. Consistency: the tree is built anew from the bundles; its root at the size of every kept checkpoint, and of one that
//     the verifier remembers from before, is the root that was signed then.
//  3. Inclusion: every tile says what the bundles make. The place of the first entry that differs is named.
//  4. Bytes: the kept bytes of every entry have the hash that was sealed.
//  5. Chains: the entries of every object follow one another without a gap or a fork. One that was removed, or whose time
//     was over, may be made again; then its chain begins anew.
//
// Steps 4 and 5 need the bytes, which are private: a verifier who has only the public log is told that they were left
// out.
//
// # Memory
//
// It stays flat: bundles are read some at a time, and what chains need (about 120 bytes an entry) goes to temporary files,
// which are looked at one by one.
//
// # What cannot be detected
//
//   - An act that was never given to the log, because the code was changed to leave it out.
//   - An entry that was taken away together with its object, before it was sealed and before it was in the structured
//     log. That has a line of every commit that was answered, and of one whose answer was lost when whoever committed
//     asked again and found its own work; an instance that dies in between leaves a line out, and a minute of a gap.
//   - An entry that was put in by who can write the database, before it was sealed: it is sealed like any other.
//   - A log that is whole and another, shown to a verifier who remembers nothing, signed by who holds the key. Whoever
//     keeps one checkpoint, or asks for a witness's signature, does detect it.
//   - A document that was put into the database without an entry, where acts make none of the others or bookkeeping makes
//     some of them; and one whose time was over, or would be some day, that was deleted.
//   - That what an entry says is true. The log proves what was written and when, not why.
//   - That an entry was read by somebody who should not have.
package verify
