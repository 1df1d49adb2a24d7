package phone

import (
	"strings"
	"unicode/utf8"
)

// maxText is the longest text that is looked at, in bytes.
const maxText = 250

// read returns the digits of a number and whether a plus led them. It takes what people and phone books put between
// digits, words before and after, as in `tel. 070 … (mobile)`, and an extension at the end.
func read(number string) (digits string, plus, ok bool) {
	if len(number) > maxText || !utf8.ValidString(number) {
		return "", false, false
	}
	var out strings.Builder
	for i, r := range number {
		d := Digit(r)
		switch {
		case d >= 0:
			out.WriteByte("0123456789"[d])
		case (r == '+' || r == '＋') && out.Len() == 0:
			plus = true
		case Between(r):
		case out.Len() == 0 && !plus: // a word before
		default:
			return out.String(), plus, out.Len() > 0 && (extension(number[i:]) || words(number[i:]))
		}
	}
	return out.String(), plus, out.Len() > 0
}

// Digit returns the value of an ASCII, full-width, Arabic-Indic or Persian digit, and -1 for anything else.
func Digit(r rune) int {
	for _, zero := range [...]rune{'0', '０', '٠', '۰'} {
		if zero <= r && r <= zero+9 {
			return int(r - zero)
		}
	}
	return -1
}

// Between tells what may stand between digits: dashes, spaces of every width, dots, brackets, slashes, tildes, and the
// invisible marks of direction that phone books copy along.
func Between(r rune) bool {
	switch {
	case '\u2000' <= r && r <= '\u2015', '\u202a' <= r && r <= '\u202f',
		'\u2066' <= r && r <= '\u2069', '－' <= r && r <= '／':
		return true
	}
	return strings.ContainsRune("- .()[]/~\t\u00a0\u00ad\u205f\u2060\u3000\ufeff\u2212\u30fc（）［］\u2053\u223c～", r)
}

// words tells whether text says nothing of a number. What stands for digits, as in 1-800-FLOWERS, leaves too short a number.
func words(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return Digit(r) >= 0 || r == '+' || r == '＋' })
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
