// Package wire watches and disturbs gRPC calls where they leave a client, below every library that wraps them.
//
// A [Recorder] counts calls by full method, so that a test can assert what an act costs:
//
//	var calls wire.Recorder
//	client := open(calls.DialOptions()...)
//	calls.Reset()
//	intake(client)
//	calls.Snapshot() // map["/google.firestore.v1.Firestore/Commit": 1]
//
// [Faults] make chosen calls fail before they are sent, fail after the server has done the work (the ambiguous
// answer: it happened, and the caller is told UNAVAILABLE), or wait until they are released:
//
//	var faults wire.Faults
//	faults.Set(wire.Nth(commit, 1, wire.Fault{After: wire.Unavailable()}))
//
// Google's generated clients repeat some calls by themselves, Commit on UNAVAILABLE among them. That happens above
// this package: each repetition is a call of its own, counted by the recorder and numbered by the faults. A fault on
// the first call only is therefore healed by the client before the application sees it; to let the application see it,
// disturb every call ([Always]) or answer with a code that is not retried.
//
// To count what a client attempts, put the recorder before the faults; to count what reaches the wire, after them.
package wire
