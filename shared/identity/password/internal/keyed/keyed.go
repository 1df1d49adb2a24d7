// Package keyed reaches the whole of golang.org/x/crypto/argon2, whose exported functions leave out two inputs of RFC
// 9106: the secret and the associated data. The RFC's only test vector has both, so that without them the code that
// hashes passwords here could not be held to the RFC. Only tests import it.
package keyed

import (
	_ "unsafe" // for go:linkname

	_ "golang.org/x/crypto/argon2" // whose code this names
)

// ID is the mode Argon2id.
const ID = 2

// Derive is the function that argon2.IDKey calls.
//
//go:linkname Derive golang.org/x/crypto/argon2.deriveKey
func Derive(mode int, password, salt, secret, data []byte, time, memory uint32, threads uint8, keyLen uint32) []byte
