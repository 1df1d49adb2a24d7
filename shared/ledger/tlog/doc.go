// Package tlog is the sealed log: a Merkle tree over the audit entries, laid out and signed as the C2SP documents say, so
// that tools which know nothing of the hub can check it. It is pure.
//
//   - https://c2sp.org/tlog-tiles: tiles of 256 hashes, entry bundles of 256 entries, partial ones at the right edge.
//     The log's entry is the 32 bytes of an audit entry's SHA-256, so that the public log holds no word of it.
//   - https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note: the tree's size and root, signed with Ed25519.
//   - https://c2sp.org/tlog-proof: an entry's inclusion in a file of its own.
//
// # Building
//
// An [Edge] is all that is needed of a tree to make it grow: at most 255 hashes a level. [Edge.Append] takes leaves and
// gives the objects that become new, full ones and the partial ones of the new right edge. The same leaves on the same
// edge give the same bytes, whoever appends them and however often, so objects are only ever created, never changed.
//
// # Batches
//
// A [Batch] says which audit entries have which places in the log. It is decided once, in one commit, before anything is
// built; everything that follows can be done again from it.
//
// # Reading
//
// A [Read] is how a log is reached: a bucket, a folder, an address. [Inclusion] and [Consistency] make proofs from tiles,
// [LoadEdge] finds an edge again and holds it against a root that is known.
//
// # Decisions
//
// transparency-dev/merkle says which nodes a proof needs and checks proofs, golang.org/x/mod/sumdb/note signs and opens
// notes, transparency-dev/formats reads and writes checkpoints and proofs. Growing the tree is our own, because a
// serverless sealer has no disk, and must get the same bytes from the same batch. Tests hold all of it against
// golang.org/x/mod/sumdb/tlog, which shares no code with these.
package tlog
