package password

import (
	"encoding/base32"
	"fmt"
	"io"
)

// initialSize is how random an initial password is: 100 bits, as four groups of five characters.
const initialSize = 13

// Initial makes a password for somebody's first login: easy to read out and to type, impossible to guess.
func Initial(random io.Reader) (string, error) {
	var raw [initialSize]byte
	if _, err := io.ReadFull(random, raw[:]); err != nil {
		return "", fmt.Errorf("read random bytes for a password: %w", err)
	}
	text := base32.NewEncoding("abcdefghijkmnpqrstuvwxyz23456789").WithPadding(base32.NoPadding).EncodeToString(raw[:])
	return text[:5] + "-" + text[5:10] + "-" + text[10:15] + "-" + text[15:20], nil
}
