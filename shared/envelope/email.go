package envelope

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxEmail is the longest address, in bytes (RFC 5321, 4.5.3.1.3, without the angle brackets).
const maxEmail = 254

// Visible returns a text without what nobody sees of it, such as the joiners and marks of direction that come along when
// something is copied from a page.
func Visible(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text)
}

// Email returns an e-mail address in the form under which it is looked up: NFKC, lower case, without surrounding space and
// invisible characters.
// Dots, `+` tags and aliases stay, since what they mean is the mail provider's affair. It is not ok for what is no
// address: without exactly one `@` between two parts, too long, or with space or control characters inside.
func Email(address string) (c Contact, ok bool) {
	if !utf8.ValidString(address) || len(address) > 4*maxEmail {
		return Contact{}, false
	}
	normal := norm.NFKC.String(strings.ToLower(norm.NFKC.String(strings.TrimSpace(Visible(address)))))
	local, domain, ok := strings.Cut(normal, "@")
	if !ok || local == "" || domain == "" || len(normal) > maxEmail || strings.ContainsFunc(normal, notInAddress) ||
		strings.Contains(domain, "@") {
		return Contact{}, false
	}
	return Contact{kind: emailContact, value: normal}, true
}

func notInAddress(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || r == utf8.RuneError
}
