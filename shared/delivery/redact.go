package delivery

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
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

// Masked returns what may be kept of a text from outside: cut, in one line, without what looks like a contact, a number of
// a person or a token, and without the words given, which the hub knows to be the guest's.
func Masked(text string, guest []string, limit int) string {
	for _, word := range guest {
		if utf8.RuneCountInString(strings.TrimSpace(word)) > 1 {
			text = replaceFold(text, strings.TrimSpace(word))
		}
	}
	return cut(personal.ReplaceAllString(text, mask), limit)
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

// replaceFold masks every occurrence of a word, in capitals or not.
func replaceFold(text, word string) string {
	return regexp.MustCompile("(?i)"+regexp.QuoteMeta(word)).ReplaceAllString(text, mask)
}
