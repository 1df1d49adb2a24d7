package backup

import (
	"regexp"
	"time"
)

// parts is how many parts documents are shared out into by their field `us`.
const parts = 16

// ChangesBy are the fields of the index by which changes of a collection are found. A collection without such an index
// is small, and is in every run whole.
func ChangesBy() []string { return []string{"us", "updatedAt"} }

// Range is a range of documents' ids: from From on, before To. An empty To has no end.
type Range struct{ From, To string }

// The alphabets of ids, in their order.
const (
	base32Alphabet = "234567abcdefghijklmnopqrstuvwxyz"
	hexAlphabet    = "0123456789abcdef"
)

var drawn = regexp.MustCompile(`^([a-z]+_) \+ 128`)

// Ranges cuts a collection into as many ranges as there are shards, by the rule of its ids in collections.json. The
// ranges hold every id, whatever the rule; if they are not the rule's, some ranges are only larger. Where ids cannot be
// cut, all but the first range are missing.
func Ranges(rule string, shards int) []Range {
	var prefix, alphabet string
	switch m := drawn.FindStringSubmatch(rule); {
	case m != nil:
		prefix, alphabet = m[1], base32Alphabet
	case len(rule) >= 7 && rule[:7] == "SHA-256":
		alphabet = hexAlphabet
	case len(rule) >= 12 && rule[:12] == "the order's ":
		prefix, alphabet = "ord_", base32Alphabet
	default:
		return []Range{{}}
	}
	ranges := make([]Range, shards)
	for i := 1; i < shards; i++ {
		at := prefix + alphabet[i*len(alphabet)/shards:][:1]
		ranges[i-1].To, ranges[i].From = at, at
	}
	return ranges
}

// PartsOf returns the parts, by the field `us`, that a shard of so many looks through for changes.
func PartsOf(shard, shards int) []int64 {
	var mine []int64
	for us := range int64(parts) {
		if int(us)*shards/parts == shard {
			mine = append(mine, us)
		}
	}
	return mine
}

// Cursor is where a shard goes on. The zero Cursor is its beginning.
type Cursor struct {
	Collection string    `json:"collection,omitempty"` // of the document before
	Part       int64     `json:"part,omitempty"`       // the field `us`, when changes are looked for
	At         time.Time `json:"at,omitzero"`          // its time, likewise
	ID         string    `json:"id,omitempty"`         // its id
	Done       bool      `json:"done,omitempty"`       // there is nothing after it
}
