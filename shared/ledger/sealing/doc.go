// Package sealing turns audit entries into the sealed log: it gives each a place, builds the tree, signs its root,
// publishes all of it and marks the entries.
//
// # The steps
//
//  1. The oldest unsealed entries are read and put in order: by time, and those of one object by revision. An entry
//     whose predecessor is not sealed yet and not in the batch waits for the next one.
//  2. ONE commit creates the batch and advances the state (package tlogdb). From here on, the order is decided.
//  3. Tiles, bundles and the entries' bytes become objects that are created and never changed.
//  4. The checkpoint is signed and kept as `checkpoints/{size}`, created too.
//  5. The newest checkpoint is published, in the place of the one before by its generation.
//  6. The entries are marked with their places.
//  7. The state says that the batch is done.
//
// Every step gives the same bytes when it is repeated, so a sealer that dies between any two of them, or does not hear
// the answer to one, is followed by another that does them again from the batch. Two sealers at once do the same
// things twice; only one of them can begin the next batch.
//
// # What stops it
//
// Before it signs, a sealer holds the tree that it extends against the checkpoint that was published for it, and what is
// there already against what it would write. Where these differ, something was changed behind the log. It then signs
// nothing, says [ErrFork] or [ErrBehind], and waits for a person: a log that is late can be explained, a forked one
// cannot.
//
// What is wrong with single entries (bytes that are not the hash's, a predecessor that vanished) stops nothing, since
// whoever changes one document could stop the log otherwise. It is logged as an error and sealed as it is; the evidence
// stays in the log.
//
// # Where things are
//
//	tile/…               the public log: tiles and bundles (https://c2sp.org/tlog-tiles), in the log's bucket
//	checkpoints/{size}   every checkpoint that was signed, in the log's bucket
//	keys/{hash}          the public keys that signed, in the log's bucket
//	entries/{place}      the bytes of a batch's entries, one a line; private, in the log's bucket
//	checkpoint           the newest one, with what witnesses added; the only object that changes, in a bucket of its own
//
// The log's bucket can be locked: nothing in it is ever written twice. At full batches a million entries are about 7,900
// bundles and tiles, 245 objects of bytes and 245 checkpoints, and 66 bytes of log and about 450 of bodies an entry; at
// ten acts a minute it is five objects a minute.
//
// # Keys
//
// Checkpoints are signed by one version of a KMS key. To rotate, a version is added and the configuration names it; the
// earlier ones stay in the list of keys that checkpoints are verified by, so that the first checkpoint of the new one can
// follow the last of the old.
package sealing
