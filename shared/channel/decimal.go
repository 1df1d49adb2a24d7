package channel

import (
	"math"
	"strconv"
	"strings"
)

// A decimal is a number as digits and a power of ten, read from text and never through a float: digits × 10^exponent.
type decimal struct {
	negative bool
	digits   string // without leading zeros; "" is zero
	exponent int
}

// maxExponent bounds the powers of ten that a number may be written with.
const maxExponent = 100

// parseDecimal reads `9`, `-9.50`, `+9.5`, `1e3`.
func parseDecimal(text string) (decimal, bool) {
	var d decimal
	text = strings.TrimSpace(text)
	mantissa, power, scientific := strings.Cut(strings.ToLower(text), "e")
	if scientific {
		e, err := strconv.Atoi(power)
		if err != nil || e < -maxExponent || e > maxExponent {
			return d, false
		}
		d.exponent = e
	}
	d.negative = strings.HasPrefix(mantissa, "-")
	mantissa = strings.TrimPrefix(strings.TrimPrefix(mantissa, "-"), "+")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := whole + fraction
	if digits == "" || strings.Trim(digits, "0123456789") != "" || d.negative && strings.HasPrefix(text, "-+") {
		return d, false
	}
	d.exponent -= len(fraction)
	d.digits = strings.TrimLeft(digits, "0")
	return d, true
}

// scaled returns the number times 10^by as an integer and whether that is exact; if not, it is rounded half away from
// zero. What does not fit becomes too large for any order.
func (d decimal) scaled(by int) (n int64, exact bool) {
	digits, shift := d.digits, d.exponent+by
	exact = true
	if shift < 0 {
		cut := min(-shift, len(digits))
		rest := digits[len(digits)-cut:]
		exact = strings.Trim(rest, "0") == ""
		up := -shift <= len(digits) && rest >= "5"
		digits = digits[:len(digits)-cut]
		shift = 0
		n = 0
		if up {
			n = 1
		}
	}
	if digits != "" {
		whole, err := strconv.ParseInt(digits+strings.Repeat("0", shift), 10, 64)
		if err != nil || whole == math.MaxInt64 {
			return math.MaxInt64, true
		}
		n += whole
	}
	if d.negative {
		n = -n
	}
	return n, exact
}

// times multiplies two numbers, which must be short enough to be a price and a quantity.
func (d decimal) times(other decimal) (decimal, bool) {
	a, errA := strconv.ParseInt("0"+d.digits, 10, 64)
	b, errB := strconv.ParseInt("0"+other.digits, 10, 64)
	if errA != nil || errB != nil || a != 0 && b > math.MaxInt64/a {
		return decimal{}, false
	}
	return decimal{
		negative: d.negative != other.negative,
		digits:   strings.TrimLeft(strconv.FormatInt(a*b, 10), "0"),
		exponent: d.exponent + other.exponent,
	}, true
}

// digitsOf returns the digits of an integer, without its sign.
func digitsOf(n int64) string {
	return strings.TrimLeft(strings.TrimPrefix(strconv.FormatInt(n, 10), "-"), "0")
}
