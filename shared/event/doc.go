// Package event is the Pub/Sub edge of every function: it reads what a push subscription sends and turns a handler's
// error into what makes Pub/Sub send again, or not.
//
//	return nil     done; the message is acknowledged
//	return a fault that repeating can help (unavailable, limited, internal): Pub/Sub sends it again, later
//	return any other fault: the message itself is bad; it is recorded in `poison` and acknowledged
//
// Every message may come twice, late and out of order, so every handler must be safe to run again. A message that keeps
// failing ends in its subscription's dead-letter topic.
//
// # Decisions
//
// The functions framework can decode Pub/Sub messages itself, but drops the ordering key, the subscription and the
// delivery attempt; so the push request is read here. Who may call a push endpoint is decided in front of the function,
// by IAM: the service account of the subscription and nobody else.
package event
