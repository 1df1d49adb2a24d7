package privacy

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"

	"ryggrad.internal/hub/shared/envelope"
)

// texts returns the texts that a payload is made of: of a JSON object or list its strings and numbers, of anything else
// all of it.
func texts(body []byte) []string {
	whole := []string{strings.ToValidUTF8(string(body), "�")}
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
	text = norm.NFKC.String(strings.ToLower(norm.NFKC.String(text)))
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

// The lengths of what may be a telephone number: digits, and the bytes with what separates them.
const (
	fewestDigits = 6
	mostDigits   = 15 // E.164
	longestPhone = 40
)

// phoneIn tells whether a text holds the number that is sought, however it is written.
func (s Sought) phoneIn(text string) bool {
	if s.Phone.Value() == "" {
		return false
	}
	for _, run := range numbers(text) {
		if c, ok := envelope.Phone(run, s.country); ok && c.Value() == s.Phone.Value() {
			return true
		}
		if strings.HasSuffix(s.Phone.Value(), strings.TrimLeft(digitsOf(run), "0")) && len(strings.TrimLeft(digitsOf(run), "0")) >= nationalDigits {
			return true // the national number, whose country the text does not say
		}
	}
	return false
}

// nationalDigits is how many digits of a number's end are taken for the number.
const nationalDigits = 8

func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || '9' < r {
			return -1
		}
		return r
	}, text)
}

// numbers returns the parts of a text that may be telephone numbers.
func numbers(text string) []string {
	var all []string
	for _, run := range strings.FieldsFunc(text, func(r rune) bool {
		return !strings.ContainsRune("0123456789+()-./ \u00a0", r)
	}) {
		run = strings.TrimSpace(run)
		if n := len(digitsOf(run)); fewestDigits <= n && n <= mostDigits && len(run) <= longestPhone {
			all = append(all, run)
		}
	}
	return all
}
