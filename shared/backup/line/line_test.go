package line_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/backup/line"
)

var here, there = line.RootOf("p", "(default)"), line.RootOf("q", "scratch")

func value(t *rapid.T, depth int) *firestorepb.Value {
	kinds := 11
	if depth > 2 {
		kinds = 9
	}
	switch rapid.IntRange(0, kinds).Draw(t, "kind") {
	case 0:
		return &firestorepb.Value{ValueType: &firestorepb.Value_NullValue{}}
	case 1:
		return &firestorepb.Value{ValueType: &firestorepb.Value_BooleanValue{BooleanValue: rapid.Bool().Draw(t, "bool")}}
	case 2:
		return &firestorepb.Value{ValueType: &firestorepb.Value_IntegerValue{IntegerValue: rapid.Int64().Draw(t, "int")}}
	case 3:
		return double(math.Float64frombits(rapid.Uint64().Draw(t, "bits")))
	case 4:
		return &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: rapid.String().Draw(t, "text")}}
	case 5:
		return &firestorepb.Value{ValueType: &firestorepb.Value_BytesValue{BytesValue: rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")}}
	case 6:
		at := time.UnixMicro(rapid.Int64Range(-62135596800000000, 253402300799999999).Draw(t, "micros"))
		return &firestorepb.Value{ValueType: &firestorepb.Value_TimestampValue{TimestampValue: timestamppb.New(at)}}
	case 7:
		return &firestorepb.Value{ValueType: &firestorepb.Value_GeoPointValue{GeoPointValue: &latlng.LatLng{
			Latitude: rapid.Float64Range(-90, 90).Draw(t, "lat"), Longitude: rapid.Float64Range(-180, 180).Draw(t, "lng")}}}
	case 8:
		return double(rapid.SampledFrom([]float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, math.SmallestNonzeroFloat64}).Draw(t, "special"))
	case 9:
		return &firestorepb.Value{ValueType: &firestorepb.Value_ReferenceValue{ReferenceValue: "projects/elsewhere/databases/d/documents/a/b"}}
	case 10:
		list := &firestorepb.ArrayValue{}
		for range rapid.IntRange(0, 3).Draw(t, "length") {
			list.Values = append(list.Values, value(t, depth+1))
		}
		return &firestorepb.Value{ValueType: &firestorepb.Value_ArrayValue{ArrayValue: list}}
	default:
		return &firestorepb.Value{ValueType: &firestorepb.Value_MapValue{MapValue: &firestorepb.MapValue{Fields: fields(t, depth+1)}}}
	}
}

func double(f float64) *firestorepb.Value {
	return &firestorepb.Value{ValueType: &firestorepb.Value_DoubleValue{DoubleValue: f}}
}

func fields(t *rapid.T, depth int) map[string]*firestorepb.Value {
	all := map[string]*firestorepb.Value{}
	for range rapid.IntRange(0, 4).Draw(t, "fields") {
		all[rapid.StringN(1, 10, -1).Draw(t, "name")] = value(t, depth)
	}
	return all
}

// same compares to the bit: protocol buffers take any NaN for any other.
func same(t interface{ Fatal(...any) }, a, b *firestorepb.Document) bool {
	deterministic := proto.MarshalOptions{Deterministic: true}
	x, err := deterministic.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	y, err := deterministic.Marshal(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(x) == string(y)
}

func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		doc := &firestorepb.Document{Name: string(here) + "orders/" + rapid.StringMatching(`[^/]{1,20}`).Draw(t, "id"), Fields: fields(t, 0)}
		l, err := line.Append(nil, here, doc)
		if err != nil {
			t.Fatal(err)
		}
		if strings.ContainsRune(string(l), '\n') {
			t.Fatalf("the line breaks: %q", l)
		}
		back, err := line.Parse(l, here)
		if err != nil {
			t.Fatalf("%v: %s", err, l)
		}
		if !same(t, doc, back) {
			t.Fatalf("%v became %v by %s", doc, back, l)
		}
		collection, id, err := line.Name(l)
		if err != nil || string(here)+collection+"/"+id != doc.GetName() {
			t.Fatalf("its name is read as %s/%s: %v", collection, id, err)
		}
	})
}

func TestALineIsFixed(t *testing.T) {
	t.Parallel()
	doc := &firestorepb.Document{Name: string(here) + "orders/ord_1", Fields: map[string]*firestorepb.Value{
		"z":      double(math.Copysign(0, -1)),
		"number": {ValueType: &firestorepb.Value_IntegerValue{IntegerValue: 9007199254740993}},
		"at":     {ValueType: &firestorepb.Value_TimestampValue{TimestampValue: timestamppb.New(time.Date(2026, 3, 1, 12, 0, 0, 1000, time.UTC))}},
		"nan":    double(math.Float64frombits(0x7ff8000000000000)),
		"ref":    {ValueType: &firestorepb.Value_ReferenceValue{ReferenceValue: string(here) + "orders/ord_2"}},
	}}
	want := `{"name":"orders/ord_1","fields":{"at":{"timestampValue":"2026-03-01T12:00:00.000001Z"},"nan":{"doubleValue":"NaN(7ff8000000000000)"},` +
		`"number":{"integerValue":"9007199254740993"},"ref":{"referenceValue":"orders/ord_2"},"z":{"doubleValue":-0}}}`
	l, err := line.Append(nil, here, doc)
	if err != nil || string(l) != want {
		t.Errorf("%v\n%s\n%s", err, l, want)
	}
}

func TestReferencesAreReRooted(t *testing.T) {
	t.Parallel()
	doc := &firestorepb.Document{Name: string(here) + "orders/a", Fields: map[string]*firestorepb.Value{
		"own":   {ValueType: &firestorepb.Value_ReferenceValue{ReferenceValue: string(here) + "orders/b"}},
		"other": {ValueType: &firestorepb.Value_ReferenceValue{ReferenceValue: "projects/x/databases/y/documents/c/d"}},
	}}
	l, err := line.Append(nil, here, doc)
	if err != nil {
		t.Fatal(err)
	}
	back, err := line.Parse(l, there)
	if err != nil {
		t.Fatal(err)
	}
	if back.GetName() != string(there)+"orders/a" || back.GetFields()["own"].GetReferenceValue() != string(there)+"orders/b" ||
		back.GetFields()["other"].GetReferenceValue() != "projects/x/databases/y/documents/c/d" {
		t.Errorf("restored elsewhere: %v", back)
	}
	if _, err := line.Append(nil, there, doc); err == nil {
		t.Error("a document of another database is written")
	}
}

func TestVectorsStayWhatTheyAre(t *testing.T) {
	t.Parallel()
	vector := &firestorepb.Value{ValueType: &firestorepb.Value_MapValue{MapValue: &firestorepb.MapValue{Fields: map[string]*firestorepb.Value{
		"__type__": {ValueType: &firestorepb.Value_StringValue{StringValue: "__vector__"}},
		"value":    {ValueType: &firestorepb.Value_ArrayValue{ArrayValue: &firestorepb.ArrayValue{Values: []*firestorepb.Value{double(0.1), double(-1e300)}}}},
	}}}}
	doc := &firestorepb.Document{Name: string(here) + "orders/v", Fields: map[string]*firestorepb.Value{"v": vector}}
	l, err := line.Append(nil, here, doc)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := line.Parse(l, here); err != nil || !same(t, doc, back) {
		t.Errorf("%v: %v", err, back)
	}
}

// FuzzParse reads anything; what is read must be written and read as the same again.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"name":"orders/ord_1","fields":{"a":{"integerValue":"1"},"b":{"arrayValue":[{"nullValue":null}]},"c":{"mapValue":{}}}}`))
	f.Add([]byte(`{"name":"orders/ord_1","fields":{"a":{"doubleValue":"NaN(fff8000000000000)"},"b":{"bytesValue":"aGk="},"g":{"geoPointValue":{"latitude":1,"longitude":-0}}}}`))
	f.Add([]byte(`{"name":"","fields":{}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		doc, err := line.Parse(raw, here)
		if err != nil {
			return
		}
		l, err := line.Append(nil, here, doc)
		if err != nil {
			return // a time that Firestore does not have
		}
		back, err := line.Parse(l, here)
		if err != nil || !same(t, doc, back) {
			t.Errorf("%q is read as %v, and then as %v: %v", raw, doc, back, err)
		}
	})
}
