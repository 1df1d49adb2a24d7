package token

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/fault"
)

// Leeway is how far the clocks of two instances may differ.
const Leeway = time.Minute

// FindKey returns the published key of an id. An id that is not published is [fault.Unauthenticated]; not knowing which
// are is [fault.Unavailable].
type FindKey func(ctx context.Context, kid string) (*ecdsa.PublicKey, error)

// Options are what a Verifier needs.
type Options struct {
	Issuer   string
	Audience string
	Key      FindKey
	Now      func() time.Time
	Remember int // how many verified tokens are remembered, for [RememberedFor]; 0 remembers none
}

// Verifier verifies access tokens without asking anybody. It is safe for concurrent use.
type Verifier struct {
	opts     Options
	verified *cache
}

// NewVerifier returns a verifier of the tokens of one issuer for one audience.
func NewVerifier(opts Options) *Verifier {
	return &Verifier{opts: opts, verified: newCache(opts.Remember)}
}

// Verify reads a token and returns what it says, if it is the issuer's, for this audience and valid now. A token that
// is not is [fault.Unauthenticated], and the message says what is wrong as far as its holder may know.
func (v *Verifier) Verify(ctx context.Context, raw string) (Claims, error) {
	if len(raw) > MaxSize {
		return Claims{}, fault.New(fault.Unauthenticated, "the access token is longer than %d bytes", MaxSize)
	}
	now := v.opts.Now()
	id := sha256.Sum256([]byte(raw))
	if c, ok := v.verified.find(id, now); ok {
		return c.at(now)
	}
	c, err := v.verify(ctx, raw, now)
	if err != nil {
		return Claims{}, err
	}
	v.verified.keep(id, c, now)
	return c, nil
}

func (v *Verifier) verify(ctx context.Context, raw string, now time.Time) (Claims, error) {
	t, err := parse(raw)
	if err != nil {
		return Claims{}, fault.New(fault.Unauthenticated, "this is no access token of the hub").Because(err)
	}
	key, err := v.opts.Key(ctx, t.header.Key)
	if err != nil {
		return Claims{}, err
	}
	if !t.signedBy(key) {
		return Claims{}, fault.New(fault.Unauthenticated, "the access token's signature does not hold")
	}
	c, err := t.payload.claims()
	if err != nil {
		return Claims{}, fault.New(fault.Unauthenticated, "this is no access token of the hub").Because(err)
	}
	if c.Issuer != v.opts.Issuer || c.Audience != v.opts.Audience {
		return Claims{}, fault.New(fault.Unauthenticated, "the access token is meant for another hub")
	}
	return c.at(now)
}

// at returns the claims if they hold at this time.
func (c Claims) at(now time.Time) (Claims, error) {
	late := now.Add(Leeway)
	switch {
	case c.expired(now):
		return Claims{}, fault.New(fault.Unauthenticated, "the access token has expired")
	case c.IssuedAt.After(late), c.NotBefore.After(late):
		return Claims{}, fault.New(fault.Unauthenticated, "the access token is not valid yet")
	}
	return c, nil
}

func (c Claims) expired(now time.Time) bool { return !c.ExpiresAt.After(now.Add(-Leeway)) }

// compact is a token that was taken apart and not yet believed.
type compact struct {
	header    header
	payload   payload
	digest    [sha256.Size]byte // of what is signed
	signature [64]byte          // r||s
}

// parse takes a token apart. Whatever Sign can't have written is an error.
func parse(raw string) (compact, error) {
	var t compact
	first, rest, ok := strings.Cut(raw, ".")
	if !ok {
		return t, errors.New("it has one part")
	}
	second, third, ok := strings.Cut(rest, ".")
	if !ok {
		return t, errors.New("it has two parts")
	}
	if err := decode(first, &t.header, json.RejectUnknownMembers(true)); err != nil {
		return t, err
	}
	if t.header.Algorithm != algorithm || t.header.Type != mediaType || t.header.Key == "" {
		return t, errors.New("its header is not one of an access token")
	}
	signature, err := canonical(third)
	if err != nil || len(signature) != len(t.signature) {
		return t, errors.New("its signature is not 64 bytes")
	}
	t.signature = [64]byte(signature)
	t.digest = sha256.Sum256([]byte(raw[:len(first)+1+len(second)]))
	return t, decode(second, &t.payload)
}

// decode reads a part as JSON. Names given twice and invalid UTF-8 are errors.
func decode(part string, into any, opts ...json.Options) error {
	b, err := canonical(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into, opts...)
}

// canonical decodes base64url that has one spelling only: no padding, no line breaks (which encoding/base64 skips), no
// stray bits at the end.
func canonical(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") {
		return nil, errors.New("a part has line breaks")
	}
	return base64.RawURLEncoding.Strict().DecodeString(part)
}

func (t compact) signedBy(key *ecdsa.PublicKey) bool {
	der := make([]byte, 2, 2+2*(2+33))
	der = appendInteger(appendInteger(der, t.signature[:32]), t.signature[32:])
	der[0], der[1] = 0x30, byte(len(der)-2) //nolint:gosec // 70 at most
	return ecdsa.VerifyASN1(key, t.digest[:], der)
}

// appendInteger appends a positive ASN.1 INTEGER in DER: no leading zeros but the one that keeps it positive.
func appendInteger(der, n []byte) []byte {
	n = bytes.TrimLeft(n, "\x00")
	if len(n) == 0 || n[0]&0x80 != 0 {
		n = append([]byte{0}, n...)
	}
	return append(append(der, 0x02, byte(len(n))), n...) //nolint:gosec // 33 at most
}
