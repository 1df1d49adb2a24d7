// Package gcp connects a function to Google Cloud: its configuration from the environment, its clients, its log and
// traces, and its life from its start to SIGTERM.
//
// # How a function starts
//
// A function's package registers its entry points in init:
//
//	func init() { functions.HTTP("orders", gcp.Serve("orders", BuildOrders)) }
//
// [Serve] builds the handler of the function that the process is for there and then, before the process listens, while
// Cloud Run gives it CPU. A build that fails is tried again on the first request, answers 503 if it fails once more, and is tried
// again on the next: an instance that remembered its first failure would answer errors until somebody killed
// it. Clients are opened once and outlive requests. The local runner calls the same Build functions with another [Env].
//
// # Decisions
//
// The environment is read once, by [Load], into one struct per function with github.com/caarlos0/env: defaults stand in
// one place (the struct tag) and every fault is reported at once, so that a deployment is corrected in one go.
//
// Emulators are configuration, not code: the variables that Google's own tools use (FIRESTORE_EMULATOR_HOST,
// PUBSUB_EMULATOR_HOST, STORAGE_EMULATOR_HOST) and KMS_EMULATOR_HOST, for which Google has none, point a client at a
// plaintext loopback server without credentials. They are read from [Env], never by the client libraries themselves, so
// that several hubs can run in one process.
//
// Traces leave by OpenTelemetry's own OTLP exporter, which Google Cloud takes directly. Google's exporters for Go
// (opentelemetry-operations-go) are deprecated and archived after 1 January 2027. There is no exporter of metrics: alerts
// build on the platform's own and on what is counted in the log (functions/metrics.json), which costs a function nothing
// when it starts and cannot be lost with an instance.
package gcp
