package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"time"
)

// The names of the headers, in the lower case in which HTTP/2 sends them.
const (
	HeaderID        = "webhook-id"
	HeaderTimestamp = "webhook-timestamp"
	HeaderSignature = "webhook-signature"
)

const (
	version     = "v1"
	maxIDLength = 256
)

// Headers are the three headers of a message, as they are sent.
type Headers struct {
	ID        string
	Timestamp string // seconds since 1970, decimal
	Signature string // `v1,<base64>` for each secret, separated by spaces
}

// Sign returns the headers of an attempt made at the given time, with one signature for each secret in their order. It
// fails without a secret and for an id that is empty, too long, or holds anything but visible ASCII without a full stop:
// a full stop would let two messages share one signed text.
func Sign(secrets []Secret, id string, at time.Time, body []byte) (Headers, error) {
	if len(secrets) == 0 {
		return Headers{}, errors.New("sign webhook: there is no secret")
	}
	if !validID(id) {
		return Headers{}, errors.New("sign webhook: the id is not visible ASCII without a full stop")
	}
	h := Headers{ID: id, Timestamp: strconv.FormatInt(at.Unix(), 10)}
	signatures := make([]string, len(secrets))
	for i, s := range secrets {
		signatures[i] = version + "," + base64.StdEncoding.EncodeToString(mac(s, h, body))
	}
	h.Signature = strings.Join(signatures, " ")
	return h, nil
}

// mac is HMAC-SHA-256 over `id.timestamp.body`.
func mac(s Secret, h Headers, body []byte) []byte {
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte(h.ID + "." + h.Timestamp + "."))
	m.Write(body)
	return m.Sum(nil)
}

// HexMAC returns the lower-case hexadecimal HMAC-SHA-256 of a body, keyed with the secret's text form: what platforms that
// know nothing of Standard Webhooks put into a header of theirs.
func (s Secret) HexMAC(body []byte) string {
	m := hmac.New(sha256.New, []byte(s.Reveal()))
	m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}

func validID(id string) bool {
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' || id[i] == '.' {
			return false
		}
	}
	return id != "" && len(id) <= maxIDLength
}
