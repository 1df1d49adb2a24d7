// Package cloudtest gives every test a cloud of its own: a project that no other test knows, with the hub's keys, topics
// and buckets, on one embedded cloud that all tests of the process share. It costs no process and no port per test, so
// every test of a store or a function can have one, also in parallel.
//
//	func TestIntakeCommitsOnce(t *testing.T) {
//		t.Parallel()
//		cloud := cloudtest.Start(t)
//		handler := build(cloud.Env(), cloud.DialOptions())
//		cloud.Calls.Reset()
//		post(handler, order)
//		cloud.Calls.Count("/google.firestore.v1.Firestore/Commit") // 1
//		cloud.Published(t, "events")                               // the outgoing message
//	}
//
// With RYGGRAD_TEST_EMULATORS=google, Firestore and Pub/Sub are Google's emulators at FIRESTORE_EMULATOR_HOST and
// PUBSUB_EMULATOR_HOST; the rest is embedded still.
package cloudtest
