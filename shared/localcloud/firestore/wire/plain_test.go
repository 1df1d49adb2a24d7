package wire_test

import (
	"bytes"
	"maps"
	"math"
	"strings"
	"testing"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"ryggrad.internal/hub/shared/localcloud/firestore/value"
	"ryggrad.internal/hub/shared/localcloud/firestore/wire"
)

// ordinary holds a value of every kind that documents are made of every day.
func ordinary() map[string]*firestorepb.Value {
	fields := everything()["map"].GetMapValue().GetFields()["array"].GetArrayValue().GetValues()
	kept := map[string]*firestorepb.Value{}
	for i, v := range fields {
		switch v.GetValueType().(type) {
		case nil, *firestorepb.Value_ReferenceValue, *firestorepb.Value_GeoPointValue:
		default:
			kept[strings.Repeat("n", i+1)] = v
		}
	}
	inner := map[string]*firestorepb.Value{"m": mapOf(kept), "a": arrayOf(mapOf(kept), mapOf(nil))}
	for name, v := range kept {
		inner[name] = v
	}
	return map[string]*firestorepb.Value{"z": mapOf(inner), "é": arrayOf(mapOf(inner)), "b": {ValueType: &firestorepb.Value_TimestampValue{
		TimestampValue: &timestamppb.Timestamp{Seconds: 1_700_000_000, Nanos: 123_456_789}}}}
}

func mapOf(fields map[string]*firestorepb.Value) *firestorepb.Value {
	return &firestorepb.Value{ValueType: &firestorepb.Value_MapValue{MapValue: &firestorepb.MapValue{Fields: fields}}}
}

func arrayOf(values ...*firestorepb.Value) *firestorepb.Value {
	return &firestorepb.Value{ValueType: &firestorepb.Value_ArrayValue{ArrayValue: &firestorepb.ArrayValue{Values: values}}}
}

// plain gives what Plain makes of what a client sends, and fails unless that is what checking and encoding makes of it.
func plain(t *testing.T, sent []byte) (wire.Fields, bool) {
	t.Helper()
	got, ok := wire.Plain(sent)
	if !ok {
		return nil, false
	}
	values, err := wire.Fields(sent).Decode()
	if err != nil {
		t.Fatalf("Plain takes %x, which cannot be decoded: %v", sent, err)
	}
	if err := value.CheckFields(values, 1); err != nil {
		t.Fatalf("Plain takes %x, which is refused: %v", sent, err)
	}
	want, err := wire.Encode(values)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("Plain(%x) = %x; want %x, %v", sent, got, want, err)
	}
	return got, true
}

func sentOf(t *testing.T, fields map[string]*firestorepb.Value) []byte {
	t.Helper()
	sent, err := proto.Marshal(&firestorepb.Document{Fields: fields})
	if err != nil {
		t.Fatal(err)
	}
	return sent
}

func TestPlainTakesWhatDocumentsAreMadeOf(t *testing.T) {
	t.Parallel()
	deep := mapOf(nil)
	for range 19 {
		deep = mapOf(map[string]*firestorepb.Value{"d": deep})
	}
	for name, fields := range map[string]map[string]*firestorepb.Value{
		"every kind": ordinary(), "none": nil, "twenty deep": {"d": deep}, "many": many(100),
		"largest name": {strings.Repeat("x", 1500): mapOf(nil)},
		"times":        {"a": at(-62135596800, 0), "b": at(253402300799, 999_999_999), "c": at(0, 999), "d": at(-1, 1), "e": at(0, 0)},
		"doubles":      {"a": {ValueType: &firestorepb.Value_DoubleValue{DoubleValue: math.NaN()}}},
	} {
		if _, ok := plain(t, sentOf(t, fields)); !ok {
			t.Errorf("%s: not taken", name)
		}
	}
}

func many(n int) map[string]*firestorepb.Value {
	fields := map[string]*firestorepb.Value{}
	for i := range n {
		fields[strings.Repeat("n", i+1)] = mapOf(nil)
	}
	return fields
}

func at(seconds int64, nanos int32) *firestorepb.Value {
	return &firestorepb.Value{ValueType: &firestorepb.Value_TimestampValue{TimestampValue: &timestamppb.Timestamp{Seconds: seconds, Nanos: nanos}}}
}

func TestPlainLeavesTheRestToThoseWhoCheckIt(t *testing.T) {
	t.Parallel()
	text := &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: "a"}}
	deep := mapOf(nil)
	for range 20 {
		deep = mapOf(map[string]*firestorepb.Value{"d": deep})
	}
	once := sentOf(t, map[string]*firestorepb.Value{"a": text})
	for name, sent := range map[string][]byte{
		"no name": sentOf(t, map[string]*firestorepb.Value{"": text}), "reserved": sentOf(t, map[string]*firestorepb.Value{"__a__": text}),
		"long name": sentOf(t, map[string]*firestorepb.Value{strings.Repeat("x", 1501): text}),
		"deep":      sentOf(t, map[string]*firestorepb.Value{"d": deep}),
		"vector":    sentOf(t, map[string]*firestorepb.Value{"v": mapOf(map[string]*firestorepb.Value{"__type__": text, "value": arrayOf()})}),
		"nested":    sentOf(t, map[string]*firestorepb.Value{"a": arrayOf(arrayOf())}),
		"no kind":   sentOf(t, map[string]*firestorepb.Value{"a": {}}), "no kind in array": sentOf(t, map[string]*firestorepb.Value{"a": arrayOf(&firestorepb.Value{})}),
		"early": sentOf(t, map[string]*firestorepb.Value{"a": at(-62135596801, 0)}), "late": sentOf(t, map[string]*firestorepb.Value{"a": at(253402300800, 0)}),
		"nanos": sentOf(t, map[string]*firestorepb.Value{"a": at(0, -1)}), "too many nanos": sentOf(t, map[string]*firestorepb.Value{"a": at(0, 1_000_000_000)}),
		"twice": append(bytes.Clone(once), once...), "cut": once[:len(once)-1], "more": protowire.AppendVarint(protowire.AppendTag(bytes.Clone(once), 9, protowire.VarintType), 1),
		"no UTF-8": bytes.Replace(once, []byte("\x8a\x01\x01a"), []byte("\x8a\x01\x01\xff"), 1), "name no UTF-8": bytes.Replace(once, []byte("\x0a\x01a"), []byte("\x0a\x01\xff"), 1),
	} {
		if name != "cut" && name != "more" && name != "twice" && bytes.Equal(sent, once) {
			t.Fatalf("%s: tries nothing", name)
		}
		if got, ok := plain(t, sent); ok {
			t.Errorf("%s: taken as %x", name, got)
		}
	}
}

func TestAFieldIsSetInItsPlace(t *testing.T) {
	t.Parallel()
	for _, fields := range []map[string]*firestorepb.Value{nil, {"b": at(1, 0)}, {"b": at(1, 0), "d": at(2, 0)}, {"a": at(1, 0), "c": mapOf(many(30)), "e": at(3, 0)}, {"c": at(1, 0)}} {
		for _, v := range []*firestorepb.Value{at(7, 0), mapOf(many(30))} {
			before, err := wire.Encode(fields)
			encoded, failed := wire.EncodeValue(v)
			if err != nil || failed != nil {
				t.Fatal(err, failed)
			}
			kept := bytes.Clone(before)
			got := before.With("c", encoded)
			changed := maps.Clone(fields)
			if changed == nil {
				changed = map[string]*firestorepb.Value{}
			}
			changed["c"] = v
			if want, err := wire.Encode(changed); err != nil || !bytes.Equal(got, want) || !bytes.Equal(before, kept) {
				t.Errorf("%v with %v = %x; want %x", fields, v, got, want)
			}
		}
	}
}

func FuzzPlain(f *testing.F) {
	text := &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: "a"}}
	for _, fields := range []map[string]*firestorepb.Value{ // small ones, or it tries few
		{"b": mapOf(map[string]*firestorepb.Value{"d": at(1, 2000), "c": text}), "a": arrayOf(text, mapOf(nil))},
		{"a": {ValueType: &firestorepb.Value_IntegerValue{IntegerValue: -1}}, "n": {ValueType: &firestorepb.Value_NullValue{}}, "f": {ValueType: &firestorepb.Value_BooleanValue{}}},
	} {
		seed, err := proto.Marshal(&firestorepb.Document{Fields: fields})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sent []byte) { plain(t, sent) })
}

// BenchmarkPlain compares with decoding, checking and encoding anew.
func BenchmarkPlain(b *testing.B) {
	fields := map[string]*firestorepb.Value{"at": at(1_700_000_000, 1000), "lines": arrayOf(mapOf(many(5)), mapOf(many(5)))}
	for _, name := range []string{"tenant", "status", "number", "total", "sealed"} {
		fields[name] = &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: strings.Repeat(name, 5)}}
	}
	sent, err := proto.Marshal(&firestorepb.Document{Fields: fields})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("plain", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := wire.Plain(sent); !ok {
				b.Fatal("not taken")
			}
		}
	})
	b.Run("decoded", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			values, err := wire.Fields(sent).Decode()
			if err != nil || value.CheckFields(values, 1) != nil {
				b.Fatal(err)
			}
			if _, err := wire.Encode(values); err != nil {
				b.Fatal(err)
			}
		}
	})
}
