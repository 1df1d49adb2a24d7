// Package pubsub is Pub/Sub in one process: a [Server] for publishers and pullers, and a [Pusher] that delivers a
// subscription's messages to an HTTP endpoint as Google's push subscriptions do.
//
// The server has topics and pull subscriptions: publishing with production's limits, leases, ordering keys, pulling at once,
// waiting and as a stream. Google's emulators push without production's retry rules; so the pusher is a program of its own
// that pulls through the real client, from this server or from Google's emulator, and follows
// https://cloud.google.com/pubsub/docs/push:
//
//   - The request body is the wrapped message: `message` with `data` (base64), `attributes`, `messageId`,
//     `publishTime`, `orderingKey`; `subscription`; and, with a dead-letter topic, `deliveryAttempt` from 1.
//   - The statuses 102, 200, 201, 202 and 204 acknowledge; all else, a redirect too, and no answer within the
//     acknowledgement deadline, means: again.
//   - Again is after an exponential backoff of the message's own, 10 s to 600 s unless set otherwise.
//   - After the last delivery attempt the message goes to the dead-letter topic, with the attributes that Google adds.
//   - With ordering, a message waits for the one before it with the same ordering key.
//
// # What survives
//
// With a directory, what was answered survives a kill and a loss of power: topics, subscriptions, and messages until they
// are acknowledged. They come again under their ids, as first deliveries, and no id is given twice. Publications and
// acknowledgements that come at the same time share one fsync (package journal).
//
// # Where it differs from Google's
//
//   - Delivery attempts are counted by the pusher: another one begins with 1.
//   - A push carries no OIDC token, and its rate is bounded by a number of requests at once instead of growing slowly.
//   - The server's own subscriptions neither push nor filter nor forward dead letters, and deliver at least once. Schemas,
//     snapshots, seeking, and changing a topic or a subscription answer UNIMPLEMENTED.
//
// # Why not pstest
//
// The fake that comes with Google's client stood here before. It keeps everything in memory, what was acknowledged too,
// so that a long run grew without end; it drops what nobody pulls within ten minutes, dead letters among it; and it offers
// no way to put a message back into one subscription under its own id, which is what a restart needs.
package pubsub
