package phone

import (
	"strings"
	"unicode/utf8"
)

// maxText is the longest text that is looked at, in bytes.
const maxText = 250

// read returns the digits of a number and whether a plus led them. It takes what people and phone books put between
// digits, and an extension at the end.
func read(number string) (digits string, plus, ok bool) {
	if len(number) > maxText || !utf8.ValidString(number) {
		return "", false, false
	}
	number = strings.TrimPrefix(number, "tel:")
	var out strings.Builder
	for i, r := range number {
		d := digit(r)
		switch {
		case d >= 0:
			out.WriteByte("0123456789"[d])
		case (r == '+' || r == '＋') && out.Len() == 0:
			plus = true
		case between(r):
		default:
			return out.String(), plus, out.Len() > 0 && extension(number[i:])
		}
	}
	return out.String(), plus, out.Len() > 0
}

// digit returns the value of an ASCII, full-width, Arabic-Indic or Persian digit, and -1 for anything else.
func digit(r rune) int {
	for _, zero := range [...]rune{'0', '０', '٠', '۰'} {
		if zero <= r && r <= zero+9 {
			return int(r - zero)
		}
	}
	return -1
}

// between tells what may stand between digits: dashes, spaces, dots, brackets, slashes, tildes, and the invisible marks
// of direction that phone books copy along.
func between(r rune) bool {
	switch {
	case '\u2010' <= r && r <= '\u2015', '\u200b' <= r && r <= '\u200f', '\u202a' <= r && r <= '\u202e',
		'\u2066' <= r && r <= '\u2069', '－' <= r && r <= '／':
		return true
	}
	return strings.ContainsRune("- .()[]/~\t\u00a0\u00ad\u2060\u3000\u2212\u30fc（）［］\u2053\u223c～", r)
}

// extension tells whether text is an extension and nothing else, as in ` ext. 12`, `x12`, `;ext=12` or `,,12#`.
func extension(text string) bool {
	text = strings.ToLower(strings.TrimRight(text, " #"))
	for _, label := range [...]string{";ext=", "extension", "extn", "ext", "x", "#", ",", ";"} {
		if after, found := strings.CutPrefix(text, label); found {
			text = after
			break
		}
	}
	text = strings.TrimLeft(text, " .:,;-")
	return text != "" && len(text) <= 20 && strings.Trim(text, "0123456789") == ""
}
