package token_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v3/jwa"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jws"
	"github.com/lestrrat-go/jwx/v3/jwt"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/token"
)

const hub = "https://hub.example"

var noon = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func clock(at time.Time) func() time.Time { return func() time.Time { return at } }

// signer is a key as the key management service holds it.
type signer struct {
	private *ecdsa.PrivateKey
	public  token.JWK
}

func newSigner(tb testing.TB) signer {
	tb.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	public, err := token.NewJWK(&private.PublicKey)
	if err != nil {
		tb.Fatal(err)
	}
	return signer{private, public}
}

func (s signer) digest(_ context.Context, digest [sha256.Size]byte) ([]byte, error) {
	return ecdsa.SignASN1(rand.Reader, s.private, digest[:])
}

func (s signer) sign(tb testing.TB, c token.Claims) string {
	tb.Helper()
	raw, err := token.Sign(tb.Context(), c, s.public.ID, s.digest)
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

// published answers with the keys of the signers, and counts the questions.
type published struct {
	signers []signer
	asked   atomic.Int64
}

func (p *published) find(_ context.Context, kid string) (*ecdsa.PublicKey, error) {
	p.asked.Add(1)
	for _, s := range p.signers {
		if s.public.ID == kid {
			return &s.private.PublicKey, nil
		}
	}
	return nil, fault.New(fault.Unauthenticated, "no such key")
}

func verifier(at time.Time, signers ...signer) *token.Verifier {
	keys := &published{signers: signers}
	return token.NewVerifier(token.Options{Issuer: hub, Audience: hub, Key: keys.find, Now: clock(at)})
}

func claims() token.Claims {
	return token.Claims{
		Issuer: hub, Audience: hub, ID: "tok_1", Client: "cli_a", IssuedAt: noon, ExpiresAt: noon.Add(10 * time.Minute),
		Tenant: "ten_a", Subject: identity.Actor{Kind: identity.KindClient, ID: "cli_a"},
		Scopes:    identity.NewScopes(identity.OrdersWrite, identity.OrdersRead),
		Locations: identity.Locations{"loc_a", "loc_b"}, Channel: "lnk_a",
	}
}

func TestWhatIsSignedIsReadBack(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	v := verifier(noon, s)
	rapid.Check(t, func(rt *rapid.T) {
		want := claims()
		want.Tenant = rapid.StringMatching(`ten_[a-z2-7]{1,26}`).Draw(rt, "tenant")
		want.Locations = rapid.SliceOfN(rapid.String(), 1, 5).Draw(rt, "locations")
		want.Channel = rapid.String().Draw(rt, "channel")
		if rapid.Bool().Draw(rt, "delegated") {
			want.Act = &identity.Actor{Kind: identity.KindStaff, ID: rapid.StringN(1, 9, -1).Draw(rt, "staff")}
		}
		got, err := v.Verify(t.Context(), s.sign(t, want))
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("claims (-want +got):\n%s", diff)
		}
	})
}

// One number in 256 begins with a zero byte, and every second with a set bit; ASN.1 writes those differently.
func TestNumbersOfEveryLengthVerify(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	v := verifier(noon, s)
	var short, high bool
	for range 10_000 {
		raw := s.sign(t, claims())
		if _, err := v.Verify(t.Context(), raw); err != nil {
			t.Fatal(err)
		}
		signature, err := base64.RawURLEncoding.DecodeString(raw[strings.LastIndexByte(raw, '.')+1:])
		if err != nil {
			t.Fatal(err)
		}
		short = short || signature[0] == 0 || signature[32] == 0
		high = high || signature[0] >= 0x80
		if short && high {
			return
		}
	}
	t.Error("no such numbers came up")
}

func TestTheCallerIsWhatTheTokenSays(t *testing.T) {
	t.Parallel()
	c := claims()
	c.Act = &identity.Actor{Kind: identity.KindStaff, ID: "stf_a"}
	want := identity.Caller{
		Tenant: "ten_a", Actor: c.Subject, Act: c.Act, Scopes: c.Scopes, Locations: c.Locations, Channel: "lnk_a", Credential: "tok_1",
	}
	if diff := cmp.Diff(want, c.Caller()); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
}

func TestJWXVerifiesOurTokensByOurKeys(t *testing.T) {
	t.Parallel()
	s, other := newSigner(t), newSigner(t)
	published, err := json.Marshal(token.JWKS{Keys: []token.JWK{other.public, s.public}})
	if err != nil {
		t.Fatal(err)
	}
	keys, err := jwk.Parse(published)
	if err != nil {
		t.Fatal(err)
	}
	raw := s.sign(t, claims())
	got, err := jwt.Parse([]byte(raw), jwt.WithKeySet(keys), jwt.WithIssuer(hub), jwt.WithAudience(hub),
		jwt.WithClock(jwt.ClockFunc(clock(noon))))
	if err != nil {
		t.Fatal(err)
	}
	var scope, client string
	if err := errors.Join(got.Get("scope", &scope), got.Get("client_id", &client)); err != nil {
		t.Fatal(err)
	}
	subject, _ := got.Subject()
	if scope != "orders:read orders:write" || client != "cli_a" || subject != "client:cli_a" {
		t.Errorf("jwx reads scope %q, client_id %q, sub %q", scope, client, subject)
	}
	message, err := jws.Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	if typ, _ := message.Signatures()[0].ProtectedHeaders().Type(); typ != "at+jwt" {
		t.Errorf("jwx reads typ %q", typ)
	}
}

func TestAKeysIDIsItsThumbprint(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	key, err := jwk.Import(&s.private.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	if err := jwk.AssignKeyID(key); err != nil {
		t.Fatal(err)
	}
	if kid, _ := key.KeyID(); kid != s.public.ID {
		t.Errorf("id = %q, jwx says %q", s.public.ID, kid)
	}
}

func TestOurVerifierReadsATokenThatJWXSigned(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	got, err := verifier(noon, s).Verify(t.Context(), jwxToken(t, s, nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	want := claims()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

// jwxToken signs the claims of [claims] with jwx, each changed as `set` says (nil takes it out), under a header changed
// as `header` says.
func jwxToken(tb testing.TB, s signer, set, header map[string]any) string {
	tb.Helper()
	payload := map[string]any{
		"iss": hub, "aud": hub, "jti": "tok_1", "client_id": "cli_a", "iat": noon.Unix(), "exp": noon.Unix() + 600,
		"sub": "client:cli_a", "scope": "orders:read orders:write", "tenant": "ten_a",
		"locations": []string{"loc_a", "loc_b"}, "channel": "lnk_a",
	}
	for name, value := range set {
		payload[name] = value
		if value == nil {
			delete(payload, name)
		}
	}
	body, err := json.Marshal(payload)
	if err != nil {
		tb.Fatal(err)
	}
	headers := jws.NewHeaders()
	for name, value := range map[string]any{"typ": "at+jwt", "kid": s.public.ID} {
		if changed, ok := header[name]; ok {
			value = changed
		}
		if err := headers.Set(name, value); err != nil {
			tb.Fatal(err)
		}
	}
	raw, err := jws.Sign(body, jws.WithKey(jwa.ES256(), s.private, jws.WithProtectedHeaders(headers)))
	if err != nil {
		tb.Fatal(err)
	}
	return string(raw)
}

func TestClaimsThatDoNotHoldAreRefused(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	for name, set := range map[string]map[string]any{
		"another issuer":               {"iss": hub + "/"},
		"another audience":             {"aud": "https://other.example"},
		"several audiences":            {"aud": []string{hub, "https://other.example"}},
		"no issuer":                    {"iss": nil},
		"no audience":                  {"aud": nil},
		"no expiry":                    {"exp": nil},
		"no time of issue":             {"iat": nil},
		"no id":                        {"jti": nil},
		"no subject":                   {"sub": nil},
		"no client":                    {"client_id": nil},
		"no tenant":                    {"tenant": nil},
		"no scope":                     {"scope": nil},
		"a subject that is no actor":   {"sub": "cli_a"},
		"an act that is no actor":      {"act": map[string]any{"sub": "robot:r"}},
		"an act without a subject":     {"act": map[string]any{}},
		"an expiry with a fraction":    {"exp": float64(noon.Unix()) + 600.5},
		"an expiry as text":            {"exp": "9999999999"},
		"an expiry beyond all numbers": {"exp": json.Number("1e400")},
		"a life that is too long":      {"exp": noon.Unix() + 3601},
		"an expiry before its issue":   {"exp": noon.Unix() - 30},
		"a time before all times":      {"iat": -9223372036854775807, "exp": 9223372036854775807},
		"issued ahead of the leeway":   {"iat": noon.Unix() + 61},
		"not valid before later":       {"nbf": noon.Unix() + 61},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := verifier(noon, s).Verify(t.Context(), jwxToken(t, s, set, nil))
			if !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("Verify = %+v, %v", c, err)
			}
		})
	}
}

func TestClocksMayDifferByALeeway(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	end := claims().ExpiresAt
	for _, c := range []struct {
		name string
		at   time.Time
		want bool
	}{
		{"a minute before its issue", noon.Add(-token.Leeway), true},
		{"more than a minute before", noon.Add(-token.Leeway - time.Second), false},
		{"within a minute after its end", end.Add(token.Leeway - time.Second), true},
		{"a minute after its end", end.Add(token.Leeway), false},
	} {
		if _, err := verifier(c.at, s).Verify(t.Context(), s.sign(t, claims())); (err == nil) != c.want {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestAFailingKeyStoreIsNotARefusal(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	v := token.NewVerifier(token.Options{
		Issuer: hub, Audience: hub, Now: clock(noon),
		Key: func(context.Context, string) (*ecdsa.PublicKey, error) {
			return nil, fault.New(fault.Unavailable, "the keys cannot be read now")
		},
	})
	if _, err := v.Verify(t.Context(), s.sign(t, claims())); !fault.Is(err, fault.Unavailable) {
		t.Errorf("Verify = %v, want unavailable", err)
	}
}

func TestAVerifiedTokenIsRememberedUntilItExpires(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	keys := &published{signers: []signer{s}}
	now := noon
	v := token.NewVerifier(token.Options{
		Issuer: hub, Audience: hub, Key: keys.find, Now: func() time.Time { return now }, Remember: 8,
	})
	raw := s.sign(t, claims())
	for range 3 {
		got, err := v.Verify(t.Context(), raw)
		if err != nil || !cmp.Equal(got, claims()) {
			t.Fatalf("Verify = %+v, %v", got, err)
		}
	}
	if n := keys.asked.Load(); n != 1 {
		t.Errorf("the key was looked up %d times, want once", n)
	}
	start, signature := raw[:len(raw)-86], raw[len(raw)-86:]
	if _, err := v.Verify(t.Context(), start+strings.ToUpper(signature[:43])+signature[43:]); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("with another signature: %v", err)
	}
	now = claims().ExpiresAt.Add(token.Leeway)
	if _, err := v.Verify(t.Context(), raw); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("after it expired: %v", err)
	}
}

func TestAReplacedKeysTokenIsRefusedThoughItWasVerifiedBefore(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	keys := &published{signers: []signer{s}}
	now := noon
	v := token.NewVerifier(token.Options{
		Issuer: hub, Audience: hub, Key: keys.find, Now: func() time.Time { return now }, Remember: 8,
	})
	forged := claims()
	forged.ExpiresAt = forged.IssuedAt.Add(token.MaxLife)
	raw := s.sign(t, forged)
	if _, err := v.Verify(t.Context(), raw); err != nil {
		t.Fatal(err)
	}
	keys.signers = nil
	now = now.Add(token.RememberedFor)
	if _, err := v.Verify(t.Context(), raw); !fault.Is(err, fault.Unauthenticated) || !now.Before(forged.ExpiresAt) {
		t.Errorf("the thief's token, %v before it expires: %v", forged.ExpiresAt.Sub(now), err)
	}
}

func TestTheMemoryOfTokensIsBounded(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	keys := &published{signers: []signer{s}}
	v := token.NewVerifier(token.Options{Issuer: hub, Audience: hub, Key: keys.find, Now: clock(noon), Remember: 4})
	var tokens []string
	for range 12 {
		tokens = append(tokens, s.sign(t, claims()))
	}
	for range 2 {
		for _, raw := range tokens {
			if _, err := v.Verify(t.Context(), raw); err != nil {
				t.Fatal(err)
			}
		}
	}
	if n := keys.asked.Load(); n < 12+12-4 {
		t.Errorf("only %d of 24 verifications asked for the key: more than 4 tokens were remembered", n)
	}
}

func TestClaimsThatNobodyWouldTakeAreNotSigned(t *testing.T) {
	t.Parallel()
	s := newSigner(t)
	for name, spoil := range map[string]func(*token.Claims){
		"no tenant":      func(c *token.Claims) { c.Tenant = "" },
		"no scope":       func(c *token.Claims) { c.Scopes = nil },
		"no subject":     func(c *token.Claims) { c.Subject = identity.Actor{} },
		"too long":       func(c *token.Claims) { c.ExpiresAt = c.IssuedAt.Add(token.MaxLife + time.Second) },
		"too many bytes": func(c *token.Claims) { c.Channel = strings.Repeat("c", token.MaxSize) },
		"broken text":    func(c *token.Claims) { c.Channel = "\xff" },
	} {
		c := claims()
		spoil(&c)
		if raw, err := token.Sign(t.Context(), c, s.public.ID, s.digest); err == nil {
			t.Errorf("%s: signed %d bytes", name, len(raw))
		}
	}
}

func TestASignatureOfAnotherKindIsNotTaken(t *testing.T) {
	t.Parallel()
	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, sign := range map[string]token.SignDigest{
		"of P-384":  func(_ context.Context, d [32]byte) ([]byte, error) { return ecdsa.SignASN1(rand.Reader, other, d[:]) },
		"of nobody": func(context.Context, [32]byte) ([]byte, error) { return nil, errors.New("the service is away") },
		"of zeros":  func(context.Context, [32]byte) ([]byte, error) { return []byte{0x30, 6, 2, 1, 0, 2, 1, 0}, nil },
		"with more": func(context.Context, [32]byte) ([]byte, error) { return []byte{0x30, 6, 2, 1, 1, 2, 1, 1, 0}, nil },
	} {
		if raw, err := token.Sign(t.Context(), claims(), "kid", sign); err == nil {
			t.Errorf("a signature %s gave %q", name, raw)
		}
	}
	if _, err := token.NewJWK(&other.PublicKey); err == nil {
		t.Error("a key of P-384 is published")
	}
}

func TestAPublishedKeyMustBeOneOfES256(t *testing.T) {
	t.Parallel()
	sound := newSigner(t).public
	if _, err := sound.Key(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*token.JWK){
		"another kind":       func(k *token.JWK) { k.Type = "RSA" },
		"for encryption":     func(k *token.JWK) { k.Use = "enc" },
		"another algorithm":  func(k *token.JWK) { k.Algorithm = "HS256" },
		"another curve":      func(k *token.JWK) { k.Curve = "P-384" },
		"a short coordinate": func(k *token.JWK) { k.X = k.X[:40] },
		"off the curve":      func(k *token.JWK) { k.X, k.Y = k.Y, k.X },
	} {
		k := sound
		spoil(&k)
		if _, err := k.Key(); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
