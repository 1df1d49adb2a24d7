// Package backupdb makes backups of the hub's database, checks them, and brings them back.
//
// # Making
//
// A message on the topic starts planning; every set that is due begins a run, which is an object in the bucket and one
// message a shard. A shard reads its documents at the run's moment and writes parts until it is through or its time is
// over; then it sends itself on. The last shard's end makes the manifest. Every step may come twice, late, or die
// half-way: what it does next follows from the objects that are there. A part that is there already is taken over after
// it was read back and its checksums held; a run that stands still is sent again by the next planning, and given up in
// the end, which is an error in the log and does not keep the next run from beginning.
//
// Changes are found by the index of `us` and `updatedAt` that collections.json lists; a collection without it is small
// and in every run whole. Full runs go by documents' names, so that a document without these fields is in them too.
//
// # Checking
//
// [Checker.Check] is the hourly check. It compares what Cloud Storage says of every kept file with its manifest, reads
// the newest runs whole, and opens a part of the older ones, another one every hour, so that each is opened once a week.
//
// # Bringing back
//
// [Restorer] writes the state of one moment into an empty database: [Restorer.Run]. Of every document only the newest
// version of the chain is written, and none that was deleted or has expired. Nothing of guests and nobody's access is
// there before its time: keys that an erasure names are never written, keys come from the newest backup of them that
// there is, and tenants and credentials, without which nobody can call, come last. What the sealed log knows beyond the
// moment is brought back too. The document `restoreProgress/{id}` says how far it is; until it says done, no backup is made of
// the database and the restore can be continued, by one process at a time. Nothing comes back of a tenant that was destroyed,
// whatever the moment. [Restorer.PutBack] writes what is missing into a database that lives,
// each document as an act of its own.
//
// # Memory
//
// A part is read and written in memory, 12 MiB and a little at a time. A restore remembers which documents the incremental
// runs of its chain changed, some 30 bytes each, and the newest entries of the objects that the log tells of after the
// moment, some 200 each; of no more than 200,000 at a time, since it goes through the files and the log in shares. So what
// it takes does not grow with what it restores, but for the answer, which names every object that is lost, and the ids
// that erasures name.
package backupdb
