package channel

import (
	"errors"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

// decode reads a payload strictly (no repeated names, valid UTF-8) but tolerates members that we do not know.
func decode(body []byte, into any) error {
	err := json.Unmarshal(body, into)
	if err == nil {
		return nil
	}
	var wrong *json.SemanticError
	if !errors.As(err, &wrong) {
		return unreadable(err)
	}
	return fault.New(fault.Invalid, "the payload is not of the documented shape").
		With(fault.Detail{Location: locate(wrong.JSONPointer), Message: "is not " + kindOf(wrong.GoType)})
}

// unreadable is the fault for bytes that are no strict JSON. The cause is left out: it can quote the payload.
func unreadable(err error) error {
	f := fault.New(fault.Malformed, "the payload is not valid JSON")
	var wrong *jsontext.SyntacticError
	if !errors.As(err, &wrong) {
		return f
	}
	message := "is not valid JSON at byte " + strconv.FormatInt(wrong.ByteOffset, 10)
	if errors.Is(err, jsontext.ErrDuplicateName) {
		message = "occurs twice"
	}
	return f.With(fault.Detail{Location: locate(wrong.JSONPointer), Message: message})
}

func kindOf(t reflect.Type) string {
	if t == nil {
		return "what it should be"
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Int64:
		return "an integer"
	case reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Pointer:
		return kindOf(t.Elem())
	default:
		return "an object"
	}
}

// locate spells a JSON pointer as a location: `/items/0/name` as `body.items[0].name`.
func locate(pointer jsontext.Pointer) string {
	var at strings.Builder
	at.WriteString("body")
	for token := range pointer.Tokens() {
		if _, err := strconv.ParseUint(token, 10, 31); err == nil {
			at.WriteString("[" + token + "]")
		} else {
			at.WriteString("." + token)
		}
		if at.Len() > 300 {
			return strings.ToValidUTF8(at.String()[:300], "") + "…"
		}
	}
	return at.String()
}

// integer reads an integer, also one written as `450.0`; null is 0.
type integer int64

// UnmarshalJSON reads the number.
func (i *integer) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*i = 0
		return nil
	}
	whole, fraction, _ := strings.Cut(string(text), ".")
	n, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strings.Trim(fraction, "0") != "" {
		return errors.New("not an integer")
	}
	*i = integer(n)
	return nil
}

// extras collects what has no field in an order, by its path in the payload.
type extras map[string]jsontext.Value

// all adds every member that an object has beyond the known ones; null says nothing and is left out.
func (e extras) all(path string, unknown map[string]jsontext.Value) {
	for name, value := range unknown {
		e.add(join(path, name), value)
	}
}

func (e extras) add(path string, value jsontext.Value) {
	if value.Kind() != 'n' && len(value) > 0 {
		e[path] = value.Clone()
	}
}

func (e extras) text(path, text string) {
	if quoted, err := jsontext.AppendQuote(nil, text); err == nil && text != "" {
		e[path] = quoted
	}
}

func (e extras) integer(path string, n integer) {
	e[path] = strconv.AppendInt(nil, int64(n), 10)
}

// join extends a path by a name, in quotes and brackets where the name could be mistaken for a path.
func join(path, name string) string {
	plain := name != "" && strings.IndexFunc(name, func(r rune) bool {
		return r != '_' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	}) < 0
	switch {
	case !plain:
		return path + "[" + strconv.Quote(name) + "]"
	case path == "":
		return name
	default:
		return path + "." + name
	}
}

// A scale turns a platform's integers, which count units of 10^-digits, into minor units of the currency.
type scale struct {
	up, down int64 // what to multiply by, then divide by
}

// newScale returns the scale from a number of decimal digits to a currency. It is false for more digits than money has.
// For an unknown currency, which the order's check refuses, it changes nothing.
func newScale(digits integer, currency order.Currency) (scale, bool) {
	exponent, known := currency.Exponent()
	if digits < 0 || digits > 6 {
		return scale{1, 1}, false
	}
	s := scale{1, 1}
	for d := int64(digits); known && d < int64(exponent); d++ {
		s.up *= 10
	}
	for d := int64(digits); known && d > int64(exponent); d-- {
		s.down *= 10
	}
	return s, true
}

// minor returns an amount in minor units and whether that is exact; if not, it is rounded half away from zero. What
// does not fit becomes too large for any order.
func (s scale) minor(wire integer) (amount int64, exact bool) {
	amount = int64(wire)
	if amount > math.MaxInt64/s.up || amount < math.MinInt64/s.up {
		return math.MaxInt64, true
	}
	amount *= s.up
	rest := amount % s.down
	amount /= s.down
	switch {
	case rest == 0:
		return amount, true
	case 2*rest >= s.down:
		return amount + 1, false
	case -2*rest >= s.down:
		return amount - 1, false
	}
	return amount, false
}

// readTime returns a platform's time as RFC 3339: as it was sent where it is, and as UTC where it has no zone.
func readTime(sent string) (order.Time, bool) {
	if _, ok := order.Time(sent).Instant(); ok {
		return order.Time(sent), true
	}
	for _, layout := range []string{"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04"} {
		if at, err := time.Parse(layout, sent); err == nil {
			return order.Time(at.Format(time.RFC3339Nano)), true
		}
	}
	return "", false
}

// proxyPhone tells that a phone number is not the guest's own: it takes an access code, or is of no use.
func proxyPhone(phone, accessCode string) bool {
	return phone != "" && (accessCode != "" || uselessPhone(phone))
}

// uselessPhone tells that nobody can be called by this: it is masked, or no number (`N/A`).
func uselessPhone(phone string) bool {
	digits := 0
	for _, r := range phone {
		if unicode.IsDigit(r) {
			digits++
		}
	}
	return digits < 5 || strings.ContainsAny(phone, "*•") || strings.Contains(strings.ToUpper(phone), "XX")
}

// proxyEmail tells that an e-mail address is not the guest's own: it is masked or none.
func proxyEmail(email string) bool {
	return email != "" && (!strings.Contains(email, "@") || strings.ContainsAny(email, "*•"))
}

// index spells a path's element.
func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// unixTime reads seconds since 1970 as a time, and an RFC 3339 time as it is.
func unixTime(n *node) order.Time {
	text := n.text()
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil && seconds > 0 && seconds < 1<<36 {
		return order.Time(time.Unix(seconds, 0).UTC().Format(time.RFC3339))
	}
	at, _ := readTime(text)
	return at
}
