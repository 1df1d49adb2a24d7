package encode_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/gcp/encode"
)

func TestFieldsAreWhatMessagesWouldBe(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fields := rapid.MapOfN(texts(), values(3), 0, 5).Draw(t, "fields")
		got, err := encode.AppendFields(nil, fields)
		if err != nil {
			t.Fatal(err)
		}
		var read firestorepb.Document
		if err := proto.Unmarshal(got, &read); err != nil {
			t.Fatal(err)
		}
		want := &firestorepb.Document{Fields: messages(fields)}
		if len(read.ProtoReflect().GetUnknown()) > 0 || !proto.Equal(&read, want) {
			t.Fatalf("%v was read as %v", want, &read)
		}
		if proto.Size(want) != len(got) {
			t.Fatalf("%d bytes, where messages take %d", len(got), proto.Size(want))
		}
	})
}

func TestWhatIsNoValueIsRefusedByName(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]any{"int": 1, "struct": struct{}{}, "texts": []string{"a"}, "message": timestamppb.Now()} {
		_, err := encode.AppendFields(nil, map[string]any{"outer": []any{nil, map[string]any{"inner": v}}})
		if err == nil || !strings.Contains(err.Error(), `field "outer": element 1: field "inner"`) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, fields := range map[string]map[string]any{"text": {"a": "\xff"}, "name": {"\xff": "a"}, "deep": {"a": []any{map[string]any{"b": "\xc3("}}}} {
		if _, err := encode.AppendFields(nil, fields); !errors.Is(err, encode.ErrText) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func texts() *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringN(0, 20, -1), rapid.Just(strings.Repeat("å", 80)), rapid.Just(strings.Repeat("x", 20_000)))
}

// values draws what Firestore gives back, to a depth.
func values(deep int) *rapid.Generator[any] {
	kinds := []*rapid.Generator[any]{
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), texts().AsAny(), rapid.SliceOf(rapid.Byte()).AsAny(),
		rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(-1), math.Copysign(0, -1)})).AsAny(),
		rapid.Custom(func(t *rapid.T) time.Time {
			return time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanos"))
		}).AsAny(),
		rapid.SampledFrom([]time.Time{time.Unix(0, 0), time.Unix(-1, 1000), {}}).AsAny(),
	}
	if deep > 0 {
		kinds = append(kinds, rapid.SliceOfN(values(deep-1), 0, 4).AsAny(), rapid.MapOfN(texts(), values(deep-1), 0, 4).AsAny())
	}
	return rapid.OneOf(kinds...)
}

func messages(fields map[string]any) map[string]*firestorepb.Value {
	all := make(map[string]*firestorepb.Value, len(fields))
	for name, field := range fields {
		all[name] = message(field)
	}
	return all
}

func message(v any) *firestorepb.Value {
	switch v := v.(type) {
	case bool:
		return &firestorepb.Value{ValueType: &firestorepb.Value_BooleanValue{BooleanValue: v}}
	case int64:
		return &firestorepb.Value{ValueType: &firestorepb.Value_IntegerValue{IntegerValue: v}}
	case float64:
		return &firestorepb.Value{ValueType: &firestorepb.Value_DoubleValue{DoubleValue: v}}
	case string:
		return &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: v}}
	case []byte:
		return &firestorepb.Value{ValueType: &firestorepb.Value_BytesValue{BytesValue: v}}
	case time.Time:
		return &firestorepb.Value{ValueType: &firestorepb.Value_TimestampValue{TimestampValue: timestamppb.New(v)}}
	case []any:
		list := &firestorepb.ArrayValue{}
		for _, one := range v {
			list.Values = append(list.Values, message(one))
		}
		return &firestorepb.Value{ValueType: &firestorepb.Value_ArrayValue{ArrayValue: list}}
	case map[string]any:
		return &firestorepb.Value{ValueType: &firestorepb.Value_MapValue{MapValue: &firestorepb.MapValue{Fields: messages(v)}}}
	default:
		return &firestorepb.Value{ValueType: &firestorepb.Value_NullValue{NullValue: structpb.NullValue_NULL_VALUE}}
	}
}

// BenchmarkFields writes an order of the usual size as bytes, and as messages that are then marshalled.
func BenchmarkFields(b *testing.B) {
	line := map[string]any{"plu": "BOWL-2", "name": "Salmon bowl", "quantity": int64(1), "unitPrice": int64(14_900)}
	order := map[string]any{
		"tenant": "ten_aaaaaaaaaaaaaaaaaaaaaaaaaa", "shard": int64(3), "status": "received", "version": int64(1), "channel": "deliverect",
		"channelOrderId": "12345", "location": "loc_aaaaaaaaaaaaaaaaaaaaaaaaaa", "placedAt": time.Now(), "receivedAt": time.Now(),
		"totals": map[string]any{"total": int64(21_800), "currency": "SEK"}, "items": []any{line, line, line}, "guest": make([]byte, 200),
	}
	b.Run("bytes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			encoded, err := encode.AppendFields(make([]byte, 0, 1024), order)
			if err != nil {
				b.Fatal(err)
			}
			doc := &firestorepb.Document{}
			doc.ProtoReflect().SetUnknown(encoded)
			if _, err := proto.Marshal(doc); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("messages", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := proto.Marshal(&firestorepb.Document{Fields: messages(order)}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
