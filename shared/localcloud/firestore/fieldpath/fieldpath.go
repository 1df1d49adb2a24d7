// Package fieldpath reads and writes Firestore's field paths: names joined by dots, where a name that is no plain
// identifier stands in backticks, with backslash escaping backtick and backslash
// (https://cloud.google.com/firestore/docs/reference/rpc/google.firestore.v1#document).
package fieldpath

import (
	"errors"
	"fmt"
	"strings"
)

// Path is the names from a document's root to a value. It is never empty.
type Path []string

// Name is the path of the document's own name in queries.
const Name = "__name__"

var errEmpty = errors.New("Invalid empty property path string.") //nolint:revive,staticcheck // the service's own words

// Parse reads a path. Errors are worded as the service words them, ready for a caller.
func Parse(s string) (Path, error) {
	if s == "" {
		return nil, errEmpty
	}
	path, rest := Path{}, s
	for {
		name, after, ok := segment(rest)
		if !ok {
			return nil, invalid(s)
		}
		path = append(path, name)
		if after == "" {
			return path, nil
		}
		if after[0] != '.' {
			return nil, invalid(s)
		}
		rest = after[1:]
	}
}

func invalid(s string) error {
	return fmt.Errorf("Invalid property path %q. Unquoted property paths must match regex ([a-zA-Z_][a-zA-Z_0-9]*), "+ //nolint:staticcheck // the service's own words
		"and quoted property paths must match regex (`(?:[^`\\\\]|(?:\\\\.))+`)", s)
}

func segment(s string) (name, rest string, ok bool) {
	if strings.HasPrefix(s, "`") {
		return quoted(s[1:])
	}
	end := strings.IndexByte(s, '.')
	if end < 0 {
		end = len(s)
	}
	return s[:end], s[end:], plain(s[:end])
}

func quoted(s string) (name, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '`':
			return b.String(), s[i+1:], b.Len() > 0
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}

func plain(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// String writes the path so that [Parse] reads it back.
func (p Path) String() string {
	parts := make([]string, len(p))
	for i, name := range p {
		parts[i] = name
		if !plain(name) {
			parts[i] = "`" + strings.NewReplacer("\\", "\\\\", "`", "\\`").Replace(name) + "`"
		}
	}
	return strings.Join(parts, ".")
}

// IsName tells whether the path is the document's own name.
func (p Path) IsName() bool { return len(p) == 1 && p[0] == Name }
