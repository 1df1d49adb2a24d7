// Package peopledb keeps the people of tenants in Firestore: who they are, how they prove it, and their sessions. Package
// identitydb tells whose session a request carries; what begins and ends sessions is here, and only the auth function
// needs it.
//
//	login         an address and a password → a session that may still miss something
//	prove         whatever somebody proves in a session: a second factor, again for something dangerous, a new one
//	sessions      refresh, list, end
//	useradmin     what owners and admins do to others
//	pepper        the key that password hashes need
//
// # Documents
//
// `users/{id}` is one document with all that decides about a person, so that every rule is about one document: role,
// password hash, second factors, devices, and the ids of their sessions. Whatever changes it commits under its version
// and deletes the sessions that end by it in the same commit; a login that races with a disabling loses.
// `logins/{index}` keeps an address from belonging to two people. `loginAttempts/{index}` counts failures, also of
// addresses that nobody has. Name and address are sealed under the tenant's key, the address is found by a blind index of
// the hub's, and nothing else tells who a user is.
//
// # Guessing
//
// A failure is counted before it is answered, in a commit that fails when somebody else has counted meanwhile, and what is
// right is committed under the same condition. So the number of answers is bounded however many are asked at once, though
// nothing is written before the hash: a login stays one transaction. Who finds no place at the gate has tried nothing, and
// nothing is counted.
//
// Failures of strangers and of devices that a person has logged in by before are counted apart, so that whoever guesses at
// an account slows down strangers and not its owner. A device proves itself by a cookie; it is trusted once a login by it
// was finished, second factor included. Second factors are counted in the same way.
//
// An unknown address costs what a known one costs: the same reads, one hash of a decoy, one commit that counts, one entry
// of the audit log. Both are answered in the same words. Whoever may create users of some tenant learns by it that an
// address is taken, in their own tenant or another: they are known, have proved themselves just now, and leave an entry.
//
// # Sessions
//
// A session lasts 12 hours and ends by 30 minutes of silence; one that still misses a second factor lasts 15 minutes. A
// person has 20 at most; one more ends the oldest. A session's token changes with every proof and every refresh. The use
// of a token that was replaced ends the session, but for ten seconds in which two tabs may race: they get the same one.
//
// # The pepper
//
// `peppers/current` lists all peppers, each sealed under the hub's own tenant key, which KMS wraps: without KMS the
// database's hashes cannot even be guessed at. New hashes use the newest; people get theirs made anew at their next login.
package peopledb
