// Package envelope encrypts what the hub must be able to forget. It is pure: it reads no clock, no network and no store.
//
// Three levels of keys, each sealing the next:
//
//	Cloud KMS key    never leaves KMS; wraps the keyset of each tenant key
//	[TenantKey]      a Tink keyset of one tenant and month; wraps data keys, seals the tenant's own secrets
//	[DataKey]        256 random bits of one order; seals that order's personal data
//
// Deleting the one document that holds an order's wrapped data key makes every copy of its ciphertext unreadable. Package
// envelopedb loads and creates tenant keys.
//
// # What a key refuses
//
// Everything is sealed for one place, its [Binding]: tenant, collection, document and field. The place travels as
// associated data, so bytes that were moved to another tenant, document or field do not open, nor do bytes with a single
// changed bit. Project and database are not part of it, because a restore lands elsewhere.
//
// # Bytes
//
// Version 1, the only one so far. The first byte is the version; a later version changes that byte and leaves this one
// readable. It is the schema version too: it is authenticated, so one version's bytes never pass for another's.
//
// Sealed by a data key ([DataKey.Seal]), 29 bytes longer than the plaintext:
//
//	1 byte    0x01
//	12 bytes  random nonce
//	n bytes   AES-256-GCM ciphertext
//	16 bytes  tag
//
// Sealed by a tenant key ([TenantKey.Wrap], [TenantKey.Seal], [TenantKey.SealedIndex]); [SealedBy] reads the header:
//
//	1 byte    0x01
//	1 byte    m
//	m bytes   id of the tenant key, `{tenant}_{YYYY-MM}`
//	n bytes   Tink's AEAD ciphertext: 0x01, 4 bytes key id, 12 bytes nonce, AES-256-GCM ciphertext, 16 bytes tag
//
// Associated data. The purpose keeps a wrapped key from opening as a secret, and each part is preceded by its length as
// four bytes, most significant first, so that no two places give the same bytes:
//
//	1 byte    purpose: 1 content, 2 wrapped data key, 3 tenant's secret, 4 index key, 5 digest
//	part      header of the sealed bytes: everything before nonce or Tink ciphertext
//	4 parts   tenant, collection, document, field
//
// From the data key's 32 bytes two keys are derived by HKDF-SHA-256 without salt, so that neither tells anything about
// the other: `ryggrad envelope 1 content` for AES-256-GCM and `ryggrad envelope 1 digest` for HMAC-SHA-256. A digest is
// the HMAC over the associated data above (header: the version byte) and then the content, 32 bytes.
//
// # Decisions
//
// Nonces are random. A data key seals a handful of messages in its life and a tenant key's month stays far below the
// 2^32 messages at which random 96-bit nonces become a worry (NIST SP 800-38D, 8.3).
//
// The data key is not a Tink keyset: it never rotates, and 32 bytes wrap into about a hundred where a keyset takes twice
// that, on every order.
//
// The blind index key is one per tenant and the same in every month, or a guest could only be found by trying the keys
// of all months. It is therefore copied forward, sealed by each month's key, and loading a month costs one KMS call.
//
// Originals are compressed by zstd at its fastest level with a window of 128 KiB: orders repeat within a few KiB, and
// the next level wants 1.5 MiB of tables where this one holds 0.3 MiB (0.6 after a message of 1 MiB). The decoder holds
// up to 1.2 MiB and is built only where an original is read.
package envelope
