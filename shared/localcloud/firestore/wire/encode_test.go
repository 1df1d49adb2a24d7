package wire_test

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"ryggrad.internal/hub/shared/localcloud/firestore/wire"
)

// everything holds a value of every kind, also what is easily left out: zeros, nothing, and what is long.
func everything() map[string]*firestorepb.Value {
	text := func(s string) *firestorepb.Value {
		return &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: s}}
	}
	double := func(f float64) *firestorepb.Value {
		return &firestorepb.Value{ValueType: &firestorepb.Value_DoubleValue{DoubleValue: f}}
	}
	fields := map[string]*firestorepb.Value{
		"":      text(""),
		"null":  {ValueType: &firestorepb.Value_NullValue{}},
		"false": {ValueType: &firestorepb.Value_BooleanValue{}}, "true": {ValueType: &firestorepb.Value_BooleanValue{BooleanValue: true}},
		"int": {ValueType: &firestorepb.Value_IntegerValue{}}, "negative": {ValueType: &firestorepb.Value_IntegerValue{IntegerValue: math.MinInt64}},
		"double": double(0), "minus": double(math.Copysign(0, -1)), "nan": double(math.NaN()), "inf": double(math.Inf(1)),
		"short": text(strings.Repeat("é", 63)), "long": text(strings.Repeat("x", 130)), "longer": text(strings.Repeat("x", 2_000)),
		"bytes":     {ValueType: &firestorepb.Value_BytesValue{BytesValue: []byte{0, 0xff}}},
		"no bytes":  {ValueType: &firestorepb.Value_BytesValue{}},
		"reference": {ValueType: &firestorepb.Value_ReferenceValue{ReferenceValue: "projects/p/databases/d/documents/c/d"}},
		"time":      {ValueType: &firestorepb.Value_TimestampValue{TimestampValue: &timestamppb.Timestamp{Seconds: -1, Nanos: 999_999_000}}},
		"epoch":     {ValueType: &firestorepb.Value_TimestampValue{TimestampValue: &timestamppb.Timestamp{}}},
		"no time":   {ValueType: &firestorepb.Value_TimestampValue{}},
		"point":     {ValueType: &firestorepb.Value_GeoPointValue{GeoPointValue: &latlng.LatLng{Latitude: math.Copysign(0, -1)}}},
		"no point":  {ValueType: &firestorepb.Value_GeoPointValue{}},
		"no map":    {ValueType: &firestorepb.Value_MapValue{}}, "no array": {ValueType: &firestorepb.Value_ArrayValue{}},
		"nothing": {},
	}
	var elements []*firestorepb.Value
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		elements = append(elements, fields[name])
	}
	array := &firestorepb.Value{ValueType: &firestorepb.Value_ArrayValue{ArrayValue: &firestorepb.ArrayValue{Values: elements}}}
	deep := &firestorepb.Value{ValueType: &firestorepb.Value_MapValue{MapValue: &firestorepb.MapValue{
		Fields: map[string]*firestorepb.Value{"array": array, "also": text("b")}}}}
	return map[string]*firestorepb.Value{"map": deep, "array": array, "plain": text("a")}
}

func TestFieldsAreEncodedAsProtoDoes(t *testing.T) {
	t.Parallel()
	fields := everything()
	fields["longest"] = &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: strings.Repeat("x", 20_000)}} // too large to fuzz with
	checkEncoding(t, fields)
	for i, v := range fields["map"].GetMapValue().GetFields()["array"].GetArrayValue().GetValues() {
		got, err := wire.EncodeValue(v)
		want, _ := proto.MarshalOptions{Deterministic: true}.Marshal(v)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("value %d = %x, %v; want %x", i, got, err, want)
		}
	}
}

func checkEncoding(t *testing.T, fields map[string]*firestorepb.Value) {
	t.Helper()
	want, err := proto.MarshalOptions{Deterministic: true}.Marshal(&firestorepb.Document{Fields: fields})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := wire.Encode(fields); err != nil || !bytes.Equal(got, want) {
		t.Errorf("Encode = %x, %v; want %x", got, err, want)
	}
}

func TestWhatCannotBeStoredIsNotEncoded(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]*firestorepb.Value{
		"no UTF-8": {ValueType: &firestorepb.Value_StringValue{StringValue: "\xff"}},
		"a field":  {ValueType: &firestorepb.Value_FieldReferenceValue{FieldReferenceValue: "a"}},
	} {
		if got, err := wire.Encode(map[string]*firestorepb.Value{"a": v}); err == nil {
			t.Errorf("%s: encoded as %x", name, got)
		}
	}
	if got, err := wire.Encode(map[string]*firestorepb.Value{"\xff": {}}); err == nil {
		t.Errorf("a name that is not UTF-8: encoded as %x", got)
	}
}

func FuzzEncode(f *testing.F) {
	seed, err := proto.Marshal(&firestorepb.Document{Fields: everything()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, encoded []byte) {
		d := &firestorepb.Document{}
		if (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(encoded, d) != nil {
			t.Skip("no document")
		}
		if _, err := wire.Encode(d.GetFields()); err != nil {
			t.Skip("not what is stored")
		}
		checkEncoding(t, d.GetFields())
	})
}

// BenchmarkEncode compares with proto's own.
func BenchmarkEncode(b *testing.B) {
	fields := map[string]*firestorepb.Value{}
	for _, name := range []string{"tenant", "status", "number", "total", "sealed", "createdAt"} {
		fields[name] = &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: strings.Repeat(name, 5)}}
	}
	b.Run("here", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := wire.Encode(fields); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("proto", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := (proto.MarshalOptions{Deterministic: true}).Marshal(&firestorepb.Document{Fields: fields}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
