package auth

import (
	"bufio"
	"context"
	"crypto/sha1" //nolint:gosec // the range service's own hash
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	breachWithin  = 2 * time.Second
	largestAnswer = 1 << 20
)

// breaches asks a service whether a password is known from a breach, by k-anonymity: the service learns the first 20 bits
// of its SHA-1 and answers with all that begin so. The protocol is that of Pwned Passwords
// (https://haveibeenpwned.com/API/v3#PwnedPasswords), which anybody may run a copy of.
type breaches struct {
	url    string // before the first five digits
	client *http.Client
}

// known tells whether the password is in a breach. An error says that it cannot be told.
func (b breaches) known(ctx context.Context, text string) (bool, error) {
	sum := sha1.Sum([]byte(text)) //nolint:gosec // see the import
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	ctx, cancel := context.WithTimeout(ctx, breachWithin)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, b.url+digits[:5], nil)
	if err != nil {
		return false, err
	}
	r.Header.Set("Add-Padding", "true") // so that the length of the answer tells nothing
	answer, err := b.client.Do(r)
	if err != nil {
		return false, err
	}
	defer answer.Body.Close() //nolint:errcheck // only read
	if answer.StatusCode != http.StatusOK {
		return false, fmt.Errorf("the breach service answers %d", answer.StatusCode)
	}
	lines := bufio.NewScanner(io.LimitReader(answer.Body, largestAnswer))
	for lines.Scan() {
		rest, count, _ := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		if strings.EqualFold(rest, digits[5:]) && count != "0" {
			return true, nil
		}
	}
	return false, lines.Err()
}
