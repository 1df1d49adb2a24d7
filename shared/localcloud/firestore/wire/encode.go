package wire

import (
	"errors"
	"math"
	"slices"
	"sync"
	"unicode/utf8"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var (
	errText = errors.New("a text is not UTF-8")
	errKind = errors.New("a value of a kind that is not stored")
)

// rooms are where documents are encoded before it is known how large they are.
var rooms = sync.Pool{New: func() any { return new([]byte) }} //nolint:gochecknoglobals // memory that nobody shares

const largestRoom = 64 << 10 // bytes that are kept for the next document

// Encode encodes a document's fields: the bytes of proto's deterministic marshalling, without its reflection, which is
// what writing a document cost most. What a value holds beyond the fields that are known is left out.
func Encode(values map[string]*firestorepb.Value) (Fields, error) {
	if len(values) == 0 {
		return nil, nil
	}
	room, _ := rooms.Get().(*[]byte) // nothing else is put there
	b, err := appendEntries((*room)[:0], documentFields, values)
	if err != nil {
		return nil, err
	}
	fields := slices.Clone(b) // what is kept is as large as the document
	if cap(b) <= largestRoom {
		*room = b
	}
	rooms.Put(room)
	return fields, nil
}

// EncodeValue encodes one value.
func EncodeValue(v *firestorepb.Value) (Value, error) { return appendValue(nil, v) }

// appendEntries appends a map of values as the entries of a field, in the byte order of their names.
func appendEntries(b []byte, number protowire.Number, fields map[string]*firestorepb.Value) ([]byte, error) {
	names := make([]string, 0, len(fields))
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		var entry, value int
		var err error
		b, entry = begin(b, number)
		if b, err = appendText(b, entryKey, name); err != nil {
			return nil, err
		}
		b, value = begin(b, entryValue)
		if b, err = appendValue(b, fields[name]); err != nil {
			return nil, err
		}
		b = end(end(b, value), entry)
	}
	return b, nil
}

// begin appends the head of a field that holds a message, with room for a short length; end fills that in.
func begin(b []byte, number protowire.Number) (_ []byte, at int) {
	b = append(protowire.AppendTag(b, number, protowire.BytesType), 0)
	return b, len(b)
}

func end(b []byte, at int) []byte {
	size := uint64(len(b) - at) //nolint:gosec // never negative
	if size < 0x80 {
		b[at-1] = byte(size)
		return b
	}
	var length [10]byte
	more := protowire.AppendVarint(length[:0], size)
	b[at-1] = more[0]
	return slices.Insert(b, at, more[1:]...)
}

func appendText(b []byte, number protowire.Number, text string) ([]byte, error) {
	if !utf8.ValidString(text) {
		return nil, errText
	}
	return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), text), nil
}

func appendValue(b []byte, v *firestorepb.Value) (_ []byte, err error) {
	var at int
	switch k := v.GetValueType().(type) {
	case nil:
		return b, nil
	case *firestorepb.Value_ReferenceValue:
		return appendText(b, Reference, k.ReferenceValue)
	case *firestorepb.Value_StringValue:
		return appendText(b, String, k.StringValue)
	case *firestorepb.Value_MapValue:
		b, at = begin(b, Map)
		b, err = appendEntries(b, mapFields, k.MapValue.GetFields())
	case *firestorepb.Value_ArrayValue:
		b, at = begin(b, Array)
		b, err = appendElements(b, k.ArrayValue.GetValues())
	case *firestorepb.Value_TimestampValue:
		b, at = begin(b, Timestamp)
		b = appendTime(b, k.TimestampValue)
	case *firestorepb.Value_GeoPointValue:
		b, at = begin(b, GeoPoint)
		b = appendPoint(b, k.GeoPointValue)
	default:
		return appendScalar(b, v)
	}
	if err != nil {
		return nil, err
	}
	return end(b, at), nil
}

func appendScalar(b []byte, v *firestorepb.Value) ([]byte, error) {
	switch k := v.GetValueType().(type) {
	case *firestorepb.Value_NullValue:
		return appendNumber(b, Null, uint64(k.NullValue)), nil //nolint:gosec // its only number is 0
	case *firestorepb.Value_BooleanValue:
		return appendNumber(b, Boolean, protowire.EncodeBool(k.BooleanValue)), nil
	case *firestorepb.Value_IntegerValue:
		return appendNumber(b, Integer, uint64(k.IntegerValue)), nil //nolint:gosec // two's complement is the encoding
	case *firestorepb.Value_DoubleValue:
		return appendDouble(b, Double, k.DoubleValue), nil
	case *firestorepb.Value_BytesValue:
		return protowire.AppendBytes(protowire.AppendTag(b, Bytes, protowire.BytesType), k.BytesValue), nil
	default:
		return nil, errKind
	}
}

func appendElements(b []byte, values []*firestorepb.Value) (_ []byte, err error) {
	for _, v := range values {
		var at int
		b, at = begin(b, arrayValues)
		if b, err = appendValue(b, v); err != nil {
			return nil, err
		}
		b = end(b, at)
	}
	return b, nil
}

// appendTime and appendPoint leave out what is zero, as proto does in messages without presence.
func appendTime(b []byte, t *timestamppb.Timestamp) []byte {
	if s := t.GetSeconds(); s != 0 {
		b = appendNumber(b, 1, uint64(s)) //nolint:gosec // two's complement is the encoding
	}
	if n := t.GetNanos(); n != 0 {
		b = appendNumber(b, 2, uint64(int64(n))) //nolint:gosec // two's complement is the encoding
	}
	return b
}

func appendPoint(b []byte, p *latlng.LatLng) []byte {
	if math.Float64bits(p.GetLatitude()) != 0 {
		b = appendDouble(b, 1, p.GetLatitude())
	}
	if math.Float64bits(p.GetLongitude()) != 0 {
		b = appendDouble(b, 2, p.GetLongitude())
	}
	return b
}

func appendNumber(b []byte, number protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), v)
}

func appendDouble(b []byte, number protowire.Number, v float64) []byte {
	return protowire.AppendFixed64(protowire.AppendTag(b, number, protowire.Fixed64Type), math.Float64bits(v))
}
