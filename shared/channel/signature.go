package channel

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"time"

	"ryggrad.internal/hub/shared/fault"
)

// Scheme is a way to prove who sent a webhook.
type Scheme string

// The schemes. The zero Scheme is HMAC.
const (
	HMAC             Scheme = ""                  // a header has the HMAC-SHA256 of the body, possibly with more around it
	SharedSecret     Scheme = "shared-secret"     // a header has the secret itself
	Basic            Scheme = "basic"             // RFC 7617; the secret is `user:password`
	StandardWebhooks Scheme = "standard-webhooks" // see package webhook
)

// Encoding is how a digest is written.
type Encoding string

// The encodings. The zero Encoding is Hex.
const (
	Hex         Encoding = ""
	Base64      Encoding = "base64"
	HexOrBase64 Encoding = "hex-or-base64" // for a protocol whose platforms disagree
)

// tolerance is how far a signed time may be from ours, either way.
const tolerance = 5 * time.Minute

// A Signature is how a platform proves that it sent a webhook. The zero value but for Header is what most do: the
// hexadecimal HMAC-SHA256 of the body under a shared secret.
type Signature struct {
	Scheme   Scheme
	Header   string // which carries the proof
	Encoding Encoding
	Prefix   string // what stands before the digest, as in `sha256=`

	// TimeHeader names the header with the signed time of the message, for schemes that have one; a message is refused
	// when it is more than five minutes old or early.
	TimeHeader string
	TimeFormat TimeFormat

	covered []string                 // further headers that are signed: without them nothing can hold
	signed  func(r Request) [][]byte // what is signed, each of which may be; nil is the body alone
}

// A Proof is what a link has to check a webhook with.
type Proof struct {
	Secrets [][]byte // live secrets: usually one, two while a secret is being replaced
	Options Options  // of the link
}

// Verify tells whether the platform sent the request. Every live secret is tried, in constant time. The error is
// [fault.Unauthenticated] and says which part is wrong without telling anything of a secret: a header is missing, occurs
// twice, or is not of its form; the time is outside; or the digest differs, with the SHA-256 of the body as it arrived,
// so that the sender can see whether it was changed on the way.
func (a Adapter) Verify(r Request, p Proof) error {
	return a.signatureFor(p.Options).verify(r, p.Secrets)
}

// signatureFor returns how the platform proves its webhooks on a link with these options.
func (a Adapter) signatureFor(options Options) Signature {
	if a.signature != nil {
		return a.signature(options)
	}
	return a.Signature
}

func (s Signature) verify(r Request, secrets [][]byte) error {
	if s.Scheme == StandardWebhooks {
		return verifyStandard(r, secrets)
	}
	sent, err := s.value(r, s.Header)
	if err != nil {
		return err
	}
	switch s.Scheme {
	case SharedSecret:
		return s.verifySecret(sent, secrets)
	case Basic:
		return s.verifyBasic(sent, secrets)
	default:
		return s.verifyDigest(r, sent, secrets)
	}
}

// value reads a header that must be there once.
func (s Signature) value(r Request, name string) (string, error) {
	values := r.headers(name)
	switch len(values) {
	case 0:
		return "", wrongHeader(name, "is missing")
	case 1:
		return values[0], nil
	default:
		return "", wrongHeader(name, "occurs more than once")
	}
}

func (s Signature) verifyDigest(r Request, sent string, secrets [][]byte) error {
	digest, ok := s.decode(sent)
	if !ok {
		return wrongHeader(s.Header, "is not a signature: it takes "+s.form())
	}
	for _, name := range s.covered {
		if _, err := s.value(r, name); err != nil {
			return err
		}
	}
	if err := s.timely(r); err != nil {
		return err
	}
	contents := [][]byte{r.Body}
	if s.signed != nil {
		contents = s.signed(r)
	}
	for _, content := range contents {
		if anyMatches(secrets, func(secret []byte) bool { return hmac.Equal(digest, mac(content, secret)) }) {
			return nil
		}
	}
	body := sha256.Sum256(r.Body)
	return wrong(
		fault.Detail{Location: "header." + s.Header, Message: "does not match: the secret differs, or what is signed was changed after signing"},
		fault.Detail{Location: "body", Message: "arrived as " + strconv.Itoa(len(r.Body)) + " bytes with the SHA-256 " + hex.EncodeToString(body[:])},
	)
}

// anyMatches tries every secret, so that the time does not tell which one it was. Anybody can sign with nothing, so an
// empty secret proves nothing.
func anyMatches(secrets [][]byte, matches func(secret []byte) bool) bool {
	found := false
	for _, secret := range secrets {
		found = len(secret) > 0 && matches(secret) || found
	}
	return found
}

// form says how a signature is written.
func (s Signature) form() string {
	form := "64 hexadecimal digits"
	switch s.Encoding {
	case Base64:
		form = "32 bytes in base64"
	case HexOrBase64:
		form += ", or 32 bytes in base64"
	case Hex:
	}
	if s.Prefix != "" {
		form += " after " + strconv.Quote(s.Prefix)
	}
	return form
}

func (s Signature) decode(sent string) ([]byte, bool) {
	if len(sent) < len(s.Prefix) || sent[:len(s.Prefix)] != s.Prefix {
		return nil, false
	}
	sent = sent[len(s.Prefix):]
	if s.Encoding != Base64 {
		if digest, err := hex.DecodeString(sent); err == nil && len(digest) == sha256.Size {
			return digest, true
		}
	}
	if s.Encoding != Hex {
		if digest, err := base64.StdEncoding.Strict().DecodeString(sent); err == nil && len(digest) == sha256.Size && len(sent) == 44 {
			return digest, true
		}
	}
	return nil, false
}

// encode writes a digest as the platform does.
func (s Signature) encode(digest []byte) string {
	if s.Encoding == Base64 {
		return s.Prefix + base64.StdEncoding.EncodeToString(digest)
	}
	return s.Prefix + hex.EncodeToString(digest)
}

// Sign returns the header's value for a body alone, as a platform would compute it.
func (s Signature) Sign(body, secret []byte) string { return s.encode(mac(body, secret)) }

func mac(content, secret []byte) []byte {
	m := hmac.New(sha256.New, secret)
	m.Write(content)
	return m.Sum(nil)
}

func wrong(details ...fault.Detail) error {
	return fault.New(fault.Unauthenticated, "the webhook's signature does not hold").With(details...)
}

func wrongHeader(name, message string) error {
	return wrong(fault.Detail{Location: "header." + name, Message: message})
}
