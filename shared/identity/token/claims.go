package token

import (
	"context"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/identity"
)

// MaxSize is the longest token there is, in bytes: what fits into the headers that proxies take.
const MaxSize = 8 << 10

// MaxLife is the longest that a token may live.
const MaxLife = time.Hour

// algorithm and mediaType are the only ones of the hub's tokens.
const (
	algorithm = "ES256"
	mediaType = "at+jwt"
)

// Claims are what an access token says. Times have whole seconds.
type Claims struct {
	Issuer    string
	Audience  string
	ID        string // jti: unique, for audit entries and revocation
	Client    string // client_id: the client that asked for the token
	IssuedAt  time.Time
	NotBefore time.Time // zero: from IssuedAt
	ExpiresAt time.Time
	Tenant    string
	Subject   identity.Actor  // whose authority it carries
	Act       *identity.Actor // who really acts, when it is somebody else
	Grant     string          // the grant of support access that lets Act in
	Scopes    identity.Scopes
	Locations identity.Locations
	Channel   string
}

// Caller returns the caller who presents the token.
func (c Claims) Caller() identity.Caller {
	return identity.Caller{
		Tenant: c.Tenant, Actor: c.Subject, Act: c.Act, Grant: c.Grant, Scopes: c.Scopes, Locations: c.Locations,
		Channel: c.Channel, Credential: c.ID,
	}
}

// header is a token's first part.
type header struct {
	Algorithm string `json:"alg"`
	Key       string `json:"kid"`
	Type      string `json:"typ"`
}

// payload is a token's second part.
type payload struct {
	Issuer    string   `json:"iss"`
	Audience  string   `json:"aud"`
	ID        string   `json:"jti"`
	Client    string   `json:"client_id"`
	IssuedAt  int64    `json:"iat"`
	NotBefore int64    `json:"nbf,omitzero"`
	ExpiresAt int64    `json:"exp"`
	Subject   string   `json:"sub"`
	Act       *act     `json:"act,omitempty"`
	Grant     string   `json:"grant,omitempty"`
	Scope     string   `json:"scope"`
	Tenant    string   `json:"tenant"`
	Locations []string `json:"locations"`
	Channel   string   `json:"channel,omitempty"`
}

type act struct {
	Subject string `json:"sub"`
}

// SignDigest signs a SHA-256 digest with an ECDSA key on P-256 and returns the signature in ASN.1 DER, as Cloud KMS does.
type SignDigest func(ctx context.Context, digest [sha256.Size]byte) (der []byte, err error)

// Sign returns the token that makes the claims, signed by the key of this id. Claims that a [Verifier] would refuse for
// what they are, not for when, are an error.
func Sign(ctx context.Context, c Claims, kid string, sign SignDigest) (string, error) {
	p := c.payload()
	if _, err := p.claims(); err != nil {
		return "", fmt.Errorf("sign an access token: %w", err)
	}
	input, err := signingInput(header{Algorithm: algorithm, Key: kid, Type: mediaType}, p)
	if err != nil {
		return "", err
	}
	der, err := sign(ctx, sha256.Sum256([]byte(input)))
	if err != nil {
		return "", fmt.Errorf("sign an access token: %w", err)
	}
	signature, err := fixedWidth(der)
	if err != nil {
		return "", fmt.Errorf("sign an access token: %w", err)
	}
	raw := input + "." + base64.RawURLEncoding.EncodeToString(signature[:])
	if len(raw) > MaxSize {
		return "", fmt.Errorf("sign an access token: it would have %d bytes", len(raw))
	}
	return raw, nil
}

func signingInput(h header, p payload) (string, error) {
	var parts [2]string
	for i, part := range []any{h, p} {
		b, err := json.Marshal(part)
		if err != nil {
			return "", fmt.Errorf("encode an access token: %w", err)
		}
		parts[i] = base64.RawURLEncoding.EncodeToString(b)
	}
	return parts[0] + "." + parts[1], nil
}

// fixedWidth turns an ASN.1 signature into the r||s of RFC 7518, section 3.4.
func fixedWidth(der []byte) (signature [64]byte, err error) {
	var point struct{ R, S *big.Int }
	rest, err := asn1.Unmarshal(der, &point)
	switch {
	case err != nil:
		return signature, fmt.Errorf("read the signature: %w", err)
	case len(rest) > 0 || point.R.Sign() <= 0 || point.S.Sign() <= 0 || point.R.BitLen() > 256 || point.S.BitLen() > 256:
		return signature, errors.New("read the signature: it is not one of P-256")
	}
	point.R.FillBytes(signature[:32])
	point.S.FillBytes(signature[32:])
	return signature, nil
}

func (c Claims) payload() payload {
	p := payload{
		Issuer: c.Issuer, Audience: c.Audience, ID: c.ID, Client: c.Client,
		IssuedAt: c.IssuedAt.Unix(), ExpiresAt: c.ExpiresAt.Unix(),
		Subject: c.Subject.String(), Scope: c.Scopes.String(), Tenant: c.Tenant,
		Locations: c.Locations, Channel: c.Channel, Grant: c.Grant,
	}
	if !c.NotBefore.IsZero() {
		p.NotBefore = c.NotBefore.Unix()
	}
	if c.Act != nil {
		p.Act = &act{Subject: c.Act.String()}
	}
	return p
}

// claims checks what can be checked without a clock: that nothing required is missing and the times make sense.
func (p payload) claims() (Claims, error) {
	for _, required := range []string{p.Issuer, p.Audience, p.ID, p.Client, p.Scope, p.Tenant} {
		if required == "" {
			return Claims{}, errors.New("a required claim is missing")
		}
	}
	if p.IssuedAt <= 0 || p.ExpiresAt <= p.IssuedAt || p.ExpiresAt-p.IssuedAt > int64(MaxLife/time.Second) {
		return Claims{}, errors.New("its life is not one of an access token")
	}
	subject, ok := identity.ParseActor(p.Subject)
	if !ok {
		return Claims{}, errors.New("sub is no actor")
	}
	c := Claims{
		Issuer: p.Issuer, Audience: p.Audience, ID: p.ID, Client: p.Client, Tenant: p.Tenant, Subject: subject,
		IssuedAt: time.Unix(p.IssuedAt, 0).UTC(), ExpiresAt: time.Unix(p.ExpiresAt, 0).UTC(),
		Scopes: scopesOf(p.Scope), Locations: p.Locations, Channel: p.Channel, Grant: p.Grant,
	}
	if p.NotBefore != 0 {
		c.NotBefore = time.Unix(p.NotBefore, 0).UTC()
	}
	if p.Act != nil {
		actor, ok := identity.ParseActor(p.Act.Subject)
		if !ok {
			return Claims{}, errors.New("act.sub is no actor")
		}
		c.Act = &actor
	}
	return c, nil
}

// scopesOf keeps scopes that this version doesn't know: a newer one may have issued the token.
func scopesOf(list string) identity.Scopes {
	var permissions []identity.Permission
	for word := range strings.FieldsSeq(list) {
		permissions = append(permissions, identity.Permission(word))
	}
	return identity.NewScopes(permissions...)
}
