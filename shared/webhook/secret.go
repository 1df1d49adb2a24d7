package webhook

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// The bounds of a secret's length in bytes (Standard Webhooks, Signature scheme), and what the hub generates.
const (
	MinSecretBytes = 24
	MaxSecretBytes = 64
	newSecretBytes = 32
)

const secretPrefix = "whsec_"

// Secret is a symmetric signing key. It never prints; Reveal shows it.
type Secret struct{ key []byte }

// NewSecret generates a secret of 32 bytes from random, which is crypto/rand.Reader outside of tests.
func NewSecret(random io.Reader) (Secret, error) {
	key := make([]byte, newSecretBytes)
	if _, err := io.ReadFull(random, key); err != nil {
		return Secret{}, fmt.Errorf("generate webhook secret: %w", err)
	}
	return Secret{key}, nil
}

// ParseSecret reads the text form, `whsec_` and standard base64 of 24 to 64 bytes. Its errors don't quote the text.
func ParseSecret(text string) (Secret, error) {
	encoded, ok := strings.CutPrefix(text, secretPrefix)
	if !ok {
		return Secret{}, errors.New("a webhook secret begins with " + secretPrefix)
	}
	key, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || strings.ContainsAny(encoded, "\r\n") { // the decoder skips line breaks
		return Secret{}, errors.New("a webhook secret is base64 after " + secretPrefix)
	}
	if len(key) < MinSecretBytes || len(key) > MaxSecretBytes {
		return Secret{}, fmt.Errorf("a webhook secret has %d to %d bytes, not %d", MinSecretBytes, MaxSecretBytes, len(key))
	}
	return Secret{key}, nil
}

// Reveal returns the text form, for its owner's eyes and for sealing. ParseSecret reads it back.
func (s Secret) Reveal() string { return secretPrefix + base64.StdEncoding.EncodeToString(s.key) }

// String hides the secret.
func (s Secret) String() string { return secretPrefix + "[hidden]" }

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the secret from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the secret from encoders that would otherwise look for exported fields.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
