package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"
)

// The fields of a document that [HashDocument] leaves out, because they cannot be known when it is hashed: the newest
// entry's hash, which comes after, and the time that the database sets.
const (
	FieldEntry     = "entry"
	FieldUpdatedAt = "updatedAt"
)

// The tags of values in a document's hash. They are part of the format: never renumber.
const (
	tagNull   = 'n'
	tagFalse  = 'f'
	tagTrue   = 't'
	tagInt    = 'i'
	tagDouble = 'd'
	tagText   = 's'
	tagBytes  = 'b'
	tagTime   = 'T'
	tagArray  = 'a'
	tagMap    = 'm'
)

// HashDocument returns the SHA-256 of a document's fields without [FieldEntry] and [FieldUpdatedAt] at its top level.
//
// The fields are hashed as a map. Every value is a tag byte and then: nothing for null and booleans; 8 big-endian bytes
// for an integer, for a double's bits and for a time's microseconds since 1970; an 8-byte big-endian length and the
// bytes for text and bytes; an 8-byte count and the values for an array; an 8-byte count and, sorted by name, each name
// as text and its value for a map. Values of any other Go type than the ones Firestore gives back (nil, bool, int64,
// float64, string, []byte, [time.Time], []any, map[string]any) are refused, so that what is hashed before a write is
// what will be read after it.
func HashDocument(fields map[string]any) (Hash, error) {
	e := encoder{bytes: make([]byte, 0, usualDocument)}
	if err := e.fields(fields, FieldEntry, FieldUpdatedAt); err != nil {
		return Hash{}, err
	}
	return sha256.Sum256(e.bytes), nil
}

const usualDocument = 2 << 10 // bytes that most documents' values take here

// encoder gathers a document's bytes, to be hashed in one go.
type encoder struct{ bytes []byte }

func (e *encoder) value(v any) error {
	switch v := v.(type) {
	case nil:
		e.bytes = append(e.bytes, tagNull)
	case bool:
		e.boolean(v)
	case int64:
		e.number(tagInt, uint64(v)) //nolint:gosec // the two's complement bits are what is meant
	case float64:
		e.number(tagDouble, math.Float64bits(v))
	case string:
		e.number(tagText, uint64(len(v)))
		e.bytes = append(e.bytes, v...)
	case []byte:
		e.number(tagBytes, uint64(len(v)))
		e.bytes = append(e.bytes, v...)
	case time.Time:
		e.number(tagTime, uint64(v.UnixMicro()))
	case []any:
		return e.array(v)
	case map[string]any:
		return e.fields(v)
	default:
		return fmt.Errorf("hash a document: a %T is not a value of it", v)
	}
	return nil
}

func (e *encoder) boolean(v bool) {
	if v {
		e.bytes = append(e.bytes, tagTrue)
	} else {
		e.bytes = append(e.bytes, tagFalse)
	}
}

func (e *encoder) number(tag byte, n uint64) {
	e.bytes = binary.BigEndian.AppendUint64(append(e.bytes, tag), n)
}

func (e *encoder) array(v []any) error {
	e.number(tagArray, uint64(len(v)))
	for _, one := range v {
		if err := e.value(one); err != nil {
			return err
		}
	}
	return nil
}

// fields appends a map without the names that are left out.
func (e *encoder) fields(v map[string]any, without ...string) error {
	names := make([]string, 0, len(v))
	for name := range v {
		if !slices.Contains(without, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	e.number(tagMap, uint64(len(names)))
	for _, name := range names {
		e.number(tagText, uint64(len(name)))
		e.bytes = append(e.bytes, name...)
		if err := e.value(v[name]); err != nil {
			return err
		}
	}
	return nil
}
