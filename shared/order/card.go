package order

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	cardMessage = "contains what looks like a payment card number; the hub does not take card data"
	minCard     = 12 // digits of the shortest card number (Maestro)
	maxCard     = 19 // ISO/IEC 7812
	maxGap      = 3  // separators that may stand between two digits of one number
	maxPhone    = 15 // digits of the longest phone number (E.164)
)

// CardNumber tells whether the text contains a payment card number: whole groups of digits that together have the
// prefix and length of Visa, Mastercard, American Express, Discover, Diners Club, JCB, UnionPay or Maestro and a right
// check digit (Luhn). The digits may be of any script and stand apart by spaces, dashes, dots and the like. A number
// that follows a plus sign and is no longer than a phone number is one.
func CardNumber(text string) bool {
	_, _, found := findCard(digitsOf(text))
	return found
}

// MaskCardsIn returns the text with every digit of a card number but the last four as `*`, and whether there was one.
func MaskCardsIn(text string) (string, bool) {
	digits := digitsOf(text)
	var hide []digit
	for {
		from, to, found := findCard(digits)
		if !found {
			break
		}
		hide = append(hide, digits[from:to-4]...)
		digits = digits[to:]
	}
	if len(hide) == 0 {
		return text, false
	}
	var masked strings.Builder
	rest := 0
	for _, d := range hide {
		masked.WriteString(text[rest:d.at])
		masked.WriteByte('*')
		rest = d.at + d.size
	}
	masked.WriteString(text[rest:])
	return masked.String(), true
}

// A digit is one decimal digit in a text.
type digit struct {
	value    byte
	at, size int  // where it is, in bytes
	first    bool // whether it begins a group: the digit before it, if any, is not adjacent
	alone    bool // whether it begins a run: no digit before it is near enough to belong to the same number
	plus     bool // whether a plus sign stands before it
}

// digitsOf returns the text's digits, or none when there are too few for a card number.
func digitsOf(text string) []digit {
	if few(text) {
		return nil
	}
	var digits []digit
	gap, plus, broken := 0, false, true
	for at, r := range text {
		value, ok := decimal(r)
		switch {
		case ok:
			digits = append(digits, digit{value, at, utf8.RuneLen(r), gap > 0 || broken, broken || gap > maxGap, plus})
			gap, plus, broken = 0, false, false
		case separates(r):
			gap++
		default:
			gap, broken = 0, true
		}
		if !ok {
			plus = r == '+' || r == '＋'
		}
	}
	return digits
}

// few tells cheaply that a text cannot hold a card number.
func few(text string) bool {
	n := 0
	for i := range len(text) {
		if c := text[i]; c >= '0' && c <= '9' || c >= utf8.RuneSelf {
			n++
		}
	}
	return n < minCard
}

// decimal returns the value of a decimal digit of any script. Unicode encodes each script's ten digits in a row,
// beginning with zero, so every range of the category Nd begins with a zero and holds whole tens.
func decimal(r rune) (byte, bool) {
	if r < utf8.RuneSelf {
		return byte(r - '0'), '0' <= r && r <= '9' // #nosec G115 -- used only when r is between '0' and '9'
	}
	if !unicode.IsDigit(r) {
		return 0, false
	}
	for _, in := range unicode.Nd.R16 {
		if rune(in.Lo) <= r && r <= rune(in.Hi) {
			return byte((r - rune(in.Lo)) % 10), true
		}
	}
	for _, in := range unicode.Nd.R32 {
		if rune(in.Lo) <= r && r <= rune(in.Hi) { // #nosec G115 -- Unicode ends at 0x10FFFF
			return byte((r - rune(in.Lo)) % 10), true // #nosec G115
		}
	}
	return 0, false
}

func separates(r rune) bool {
	if r < utf8.RuneSelf {
		return r == ' ' || r == '-' || r == '.' || r == '_' || r == '/' || '\t' <= r && r <= '\r'
	}
	return unicode.In(r, unicode.Zs, unicode.Pd, unicode.Cf) || r == '·' || r == '•'
}

// findCard returns the first card number among the digits, which must be whole groups of one run.
func findCard(digits []digit) (from, to int, found bool) {
	for from = range digits {
		if !digits[from].first {
			continue
		}
		end, single := min(len(digits), from+maxCard), true
		for to = from + 1; to <= end; to++ {
			if to == len(digits) || digits[to].first {
				if isCard(digits[from:to], single) {
					return from, to, true
				}
				single = false
			}
			if to < len(digits) && digits[to].alone {
				break
			}
		}
	}
	return 0, 0, false
}

func isCard(digits []digit, single bool) bool {
	n := len(digits)
	if n < minCard || n > maxCard || digits[0].plus && n <= maxPhone {
		return false
	}
	if n == 13 && !single { // Visa's old short numbers, never printed in groups, look like phone numbers in groups
		return false
	}
	return branded(digits) && luhn(digits)
}

// branded tells whether the prefix is one that a card scheme issues at this length (ISO/IEC 7812 issuer ranges as the
// schemes publish them).
func branded(digits []digit) bool {
	p4 := 0
	for _, d := range digits[:4] {
		p4 = p4*10 + int(d.value)
	}
	n, p3, p2, long := len(digits), p4/10, p4/100, len(digits) >= 16
	switch {
	case p2/10 == 4: // Visa
		return n == 13 || n == 16 || n == 19
	case 51 <= p2 && p2 <= 55, 2221 <= p4 && p4 <= 2720: // Mastercard
		return n == 16
	case p2 == 34, p2 == 37: // American Express
		return n == 15
	case 3528 <= p4 && p4 <= 3589: // JCB
		return long
	case 300 <= p3 && p3 <= 305, p4 == 3095, p2 == 36, p2 == 38, p2 == 39: // Diners Club
		return n == 14 || long
	case p4 == 6011, 644 <= p3 && p3 <= 649, p2 == 65: // Discover
		return long
	case p2 == 62, p2 == 81: // UnionPay
		return long
	}
	return maestro(p4)
}

func maestro(p4 int) bool {
	switch p4 {
	case 5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763:
		return true
	}
	return false
}

// luhn checks the last digit (ISO/IEC 7812-1, annex B).
func luhn(digits []digit) bool {
	sum := 0
	for i, d := range digits {
		v := int(d.value)
		if (len(digits)-i)%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return sum%10 == 0
}
