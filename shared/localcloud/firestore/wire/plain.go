package wire

import (
	"bytes"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"ryggrad.internal/hub/shared/gcp/encode"
	"ryggrad.internal/hub/shared/localcloud/firestore/resource"
	"ryggrad.internal/hub/shared/localcloud/firestore/value"
)

// Bounds of what [Plain] takes.
const (
	minSeconds    = -62135596800 // the first second of the year 1
	maxSeconds    = 253402300799 // the last second of the year 9999
	usualFields   = 24           // what most documents and maps have at most
	microsecond   = 1000         // ns
	nanosInSecond = 1_000_000_000
)

// Plain makes [Fields] of a document's fields as a client sent them, encoded, without decoding them: what [Encode] makes
// of the same fields, checked and with times cut to microseconds. It is for what nearly every document is. Of all else (a
// reference, a vector, a name that is refused, a field twice, what is no encoding) it says false, and means nothing by it.
func Plain(sent []byte) (Fields, bool) {
	room, _ := rooms.Get().(*[]byte) // nothing else is put there
	defer rooms.Put(room)
	b, ok := appendPlain((*room)[:0], encode.DocumentFields, sent, 1)
	if cap(b) <= largestRoom {
		*room = b[:0]
	}
	if !ok {
		return nil, false
	}
	return append(make(Fields, 0, len(b)), b...), true // what is kept is as large as the document
}

// field is an entry of a map as it was sent.
type field struct{ name, value []byte }

// appendPlain appends a map's entries, sorted.
func appendPlain(b []byte, number protowire.Number, sent []byte, depth int) ([]byte, bool) {
	var room [usualFields]field
	fields := room[:0]
	for len(sent) > 0 {
		entry, rest, ok := message(sent, number)
		if !ok {
			return b, false
		}
		sent = rest
		f, ok := plainEntry(entry)
		if !ok {
			return b, false
		}
		fields = append(fields, f)
	}
	slices.SortFunc(fields, func(a, b field) int { return bytes.Compare(a.name, b.name) })
	for i, f := range fields {
		if i > 0 && bytes.Equal(fields[i-1].name, f.name) {
			return b, false
		}
		var entry, at int
		var ok bool
		b, entry = encode.Begin(b, number)
		b = encode.AppendBytes(b, encode.EntryKey, f.name)
		b, at = encode.Begin(b, encode.EntryValue)
		if b, ok = appendPlainValue(b, f.value, depth); !ok {
			return b, false
		}
		b = encode.End(encode.End(b, at), entry)
	}
	return b, true
}

// plainEntry reads an entry that is a name and a value, in this order, and nothing else.
func plainEntry(entry []byte) (f field, ok bool) {
	if f.name, entry, ok = message(entry, encode.EntryKey); !ok {
		return f, false
	}
	if f.value, entry, ok = message(entry, encode.EntryValue); !ok || len(entry) > 0 {
		return f, false
	}
	name := f.name
	return f, len(name) > 0 && len(name) <= resource.MaxID && utf8.Valid(name) && !resource.Reserved(string(name))
}

// message takes the payload of a length-delimited field, which must be next.
func message(b []byte, number protowire.Number) (payload, rest []byte, ok bool) {
	n, kind, size := protowire.ConsumeTag(b)
	if size < 0 || n != number || kind != protowire.BytesType {
		return nil, nil, false
	}
	payload, length := protowire.ConsumeBytes(b[size:])
	if length < 0 {
		return nil, nil, false
	}
	return payload, b[size+length:], true
}

// appendPlainValue appends a value of one kind, which lies depth levels deep.
func appendPlainValue(b, v []byte, depth int) ([]byte, bool) {
	number, kind, size := protowire.ConsumeTag(v)
	if size < 0 {
		return b, false
	}
	if kind != protowire.BytesType {
		return appendPlainNumber(b, number, kind, v[size:])
	}
	payload, length := protowire.ConsumeBytes(v[size:])
	if length < 0 || size+length != len(v) {
		return b, false
	}
	var at int
	ok := depth <= value.MaxDepth
	switch number {
	case String:
		return encode.AppendBytes(b, String, payload), utf8.Valid(payload)
	case Bytes:
		return encode.AppendBytes(b, Bytes, payload), true
	case Timestamp:
		return appendPlainTime(b, payload)
	case Map:
		b, at = encode.Begin(b, Map)
		if ok {
			b, ok = appendPlain(b, encode.MapFields, payload, depth+1)
		}
	case Array:
		b, at = encode.Begin(b, Array)
		if ok {
			b, ok = appendPlainElements(b, payload, depth+1)
		}
	default:
		return b, false
	}
	return encode.End(b, at), ok
}

func appendPlainNumber(b []byte, number protowire.Number, kind protowire.Type, v []byte) ([]byte, bool) {
	if kind == protowire.Fixed64Type {
		return append(protowire.AppendTag(b, number, kind), v...), number == Double && len(v) == 8
	}
	n, size := protowire.ConsumeVarint(v)
	whole := kind == protowire.VarintType && size == len(v)
	switch number {
	case Integer:
		return encode.AppendNumber(b, Integer, n), whole
	case Boolean:
		return encode.AppendNumber(b, Boolean, n), whole && n <= 1
	case Null:
		return encode.AppendNumber(b, Null, 0), whole && n == 0
	default:
		return b, false
	}
}

func appendPlainElements(b, sent []byte, depth int) ([]byte, bool) {
	for len(sent) > 0 {
		element, rest, ok := message(sent, encode.ArrayValues)
		if number, _, size := protowire.ConsumeTag(element); !ok || size < 0 || number == Array {
			return b, false
		}
		sent = rest
		var at int
		b, at = encode.Begin(b, encode.ArrayValues)
		if b, ok = appendPlainValue(b, element, depth); !ok {
			return b, false
		}
		b = encode.End(b, at)
	}
	return b, true
}

func appendPlainTime(b, sent []byte) ([]byte, bool) {
	var parts [3]int64 // by their field numbers: seconds and nanoseconds
	last := protowire.Number(0)
	for len(sent) > 0 {
		number, kind, size := protowire.ConsumeTag(sent)
		if size < 0 || kind != protowire.VarintType || number <= last || number > 2 {
			return b, false
		}
		n, length := protowire.ConsumeVarint(sent[size:])
		if length < 0 {
			return b, false
		}
		parts[number], last, sent = int64(n), number, sent[size+length:] //nolint:gosec // two's complement is the encoding
	}
	seconds, nanos := parts[1], parts[2]
	if seconds < minSeconds || seconds > maxSeconds || nanos < 0 || nanos >= nanosInSecond {
		return b, false
	}
	b, at := encode.Begin(b, Timestamp)
	return encode.End(encode.AppendTime(b, seconds, int(nanos-nanos%microsecond)), at), true
}
