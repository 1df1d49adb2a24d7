package channel

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"

	"ryggrad.internal/hub/shared/fault"
)

// A Signature is how a platform signs: a header with the hexadecimal HMAC-SHA256 of the body under a shared secret.
type Signature struct {
	Header string
}

// Sign returns the header's value for a body, as the platform would compute it.
func (s Signature) Sign(body, secret []byte) string {
	return hex.EncodeToString(digest(body, secret))
}

// Verify checks a request against the link's live secrets: usually one, two while a secret is being replaced. Every
// secret is tried, in constant time. The error is [fault.Unauthenticated] and says which part is wrong: the header is
// missing, has several values, is not a signature, or does not match.
func (s Signature) Verify(r Request, secrets [][]byte) error {
	values := r.Header(s.Header)
	switch len(values) {
	case 0:
		return s.wrong("is missing")
	case 1:
	default:
		return s.wrong("occurs more than once")
	}
	sent, err := hex.DecodeString(values[0])
	if err != nil || len(sent) != sha256.Size {
		return s.wrong("is not a signature: it takes 64 hexadecimal digits")
	}
	matches := 0
	for _, secret := range secrets {
		if len(secret) == 0 { // anybody can sign with nothing
			continue
		}
		if hmac.Equal(sent, digest(r.Body, secret)) {
			matches++
		}
	}
	if matches == 0 {
		return s.wrong("does not match: the secret differs, or the body was changed after signing")
	}
	return nil
}

func (s Signature) wrong(message string) error {
	return fault.New(fault.Unauthenticated, "the webhook's signature does not hold").
		With(fault.Detail{Location: "header." + s.Header, Message: message})
}

func digest(body, secret []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write(body)
	return mac.Sum(nil)
}
