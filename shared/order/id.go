package order

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"strings"
)

const (
	idPrefix = "ord_"
	idBytes  = 16
	idLength = 26 // base32 digits of 128 bits
)

// base32Lower is RFC 4648's base32 alphabet in lower case.
const base32Lower = "abcdefghijklmnopqrstuvwxyz234567"

// ID derives an order's id from whose it is and what the channel calls it, so that the same order always has the same
// id, and nobody can aim at another tenant's or another link's.
//
// The id is `ord_` and 26 lower-case base32 digits (RFC 4648 alphabet, no padding) of the first 128 bits of
// SHA-256(part tenant ‖ part link ‖ part identity[0] ‖ …), where a part is its length in bytes as a 64-bit big-endian
// number followed by its bytes.
func ID(tenant, link string, identity ...string) string {
	buf := make([]byte, 0, 256)
	buf = appendPart(appendPart(buf, tenant), link)
	for _, part := range identity {
		buf = appendPart(buf, part)
	}
	sum := sha256.Sum256(buf)
	return idPrefix + idEncoding().EncodeToString(sum[:idBytes])
}

// IsID tells whether the text has the form of an order's id. Only texts that [ID] can return do: the unused bits of the
// last digit are zero.
func IsID(text string) bool {
	digits, ok := strings.CutPrefix(text, idPrefix)
	if !ok || len(digits) != idLength || strings.ContainsAny(digits, "\r\n") {
		return false
	}
	raw, err := idEncoding().DecodeString(digits)
	return err == nil && idEncoding().EncodeToString(raw) == digits
}

func idEncoding() *base32.Encoding {
	return base32.NewEncoding(base32Lower).WithPadding(base32.NoPadding)
}

func appendPart(buf []byte, part string) []byte {
	buf = binary.BigEndian.AppendUint64(buf, uint64(len(part)))
	return append(buf, part...)
}
