// Package wire reads documents in the form in which they are stored and sent: the protocol-buffer encoding of their
// fields. A stored document is never decoded to be filtered, sorted or answered; only a write that changes single
// fields decodes it.
//
// Encodings come from [Encode] and are deterministic: names are in byte order at every level, so that equal documents
// have equal bytes. Readers take broken bytes as an end, never as a fault; the journal's checksums keep them out.
package wire

import (
	"iter"
	"strings"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"ryggrad.internal/hub/shared/gcp/encode"
)

// Fields are the fields of a document: field 2 of google.firestore.v1.Document, repeated, as encoded.
type Fields []byte

// Value is one encoded google.firestore.v1.Value.
type Value []byte

// The field numbers of the kinds of a google.firestore.v1.Value.
const (
	Boolean   = encode.Boolean
	Integer   = encode.Integer
	Double    = encode.Double
	Reference = encode.Reference
	Map       = encode.Map
	GeoPoint  = encode.GeoPoint
	Array     = encode.Array
	Timestamp = encode.Timestamp
	Null      = encode.Null
	String    = encode.String
	Bytes     = encode.Bytes
)

// Decode decodes a document's fields. The result is the caller's own; it is never nil.
func (f Fields) Decode() (map[string]*firestorepb.Value, error) {
	var d firestorepb.Document
	if err := proto.Unmarshal(f, &d); err != nil {
		return nil, err
	}
	if d.Fields == nil {
		d.Fields = map[string]*firestorepb.Value{}
	}
	return d.Fields, nil
}

// Lookup finds the value at a path of names.
func (f Fields) Lookup(path []string) (Value, bool) {
	v, ok := find(f, encode.DocumentFields, path[0])
	for _, name := range path[1:] {
		kind, _, payload := v.Kind()
		if !ok || kind != Map {
			return nil, false
		}
		v, ok = find(payload, encode.MapFields, name)
	}
	return v, ok
}

// All are the document's fields, in the byte order of their names.
func (f Fields) All() iter.Seq2[[]byte, Value] { return entries(f, encode.DocumentFields) }

// Keep returns only those of the document's top-level fields that are wanted.
func (f Fields) Keep(wanted func(name string) bool) Fields {
	var kept Fields
	for b := []byte(f); len(b) > 0; {
		_, _, n := protowire.ConsumeField(b)
		if n < 0 {
			return kept
		}
		_, _, tag := protowire.ConsumeTag(b)
		entry, _ := protowire.ConsumeBytes(b[tag:n])
		if name, _ := readEntry(entry); wanted(string(name)) {
			kept = append(kept, b[:n]...)
		}
		b = b[n:]
	}
	return kept
}

// With returns a copy that has a field of that name and value, whether or not there was one.
func (f Fields) With(name string, v Value) Fields {
	from, to := len(f), len(f) // where the field is, or belongs
	for rest := []byte(f); len(rest) > 0; {
		entry, after, ok := message(rest, encode.DocumentFields)
		if !ok {
			break
		}
		key, _ := readEntry(entry)
		if order := strings.Compare(string(key), name); order >= 0 {
			if from = len(f) - len(rest); order == 0 {
				to = len(f) - len(after)
			} else {
				to = from
			}
			break
		}
		rest = after
	}
	const heads = 16 // at most, of the entry and in it
	b := append(make(Fields, 0, len(f)+len(name)+len(v)+heads), f[:from]...)
	b, entry := encode.Begin(b, encode.DocumentFields)
	b = encode.AppendBytes(b, encode.EntryKey, []byte(name))
	b = encode.AppendBytes(b, encode.EntryValue, v)
	return append(encode.End(b, entry), f[to:]...)
}

// Kind tells a value's kind with its payload: number for booleans, integers and the bits of doubles, bytes for the rest.
func (v Value) Kind() (kind protowire.Number, number uint64, payload []byte) {
	kind, shape, n := protowire.ConsumeTag(v)
	if n < 0 {
		return 0, 0, nil
	}
	switch shape {
	case protowire.VarintType:
		number, _ = protowire.ConsumeVarint(v[n:])
	case protowire.Fixed64Type:
		number, _ = protowire.ConsumeFixed64(v[n:])
	case protowire.BytesType:
		payload, _ = protowire.ConsumeBytes(v[n:])
	default:
	}
	return kind, number, payload
}

// Elements are the elements of an array's payload.
func Elements(array []byte) iter.Seq[Value] {
	return func(yield func(Value) bool) {
		for element := range repeated(array, encode.ArrayValues) {
			if !yield(element) {
				return
			}
		}
	}
}

// Entries are the names and values of a map's payload, in the byte order of the names.
func Entries(m []byte) iter.Seq2[[]byte, Value] { return entries(m, encode.MapFields) }

func entries(message []byte, number protowire.Number) iter.Seq2[[]byte, Value] {
	return func(yield func([]byte, Value) bool) {
		for entry := range repeated(message, number) {
			if !yield(readEntry(entry)) {
				return
			}
		}
	}
}

// Numbers are the numeric fields of a small message such as a timestamp or a point, by field number; fields above 2 are
// left out.
func Numbers(message []byte) (first, second uint64) {
	for b := message; len(b) > 0; {
		number, shape, n := protowire.ConsumeTag(b)
		if n < 0 {
			return first, second
		}
		var v uint64
		var size int
		if shape == protowire.Fixed64Type {
			v, size = protowire.ConsumeFixed64(b[n:])
		} else {
			v, size = protowire.ConsumeVarint(b[n:])
		}
		if size < 0 {
			return first, second
		}
		switch number {
		case 1:
			first = v
		case 2:
			second = v
		default:
		}
		b = b[n+size:]
	}
	return first, second
}

func find(message []byte, number protowire.Number, name string) (Value, bool) {
	for entry := range repeated(message, number) {
		if key, v := readEntry(entry); string(key) == name {
			return v, true
		}
	}
	return nil, false
}

func repeated(message []byte, number protowire.Number) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for b := message; len(b) > 0; {
			at, shape, n := protowire.ConsumeTag(b)
			if n < 0 || shape != protowire.BytesType {
				return
			}
			element, size := protowire.ConsumeBytes(b[n:])
			if size < 0 || (at == number && !yield(element)) {
				return
			}
			b = b[n+size:]
		}
	}
}

func readEntry(entry []byte) (name []byte, v Value) {
	for b := entry; len(b) > 0; {
		number, shape, n := protowire.ConsumeTag(b)
		if n < 0 || shape != protowire.BytesType {
			return name, v
		}
		content, size := protowire.ConsumeBytes(b[n:])
		if size < 0 {
			return name, v
		}
		switch number {
		case encode.EntryKey:
			name = content
		case encode.EntryValue:
			v = content
		default:
		}
		b = b[n+size:]
	}
	return name, v
}
