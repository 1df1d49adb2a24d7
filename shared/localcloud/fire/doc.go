// Package firestore is Firestore in one process: the google.firestore.v1 gRPC service, as the real Go client uses it.
//
//	server, err := firestore.Open(firestore.Options{Dir: dir})
//	server.Register(grpcServer)
//	defer server.Close()
//
// Every project and database name that a request mentions is a database of its own, made by its first use.
//
// It is a store for development and for one machine: no permissions, no rules, no replication. Listen, Write streams,
// PartitionQuery, pipelines and vectors answer UNIMPLEMENTED.
package firestore
