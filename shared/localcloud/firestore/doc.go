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
// A directory that was damaged is refused with an error that names the file, the place and what to do, and a kill at any
// moment is not damage. A test kills a server under load, and RYGGRAD_CRASH_KILLS=300 makes it do so more often.
//
// # How faithful it is
//
// testdata/fidelity holds nearly eight hundred requests with the answers of Google's emulator: values, orders, times in
// their order, codes. Ours are compared with them in every run, and the emulator's own again where FIRESTORE_EMULATOR_HOST
// is set; then scenes that are drawn at random, with documents, writes, reads and queries, are played on both, too. Lines
// that begin with an exclamation mark are the differences, with their reasons. All that are known:
//
//   - Production's limits hold here and not in the emulator: a path of 6 KiB, the depth of what transforms make, one
//     database in a request, ten MiB in a request (the emulator takes four). What a commit deletes counts toward the ten
//     MiB with its size, as in production ("Transaction too big"); its index entries, which count there too, don't here.
//   - As documented, and not as the emulator: an empty projection returns all fields, a deletion has no update time, results
//     are said to be skipped once, a mask holds where missing documents are listed, the last page has no token, arrays
//     hold no arrays after a transform either, a precondition sees the writes before it.
//   - Where the emulator breaks, answering UNKNOWN: more than five aggregations and Listen are refused with a reason, pages
//     that are ordered work. What is no protocol buffer is INTERNAL here, which gRPC itself answers, and INVALID_ARGUMENT
//     in the fields of a document to commit.
//   - Which of two faults of one request is told: an order by the documents' names backwards, twice, is INVALID_ARGUMENT
//     here and FAILED_PRECONDITION there.
//   - Read times go back an hour; the emulator has no limit, and production allows whole minutes beyond. A missing document
//     that was deleted is listed without the time of that. Texts of refusals are alike, not equal.
//   - Queries that no listed index serves are refused, when Options.Indexes are given, as the embedded cloud does; the
//     emulator takes all. Single indexes are what the table lists: nothing is indexed by itself.
//
// # How fast it is
//
// Operations per second with the same client, each block in one run, on two cores with next to nothing else to do; store
// and client were separate processes. "Nothing" is a gRPC server that does no more than decode commits, which this store
// leaves out. Scans are of a million documents, read as a stream (RYGGRAD_DOCUMENTS=1000000),
// other queries of 100,000, by one client.
//
//	FIRESTORE_EMULATOR_HOST=127.0.0.1:8971 go test -run '^$' -bench . -benchtime 3s ./shared/localcloud/firestore
//
//	                                  nothing  memory  durable  Google's emulator
//	commit 1 document,   1 client       2,166   1,928      907      634
//	commit 1 document,  16 clients      8,152   6,825    3,969    2,013
//	commit 1 document,  64 clients      9,198   8,718    6,086    2,737
//	commit 4 documents,  1 client       1,503   1,320      669      780
//	commit 4 documents, 16 clients      5,136   4,005    2,695    1,694
//	commit 4 documents, 64 clients      6,300   4,537    3,282    1,610
//	transaction,         1 client       1,145     863      600      334
//	transaction,        16 clients      4,133   2,718    1,905    1,059
//	transaction,        64 clients      4,024   2,605    2,651    1,480
//	two equal, sorted, 20 of them           -   1,192        -     0.43
//	a range, 20 of them                     -     803        -      1.5
//	one that equals                         -   3,169        -      2.6
//	a range of a collection group           -      31        -     0.67
//	a million documents, all                -   0.047        -    0.012
//	a range of a million in a group         -       3        -     0.17
//
// Google's emulator varies more than the others: of six runs like the second block, this store in memory did 1.7 to 4.3
// times as much with one client (the median is 3.5), 2.4 to 3.8 times with 16 (2.9), and 2.8 to 3.8 times with 64 (3.2).
//
// Google's emulator kept 3,780 bytes of live heap for each of the million documents, as its garbage collector says.
//
// A store with a million orders of some 420 bytes opens in 3.3 s, from its journal or from a snapshot, and takes 760 bytes
// of memory for each of them; on the same two cores, with seven processes at a time wanting them:
//
//	RYGGRAD_DOCUMENTS=1000000 go test -run '^$' -bench Recovery -benchtime 1x ./shared/localcloud/firestore
package firestore
