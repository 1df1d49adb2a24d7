package delivery

import (
	"html"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"
)

// The bounds of what the log of a delivery keeps.
const (
	maxRequest = 2048 // bytes of the message, masked
	maxAnswer  = 512  // bytes of an answer, masked
)

// mask stands for what the log does not keep.
const mask = "•••"

// personal is what looks like an e-mail address, a telephone or card number, a token or a signing secret.
var personal = regexp.MustCompile(`[^\s@"'<>]+@[^\s@"'<>]+|\+?\d(?:[\d \-./()]{4,}\d)|(?i:bearer)\s+\S+|whsec_\S+`)

// Masked returns what may be kept of a text from outside: spelled out, cut, in one line, without what looks like a contact, a
// number of a person or a token, and without the words given, which the hub knows to be the guest's.
func Masked(text string, guest []string, limit int) string {
	if len(text) > limit { // it may have been cut in the middle of a letter
		text = cutEscape.ReplaceAllString(text, "")
	}
	text = spelledOut(text)
	for _, word := range guest {
		if word = norm.NFC.String(strings.TrimSpace(word)); utf8.RuneCountInString(word) > 1 {
			text = maskEnd(replaceFold(text, word), word)
		}
	}
	return cut(personal.ReplaceAllString(text, mask), limit)
}

// escapes are the ways in which JSON and addresses spell letters.
var escapes = regexp.MustCompile(`(?:\\u[0-9a-fA-F]{4})+|(?:%[0-9a-fA-F]{2})+`)

// cutEscape is the beginning of one of them at the end of a text.
var cutEscape = regexp.MustCompile(`\\(?:u[0-9a-fA-F]{0,3})?$|%[0-9a-fA-F]?$|&#?\w{0,8}$`)

// spelledOut returns a text with its letters as they are read, however JSON, HTML or a form spell them: many a program
// answers with `\u00c5sa` for Åsa.
func spelledOut(text string) string {
	text = escapes.ReplaceAllStringFunc(text, func(escaped string) string {
		var plain string
		var err error
		if escaped[0] == '%' {
			plain, err = url.PathUnescape(escaped)
		} else {
			err = json.Unmarshal([]byte(`"`+escaped+`"`), &plain, jsontext.AllowInvalidUTF8(true))
		}
		if err != nil {
			return mask
		}
		return strings.ToValidUTF8(plain, mask)
	})
	return norm.NFC.String(html.UnescapeString(text))
}

// cut shortens a text and puts it in one line.
func cut(text string, limit int) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}

// maskEnd masks the beginning of a word where the text ends within it: what was read of an answer ends somewhere.
func maskEnd(text, word string) string {
	for end := len(word) - 1; end > 1; end-- {
		if begun := len(text) - end; begun >= 0 && utf8.RuneStart(word[end]) && strings.EqualFold(text[begun:], word[:end]) {
			return text[:begun] + mask
		}
	}
	return text
}

// replaceFold masks every occurrence of a word, in capitals or not.
func replaceFold(text, word string) string {
	return regexp.MustCompile("(?i)"+regexp.QuoteMeta(word)).ReplaceAllString(text, mask)
}
