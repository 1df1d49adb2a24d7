package identity

import (
	"fmt"
	"io"
	"strings"
)

// The prefixes of the ids of this package's records.
const (
	TenantPrefix   = "ten_"
	LocationPrefix = "loc_"
	LinkPrefix     = "lnk_"
	ClientPrefix   = "cli_"
)

// NewID returns the prefix and 128 random bits as 26 characters of lower-case base32. The same prefix and bytes give
// the same id.
func NewID(prefix string, random io.Reader) (string, error) {
	var raw [16]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		return "", fmt.Errorf("read random bytes for an id: %w", err)
	}
	return prefix + lowerBase32().EncodeToString(raw[:]), nil
}

// WellFormed tells whether id is one that [NewID] may have made with the prefix, so that nothing else reaches a look-up.
func WellFormed(prefix, id string) bool {
	if len(id) != len(prefix)+26 || id[:len(prefix)] != prefix {
		return false
	}
	_, err := lowerBase32().DecodeString(id[len(prefix):])
	return err == nil && !strings.ContainsAny(id, "\r\n") // which the decoder passes over
}
