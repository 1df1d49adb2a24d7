package channel

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/webhook"
)

// TimeFormat is how a signed time is written.
type TimeFormat string

// The formats of time. The zero TimeFormat is Seconds.
const (
	Seconds TimeFormat = ""        // since 1970, decimal
	Millis  TimeFormat = "ms"      // milliseconds since 1970, decimal
	RFC3339 TimeFormat = "rfc3339" // as in 2026-03-01T18:04:05Z
)

// timely refuses a message whose signed time is outside the tolerance, so that nobody can play a recorded one later.
func (s Signature) timely(r Request) error {
	if s.TimeHeader == "" {
		return nil
	}
	sent, err := s.value(r, s.TimeHeader)
	if err != nil {
		return err
	}
	at, ok := s.TimeFormat.parse(sent)
	switch {
	case !ok:
		return wrongHeader(s.TimeHeader, "is not a time: it takes "+s.TimeFormat.form())
	case at.Before(r.At.Add(-tolerance)):
		return wrongHeader(s.TimeHeader, "is more than five minutes in the past")
	case at.After(r.At.Add(tolerance)):
		return wrongHeader(s.TimeHeader, "is more than five minutes in the future")
	}
	return nil
}

func (f TimeFormat) parse(sent string) (time.Time, bool) {
	if f == RFC3339 {
		at, err := time.Parse(time.RFC3339Nano, sent)
		return at, err == nil
	}
	n, err := strconv.ParseInt(sent, 10, 64)
	if err != nil || n < 0 || n > 1<<45 {
		return time.Time{}, false
	}
	if f == Millis {
		return time.UnixMilli(n), true
	}
	return time.Unix(n, 0), true
}

func (f TimeFormat) form() string {
	switch f {
	case Millis:
		return "milliseconds since 1970"
	case RFC3339:
		return "an RFC 3339 time"
	default:
		return "seconds since 1970"
	}
}

// verifySecret compares the header with the secrets themselves. Both are hashed first, so that not even their length
// takes part in the time.
func (s Signature) verifySecret(sent string, secrets [][]byte) error {
	given, ok := strings.CutPrefix(sent, s.Prefix)
	if !ok {
		return wrongHeader(s.Header, "does not begin with "+strconv.Quote(s.Prefix))
	}
	if !anyMatches(secrets, func(secret []byte) bool { return same([]byte(given), secret) }) {
		return wrongHeader(s.Header, "is not the link's secret")
	}
	return nil
}

// verifyBasic compares RFC 7617 credentials with the secrets, each of which is `user:password`.
func (s Signature) verifyBasic(sent string, secrets [][]byte) error {
	scheme, encoded, _ := strings.Cut(sent, " ")
	given, err := base64.StdEncoding.DecodeString(encoded)
	if !strings.EqualFold(scheme, "Basic") || err != nil {
		return wrongHeader(s.Header, "is not Basic credentials (RFC 7617)")
	}
	if !anyMatches(secrets, func(secret []byte) bool { return same(given, secret) }) {
		return wrongHeader(s.Header, "does not name the link's user and password")
	}
	return nil
}

func same(a, b []byte) bool {
	x, y := sha256.Sum256(a), sha256.Sum256(b)
	return hmac.Equal(x[:], y[:])
}

// verifyStandard checks a Standard Webhooks message.
func verifyStandard(r Request, secrets [][]byte) error {
	var known []webhook.Secret
	for _, text := range secrets {
		if secret, err := webhook.ParseSecret(string(text)); err == nil {
			known = append(known, secret)
		}
	}
	h := webhook.Headers{ID: r.header(webhook.HeaderID), Timestamp: r.header(webhook.HeaderTimestamp), Signature: r.header(webhook.HeaderSignature)}
	err := webhook.Verify(known, h, r.Body, r.At)
	var refusal webhook.Refusal
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		return wrongHeader(standardHeader(refusal), refusal.Error())
	default:
		return wrongHeader(webhook.HeaderSignature, "cannot be checked")
	}
}

// standardHeader names the header that a refusal is about.
func standardHeader(r webhook.Refusal) string {
	switch r {
	case webhook.NoID, webhook.BadID:
		return webhook.HeaderID
	case webhook.NoTimestamp, webhook.BadTimestamp, webhook.TooOld, webhook.TooNew:
		return webhook.HeaderTimestamp
	default:
		return webhook.HeaderSignature
	}
}

// headers returns every value of a header.
func (r Request) headers(name string) []string {
	if r.Header == nil {
		return nil
	}
	return r.Header(name)
}

// header returns the value of a header that occurs once, or "".
func (r Request) header(name string) string {
	if values := r.headers(name); len(values) == 1 {
		return values[0]
	}
	return ""
}
