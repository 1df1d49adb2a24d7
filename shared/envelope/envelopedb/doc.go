// Package envelopedb keeps tenant keys in Firestore, wrapped by Cloud KMS, and hands them out from memory.
//
// A [Keyring] is asked for a tenant's key of this month ([Keyring.Current]: to seal) or for the key that sealed
// something ([Keyring.Load], [Keyring.Unwrap], [Keyring.Open]). Warm, it makes no call at all. Cold, it reads one
// document and lets KMS decrypt once.
//
// # The document
//
// `tenantKeys/{tenant}_{YYYY-MM}` is created once and never changed, but for a rewrap under a newer version of the KMS
// key:
//
//	tenant, month  the id's parts, for the query of a tenant's newest key
//	wrapped        the Tink keyset, encrypted by KMS with the tenant's id as associated data
//	index          the tenant's blind index key, sealed by this very key: the same in every month
//	kmsVersion     the KMS key version that encrypted wrapped
//	createdAt, updatedAt
//
// A tenant's first key brings a new index key, so it is created in a transaction that sees no other key of the tenant;
// two months created at once cannot get two index keys. Any later month copies the index key from the newest month
// there is, and whoever loses the race for the document reads the winner's.
//
// Reads and writes go through the plain Firestore client: keys lie below package ledgerdb, which scopes everything to a
// tenant and audits every act. Here the tenant is part of the document's id, of what KMS authenticates and of what the
// index key is sealed for; another tenant's document, or one that was moved, does not open. Creating a month's key is
// nobody's act.
//
// # When things fail
//
// A key is read again after 12 to 15 minutes (the spread keeps an instance from renewing all its tenants at once). If
// KMS or Firestore cannot be reached or is slow then, the key goes on serving until it is 60 minutes old, and the next
// attempt waits 30 seconds. Without a cached key the caller gets [fault.Unavailable].
//
// A definite answer is another matter. [ErrKeyUnusable] (the KMS key or its version is disabled, destroyed, missing or
// forbidden), [ErrCorrupt] (the document does not open) and [ErrNoKey] end a cached key at once: whoever disables a key
// version wants that it stops working, everywhere, within the 15 minutes. They are no faults, so the edges log them
// whole, as errors.
//
// Failures are never cached. A load belongs to nobody: it goes on when the caller that began it leaves, for others may
// be waiting for it, and ends by a timeout of its own.
//
// Every KMS call carries CRC32C sums of what is sent and checks those of what comes back, and that KMS saw the same; a
// mismatch is tried once more.
package envelopedb
