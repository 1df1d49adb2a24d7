package order

import (
	"slices"
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
//
// Nothing tells a card number from another number of that form: of random numbers with 16 digits about 3 in 100 look like
// one, of mobile numbers that begin with 49 and have 13 digits, joined and without a plus, 10 in 100; of UUIDs about 1 in
// 10,000. That is why only free text is searched.
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

// digitsOf returns the text's digits in runs that are long enough for a card number.
func digitsOf(text string) []digit {
	if few(text) {
		return nil
	}
	var digits []digit
	gap, plus, broken, run := 0, false, true, 0
	for at, r := range text {
		value, ok := decimal(r)
		switch {
		case ok:
			alone := broken || gap > maxGap
			if alone {
				digits = longRun(digits, run)
				run = len(digits)
			}
			digits = append(digits, digit{value, at, utf8.RuneLen(r), gap > 0 || alone, alone, plus})
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
	return longRun(digits, run)
}

// longRun drops the digits' last run, which begins at the given index, when it is too short for a card number.
func longRun(digits []digit, run int) []digit {
	if len(digits)-run < minCard {
		return digits[:run]
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
		return byte(r) - '0', '0' <= r && r <= '9' // #nosec G115 -- ASCII
	}
	if !unicode.IsDigit(r) {
		return 0, false
	}
	for _, in := range unicode.Nd.R16 {
		if rune(in.Lo) <= r && r <= rune(in.Hi) {
			return byte((r - rune(in.Lo)) % 10), true // #nosec G115 -- below 10
		}
	}
	for _, in := range unicode.Nd.R32 {
		if rune(in.Lo) <= r && r <= rune(in.Hi) { // #nosec G115 -- Unicode ends at 0x10FFFF
			return byte((r - rune(in.Lo)) % 10), true // #nosec G115 -- below 10
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
	return luhn(digits) && branded(digits)
}

// An issuer is a range of card numbers: by their first four digits and by how many they have.
type issuer struct{ low, high, shortest, longest int }

// issuers are the ranges that the schemes issue from, as they publish them (ISO/IEC 7812 issuer numbers).
func issuers() []issuer {
	return []issuer{
		{4000, 4999, 13, 13}, {4000, 4999, 16, 16}, {4000, 4999, 19, 19}, // Visa
		{5100, 5599, 16, 16}, {2221, 2720, 16, 16}, // Mastercard
		{3400, 3499, 15, 15}, {3700, 3799, 15, 15}, // American Express
		{6011, 6011, 16, 19}, {6440, 6599, 16, 19}, // Discover
		{3000, 3059, 14, 14}, {3000, 3059, 16, 19}, {3095, 3095, 14, 14}, {3095, 3095, 16, 19}, // Diners Club
		{3600, 3699, 14, 14}, {3600, 3699, 16, 19}, {3800, 3999, 14, 14}, {3800, 3999, 16, 19}, // Diners Club
		{3528, 3589, 16, 19},                       // JCB
		{6200, 6299, 16, 19}, {8100, 8199, 16, 19}, // UnionPay
		{5018, 5018, 12, 19}, {5020, 5020, 12, 19}, {5038, 5038, 12, 19}, {5893, 5893, 12, 19}, // Maestro
		{6304, 6304, 12, 19}, {6759, 6759, 12, 19}, {6761, 6763, 12, 19}, // Maestro
	}
}

// branded tells whether some scheme issues numbers of this prefix and length.
func branded(digits []digit) bool {
	first := 0
	for _, d := range digits[:4] {
		first = first*10 + int(d.value)
	}
	return slices.ContainsFunc(issuers(), func(i issuer) bool {
		return i.low <= first && first <= i.high && i.shortest <= len(digits) && len(digits) <= i.longest
	})
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
