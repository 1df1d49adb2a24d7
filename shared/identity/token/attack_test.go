package token_test

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity/token"
)

func b64(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }

// forge signs a header and a payload of our choice with the signer's key, as nobody outside could.
func forge(tb testing.TB, s signer, header, payload string) string {
	tb.Helper()
	input := b64(header) + "." + b64(payload)
	digest := sha256.Sum256([]byte(input))
	r, v, err := ecdsa.Sign(rand.Reader, s.private, digest[:])
	if err != nil {
		tb.Fatal(err)
	}
	var raw [64]byte
	r.FillBytes(raw[:32])
	v.FillBytes(raw[32:])
	return input + "." + b64(string(raw[:]))
}

func payloadOf(tb testing.TB, raw string) string {
	tb.Helper()
	b, err := base64.RawURLEncoding.DecodeString(strings.Split(raw, ".")[1])
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

func hs256(tb testing.TB, s signer, payload string) string {
	tb.Helper()
	der, err := x509.MarshalPKIXPublicKey(&s.private.PublicKey)
	if err != nil {
		tb.Fatal(err)
	}
	input := b64(`{"alg":"HS256","kid":"`+s.public.ID+`","typ":"at+jwt"}`) + "." + b64(payload)
	mac := hmac.New(sha256.New, der)
	mac.Write([]byte(input))
	return input + "." + b64(string(mac.Sum(nil)))
}

// Each of these is refused; without its flaw the same token is taken.
func TestForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	s, other := newSigner(t), newSigner(t)
	sound := s.sign(t, claims())
	payload := payloadOf(t, sound)
	kid := s.public.ID
	head := `{"alg":"ES256","kid":"` + kid + `","typ":"at+jwt"}`
	if _, err := verifier(noon, s, other).Verify(t.Context(), forge(t, s, head, payload)); err != nil {
		t.Fatalf("the forge itself does not work: %v", err)
	}
	parts := strings.Split(sound, ".")
	embedded, err := json.Marshal(other.public)
	if err != nil {
		t.Fatal(err)
	}
	der, err := s.digest(t.Context(), sha256.Sum256([]byte(parts[0]+"."+parts[1])))
	if err != nil {
		t.Fatal(err)
	}
	for name, raw := range map[string]string{
		"nothing":                         "",
		"dots":                            "..",
		"two parts":                       parts[0] + "." + parts[1],
		"four parts":                      sound + "." + parts[2],
		"no algorithm and no signature":   b64(`{"alg":"none","kid":"`+kid+`","typ":"at+jwt"}`) + "." + parts[1] + ".",
		"no algorithm, signed":            forge(t, s, `{"alg":"none","kid":"`+kid+`","typ":"at+jwt"}`, payload),
		"an algorithm in another case":    forge(t, s, `{"alg":"es256","kid":"`+kid+`","typ":"at+jwt"}`, payload),
		"HS256 under the public key":      hs256(t, s, payload),
		"another algorithm's name":        forge(t, s, `{"alg":"ES384","kid":"`+kid+`","typ":"at+jwt"}`, payload),
		"the key of another id":           forge(t, s, `{"alg":"ES256","kid":"`+other.public.ID+`","typ":"at+jwt"}`, payload),
		"a key that is not published":     forge(t, s, `{"alg":"ES256","kid":"x","typ":"at+jwt"}`, payload),
		"no key id":                       forge(t, s, `{"alg":"ES256","typ":"at+jwt"}`, payload),
		"the type of an ID token":         forge(t, s, `{"alg":"ES256","kid":"`+kid+`","typ":"JWT"}`, payload),
		"no type":                         forge(t, s, `{"alg":"ES256","kid":"`+kid+`"}`, payload),
		"a critical extension":            forge(t, s, `{"alg":"ES256","kid":"`+kid+`","typ":"at+jwt","crit":["x"],"x":1}`, payload),
		"an embedded key":                 forge(t, other, `{"alg":"ES256","kid":"`+kid+`","typ":"at+jwt","jwk":`+string(embedded)+`}`, payload),
		"a key's address":                 forge(t, s, `{"alg":"ES256","kid":"`+kid+`","typ":"at+jwt","jku":"https://evil.example"}`, payload),
		"an algorithm twice":              forge(t, s, `{"alg":"none","alg":"ES256","kid":"`+kid+`","typ":"at+jwt"}`, payload),
		"an algorithm in two cases":       forge(t, s, `{"alg":"ES256","ALG":"none","kid":"`+kid+`","typ":"at+jwt"}`, payload),
		"a tenant twice":                  forge(t, s, head, strings.Replace(payload, `"tenant":`, `"tenant":"ten_b","tenant":`, 1)),
		"broken text in the payload":      forge(t, s, head, strings.Replace(payload, "lnk_a", "\xff", 1)),
		"a header that is a list":         forge(t, s, `["ES256"]`, payload),
		"a payload that is null":          forge(t, s, head, `null`),
		"more after the payload":          forge(t, s, head, payload+`{}`),
		"another payload":                 parts[0] + "." + b64(strings.Replace(payload, "ten_a", "ten_b", 1)) + "." + parts[2],
		"a signature of zeros":            parts[0] + "." + parts[1] + "." + b64(strings.Repeat("\x00", 64)),
		"a signature in ASN.1":            parts[0] + "." + parts[1] + "." + b64(string(der)),
		"a signature cut short":           sound[:len(sound)-4],
		"padding":                         sound + "==",
		"a line break after it":           sound + "\n",
		"a line break in it":              parts[0] + "." + parts[1] + ".\r\n" + parts[2],
		"a space before it":               " " + sound,
		"stray bits at its end":           sound[:len(sound)-1] + string(stray(sound[len(sound)-1])),
		"standard base64 for url base64":  strings.NewReplacer("-", "+", "_", "/").Replace(sound) + "+",
		"more than the most bytes":        forge(t, s, head, strings.Replace(payload, "lnk_a", strings.Repeat("l", token.MaxSize), 1)),
		"JSON serialisation":              `{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
		"signed by a key of nobody":       forge(t, newSigner(t), head, payload),
		"the same claims, case-shifted":   forge(t, s, head, strings.ToUpper(payload)),
		"a deeply nested claim":           forge(t, s, head, strings.Replace(payload, `{`, `{"x":`+strings.Repeat("[", 2000)+strings.Repeat("]", 1999)+`,`, 1)),
		"an encrypted token's five parts": sound + ".a.b",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := verifier(noon, s, other).Verify(t.Context(), raw)
			if !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("Verify = %+v, %v", c, err)
			}
		})
	}
}

// stray gives another last character that lenient decoders read as the same bytes.
func stray(last byte) byte {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, last)|1]
}

func FuzzVerify(f *testing.F) {
	s := newSigner(f)
	sound := s.sign(f, claims())
	payload := payloadOf(f, sound)
	f.Add(sound)
	f.Add(sound[:len(sound)/2])
	f.Add(hs256(f, s, payload))
	f.Add(forge(f, s, `{"alg":"ES256","kid":"`+s.public.ID+`","typ":"at+jwt"}`, `{}`))
	f.Add(b64(`{"alg":"none"}`) + "." + b64(payload) + ".")
	v := verifier(noon, s)
	f.Fuzz(func(t *testing.T, raw string) {
		c, err := v.Verify(t.Context(), raw)
		if err == nil && raw != sound {
			t.Errorf("%q passes as %+v", raw, c)
		}
		if err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%q is answered with %v", raw, err)
		}
	})
}
