// Package identitydb keeps tenants, locations, channel links, clients and signing keys in Firestore, and tells who sent
// a request.
//
//	store      creates, changes, lists and removes them, each change as an act with its audit entry
//	directory  reads them, from memory for up to a minute
//	authenticator  turns a request's credential into an identity.Caller
//	publicKeys, signer  the keys of access tokens: read by all functions, used by the auth function only
//
// # How fresh the directory is
//
// What is found is kept for [Usual], so a change takes effect everywhere within a minute. What is not found is read
// through before it is refused, and refused from memory for [Recent] only: a new location can be used five seconds
// after an early try at the latest, and a flood of the same unknown id costs one read in that time. A credential that
// doesn't match what is in memory is compared again with what is stored, at most once in [Recent], so a new key works
// at once. Everything is bounded; unknown ids can't push out known ones.
//
// # API keys
//
// `clients/{id}` holds the hashes of a client's secrets and keys, so that the rules about two at a time are about one
// document. `apiKeys/{key id}` only says whose key it is and when it was last used: written with the client's act, in
// the same commit, and marked at most once an hour. A key that its client no longer lists is refused, whatever stands
// there. The mark is written by the request that has just waited for the key to be read again, so a warm request makes
// no call for it; nothing is done after an answer, when a function has no CPU.
//
// # Signed requests
//
// Who can't hold tokens signs each request: the headers of Standard Webhooks and Ryggrad-Client; what is signed is
// `id.timestamp.METHOD path.body`. It counts once, everywhere: its id is written to `usedOnce`, one write for this kind
// of credential only, before anything is done. To put it into the handler's own commit would save that write on intake
// and lose the promise on every route that reads, or fails before it commits. A retry is signed anew under a new id.
//
// # Support access
//
// A token that somebody of the hub's support got under a tenant's grant is the one kind that is not believed offline: the
// grant, the token's record and the person are read with every request, so that whoever ends any of them ends it at once. It
// is given for a finished login only, second factor and all.
//
// # What counts once
//
// `usedOnce` holds the ids of signed requests and of client assertions (RFC 7523) until they would be refused for their
// age. An assertion's goes into the commit that writes down the token that it got.
//
// # Sessions
//
// A session is one document, `sessions/{id}`, whose id stands in its token. It is read on every request and never kept
// in memory, so that whatever ends it (a logout, a new password, another role, a disabled account) ends it at once and
// everywhere by deleting the document. That is one read for each request of a person; programs, which send far more,
// have tokens that need none.
//
// # Signing keys
//
// They roll by one command: a new version is published an hour before it signs, its predecessor retires when its last
// token has ended and is disabled in KMS by the roll after. `signingKeys/current` is one document with all published keys, each with the KMS version that signs with it. The
// auth function creates it from the first version of the KMS key when it is missing; whoever loses that race uses the
// winner's. Verifiers read it every ten minutes, at an unknown key id at most every five seconds, and go on with what
// they know for an hour while Firestore cannot be reached.
//
// # Look-ups without a tenant
//
// A key's id, a client's id and a link's id are what tell the tenant, so they are looked up in all tenants' documents;
// everything else is read as the tenant's. Ids are checked for their form first, and an API key for its checksum, so
// that nonsense costs no read.
package identitydb
