package token_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"

	"ryggrad.internal/hub/shared/identity/token"
)

// BenchmarkVerify measures the bare signature check and what a request pays, a token seen before, and jwx, which shows
// why it isn't used.
func BenchmarkVerify(b *testing.B) {
	s := newSigner(b)
	raw := s.sign(b, claims())
	b.Run("check", func(b *testing.B) { benchmark(b, check(b, s, raw)) })
	b.Run("verify", func(b *testing.B) { benchmark(b, verify(b, s, raw, 0)) })
	b.Run("remembered", func(b *testing.B) { benchmark(b, verify(b, s, raw, 16)) })
	b.Run("jwx", func(b *testing.B) { benchmarkJWX(b, s, []byte(raw)) })
}

// BenchmarkVerifyRatio takes turns, so that a busy machine slows both alike, and reports verify/check. The bar is 1.3.
func BenchmarkVerifyRatio(b *testing.B) {
	s := newSigner(b)
	raw := s.sign(b, claims())
	bare, whole := check(b, s, raw), verify(b, s, raw, 0)
	var spent [2]time.Duration
	for b.Loop() {
		for i, run := range []func() error{bare, whole} {
			start := time.Now()
			if err := run(); err != nil {
				b.Fatal(err)
			}
			spent[i] += time.Since(start)
		}
	}
	b.ReportMetric(float64(spent[1])/float64(spent[0]), "verify/check")
}

func benchmark(b *testing.B, run func() error) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if err := run(); err != nil {
			b.Fatal(err)
		}
	}
}

func check(b *testing.B, s signer, raw string) func() error {
	b.Helper()
	digest := sha256.Sum256([]byte(raw))
	signature, err := s.digest(b.Context(), digest)
	if err != nil {
		b.Fatal(err)
	}
	return func() error {
		if !ecdsa.VerifyASN1(&s.private.PublicKey, digest[:], signature) {
			return errors.New("the signature does not hold")
		}
		return nil
	}
}

func verify(b *testing.B, s signer, raw string, remember int) func() error {
	b.Helper()
	keys := &published{signers: []signer{s}}
	v := token.NewVerifier(token.Options{Issuer: hub, Audience: hub, Key: keys.find, Now: clock(noon), Remember: remember})
	return func() error {
		_, err := v.Verify(b.Context(), raw)
		return err
	}
}

func benchmarkJWX(b *testing.B, s signer, raw []byte) {
	b.Helper()
	published, err := json.Marshal(token.JWKS{Keys: []token.JWK{s.public}})
	if err != nil {
		b.Fatal(err)
	}
	keys, err := jwk.Parse(published)
	if err != nil {
		b.Fatal(err)
	}
	now := jwt.WithClock(jwt.ClockFunc(func() time.Time { return noon }))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jwt.Parse(raw, jwt.WithKeySet(keys), jwt.WithIssuer(hub), jwt.WithAudience(hub), now); err != nil {
			b.Fatal(err)
		}
	}
}
