package privacy

import (
	"bytes"
	"errors"
	"io"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/envelope/phone"
)

// texts returns the texts that a payload is made of: of a JSON object or list its strings and numbers, of anything else
// all of it, and what it says as a form.
func texts(body []byte) []string {
	whole := []string{strings.ToValidUTF8(string(body), "�")}
	for field := range strings.FieldsFuncSeq(whole[0], func(r rune) bool { return r == '&' || r == '=' }) {
		if value, err := url.QueryUnescape(field); err == nil && value != field {
			whole = append(whole, strings.ToValidUTF8(value, "�"))
		}
	}
	if start := bytes.TrimLeft(body, " \t\r\n"); len(start) == 0 || start[0] != '{' && start[0] != '[' {
		return whole
	}
	var all []string
	dec := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
	for {
		token, err := dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			return whole
		}
		if kind := token.Kind(); kind == '"' || kind == '0' {
			all = append(all, token.String())
		}
	}
}

// emailIn tells whether a text holds the address that is sought, whole.
func (s Sought) emailIn(text string) bool {
	if s.Email.Value() == "" {
		return false
	}
	text = norm.NFKC.String(strings.ToLower(norm.NFKC.String(envelope.Visible(text))))
	for {
		before, after, found := strings.Cut(text, s.Email.Value())
		if !found {
			return false
		}
		if !endsInAddress(before) && !beginsInAddress(after) {
			return true
		}
		text = after
	}
}

func endsInAddress(text string) bool {
	return text != "" && inAddress(text[len(text)-1])
}

// beginsInAddress tells whether an address would go on: a full stop ends a sentence unless a letter follows.
func beginsInAddress(text string) bool {
	text = strings.TrimLeft(text, ".")
	return text != "" && inAddress(text[0])
}

func inAddress(c byte) bool {
	return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c >= 0x80 || strings.IndexByte("_-+%@", c) >= 0
}

const (
	// nationalDigits is how many digits of a number's end are taken for the number, whose country the text does not say.
	nationalDigits = 8
	// sureDigits is how many of its last digits every spelling of a number ends with.
	sureDigits = 6
	// mostDigits are those of the longest number (E.164) with what is dialled before it.
	mostDigits = 20
)

// phoneIn tells whether a text holds the number that is sought, however it is written, and whatever numbers stand beside it.
func (s Sought) phoneIn(text string) bool {
	whole := s.Phone.Value()
	if len(whole) <= sureDigits {
		return false
	}
	groups := digitGroups(text)
	for i, first := range groups {
		digits := ""
		for j, g := range groups[i:] {
			digits += g.digits
			if j > 0 && !g.goesOn || len(digits) > mostDigits {
				break
			}
			if strings.HasSuffix(digits, whole[len(whole)-sureDigits:]) && s.isPhone(first.plus+text[first.start:g.end], digits) {
				return true
			}
		}
	}
	return false
}

func (s Sought) isPhone(written, digits string) bool {
	if c, ok := envelope.Phone(written, s.country); ok && c.Value() == s.Phone.Value() {
		return true
	}
	national := strings.TrimLeft(digits, "0")
	return len(national) >= nationalDigits && strings.HasSuffix(s.Phone.Value(), national)
}

// digitGroup is a part of a text that is nothing but digits.
type digitGroup struct {
	digits     string // as ASCII
	start, end int    // where in the text
	plus       string // `+` when one stands before it
	goesOn     bool   // between it and the group before it is only what may stand within a number
}

func digitGroups(text string) []digitGroup {
	var all []digitGroup
	inGroup, inNumber, plus := false, false, ""
	for at, r := range text {
		d := phone.Digit(r)
		switch {
		case d >= 0 && !inGroup:
			all = append(all, digitGroup{start: at, plus: plus, goesOn: inNumber})
			inGroup, inNumber, plus = true, true, ""
			fallthrough
		case d >= 0:
			g := &all[len(all)-1]
			g.digits += "0123456789"[d : d+1]
			g.end = at + utf8.RuneLen(r)
			continue
		case r == '+' || r == '＋':
			plus = "+"
		case !phone.Between(r):
			inNumber, plus = false, ""
		}
		inGroup = false
	}
	return all
}
