package sortkey_test

import (
	"bytes"
	"cmp"
	"math"
	"math/big"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/localcloud/firestore/sortkey"
	"ryggrad.internal/hub/shared/localcloud/firestore/wire"
)

func TestKeysHaveTheOrderOfValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawValue(t, 3), drawValue(t, 3)
		if rapid.Bool().Draw(t, "alike") {
			b = drawLike(t, a)
		}
		ka, kb := key(t, a), key(t, b)
		if got, want := bytes.Compare(ka, kb), compare(a, b); got != want {
			t.Fatalf("%v against %v: keys compare as %d, want %d", a, b, got, want)
		}
		if len(ka) != len(kb) && (bytes.HasPrefix(ka, kb) || bytes.HasPrefix(kb, ka)) {
			t.Fatalf("%v and %v: one key begins with the other", a, b)
		}
	})
}

func TestInvertedKeysHaveTheOppositeOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := key(t, drawValue(t, 2)), key(t, drawValue(t, 2))
		before := bytes.Compare(a, b)
		sortkey.Invert(a)
		sortkey.Invert(b)
		if bytes.Compare(a, b) != -before {
			t.Fatalf("%x and %x keep their order", a, b)
		}
	})
}

func TestPathsSortByTheirIDs(t *testing.T) {
	t.Parallel()
	sorted := []string{"a", "a/\x00", "a/__id-3__", "a/__id7__", "a/__id10__", "a/\x01", "a/a", "a/a/b/c", "a/a\x00", "a/aa", "a/ä", "a\x00/a", "aa/a"}
	sorted = slices.DeleteFunc(sorted, func(s string) bool { return s == "a/\x00" }) // NUL comes after the numbers
	for i := range sorted[1:] {
		a, b := sortkey.AppendPath(nil, sorted[i]), sortkey.AppendPath(nil, sorted[i+1])
		if bytes.Compare(a, b) >= 0 {
			t.Errorf("%q is not before %q", sorted[i], sorted[i+1])
		}
		if below := strings.HasPrefix(sorted[i+1], sorted[i]+"/"); below != bytes.HasPrefix(b, a) {
			t.Errorf("%q below %q: the key says %v", sorted[i+1], sorted[i], !below)
		}
	}
}

func TestChildrenAreOneSegmentBelow(t *testing.T) {
	t.Parallel()
	parent := string(sortkey.AppendPath(nil, "a/b"))
	for path, want := range map[string]bool{"a/b": false, "a/b/c": true, "a/b/c\x00\x01": true, "a/b/c/d": false, "a/bc": false, "a/b/__id256__": true} {
		if got := sortkey.IsChild(string(sortkey.AppendPath(nil, path)), parent); got != want {
			t.Errorf("IsChild(%q) = %v", path, got)
		}
	}
	deep := string(sortkey.AppendPath(nil, "a/b/c/d/e"))
	if got, want := sortkey.FirstChild(deep, parent), string(sortkey.AppendPath(nil, "a/b/c")); got != want {
		t.Errorf("FirstChild = %q, want %q", got, want)
	}
}

func key(t *rapid.T, v *firestorepb.Value) []byte {
	encoded, err := wire.EncodeValue(v)
	if err != nil {
		t.Fatal(err)
	}
	return sortkey.Append(nil, encoded)
}

// Generators are made anew for each draw: rapid's own are not safe for tests that run at the same time.
func integers() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64Range(-3, 3), rapid.Int64(), rapid.SampledFrom([]int64{
		math.MaxInt64, math.MaxInt64 - 1, math.MinInt64, 1 << 53, 1<<53 + 1, -1<<53 - 1, 1<<62 + 1}))
}

func doubles() *rapid.Generator[float64] {
	return rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{
		0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1, -1, 1 << 53, 1 << 62, 1 << 63, -1 << 63, math.SmallestNonzeroFloat64}))
}

func texts() *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringMatching("[a\x00\x01\u00ff]{0,3}"), rapid.String())
}

func drawValue(t *rapid.T, depth int) *firestorepb.Value {
	kinds := 8
	if depth > 0 {
		kinds = 10
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return &firestorepb.Value{ValueType: &firestorepb.Value_NullValue{}}
	case 1:
		return &firestorepb.Value{ValueType: &firestorepb.Value_BooleanValue{BooleanValue: rapid.Bool().Draw(t, "bool")}}
	case 2:
		return &firestorepb.Value{ValueType: &firestorepb.Value_IntegerValue{IntegerValue: integers().Draw(t, "int")}}
	case 3:
		return &firestorepb.Value{ValueType: &firestorepb.Value_DoubleValue{DoubleValue: doubles().Draw(t, "double")}}
	case 4:
		return &firestorepb.Value{ValueType: &firestorepb.Value_TimestampValue{TimestampValue: &timestamppb.Timestamp{
			Seconds: rapid.Int64Range(-2, 2).Draw(t, "seconds"), Nanos: rapid.Int32Range(0, 2).Draw(t, "micros") * 1000}}}
	case 5:
		return &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: texts().Draw(t, "string")}}
	case 6:
		return &firestorepb.Value{ValueType: &firestorepb.Value_BytesValue{BytesValue: []byte(texts().Draw(t, "bytes"))}}
	case 7:
		return &firestorepb.Value{ValueType: &firestorepb.Value_GeoPointValue{GeoPointValue: &latlng.LatLng{
			Latitude: rapid.Float64Range(-2, 2).Draw(t, "lat"), Longitude: rapid.Float64Range(-2, 2).Draw(t, "lng")}}}
	case 8:
		return array(rapid.SliceOfN(rapid.Custom(func(t *rapid.T) *firestorepb.Value { return drawValue(t, depth-1) }), 0, 3).Draw(t, "array"))
	default:
		return object(rapid.MapOfN(texts(), rapid.Custom(func(t *rapid.T) *firestorepb.Value { return drawValue(t, depth-1) }), 0, 3).Draw(t, "map"))
	}
}

// drawLike draws a value near another, so that equal and nearly equal ones are met.
func drawLike(t *rapid.T, v *firestorepb.Value) *firestorepb.Value {
	switch k := v.GetValueType().(type) {
	case *firestorepb.Value_IntegerValue:
		return &firestorepb.Value{ValueType: &firestorepb.Value_DoubleValue{DoubleValue: float64(k.IntegerValue)}}
	case *firestorepb.Value_StringValue:
		return &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: k.StringValue + texts().Draw(t, "more")}}
	case *firestorepb.Value_ArrayValue:
		return array(append(slices.Clone(k.ArrayValue.GetValues()), drawValue(t, 0)))
	case *firestorepb.Value_MapValue:
		fields := map[string]*firestorepb.Value{texts().Draw(t, "name"): drawValue(t, 0)}
		for name, field := range k.MapValue.GetFields() {
			fields[name] = field
		}
		return object(fields)
	default:
		return v
	}
}

func array(values []*firestorepb.Value) *firestorepb.Value {
	return &firestorepb.Value{ValueType: &firestorepb.Value_ArrayValue{ArrayValue: &firestorepb.ArrayValue{Values: values}}}
}

func object(fields map[string]*firestorepb.Value) *firestorepb.Value {
	return &firestorepb.Value{ValueType: &firestorepb.Value_MapValue{MapValue: &firestorepb.MapValue{Fields: fields}}}
}

// compare is the documented order, written without keys.
func compare(a, b *firestorepb.Value) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	switch k := a.GetValueType().(type) {
	case *firestorepb.Value_BooleanValue:
		return cmp.Compare(boolean(k.BooleanValue), boolean(b.GetBooleanValue()))
	case *firestorepb.Value_IntegerValue, *firestorepb.Value_DoubleValue:
		return compareNumbers(a, b)
	case *firestorepb.Value_TimestampValue:
		return k.TimestampValue.AsTime().Compare(b.GetTimestampValue().AsTime())
	case *firestorepb.Value_StringValue:
		return cmp.Compare(k.StringValue, b.GetStringValue())
	case *firestorepb.Value_BytesValue:
		return bytes.Compare(k.BytesValue, b.GetBytesValue())
	case *firestorepb.Value_GeoPointValue:
		return cmp.Or(cmp.Compare(k.GeoPointValue.GetLatitude(), b.GetGeoPointValue().GetLatitude()),
			cmp.Compare(k.GeoPointValue.GetLongitude(), b.GetGeoPointValue().GetLongitude()))
	case *firestorepb.Value_ArrayValue:
		return slices.CompareFunc(k.ArrayValue.GetValues(), b.GetArrayValue().GetValues(), compare)
	case *firestorepb.Value_MapValue:
		return compareMaps(k.MapValue.GetFields(), b.GetMapValue().GetFields())
	}
	return 0
}

func rank(v *firestorepb.Value) int {
	switch v.GetValueType().(type) {
	case *firestorepb.Value_NullValue:
		return 0
	case *firestorepb.Value_BooleanValue:
		return 1
	case *firestorepb.Value_IntegerValue, *firestorepb.Value_DoubleValue:
		return 2
	case *firestorepb.Value_TimestampValue:
		return 3
	case *firestorepb.Value_StringValue:
		return 4
	case *firestorepb.Value_BytesValue:
		return 5
	case *firestorepb.Value_GeoPointValue:
		return 7
	case *firestorepb.Value_ArrayValue:
		return 8
	default:
		return 9
	}
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

func compareNumbers(a, b *firestorepb.Value) int {
	aNaN, bNaN := math.IsNaN(a.GetDoubleValue()), math.IsNaN(b.GetDoubleValue())
	if aNaN || bNaN {
		return boolean(bNaN) - boolean(aNaN)
	}
	return number(a).Cmp(number(b))
}

func number(v *firestorepb.Value) *big.Float {
	if i, ok := v.GetValueType().(*firestorepb.Value_IntegerValue); ok {
		return new(big.Float).SetPrec(64).SetInt64(i.IntegerValue)
	}
	return new(big.Float).SetFloat64(v.GetDoubleValue())
}

func compareMaps(a, b map[string]*firestorepb.Value) int {
	names := func(m map[string]*firestorepb.Value) []string {
		var all []string
		for name := range m {
			all = append(all, name)
		}
		slices.Sort(all)
		return all
	}
	an, bn := names(a), names(b)
	for i := range min(len(an), len(bn)) {
		if c := cmp.Or(cmp.Compare(an[i], bn[i]), 0); c != 0 {
			return c
		}
		if c := compare(a[an[i]], b[bn[i]]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(an), len(bn))
}
