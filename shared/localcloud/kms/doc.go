// Package kms is Cloud KMS in one process: google.cloud.kms.v1.KeyManagementService over real gRPC, for the real
// client, as far as the hub uses it.
//
// It offers key rings, keys and versions (create, get, list, update), Encrypt and Decrypt with associated data,
// AsymmetricSign with P-256 and Ed25519, GetPublicKey, disabling, rotation by hand and by schedule, destruction after a
// delay, and restoring. Checksums are verified in requests and filled in answers; errors have Google's codes. Whatever
// else the service has answers UNIMPLEMENTED.
//
// # Where it differs from Google's
//
//   - Every version lives in software: HSM is accepted and shown as asked for, and nothing is attested.
//   - A new version is ENABLED at once. Google's asymmetric versions spend a moment in PENDING_GENERATION.
//   - Lists take no filter and no order. There are no permissions, import jobs, or external keys.
//   - What time brings about (destruction, rotation) happens when the key is next touched, or when the server opens.
//     Nobody can use material past its time, but on disk it stays until then.
//
// # Keys on disk
//
// With a directory, each key is one JSON file of its own under the key's name, readable by the owner only, and replaced
// whole: written beside, synced, renamed, and the directory synced, all before the answer is sent. The key material in
// it is not encrypted: this is a server for development and for a single machine whose disk is trusted.
//
// # Ciphertexts
//
// A ciphertext is one byte for the format, four bytes (big endian) for the version, a random nonce of 12 bytes, and the
// AES-256-GCM ciphertext with its tag. It says which version opens it, so keys rotate without losing what was sealed.
package kms
