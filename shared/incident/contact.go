package incident

import (
	"fmt"
	"strings"
	"time"
)

// Contact is whom to tell of a weakness, as RFC 9116 has it.
type Contact struct {
	Address    string    // a URI: https, mailto or tel
	Expires    time.Time // when somebody must have looked at this again
	Encryption string    // the URI of a key, or ""
	Policy     string    // the URI of the rules, or ""
	Canonical  string    // the URI of the file itself
	Languages  string    // as in `en, sv`; "" says nothing
}

// Text returns the file, with the lines in the order of the RFC's own example.
func (c Contact) Text() string {
	var b strings.Builder
	for _, field := range [][2]string{
		{"Contact", c.Address}, {"Expires", c.Expires.UTC().Format(time.RFC3339)}, {"Encryption", c.Encryption},
		{"Preferred-Languages", c.Languages}, {"Canonical", c.Canonical}, {"Policy", c.Policy},
	} {
		if field[1] != "" {
			fmt.Fprintf(&b, "%s: %s\n", field[0], field[1])
		}
	}
	return b.String()
}

// DaysLeft returns for how many whole days the file still holds.
func (c Contact) DaysLeft(now time.Time) int64 { return int64(c.Expires.Sub(now) / (24 * time.Hour)) }
