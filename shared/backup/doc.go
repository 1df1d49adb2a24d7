// Package backup is what a backup is: its sets, when which is due, how it is cut into parts, the form of its files and of
// the manifest that makes files a backup. It is pure; package backup/line writes documents as lines, and package
// backup/backupdb does the work.
//
// # Sets and runs
//
// A set is what is kept together: hot, config and keys. A run is one set at one moment, the read time T, which is a whole
// minute two minutes ago; every document of the run is as it was at T, however long the run takes. A full run
// holds everything. An incremental one holds what changed since ten minutes before the run that it follows (documents
// carry the time of the request that wrote them, which is a little earlier than their commit), and the tombstones of
// what code deleted. [Decide] says what is due.
//
// # Objects
//
//	runs/{set}/{T}                     that a run was begun, and how it is cut
//	files/{set}/{T}/{shard}-{number}   its parts
//	manifests/{set}/{T}                what belongs to it, signed; written last: a run without one is no backup
//	abandoned/{set}/{T}                that a run was given up
//
// Every object is created and never changed, so whoever writes backups needs no right to change or delete any.
//
// # Files
//
// A part is one line of JSON, its [Header], and then ciphertext: lines of JSON, compressed by zstd, encrypted by Tink's
// streaming AEAD (AES-256-GCM with HKDF-SHA-256, segments of 1 MiB) with a key of the part's own and the header as
// associated data. The key is in the header twice: wrapped by Cloud KMS, and sealed by HPKE to a recipient whose private
// half is kept offline ([Recipient]). Both are bound to the [Part] that they are for, so a header cannot be moved to
// another file. Losing KMS does not lose the backups, and whoever can write backups cannot read them.
//
// # Manifests
//
// A manifest is one line of JSON and, behind it, a signed note (https://c2sp.org/signed-note) of two lines: its format, and
// the first line's SHA-256 with its line feed, in hexadecimal digits. So what is signed is short, however many parts a run
// has. A manifest names its project, database, set and moment, the run that it follows by its hash, every part with
// SHA-256, CRC32C, sizes and counts, the keys that can open it, and the newest checkpoint of the audit log. So a manifest
// that was forged, moved, replayed or cut is refused, and so is a file that is not the one that was written ([Refusal]
// names it and says what to do).
//
// # Decisions
//
// The progress of a run is in the bucket and not in the database: what was written can be seen there, and a backup of a
// database that is being destroyed does not depend on it. Rejected: managed exports of Firestore, which are readable
// only by Firestore and encrypted to nobody else, and a queue of work in the database.
//
// The offline recipient is a hybrid of ML-KEM-768 and X25519, since a backup that is copied today could be kept for a
// quantum computer.
package backup
