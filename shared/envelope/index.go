package envelope

import (
	"crypto/hmac"
	"crypto/sha256"
)

const (
	indexKeySize = 32 // bytes
	indexSize    = 16 // bytes: 128 bits, so that two of a tenant's guests never share one by chance
)

// contactKind keeps an e-mail address from ever having a phone number's index. The numbers are part of the format.
type contactKind byte

const (
	phoneContact contactKind = 1
	emailContact contactKind = 2
)

// Contact is a guest's phone number or e-mail address in the one form under which the guest is looked up. Build it with
// [Phone] or [Email]. It never prints.
type Contact struct {
	redacted
	kind  contactKind
	value string
}

// Value returns the normalised contact in clear: E.164, or an address in lower case.
func (c Contact) Value() string { return c.value }

// Index returns the contact's blind index: 16 bytes by which the tenant finds a guest again in any month, and which
// tell nothing to whoever lacks the key. The zero Contact has none. It is an HMAC-SHA-256 under the tenant's index key
// over the kind (one byte) and the normalised contact, cut to its first half.
func (k *TenantKey) Index(c Contact) []byte {
	if c.kind == 0 {
		return nil
	}
	mac := hmac.New(sha256.New, k.index[:])
	mac.Write([]byte{byte(c.kind)})
	mac.Write([]byte(c.value))
	return mac.Sum(nil)[:indexSize:indexSize]
}

// SealedIndex returns the tenant's blind index key sealed by this key, as it is kept beside it.
func (k *TenantKey) SealedIndex() ([]byte, error) {
	return k.seal(forIndexKey, k.index[:], k.indexBinding())
}

func (k *TenantKey) indexBinding() Binding {
	return Binding{Tenant: k.id.Tenant, Collection: "tenantKeys", Document: k.id.String(), Field: "index"}
}
