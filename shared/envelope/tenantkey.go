package envelope

import (
	"bytes"
	"crypto/rand"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// TenantKey wraps the data keys of one tenant and month and seals the tenant's own secrets. It never prints, and is
// safe for concurrent use.
type TenantKey struct {
	redacted
	id     KeyID
	handle *keyset.Handle
	aead   tink.AEAD
	index  *[indexKeySize]byte
}

// NewTenantKey returns a fresh key. The blind index key is that of an earlier month's key, so that look-ups stay the
// same over the months; earlier is nil for a tenant's first key only.
func NewTenantKey(id KeyID, earlier *TenantKey) (*TenantKey, error) {
	if err := id.check(); err != nil {
		return nil, err
	}
	index := new([indexKeySize]byte)
	switch {
	case earlier == nil:
		if _, err := rand.Read(index[:]); err != nil {
			return nil, fmt.Errorf("make tenant key %s: %w", id, err)
		}
	case earlier.id.Tenant != id.Tenant:
		return nil, fmt.Errorf("make tenant key %s: %s belongs to another tenant", id, earlier.id)
	default:
		*index = *earlier.index
	}
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return nil, fmt.Errorf("make tenant key %s: %w", id, err)
	}
	return newTenantKey(id, handle, index)
}

// OpenTenantKey returns the key that was kept as its keyset ([TenantKey.Keyset]) and sealed index key
// ([TenantKey.SealedIndex]). It fails when either is damaged or belongs to another tenant or month.
func OpenTenantKey(id KeyID, cleartext, sealedIndex []byte) (*TenantKey, error) {
	if err := id.check(); err != nil {
		return nil, err
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(cleartext)))
	if err != nil {
		// Tink's text might quote what it could not read.
		return nil, fmt.Errorf("open tenant key %s: the keyset is damaged", id)
	}
	key, err := newTenantKey(id, handle, new([indexKeySize]byte))
	if err != nil {
		return nil, err
	}
	index, err := key.open(forIndexKey, sealedIndex, key.indexBinding())
	if err != nil {
		return nil, fmt.Errorf("open tenant key %s: its index key: %w", id, err)
	}
	if copy(key.index[:], index) != indexKeySize || len(index) != indexKeySize {
		return nil, fmt.Errorf("open tenant key %s: its index key has %d bytes: %w", id, len(index), ErrDamaged)
	}
	return key, nil
}

func newTenantKey(id KeyID, handle *keyset.Handle, index *[indexKeySize]byte) (*TenantKey, error) {
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("open tenant key %s: the keyset does not encrypt", id)
	}
	return &TenantKey{id: id, handle: handle, aead: primitive, index: index}, nil
}

// ID names the key.
func (k *TenantKey) ID() KeyID { return k.id }

// Keyset returns the key itself, as a Tink keyset in clear: for KMS to wrap, and for nothing else. Clear it after use.
func (k *TenantKey) Keyset() ([]byte, error) {
	var cleartext bytes.Buffer
	if err := insecurecleartextkeyset.Write(k.handle, keyset.NewBinaryWriter(&cleartext)); err != nil {
		return nil, fmt.Errorf("write tenant key %s: %w", k.id, err)
	}
	return cleartext.Bytes(), nil
}

// Wrap returns the data key sealed for one place, about 100 bytes. It fails with [ErrUnbound].
func (k *TenantKey) Wrap(data *DataKey, b Binding) ([]byte, error) {
	return k.seal(forDataKey, data.secret[:], b)
}

// Unwrap returns the data key that [TenantKey.Wrap] was given. It fails with [ErrDamaged] or [ErrRefused].
func (k *TenantKey) Unwrap(wrapped []byte, b Binding) (*DataKey, error) {
	secret, err := k.open(forDataKey, wrapped, b)
	if err != nil {
		return nil, err
	}
	if len(secret) != dataKeySize {
		return nil, ErrDamaged
	}
	return deriveDataKey((*[dataKeySize]byte)(secret))
}

// Seal returns a small secret of the tenant, such as a channel's credentials, sealed for one place. The bytes name the
// key ([SealedBy]), because a secret outlives the month. It fails with [ErrUnbound].
func (k *TenantKey) Seal(secret []byte, b Binding) ([]byte, error) {
	return k.seal(forSecret, secret, b)
}

// Open returns what [TenantKey.Seal] was given. It fails with [ErrDamaged] or [ErrRefused]; find the right key with
// [SealedBy].
func (k *TenantKey) Open(sealed []byte, b Binding) ([]byte, error) {
	return k.open(forSecret, sealed, b)
}

// SealedBy names the tenant key that sealed the bytes, without proof: only opening them gives that. It fails with
// [ErrDamaged].
func SealedBy(sealed []byte) (KeyID, error) {
	header, err := headerOf(sealed)
	if err != nil {
		return KeyID{}, err
	}
	id, err := ParseKeyID(string(header[2:]))
	if err != nil {
		return KeyID{}, ErrDamaged
	}
	return id, nil
}

func (k *TenantKey) seal(p purpose, plaintext []byte, b Binding) ([]byte, error) {
	if !b.complete() || b.Tenant != k.id.Tenant {
		return nil, ErrUnbound
	}
	id := k.id.String()
	header := append([]byte{version, byte(len(id))}, id...) //nolint:gosec // at most maxKeyID, checked with the id
	ciphertext, err := k.aead.Encrypt(plaintext, b.associated(p, header))
	if err != nil {
		return nil, fmt.Errorf("seal under tenant key %s: %w", id, err)
	}
	return append(header, ciphertext...), nil
}

func (k *TenantKey) open(p purpose, sealed []byte, b Binding) ([]byte, error) {
	header, err := headerOf(sealed)
	if err != nil {
		return nil, err
	}
	if string(header[2:]) != k.id.String() || b.Tenant != k.id.Tenant {
		return nil, ErrRefused
	}
	plaintext, err := k.aead.Decrypt(sealed[len(header):], b.associated(p, header))
	if err != nil {
		return nil, ErrRefused
	}
	return plaintext, nil
}

// headerOf returns version, length and key id of bytes that a tenant key sealed.
func headerOf(sealed []byte) ([]byte, error) {
	if len(sealed) < 2 || sealed[0] != version || len(sealed) < 2+int(sealed[1]) {
		return nil, ErrDamaged
	}
	return sealed[:2+int(sealed[1])], nil
}
