// Package firestore is Firestore in one process: the google.firestore.v1 gRPC service, as the real Go client uses it.
//
//	server, err := firestore.Open(firestore.Options{Dir: dir, Indexes: indexes})
//	server.Register(grpcServer)
//	defer server.Close()
//
// Every project and database name that a request mentions is a database of its own, made by its first use.
//
// It is a store for development and for one machine: no permissions, no rules, no replication. Listen, Write streams,
// PartitionQuery, pipelines and vector queries answer UNIMPLEMENTED.
//
// # How it works
//
// A document is a name with its versions, newest first. Commits run one at a time, readers never wait: a read has a time
// and sees the versions up to it, in lists (package skiplist) that can be read while they change. Versions are kept for
// an hour, so that a past time can be read. Documents stay encoded as they came: filters, orders and answers work on
// those bytes (packages wire and sortkey), and only writes of single fields decode.
//
// With a directory, a commit is answered when its record in the journal is durable, and only then can it be read; the
// commits that wait share one fsync. Now and then a snapshot replaces the journal (package journal).
//
// Transactions are optimistic: they read one time, and commit if what they read, also what queries found or did not
// find, is still so; else they are ABORTED and the client repeats them. Google's locks pessimistically, which is kinder
// to long transactions over hot documents; here nobody waits for a client that went away.
//
// Indexes are made when a query first needs one over more than a thousand documents. Which queries are allowed is
// decided apart from that, by Options.Indexes and the rules of production (package query).
//
// # How faithful it is
//
// testdata/fidelity holds some five hundred requests with the answers of Google's emulator: values, orders, times in
// their order, codes. Ours are compared with them in every run, and the emulator's own again where FIRESTORE_EMULATOR_HOST
// is set. Lines that begin with an exclamation mark are the differences, with their reasons: mostly limits that
// production has and the emulator has not.
//
// # How fast it is
//
// Operations per second with the same client in one run, on two cores that others used too; store and client were
// separate processes. "Nothing" is a gRPC server that answers commits without doing anything.
//
//	FIRESTORE_EMULATOR_HOST=127.0.0.1:8971 go test -run '^$' -bench . -benchtime 2s ./shared/localcloud/firestore
//
//	                                  nothing  memory  durable  Google's emulator
//	commit 1 document,   1 client       2,218   2,075    1,465      858
//	commit 1 document,  16 clients      6,069   4,657    3,129    2,974
//	commit 1 document,  64 clients      7,200   5,362    3,764    2,556
//	commit 4 documents,  1 client       1,349   1,026      805      671
//	commit 4 documents, 16 clients      2,483   2,263    1,747    1,333
//	commit 4 documents, 64 clients      3,138   2,029    1,906    2,018
//	transaction,         1 client           -     756      748      298
//	transaction,        16 clients          -   2,225    1,664    1,258
//	100,000 documents, all                  -    0.28        -     0.11
//	… two equal, sorted, 20 of them         -     717        -     0.64
//	… a range, 20 of them                   -     718        -     1.36
//	… one that equals                       -   2,447        -     1.17
//	… a range of a collection group         -      18        -     0.83
package firestore
