package wire

import (
	"errors"
	"math"
	"slices"
	"sync"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/protobuf/encoding/protowire"

	"ryggrad.internal/hub/shared/gcp/encode"
)

var errKind = errors.New("a value of a kind that is not stored")

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
	b, err := appendEntries((*room)[:0], encode.DocumentFields, values)
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
		var entry, at int
		var err error
		b, entry = encode.Begin(b, number)
		if b, err = encode.AppendText(b, encode.EntryKey, name); err != nil {
			return nil, err
		}
		b, at = encode.Begin(b, encode.EntryValue)
		if b, err = appendValue(b, fields[name]); err != nil {
			return nil, err
		}
		b = encode.End(encode.End(b, at), entry)
	}
	return b, nil
}

func appendValue(b []byte, v *firestorepb.Value) (_ []byte, err error) {
	var at int
	switch k := v.GetValueType().(type) {
	case nil:
		return b, nil
	case *firestorepb.Value_ReferenceValue:
		return encode.AppendText(b, Reference, k.ReferenceValue)
	case *firestorepb.Value_StringValue:
		return encode.AppendText(b, String, k.StringValue)
	case *firestorepb.Value_MapValue:
		b, at = encode.Begin(b, Map)
		b, err = appendEntries(b, encode.MapFields, k.MapValue.GetFields())
	case *firestorepb.Value_ArrayValue:
		b, at = encode.Begin(b, Array)
		b, err = appendElements(b, k.ArrayValue.GetValues())
	case *firestorepb.Value_TimestampValue:
		b, at = encode.Begin(b, Timestamp)
		b = encode.AppendTime(b, k.TimestampValue.GetSeconds(), int(k.TimestampValue.GetNanos()))
	case *firestorepb.Value_GeoPointValue:
		b, at = encode.Begin(b, GeoPoint)
		b = appendPoint(b, k.GeoPointValue)
	default:
		return appendScalar(b, v)
	}
	if err != nil {
		return nil, err
	}
	return encode.End(b, at), nil
}

func appendScalar(b []byte, v *firestorepb.Value) ([]byte, error) {
	switch k := v.GetValueType().(type) {
	case *firestorepb.Value_NullValue:
		return encode.AppendNumber(b, Null, uint64(k.NullValue)), nil //nolint:gosec // its only number is 0
	case *firestorepb.Value_BooleanValue:
		return encode.AppendNumber(b, Boolean, protowire.EncodeBool(k.BooleanValue)), nil
	case *firestorepb.Value_IntegerValue:
		return encode.AppendNumber(b, Integer, uint64(k.IntegerValue)), nil //nolint:gosec // two's complement is the encoding
	case *firestorepb.Value_DoubleValue:
		return encode.AppendDouble(b, Double, k.DoubleValue), nil
	case *firestorepb.Value_BytesValue:
		return encode.AppendBytes(b, Bytes, k.BytesValue), nil
	default:
		return nil, errKind
	}
}

func appendElements(b []byte, values []*firestorepb.Value) (_ []byte, err error) {
	for _, v := range values {
		var at int
		b, at = encode.Begin(b, encode.ArrayValues)
		if b, err = appendValue(b, v); err != nil {
			return nil, err
		}
		b = encode.End(b, at)
	}
	return b, nil
}

func appendPoint(b []byte, p *latlng.LatLng) []byte {
	if math.Float64bits(p.GetLatitude()) != 0 {
		b = encode.AppendDouble(b, 1, p.GetLatitude())
	}
	if math.Float64bits(p.GetLongitude()) != 0 {
		b = encode.AppendDouble(b, 2, p.GetLongitude())
	}
	return b
}
