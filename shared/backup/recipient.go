package backup

import (
	"crypto/hpke"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"

	"ryggrad.internal/hub/shared/fault"
)

// The texts of an offline key's two halves begin with these.
const (
	recipientMark = "ryggrad-recipient-1:"
	offlineMark   = "ryggrad-offline-key-1:"
)

func kem() hpke.KEM { return hpke.MLKEM768X25519() }

// Recipient is the public half of the offline key, to whom every file's key is sealed.
type Recipient struct {
	name string
	key  hpke.PublicKey
}

// ParseRecipient reads what [Recipient.String] gave.
func ParseRecipient(text string) (Recipient, error) {
	raw, err := halfOf(text, recipientMark)
	if err != nil {
		return Recipient{}, err
	}
	key, err := kem().NewPublicKey(raw)
	if err != nil {
		return Recipient{}, fault.New(fault.Invalid, "the offline recipient is no public key").Because(err)
	}
	return newRecipient(key), nil
}

func newRecipient(key hpke.PublicKey) Recipient {
	sum := sha256.Sum256(key.Bytes())
	return Recipient{name: "offline-" + hex.EncodeToString(sum[:8]), key: key}
}

func halfOf(text, mark string) ([]byte, error) {
	encoded, marked := strings.CutPrefix(strings.TrimSpace(text), mark)
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if !marked || err != nil {
		return nil, fault.New(fault.Invalid, "this is no text that begins with %s and goes on in base64", mark)
	}
	return raw, nil
}

// String gives the text by which the recipient is configured.
func (r Recipient) String() string {
	return recipientMark + base64.StdEncoding.EncodeToString(r.key.Bytes())
}

// Name tells recipients apart.
func (r Recipient) Name() string { return r.name }

// Seal encrypts a file's key to the recipient, bound to a context.
func (r Recipient) Seal(key FileKey, bound []byte) (Wrapped, error) {
	sealed, err := hpke.Seal(r.key, hpke.HKDFSHA256(), hpke.AES256GCM(), bound, key[:])
	if err != nil {
		return Wrapped{}, fmt.Errorf("seal a file's key to the offline recipient: %w", err)
	}
	return Wrapped{By: r.name, Key: sealed}, nil
}

// OfflineKey is the private half. It is kept where neither the hub nor its cloud can reach it.
type OfflineKey struct{ key hpke.PrivateKey }

// NewOfflineKey makes a key.
func NewOfflineKey() (OfflineKey, error) {
	key, err := kem().GenerateKey()
	return OfflineKey{key}, err
}

// ParseOfflineKey reads what [OfflineKey.Secret] gave.
func ParseOfflineKey(text string) (OfflineKey, error) {
	raw, err := halfOf(text, offlineMark)
	if err != nil {
		return OfflineKey{}, err
	}
	key, err := kem().NewPrivateKey(raw)
	if err != nil {
		return OfflineKey{}, fault.New(fault.Invalid, "the offline key is no private key").Because(err)
	}
	return OfflineKey{key}, nil
}

// Secret gives the text that is kept.
func (k OfflineKey) Secret() (string, error) {
	raw, err := k.key.Bytes()
	return offlineMark + base64.StdEncoding.EncodeToString(raw), err
}

// String does not give the key away.
func (k OfflineKey) String() string { return "the key of " + k.Recipient().Name() }

// Recipient returns the public half.
func (k OfflineKey) Recipient() Recipient { return newRecipient(k.key.PublicKey()) }

// Open decrypts a file's key that was sealed in the same context.
func (k OfflineKey) Open(w Wrapped, bound []byte) (FileKey, error) {
	if w.By != k.Recipient().Name() {
		return FileKey{}, fmt.Errorf("the file is sealed to %q, and this is %s", w.By, k)
	}
	raw, err := hpke.Open(k.key, hpke.HKDFSHA256(), hpke.AES256GCM(), bound, w.Key)
	if err != nil || len(raw) != len(FileKey{}) {
		return FileKey{}, fmt.Errorf("the file's key does not open: it was changed, or is another file's: %w", err)
	}
	return FileKey(raw), nil
}
