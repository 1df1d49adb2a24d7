// Package resource reads Firestore's resource names: projects/{project}/databases/{database} and, below that,
// documents/{collection}/{document}/…, with the faults worded as the service words them.
package resource

import (
	"fmt"
	"strings"
)

// MaxID is the largest id of a collection or document, and name of a field, in bytes.
const MaxID = 1500

// MaxPath is the largest path of a document, in bytes. Google's emulator does not enforce it, production does.
const MaxPath = 6 << 10

// Kinds of names, as errors call them.
const (
	Database  = "Database name"
	Document  = "Document name"
	Parent    = "Document parent name" // a document or the root of all
	Reference = "Resource name"        // a document, in a value
)

// Split reads a name of a kind: the name of its database and the path below its documents, which is empty for databases
// and for the root. Errors are ready for a caller.
func Split(kind, name string) (database, path string, err error) {
	if strings.HasSuffix(name, "/documents/") && kind != Database {
		return "", "", fmt.Errorf("%s %q is invalid: Omit trailing \"/\".", kind, name) //nolint:revive,staticcheck // the service's words
	}
	if strings.HasSuffix(name, "/") {
		return "", "", fmt.Errorf("%s %q has invalid trailing \"/\".", kind, name) //nolint:revive,staticcheck // the service's words
	}
	s := scanner{kind: kind, name: name}
	s.literal("projects")
	s.id("project")
	s.slash()
	s.literal("databases")
	s.id("database")
	database = name[:s.at]
	if kind == Database {
		if s.at < len(name) && s.err == nil {
			s.fail("has extra characters at index %d.", s.at)
		}
		return database, "", s.err
	}
	s.slash()
	s.literal("documents")
	path = s.path()
	if s.err == nil && len(path) > MaxPath {
		s.fail("is longer than %d bytes.", MaxPath)
	}
	return database, path, s.err
}

// CheckCollection checks a collection's id.
func CheckCollection(id string) error { return check("Collection id", "kind", id) }

// CheckDocument checks a document's id.
func CheckDocument(id string) error { return check("Resource id", "name", id) }

// Reserved tells whether an id or a field's name is one that the service keeps for itself.
func Reserved(id string) bool {
	return len(id) >= 4 && strings.HasPrefix(id, "__") && strings.HasSuffix(id, "__")
}

func check(kind, element, id string) error {
	switch {
	case id == "":
		return fmt.Errorf("%s is the empty string.", kind) //nolint:revive,staticcheck // the service's words
	case strings.Contains(id, "/"):
		return fmt.Errorf("%s %q is invalid because it contains \"/\".", kind, id) //nolint:revive,staticcheck // the service's words
	case len(id) > MaxID:
		return fmt.Errorf("The key path element %s is longer than %d bytes.", element, MaxID) //nolint:revive,staticcheck // the service's words
	case id == "." || id == "..":
		return fmt.Errorf("%s %q is invalid.", kind, id) //nolint:revive,staticcheck // the service's words
	case Reserved(id) && !numeric(id):
		return fmt.Errorf("%s %q is invalid because it is reserved.", kind, id) //nolint:revive,staticcheck // the service's words
	}
	return nil
}

// numeric tells whether a reserved id is one of the numbers __id7__, which are allowed.
func numeric(id string) bool {
	digits := strings.TrimPrefix(strings.TrimSuffix(strings.TrimPrefix(id, "__id"), "__"), "-")
	return strings.HasPrefix(id, "__id") && digits != "" && strings.Trim(digits, "0123456789") == ""
}

// scanner reads a name from left to right and keeps the first fault.
type scanner struct {
	kind, name string
	at         int
	err        error
}

func (s *scanner) fail(format string, args ...any) {
	if s.err == nil {
		s.err = fmt.Errorf("%s %q "+format, append([]any{s.kind, s.name}, args...)...)
	}
}

func (s *scanner) literal(word string) {
	if s.err != nil {
		return
	}
	if !strings.HasPrefix(s.name[s.at:], word) {
		s.fail("lacks %q at index %d.", word, s.at)
		return
	}
	s.at += len(word)
	if word == "documents" {
		return
	}
	s.slash()
}

func (s *scanner) slash() {
	if s.err != nil {
		return
	}
	if s.at >= len(s.name) || s.name[s.at] != '/' {
		s.fail("lacks \"/\" at index %d.", s.at)
		return
	}
	s.at++
}

func (s *scanner) id(of string) string {
	if s.err != nil {
		return ""
	}
	id, _, _ := strings.Cut(s.name[s.at:], "/")
	switch id {
	case "":
		s.fail("lacks a %s id at index %d.", of, s.at)
	case ".", "..":
		s.fail("contains a resource id %q at index %d.", id, s.at)
	}
	s.at += len(id)
	return id
}

// path reads pairs of collection and document up to the end.
func (s *scanner) path() string {
	if s.err == nil && s.at == len(s.name) && s.kind != Parent {
		s.fail("is invalid: Omit \"/documents\" when referencing a database (except as the parent of a document).")
	}
	from := s.at + 1
	for s.err == nil && s.at < len(s.name) {
		s.slash()
		s.checked(CheckCollection)
		s.slash()
		s.checked(CheckDocument)
	}
	if s.err != nil || from > len(s.name) {
		return ""
	}
	return s.name[from:]
}

func (s *scanner) checked(check func(string) error) {
	id := s.id("resource")
	if s.err == nil {
		s.err = check(id)
	}
}
