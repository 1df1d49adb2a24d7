// Package audit is the two functions of the audit log: `audit`, which shows it, and `seal`, which seals it every minute.
//
//	GET /v1/audit               the tenant's entries, oldest first; by object, by actor, after a time
//	GET /v1/audit/{id}/proof    an entry's inclusion in the sealed log (https://c2sp.org/tlog-proof), with the entry in it
//	GET /log/checkpoint         the newest signed checkpoint
//	GET /log/consistency/{size} that its log goes on from the log of this size: what https://c2sp.org/tlog-witness takes
//	GET /log/tile/…             tiles and bundles (https://c2sp.org/tlog-tiles), cacheable for ever
//	GET /log/keys               the public keys that signed, for a first look; to be believed, they must come another way
//
// # Who sees what
//
// Entries and proofs are for the tenant's own people and clients, and only for credentials that reach all of the
// tenant's locations, since entries tell of all of them. The log itself is public. It holds nothing but hashes of entries
// that nobody can guess (each has 128 random bits), so an outsider learns how many acts the whole hub has seen, and
// when. Refusals of unknown callers belong to the hub and are seen by no tenant.
//
// # A proof
//
// A proof is made for the newest checkpoint from tiles, most of which are full, never change, and are kept in memory.
// An entry that is not sealed yet is 404 with the advice to come again: sealing takes a minute.
package audit
