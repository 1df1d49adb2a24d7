// Package webhook signs and verifies messages as Standard Webhooks 1.0 says
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md), and says where an
// outbound message may go and what its answer means. It is pure: no network, no clock. The client that sends is in
// package outbound.
//
// A message is an id, a time and a body. The id stays the same over all attempts, so that the receiver can drop what it
// has already seen; the time is that of the attempt, so that a recorded message cannot be played back later. Both are
// signed with the body:
//
//	webhook-id:        evt_2ZQ…                        stable over retries
//	webhook-timestamp: 1674087231                      seconds since 1970, of this attempt
//	webhook-signature: v1,K5oZ… v1,hnO3…               one signature per live secret, separated by spaces
//
// Decision: symmetric signatures (v1, HMAC-SHA-256) only. Every receiver library has them, and each endpoint has a
// secret of its own. Signatures of other versions beside a v1 signature are passed over when verifying, so v1a (Ed25519)
// can be added without touching a receiver.
//
// Decision: what an outbound request may reach is decided twice. [Policy.CheckURL] tells a person at registration what
// is wrong with a URL; [Policy.CheckAddr] is asked at every connect about the address that was really resolved, because
// a name can point somewhere else by then. Only the second one is a defence, and it knows what is public rather than what
// is private.
package webhook
