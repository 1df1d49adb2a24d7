package password

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"ryggrad.internal/hub/shared/fault"
)

// The lengths of passwords, in code points after normalisation.
const (
	Shortest           = 15
	ShortestWithFactor = 8 // where a second factor is enforced
	Longest            = 128
)

// MaxBytes bounds what is looked at before normalisation: [Longest] code points of any kind, decomposed.
const MaxBytes = 4096

// leastOwn is how much of a password must be neither context words nor a repetition.
const leastOwn = 8

// Rules are what a password is checked by.
type Rules struct {
	Location     string   // of the password in the request, for details
	SecondFactor bool     // whether one is enforced for the person
	Words        []string // that the person's surroundings suggest; see [Words]
}

// Check tells everything that is wrong with a new password, as one [fault.Invalid]. It never repeats the password.
func Check(text string, r Rules) error {
	found := r.length(text)
	if len(found) == 0 {
		found = r.guessable(fold(text))
	}
	if len(found) == 0 {
		return nil
	}
	details := make([]fault.Detail, len(found))
	for i, message := range found {
		details[i] = fault.Detail{Location: r.Location, Message: message}
	}
	return fault.New(fault.Invalid, "this cannot be a password").With(details...)
}

func (r Rules) length(text string) []string {
	shortest := Shortest
	if r.SecondFactor {
		shortest = ShortestWithFactor
	}
	if len(text) > MaxBytes || !utf8.ValidString(text) {
		return []string{fmt.Sprintf("must be at most %d characters of UTF-8", Longest)}
	}
	if n := utf8.RuneCountInString(Normal(text)); n < shortest || n > Longest {
		return []string{fmt.Sprintf("must have %d to %d characters; a few words in a row are easy to keep in mind", shortest, Longest)}
	}
	return nil
}

// guessable looks for what guessers try first in a folded password.
func (r Rules) guessable(text string) []string {
	var found []string
	own := text
	for _, w := range r.Words {
		own = strings.ReplaceAll(own, fold(w), "")
	}
	if own != text && utf8.RuneCountInString(trim(own)) < leastOwn {
		found = append(found, "is mostly made of your name, your address, your company's name or ours")
	}
	unit := period(text)
	if unit != text && utf8.RuneCountInString(unit) < leastOwn || isRun(text) {
		found = append(found, "repeats or counts the same few characters")
	}
	tries := []string{text, trim(text), own, trim(own), unit, trim(unit), period(trim(text))}
	if slices.ContainsFunc(tries, Common) {
		found = append(found, "is among the passwords that guessers try first")
	}
	return found
}

// Normal returns the form in which a password is counted and hashed: NFKC.
func Normal(text string) string { return norm.NFKC.String(text) }

// fold is how passwords are compared with what guessers try; never how they are hashed.
func fold(text string) string { return strings.ToLower(Normal(text)) }

// trim takes digits, signs and spaces off both ends.
func trim(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return !unicode.IsLetter(r) })
}

// period returns the shortest text that, repeated, begins with all of this one, and the text itself if it repeats
// nothing at least twice.
func period(text string) string {
	all := []rune(text)
	for n := 1; n <= len(all)/2; n++ {
		if repeats(all, n) {
			return string(all[:n])
		}
	}
	return period2(all, text)
}

// period2 finds a beginning of more than half that starts over: `12345678901234`.
func period2(all []rune, text string) string {
	for n := len(all)/2 + 1; n <= len(all)*3/4; n++ {
		if repeats(all, n) {
			return string(all[:n])
		}
	}
	return text
}

func repeats(all []rune, n int) bool {
	for i := n; i < len(all); i++ {
		if all[i] != all[i-n] {
			return false
		}
	}
	return true
}

// isRun tells whether every character is its neighbour's next, before or same.
func isRun(text string) bool {
	all := []rune(text)
	for i := 2; i < len(all); i++ {
		if all[i]-all[i-1] != all[1]-all[0] {
			return false
		}
	}
	return len(all) < 2 || all[1]-all[0] >= -1 && all[1]-all[0] <= 1
}

// Words returns the context words of a person: the parts of the given texts, such as their address, name and tenant, of at
// least three letters or digits, and the hub's name.
func Words(texts ...string) []string {
	words := []string{"ryggrad"}
	for _, t := range texts {
		for _, w := range strings.FieldsFunc(fold(t), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if utf8.RuneCountInString(w) >= 3 && !slices.Contains(words, w) {
				words = append(words, w)
			}
		}
	}
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) }) // the longest first, so that none hides another
	return words
}
