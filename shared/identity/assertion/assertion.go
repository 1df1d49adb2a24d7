package assertion

import (
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ryggrad.internal/hub/shared/fault"
)

const (
	// Type is the client_assertion_type of RFC 7523.
	Type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
	// MaxLife is how far ahead an assertion may expire.
	MaxLife = 5 * time.Minute
	// Leeway is how far the client's clock may be from ours.
	Leeway = time.Minute

	maxSize = 4 << 10
	maxID   = 256
)

// Algorithms returns what assertions may be signed with, for the server's metadata.
func Algorithms() []string { return []string{"ES256", "PS256", "EdDSA"} }

// Assertion is a proof that was taken apart and, before Verify, not believed.
type Assertion struct {
	Client    string // who claims to have made it
	ID        string // jti
	ExpiresAt time.Time

	header    header
	claims    claims
	text      string // what is signed
	signature []byte
}

type header struct {
	Algorithm string `json:"alg"`
	Key       string `json:"kid"`
	Type      string `json:"typ"`
}

type claims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub"`
	Audience  audience `json:"aud"`
	ID        string   `json:"jti"`
	ExpiresAt float64  `json:"exp"`
	IssuedAt  float64  `json:"iat"`
	NotBefore float64  `json:"nbf"`
}

// audience is one value, as text or as a list of one.
type audience string

// UnmarshalJSONFrom reads both forms.
func (a *audience) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == '"' {
		return json.UnmarshalDecode(dec, (*string)(a))
	}
	var list []string
	if err := json.UnmarshalDecode(dec, &list); err != nil {
		return err
	}
	if len(list) != 1 {
		return errors.New("aud is not one value")
	}
	*a = audience(list[0])
	return nil
}

// Parse takes an assertion apart. What is none is [fault.Unauthenticated].
func Parse(raw string) (Assertion, error) {
	a, err := parse(raw)
	if err != nil {
		return Assertion{}, fault.New(fault.Unauthenticated, "the client assertion is none that is taken here").Because(err)
	}
	return a, nil
}

func parse(raw string) (a Assertion, err error) {
	parts := strings.Split(raw, ".")
	if len(raw) > maxSize || len(parts) != 3 {
		return a, errors.New("it is too long or has not three parts")
	}
	if err := decode(parts[0], &a.header, json.RejectUnknownMembers(true)); err != nil {
		return a, err
	}
	if err := decode(parts[1], &a.claims); err != nil {
		return a, err
	}
	if a.signature, err = canonical(parts[2]); err != nil {
		return a, err
	}
	a.text = raw[:len(parts[0])+1+len(parts[1])]
	a.Client, a.ID, a.ExpiresAt = a.claims.Subject, a.claims.ID, date(a.claims.ExpiresAt)
	return a, a.sound()
}

// sound checks what needs no key and no clock.
func (a Assertion) sound() error {
	switch {
	case !slices.Contains([]string{"", "JWT", "client-authentication+jwt"}, a.header.Type):
		return errors.New("its typ is another's")
	case a.claims.Subject == "" || a.claims.Issuer != a.claims.Subject:
		return errors.New("iss and sub are not the client's id")
	case a.ID == "" || len(a.ID) > maxID:
		return errors.New("jti is missing or too long")
	case !whole(a.claims.ExpiresAt) || a.claims.ExpiresAt == 0 || !whole(a.claims.IssuedAt) || !whole(a.claims.NotBefore):
		return errors.New("a time is missing or none")
	}
	return nil
}

// Verify tells whether one of the client's keys signed the assertion, for one of the audiences, and whether it holds
// now, and returns the key's thumbprint. If not, it is [fault.Unauthenticated]. Using it once is the caller's part.
func (a Assertion) Verify(keys []Key, audiences []string, now time.Time) (thumbprint string, err error) {
	signed := slices.IndexFunc(keys, func(k Key) bool {
		named := a.header.Key == "" || a.header.Key == k.Thumbprint || a.header.Key == k.name
		return named && a.header.Algorithm == k.algorithm && k.verifies(a.text, a.signature)
	})
	if signed < 0 {
		return "", refused("no key of the client signed the assertion")
	}
	return keys[signed].Thumbprint, a.timely(audiences, now)
}

func (a Assertion) timely(audiences []string, now time.Time) error {
	switch {
	case !slices.Contains(audiences, string(a.claims.Audience)):
		return refused("the assertion is meant for another server")
	case !a.ExpiresAt.After(now.Add(-Leeway)):
		return refused("the assertion has expired")
	case a.ExpiresAt.After(now.Add(MaxLife + Leeway)):
		return refused("the assertion lives longer than five minutes")
	case date(a.claims.IssuedAt).After(now.Add(Leeway)), date(a.claims.NotBefore).After(now.Add(Leeway)):
		return refused("the assertion is not valid yet")
	}
	return nil
}

func refused(message string) error { return fault.New(fault.Unauthenticated, "%s", message) }

// whole tells whether a NumericDate is one that fits; fractions of a second are cut off.
func whole(seconds float64) bool { return seconds >= 0 && seconds < 1<<40 }

func date(seconds float64) time.Time { return time.Unix(int64(seconds), 0).UTC() }

// decode reads a part as JSON; names given twice and invalid UTF-8 are errors.
func decode(part string, into any, opts ...json.Options) error {
	b, err := canonical(part)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into, opts...)
}

// canonical decodes base64url that has one spelling only.
func canonical(part string) ([]byte, error) {
	if strings.ContainsAny(part, "\r\n") {
		return nil, errors.New("a part has line breaks")
	}
	return base64.RawURLEncoding.Strict().DecodeString(part)
}
