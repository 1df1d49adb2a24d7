// Package totp makes and checks time-based one-time passwords (RFC 6238): six digits of HMAC-SHA-1 over steps of 30
// seconds, which is what every authenticator app understands.
//
// # Once and forward
//
// A code is taken of the present step and of the ones beside it, because clocks differ and typing takes time; never of a
// step that was taken before, or of one before that. So a code that somebody looked at over a shoulder is of no use once
// its owner has used it.
//
// SHA-1 is no weakness here: HMAC needs no resistance to collisions, and apps ignore another algorithm silently.
package totp

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238's algorithm, within HMAC
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// Period is how long a step lasts.
const Period = 30 * time.Second

const (
	digits     = 6
	secretSize = 20 // bytes: as long as the hash (RFC 4226, section 4, R6)
	skew       = 1  // steps before and after the present one
)

// ErrSecret says that a text is no secret in base32.
var ErrSecret = errors.New("this is no secret of one-time passwords")

// Secret is what an authenticator app and the hub share. It does not print.
type Secret struct{ key []byte }

// New draws a secret from random.
func New(random io.Reader) (Secret, error) {
	key := make([]byte, secretSize)
	if _, err := io.ReadFull(random, key); err != nil {
		return Secret{}, fmt.Errorf("read random bytes for a secret: %w", err)
	}
	return Secret{key}, nil
}

// FromBytes returns the secret of these bytes, as [Secret.Bytes] gave them.
func FromBytes(key []byte) Secret { return Secret{key} }

// Parse reads a secret in base32, as [Secret.Reveal] wrote it.
func Parse(text string) (Secret, error) {
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(strings.ReplaceAll(text, " ", "")))
	if err != nil || len(key) == 0 {
		return Secret{}, ErrSecret
	}
	return Secret{key}, nil
}

// Bytes returns the secret, to be sealed.
func (s Secret) Bytes() []byte { return s.key }

// Reveal returns the secret in base32, to be typed into an app.
func (s Secret) Reveal() string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(s.key)
}

// URI returns the address that apps read from a QR code. The account is shown in the app and is not sent anywhere.
func (s Secret) URI(issuer, account string) string {
	q := "secret=" + s.Reveal() + "&issuer=" + strings.ReplaceAll(url.QueryEscape(issuer), "+", "%20")
	return "otpauth://totp/" + url.PathEscape(issuer+":"+account) + "?" + q
}

// String keeps the secret from being printed.
func (Secret) String() string { return "[secret]" }

// GoString keeps the secret from being printed.
func (Secret) GoString() string { return "[secret]" }

// Step returns the number of the step that t lies in.
func Step(t time.Time) int64 { return t.Unix() / int64(Period/time.Second) }

// Code returns the code of a step.
func (s Secret) Code(step int64) string { return s.code(step, digits) }

// code is the HOTP of RFC 4226, section 5.3.
func (s Secret) code(counter int64, digits int) string {
	mac := hmac.New(sha1.New, s.key)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(counter))) //nolint:gosec // a step is never negative
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	value := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	mod := uint32(1)
	for range digits {
		mod *= 10
	}
	return fmt.Sprintf("%0*d", digits, value%mod)
}

// Check finds the step whose code this is: one near now and after last, the newest step that was taken before. It takes
// the same time for each.
func (s Secret) Check(code string, now time.Time, last int64) (step int64, ok bool) {
	code = strings.ReplaceAll(code, " ", "")
	for candidate := Step(now) - skew; candidate <= Step(now)+skew; candidate++ {
		same := subtle.ConstantTimeCompare([]byte(s.Code(candidate)), []byte(code)) == 1
		if same && candidate > last && !ok {
			step, ok = candidate, true
		}
	}
	return step, ok
}
