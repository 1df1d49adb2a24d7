package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// Tolerance is how far a message's time may be from the receiver's, either way.
const Tolerance = 5 * time.Minute

// maxSignatures bounds the signatures of one message that are looked at; a sender has one per live secret.
const maxSignatures = 32

// Refusal is the reason why a message is not believed. Its text is fit for the sender's eyes: it tells which part to look
// at, and nothing about the secret.
type Refusal string

// The reasons, in the order in which Verify looks for them.
const (
	NoID         Refusal = "the header webhook-id is missing"
	NoTimestamp  Refusal = "the header webhook-timestamp is missing"
	NoSignature  Refusal = "the header webhook-signature is missing"
	BadID        Refusal = "webhook-id is not up to 256 visible ASCII characters without a full stop"
	BadTimestamp Refusal = "webhook-timestamp is not a whole number of seconds since 1970"
	TooOld       Refusal = "webhook-timestamp is more than five minutes in the past"
	TooNew       Refusal = "webhook-timestamp is more than five minutes in the future"
	NoneReadable Refusal = "webhook-signature holds no signature of the form v1,<base64 of 32 bytes>"
	Mismatch     Refusal = "no v1 signature fits the secret, the id, the timestamp and the body as it was sent"
)

// Error returns the reason.
func (r Refusal) Error() string { return string(r) }

// Verify tells whether the message was signed under one of the secrets and within [Tolerance] of now. Every error is a
// [Refusal]. The comparison takes the same time wherever the signatures differ. It does not remember ids: refusing a
// message that comes twice is the caller's part.
func Verify(secrets []Secret, h Headers, body []byte, now time.Time) error {
	if err := present(h); err != nil {
		return err
	}
	if err := timely(h.Timestamp, now); err != nil {
		return err
	}
	signatures := readable(h.Signature)
	if len(signatures) == 0 {
		return NoneReadable
	}
	if !matches(secrets, h, body, signatures) {
		return Mismatch
	}
	return nil
}

func present(h Headers) error {
	switch {
	case h.ID == "":
		return NoID
	case h.Timestamp == "":
		return NoTimestamp
	case h.Signature == "":
		return NoSignature
	case !validID(h.ID):
		return BadID
	}
	return nil
}

// timely takes only the canonical form of the number: other receivers rebuild the signed text from its value.
func timely(timestamp string, now time.Time) error {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || seconds < 0 || strconv.FormatInt(seconds, 10) != timestamp {
		return BadTimestamp
	}
	// Compared as seconds, not as time.Duration, which a distant time would overflow.
	tolerance := int64(Tolerance / time.Second)
	switch at := now.Unix(); {
	case seconds < at-tolerance:
		return TooOld
	case seconds > at+tolerance:
		return TooNew
	}
	return nil
}

// readable returns the decoded v1 signatures of a header and passes over everything else in it.
func readable(header string) [][]byte {
	var found [][]byte
	for part := range strings.SplitSeq(header, " ") {
		encoded, ok := strings.CutPrefix(part, version+",")
		if !ok || len(encoded) != base64.StdEncoding.EncodedLen(sha256.Size) {
			continue
		}
		signature, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if err == nil && len(signature) == sha256.Size {
			found = append(found, signature)
		}
		if len(found) == maxSignatures {
			break
		}
	}
	return found
}

func matches(secrets []Secret, h Headers, body []byte, signatures [][]byte) bool {
	fits := false
	for _, s := range secrets {
		want := mac(s, h, body)
		for _, signature := range signatures {
			fits = hmac.Equal(signature, want) || fits
		}
	}
	return fits
}
