// Package localcloud is the part of Google Cloud that the hub stands on, embedded in one process: Firestore, Cloud KMS,
// Pub/Sub with push delivery, Cloud Storage and Cloud Scheduler. The real clients talk to it over real gRPC and HTTP on
// loopback ports, through the variables that they know emulators by.
//
//	cloud, err := localcloud.Start(ctx, localcloud.Options{Dir: dir, Functions: table})
//	env := cloud.Env()                    // for the functions: where to find their cloud
//	err = cloud.Deliver(ctx, "http://…")  // with the functions served there: begin to push messages, and to run schedules
//	defer cloud.Close()
//
// It is a development cloud, and a store for a single machine: one process, no permissions, no regions, no quotas.
// Each subpackage says where it differs from the service that it stands in for.
//
// # What survives
//
// With a directory, everything survives a restart, a kill and a loss of power: what was answered is there. Messages that
// were not acknowledged come again; some that were may, too.
//
// # Google's emulators
//
// Where Google's own emulators of Firestore and Pub/Sub run, [Options] can name them, and they are used instead. Push
// delivery still comes from here, by the rules of production.
package localcloud
