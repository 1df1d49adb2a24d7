// Package pubsub is Pub/Sub in one process: a [Server] for publishers and pullers, and a [Pusher] that delivers a
// subscription's messages to an HTTP endpoint as Google's push subscriptions do.
//
// The server is pstest, the fake that comes with Google's client, with production's limits on what can be published.
// pstest pushes nothing, and neither do Google's emulators with production's retry rules; so the pusher is a program of
// its own that pulls through the real client, from this server or from Google's emulator, and follows
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
// # Where it differs from Google's
//
//   - Messages are kept in memory. They are gone when the process ends, and all that were ever published stay until then.
//   - Delivery attempts are counted by the pusher: another one begins with 1.
//   - A push carries no OIDC token, and its rate is bounded by a number of requests at once instead of growing slowly.
//   - pstest drops what nobody pulls within ten minutes.
package pubsub
