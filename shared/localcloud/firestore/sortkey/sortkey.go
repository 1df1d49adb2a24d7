// Package sortkey writes values as bytes whose order is Firestore's order of values: null, booleans, numbers,
// timestamps, strings, bytes, references, points, arrays, maps
// (https://cloud.google.com/firestore/native/docs/concepts/data-types#value_type_ordering). Equal values have equal
// bytes, also an integer and the double of the same size; so one encoding decides filters, orders, cursors and indexes.
//
// No key is a prefix of another key, so keys can be joined to sort by several fields, and [Invert] turns one around for
// a descending field.
package sortkey

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"ryggrad.internal/hub/shared/localcloud/firestore/wire"
)

// Kind is the first byte of a key: values of one kind compare with each other, and a range filter never leaves its kind.
type Kind byte

// The kinds, in order. Zero ends lists.
const (
	end Kind = iota
	Null
	Boolean
	Number
	Timestamp
	String
	Bytes
	Reference
	GeoPoint
	Array
	Vector
	Map
)

// KindOf is the kind of a key's value.
func KindOf(key []byte) Kind {
	if len(key) == 0 {
		return end
	}
	return Kind(key[0])
}

// NaN is the key of the number that is none, the smallest number.
func NaN() []byte { return appendNumber(nil, 0, 0) }

// IsNaN tells whether a key is that of NaN.
func IsNaN(key []byte) bool { return string(key) == string(NaN()) }

// Append appends the key of a value.
func Append(dst []byte, v wire.Value) []byte {
	kind, number, payload := v.Kind()
	switch kind {
	case wire.Boolean:
		return append(dst, byte(Boolean), byte(number&1))
	case wire.Integer:
		return appendInteger(dst, int64(number)) //nolint:gosec // two's complement, as encoded
	case wire.Double:
		return appendDouble(dst, math.Float64frombits(number))
	case wire.Timestamp:
		seconds, nanos := wire.Numbers(payload)
		dst = binary.BigEndian.AppendUint64(append(dst, byte(Timestamp)), seconds^1<<63)
		return binary.BigEndian.AppendUint32(dst, uint32(nanos)) //nolint:gosec // below 1e9
	case wire.String:
		return appendText(append(dst, byte(String)), payload)
	case wire.Bytes:
		return appendText(append(dst, byte(Bytes)), payload)
	case wire.Reference:
		return appendReference(append(dst, byte(Reference)), string(payload))
	case wire.GeoPoint:
		latitude, longitude := wire.Numbers(payload)
		dst = appendDouble(append(dst, byte(GeoPoint)), math.Float64frombits(latitude))
		return appendDouble(dst, math.Float64frombits(longitude))
	case wire.Array:
		return appendArray(append(dst, byte(Array)), payload)
	case wire.Map:
		return appendMap(dst, payload)
	default:
		return append(dst, byte(Null))
	}
}

// Invert turns a key around, so that larger values have smaller bytes.
func Invert(key []byte) {
	for i := range key {
		key[i] = ^key[i]
	}
}

func appendInteger(dst []byte, i int64) []byte {
	f := float64(i)
	rest := uint64(i) - uint64(1<<63) //nolint:gosec // wraps on purpose: f is 2^63, which no int64 holds
	if f < 1<<63 {
		rest = uint64(i - int64(f)) //nolint:gosec // small, maybe negative
	}
	return appendNumber(dst, sortable(f), rest)
}

func appendDouble(dst []byte, f float64) []byte {
	if math.IsNaN(f) {
		return appendNumber(dst, 0, 0)
	}
	return appendNumber(dst, sortable(f), 0)
}

// appendNumber writes the nearest double and what an integer is beyond it: at most 512, either way.
func appendNumber(dst []byte, double, rest uint64) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, byte(Number)), double)
	return binary.BigEndian.AppendUint16(dst, uint16(rest)^1<<15) //nolint:gosec // keeps the sign in 16 bits
}

// sortable maps doubles to integers in the same order, both zeros to one. NaN has 0, below all.
func sortable(f float64) uint64 {
	if f == 0 {
		return 1 << 63
	}
	bits := math.Float64bits(f)
	if bits>>63 == 1 {
		return ^bits
	}
	return bits | 1<<63
}

// appendText escapes NUL and ends with a mark that is smaller than every continuation.
func appendText[T string | []byte](dst []byte, s T) []byte {
	for i := range len(s) {
		dst = append(dst, s[i])
		if s[i] == 0 {
			dst = append(dst, 0xff)
		}
	}
	return append(dst, 0, 1)
}

func appendArray(dst, payload []byte) []byte {
	for element := range wire.Elements(payload) {
		dst = Append(dst, element)
	}
	return append(dst, byte(end))
}

func appendMap(dst, payload []byte) []byte {
	if vector, ok := vectorOf(payload); ok {
		return appendVector(append(dst, byte(Vector)), vector)
	}
	dst = append(dst, byte(Map))
	for name, v := range wire.Entries(payload) {
		dst = appendText(append(dst, 1), name)
		dst = Append(dst, v)
	}
	return append(dst, byte(end))
}

// vectorOf tells whether a map is a vector, as clients write one, and returns its array.
func vectorOf(m []byte) (array []byte, ok bool) {
	for name, v := range wire.Entries(m) {
		kind, _, payload := v.Kind()
		switch {
		case string(name) == "__type__" && kind == wire.String && string(payload) == "__vector__":
			ok = true
		case string(name) == "value" && ok && kind == wire.Array:
			return payload, true
		default:
			return nil, false
		}
	}
	return nil, false
}

// appendVector sorts by dimension, then by numbers.
func appendVector(dst, array []byte) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	for element := range wire.Elements(array) {
		dst = Append(dst, element)
		binary.BigEndian.PutUint32(dst[at:], binary.BigEndian.Uint32(dst[at:])+1)
	}
	return dst
}

// appendReference writes a document's full name: its database, then its path.
func appendReference(dst []byte, name string) []byte {
	database, path, _ := strings.Cut(name, "/documents/")
	return AppendPathEnd(AppendPath(appendText(dst, database), path))
}

// AppendPath appends the key of a slash-separated path of collections and documents. It is a prefix of the keys of all
// that is below the path, and of nothing else; [AppendPathEnd] makes it a key that can be joined and inverted.
func AppendPath(dst []byte, path string) []byte {
	for path != "" {
		var segment string
		segment, path, _ = strings.Cut(path, "/")
		dst = appendSegment(dst, segment)
	}
	return dst
}

// IsChild tells whether a path's key is exactly one segment below the key of another.
func IsChild(key, parent string) bool {
	rest, ok := strings.CutPrefix(key, parent)
	return ok && rest != "" && strings.Index(rest, "\x00\x01") == len(rest)-2
}

// AppendPathEnd ends a path's key.
func AppendPathEnd(dst []byte) []byte { return append(dst, 0, 0) }

// appendSegment writes an id. Ids of the form __id7__ are numbers and come before all others.
func appendSegment(dst []byte, id string) []byte {
	if number, ok := numeric(id); ok {
		var sorted [8]byte
		binary.BigEndian.PutUint64(sorted[:], uint64(number)^1<<63) //nolint:gosec // order, not value
		return appendText(append(dst, 0, 2), sorted[:])
	}
	return appendText(dst, id)
}

func numeric(id string) (int64, bool) {
	digits, ok := strings.CutPrefix(id, "__id")
	if !ok {
		return 0, false
	}
	digits, ok = strings.CutSuffix(digits, "__")
	number, err := strconv.ParseInt(digits, 10, 64)
	return number, ok && err == nil && strconv.FormatInt(number, 10) == digits
}

// FirstChild is the key of the path one segment below parent that key is at or below; key itself when it is not below.
func FirstChild(key, parent string) string {
	if end := strings.Index(key[len(parent):], "\x00\x01"); end >= 0 {
		return key[:len(parent)+end+2]
	}
	return key
}
