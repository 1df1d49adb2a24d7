package assertion_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity/assertion"
)

const (
	issuer   = "https://hub.test"
	endpoint = issuer + "/v1/oauth/token"
	client   = "cli_aaaaaaaaaaaaaaaaaaaaaaaaaa"
)

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

// pair is a client's key, whole in jwx and its public half as registered.
type pair struct {
	private    jwk.Key
	algorithm  jwa.SignatureAlgorithm
	registered assertion.Key
	form       assertion.ClientKey
}

func newPair(tb testing.TB, private any, algorithm jwa.SignatureAlgorithm) pair {
	tb.Helper()
	key, err := jwk.Import(private)
	if err != nil {
		tb.Fatal(err)
	}
	public, err := key.PublicKey()
	if err != nil {
		tb.Fatal(err)
	}
	text, err := json.Marshal(public)
	if err != nil {
		tb.Fatal(err)
	}
	p := pair{private: key, algorithm: algorithm}
	if err := json.Unmarshal(text, &p.form); err != nil {
		tb.Fatal(err)
	}
	if p.registered, err = assertion.ParseKey(string(text)); err != nil {
		tb.Fatal(err)
	}
	return p
}

func pairs(tb testing.TB) map[string]pair {
	tb.Helper()
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	big, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		tb.Fatal(err)
	}
	return map[string]pair{
		"ES256": newPair(tb, ec, jwa.ES256()), "EdDSA": newPair(tb, ed, jwa.EdDSA()), "PS256": newPair(tb, big, jwa.PS256()),
	}
}

func sound() map[string]any {
	return map[string]any{
		"iss": client, "sub": client, "aud": endpoint, "jti": "one", "iat": noon.Unix(), "exp": noon.Add(time.Minute).Unix(),
	}
}

// sign signs claims as jwx does, with header fields of our choice.
func (p pair) sign(tb testing.TB, claims, head map[string]any) string {
	tb.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		tb.Fatal(err)
	}
	return p.signText(tb, string(payload), head)
}

func (p pair) signText(tb testing.TB, payload string, head map[string]any) string {
	tb.Helper()
	headers := jws.NewHeaders()
	for name, value := range head {
		if err := headers.Set(name, value); err != nil {
			tb.Fatal(err)
		}
	}
	raw, err := jws.Sign([]byte(payload), jws.WithKey(p.algorithm, p.private, jws.WithProtectedHeaders(headers)))
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

// verify parses and verifies, as the token endpoint does.
func verify(raw string, now time.Time, keys ...assertion.Key) (assertion.Assertion, error) {
	a, err := assertion.Parse(raw)
	if err != nil {
		return a, err
	}
	_, err = a.Verify(keys, []string{issuer, endpoint}, now)
	return a, err
}

func TestWhatJWXSignsIsTaken(t *testing.T) {
	t.Parallel()
	for name, p := range pairs(t) {
		for form, head := range map[string]map[string]any{
			"bare": nil, "typed": {"typ": "JWT"}, "newly typed": {"typ": "client-authentication+jwt"}, "by thumbprint": {"kid": p.registered.Thumbprint},
		} {
			a, err := verify(p.sign(t, sound(), head), noon, p.registered)
			if err != nil || a.Client != client || a.ID != "one" || !a.ExpiresAt.Equal(noon.Add(time.Minute)) {
				t.Errorf("%s, %s: %+v, %v", name, form, a, err)
			}
		}
	}
}

func TestTheThumbprintIsJWXs(t *testing.T) {
	t.Parallel()
	for name, p := range pairs(t) {
		public, err := p.private.PublicKey()
		if err != nil {
			t.Fatal(err)
		}
		set := jwk.NewSet()
		if err := set.AddKey(public); err != nil {
			t.Fatal(err)
		}
		if err := jwk.AssignKeyID(public); err != nil {
			t.Fatal(err)
		}
		if kid, _ := public.KeyID(); kid != p.registered.Thumbprint {
			t.Errorf("%s: %s, want %s", name, p.registered.Thumbprint, kid)
		}
	}
}

func TestAssertionsThatDoNotHold(t *testing.T) {
	t.Parallel()
	all := pairs(t)
	p := all["ES256"]
	change := func(name string, value any) string {
		c := sound()
		if c[name] = value; value == nil {
			delete(c, name)
		}
		return p.sign(t, c, nil)
	}
	whole := p.sign(t, sound(), nil)
	parts := strings.Split(whole, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	text, err := json.Marshal(sound())
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]string{
		"another's signature":  all["EdDSA"].sign(t, sound(), nil),
		"a key of nobody":      newPair(t, fresh(t), jwa.ES256()).sign(t, sound(), nil),
		"another key's id":     p.sign(t, sound(), map[string]any{"kid": all["PS256"].registered.Thumbprint}),
		"no algorithm":         b64([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"an algorithm swapped": b64([]byte(`{"alg":"PS256"}`)) + "." + parts[1] + "." + parts[2],
		"an embedded key":      p.sign(t, sound(), map[string]any{"jwk": all["EdDSA"].private}),
		"a key's address":      p.sign(t, sound(), map[string]any{"jku": "https://evil.example/keys"}),
		"a critical extension": p.sign(t, sound(), map[string]any{"crit": []string{"x"}, "x": 1}),
		"an access token":      p.sign(t, sound(), map[string]any{"typ": "at+jwt"}),
		"another issuer":       change("iss", "cli_b"),
		"no subject":           change("sub", nil),
		"another audience":     change("aud", "https://other.example"),
		"no audience":          change("aud", nil),
		"two audiences":        change("aud", []string{endpoint, "https://other.example"}),
		"no id":                change("jti", nil),
		"a long id":            change("jti", strings.Repeat("x", 257)),
		"no end":               change("exp", nil),
		"an end in text":       change("exp", "soon"),
		"an end never":         change("exp", 1e300),
		"expired":              change("exp", noon.Add(-2*time.Minute).Unix()),
		"a long life":          change("exp", noon.Add(10*time.Minute).Unix()),
		"issued tomorrow":      change("iat", noon.Add(24*time.Hour).Unix()),
		"valid tomorrow":       change("nbf", noon.Add(24*time.Hour).Unix()),
		"a subject twice":      p.signText(t, strings.Replace(string(text), `{`, `{"sub":"cli_b",`, 1), nil),
		"another payload":      parts[0] + "." + b64([]byte(strings.Replace(string(text), client, "cli_b", 2))) + "." + parts[2],
		"cut":                  whole[:len(whole)-4],
		"padded":               whole + "==",
		"two parts":            parts[0] + "." + parts[1],
		"nothing":              "",
		"too long":             p.sign(t, map[string]any{"x": strings.Repeat("x", 5000)}, nil),
	} {
		if a, err := verify(raw, noon, p.registered); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	if _, err := verify(whole, noon); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("a client without keys: %v", err)
	}
	one := maps.Clone(sound())
	one["aud"] = []string{issuer}
	if _, err := verify(p.sign(t, one, nil), noon, all["PS256"].registered, p.registered); err != nil {
		t.Errorf("a list of one audience, two keys: %v", err)
	}
}

func fresh(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return k
}

func TestWeakAndForeignKeysAreRefused(t *testing.T) {
	t.Parallel()
	all := pairs(t)
	for name, spoil := range map[string]func(*assertion.ClientKey){
		"no kind":               func(j *assertion.ClientKey) { *j = assertion.ClientKey{} },
		"a symmetric key":       func(j *assertion.ClientKey) { j.Type = "oct" },
		"another curve":         func(j *assertion.ClientKey) { j.Curve = "P-384" },
		"a point off the curve": func(j *assertion.ClientKey) { j.X = j.Y },
		"another algorithm":     func(j *assertion.ClientKey) { j.Algorithm = "HS256" },
		"for encryption":        func(j *assertion.ClientKey) { j.Use = "enc" },
		"a short RSA key":       func(j *assertion.ClientKey) { *j = all["PS256"].form; j.N = j.N[:171] },
		"an exponent of three":  func(j *assertion.ClientKey) { *j = all["PS256"].form; j.E = "Aw" },
		"a short Ed25519 key":   func(j *assertion.ClientKey) { *j = all["EdDSA"].form; j.X = j.X[:42] },
	} {
		j := all["ES256"].form
		spoil(&j)
		if _, err := assertion.NewKey(j); !fault.Is(err, fault.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	private, err := json.Marshal(all["ES256"].private)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := assertion.ParseKey(string(private)); err == nil {
		t.Error("a private key is registered")
	}
}

func FuzzVerify(f *testing.F) {
	p := pairs(f)["ES256"]
	whole := p.sign(f, sound(), nil)
	signed := whole[:strings.LastIndexByte(whole, '.')]
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none"}`)) + "." + strings.Split(whole, ".")[1] + ".")
	f.Fuzz(func(t *testing.T, raw string) {
		a, err := verify(raw, noon, p.registered)
		if err == nil && !strings.HasPrefix(raw, signed+".") {
			t.Errorf("%q passes as %+v", raw, a)
		}
		if err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%q is answered with %v", raw, err)
		}
	})
}
