// Package pubsub is Pub/Sub in one process: a server for publishers and pullers.
package pubsub
