// Package shared holds THE table of Firestore collections: which there are, what they hold, how long, and how they can
// be queried. Go, Terraform and the backup read the same file, collections.json, so that none of them knows a
// collection that the others don't.
//
// Adding a collection: add its line to collections.json. `id` says how its documents are named, `owner` which package
// writes it, `backup` which set exports it (hot, config, keys or none), `ttl` which field Firestore deletes by,
// `erasure` what erasing a guest means for it, `single` which fields can be queried alone, `indexes` which together.
// Every other field has its automatic index switched off: ciphertext is never searched, and an index on a time that
// grows is a hot spot.
package shared

import (
	_ "embed" // for the table
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
)

//go:embed collections.json
var table []byte

// Collection is one line of the table.
type Collection struct {
	Name    string   `json:"name"`
	ID      string   `json:"id"`      // how its documents are named
	Owner   string   `json:"owner"`   // the package that writes it
	Backup  string   `json:"backup"`  // hot, config, keys or none
	TTL     string   `json:"ttl"`     // the field that Firestore deletes by, or empty
	Erasure string   `json:"erasure"` // what erasing a guest means for it
	Single  []string `json:"single"`  // the fields that can be queried alone
	Indexes []Index  `json:"indexes"` // the fields that can be queried together
}

// Lapses tells whether a document that an act made may go without one that removes it: the database deletes it when its
// time is over.
func (c Collection) Lapses() bool { return c.TTL != "" }

// Index is a composite index: field names, `-f` descending, `f[]` for array-contains. The document's name comes last by
// itself, in the direction of the field before it.
type Index []string

// Field is one field of an index.
type Field struct {
	Path       string
	Descending bool
	Contains   bool
}

// Fields returns the index's fields.
func (x Index) Fields() []Field {
	fields := make([]Field, len(x))
	for i, text := range x {
		path, contains := strings.CutSuffix(text, "[]")
		path, descending := strings.CutPrefix(path, "-")
		fields[i] = Field{Path: path, Descending: descending, Contains: contains}
	}
	return fields
}

// Collections reads the table.
func Collections() ([]Collection, error) {
	var t struct {
		Collections []Collection `json:"collections"`
	}
	if err := json.Unmarshal(table, &t, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("read collections.json: %w", err)
	}
	return t.Collections, nil
}
