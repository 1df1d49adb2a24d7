package envelope

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
)

// dataKeySize is the size of a data key's secret, in bytes.
const dataKeySize = 32

// DataKey seals the personal data of one order. It is kept only wrapped ([TenantKey.Wrap]), never prints, and is safe
// for concurrent use.
type DataKey struct {
	redacted
	secret  *[dataKeySize]byte
	content cipher.AEAD
	digest  []byte
}

// NewDataKey returns a fresh key of 32 bytes from random, or from crypto/rand when random is nil.
func NewDataKey(random io.Reader) (*DataKey, error) {
	if random == nil {
		random = rand.Reader
	}
	secret := new([dataKeySize]byte)
	if _, err := io.ReadFull(random, secret[:]); err != nil {
		return nil, fmt.Errorf("make data key: %w", err)
	}
	return deriveDataKey(secret)
}

func deriveDataKey(secret *[dataKeySize]byte) (*DataKey, error) {
	root, err := hkdf.Extract(sha256.New, secret[:], nil)
	if err != nil {
		return nil, fmt.Errorf("derive data key: %w", err)
	}
	content, err := hkdf.Expand(sha256.New, root, "ryggrad envelope 1 content", 32)
	if err != nil {
		return nil, fmt.Errorf("derive data key: %w", err)
	}
	digest, err := hkdf.Expand(sha256.New, root, "ryggrad envelope 1 digest", 32)
	if err != nil {
		return nil, fmt.Errorf("derive data key: %w", err)
	}
	block, err := aes.NewCipher(content)
	if err != nil {
		return nil, fmt.Errorf("derive data key: %w", err)
	}
	gcm, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("derive data key: %w", err)
	}
	return &DataKey{secret: secret, content: gcm, digest: digest}, nil
}

// Seal returns the plaintext sealed for one place, 29 bytes longer than it. The same plaintext never gives the same
// bytes twice. It fails only with [ErrUnbound].
func (k *DataKey) Seal(plaintext []byte, b Binding) ([]byte, error) {
	if !b.complete() {
		return nil, ErrUnbound
	}
	sealed := make([]byte, 1, 1+len(plaintext)+k.content.Overhead())
	sealed[0] = version
	associated := b.associated(forContent, sealed)
	return k.content.Seal(sealed, nil, plaintext, associated), nil //nolint:gosec // this AEAD draws its nonces itself
}

// Open returns what [DataKey.Seal] was given. It fails with [ErrDamaged] or [ErrRefused], and then returns nothing.
func (k *DataKey) Open(sealed []byte, b Binding) ([]byte, error) {
	if len(sealed) < 1+k.content.Overhead() || sealed[0] != version {
		return nil, ErrDamaged
	}
	plaintext, err := k.content.Open(nil, nil, sealed[1:], b.associated(forContent, sealed[:1]))
	if err != nil {
		return nil, ErrRefused
	}
	return plaintext, nil
}

// Digest returns 32 bytes that tell for one place whether content is the same, without telling what it is: an
// HMAC-SHA-256 that cannot be recomputed once the key is gone. Compare digests with [hmac.Equal].
func (k *DataKey) Digest(content []byte, b Binding) []byte {
	mac := hmac.New(sha256.New, k.digest)
	mac.Write(b.associated(forDigest, []byte{version}))
	mac.Write(content)
	return mac.Sum(nil)
}
