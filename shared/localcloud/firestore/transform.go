package firestore

import (
	"bytes"
	"math"
	"slices"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"ryggrad.internal/hub/shared/localcloud/firestore/fieldpath"
	"ryggrad.internal/hub/shared/localcloud/firestore/sortkey"
	"ryggrad.internal/hub/shared/localcloud/firestore/value"
	"ryggrad.internal/hub/shared/localcloud/firestore/wire"
)

// transform changes one field by what it was.
type transform struct {
	path   fieldpath.Path
	time   bool // it sets the commit's time
	change func(old *firestorepb.Value, at int64) (v, result *firestorepb.Value)
}

// dates tells whether it sets a field of the document itself to the commit's time.
func (t transform) dates() bool { return t.time && len(t.path) == 1 }

func (t transform) apply(fields map[string]*firestorepb.Value, at int64) (result *firestorepb.Value) {
	v, result := t.change(lookup(fields, t.path), at)
	set(fields, t.path, v)
	return result
}

func parseTransforms(in []*firestorepb.DocumentTransform_FieldTransform) ([]transform, error) {
	transforms := make([]transform, 0, len(in))
	for _, f := range in {
		path, err := fieldpath.Parse(f.GetFieldPath())
		if err != nil {
			return nil, invalid("%s", err)
		}
		if err := checkWritten(path); err != nil {
			return nil, err
		}
		t := transform{path: path, time: f.GetSetToServerValue() == firestorepb.DocumentTransform_FieldTransform_REQUEST_TIME}
		if t.change, err = parseTransform(f); err != nil {
			return nil, err
		}
		transforms = append(transforms, t)
	}
	return transforms, checkNested(transforms)
}

// checkNested refuses to change a field and one inside it.
func checkNested(transforms []transform) error {
	for _, outer := range transforms {
		for _, inner := range transforms {
			if len(outer.path) < len(inner.path) && slices.Equal(outer.path, inner.path[:len(outer.path)]) {
				return invalid("Cannot transform property %s and its nested property at the same time.", outer.path)
			}
		}
	}
	return nil
}

type change = func(old *firestorepb.Value, at int64) (v, result *firestorepb.Value)

func parseTransform(f *firestorepb.DocumentTransform_FieldTransform) (change, error) {
	switch t := f.GetTransformType().(type) {
	case *firestorepb.DocumentTransform_FieldTransform_SetToServerValue:
		if t.SetToServerValue != firestorepb.DocumentTransform_FieldTransform_REQUEST_TIME {
			return nil, invalid("ServerValue type must be specified for set_to_server_value transformation.")
		}
		return serverTime, nil
	case *firestorepb.DocumentTransform_FieldTransform_Increment:
		return numeric(t.Increment, increment)
	case *firestorepb.DocumentTransform_FieldTransform_Maximum:
		return numeric(t.Maximum, func(old, by *firestorepb.Value) *firestorepb.Value { return extreme(old, by, 1) })
	case *firestorepb.DocumentTransform_FieldTransform_Minimum:
		return numeric(t.Minimum, func(old, by *firestorepb.Value) *firestorepb.Value { return extreme(old, by, -1) })
	case *firestorepb.DocumentTransform_FieldTransform_AppendMissingElements:
		return onArray(t.AppendMissingElements, appendMissing)
	case *firestorepb.DocumentTransform_FieldTransform_RemoveAllFromArray:
		return onArray(t.RemoveAllFromArray, removeAll)
	default:
		return nil, invalid("Operation type must be specified for field transformation.")
	}
}

// serverTime is the commit's time, in milliseconds as Firestore documents it.
func serverTime(_ *firestorepb.Value, at int64) (v, result *firestorepb.Value) {
	now := &firestorepb.Value{ValueType: &firestorepb.Value_TimestampValue{
		TimestampValue: timestamppb.New(time.UnixMilli(at / 1000))}}
	return now, now
}

func isNumber(v *firestorepb.Value) bool {
	switch v.GetValueType().(type) {
	case *firestorepb.Value_IntegerValue, *firestorepb.Value_DoubleValue:
		return true
	default:
		return false
	}
}

// numeric makes a change of a rule for two numbers; a field that holds no number takes the operand.
func numeric(by *firestorepb.Value, rule func(old, by *firestorepb.Value) *firestorepb.Value) (change, error) {
	if !isNumber(by) {
		return nil, invalid("Input must be int64 or double.")
	}
	return func(old *firestorepb.Value, _ int64) (v, result *firestorepb.Value) {
		if !isNumber(old) {
			return by, by
		}
		number := rule(old, by)
		return number, number
	}, nil
}

// increment adds; integers stay at their limits.
func increment(old, by *firestorepb.Value) *firestorepb.Value {
	a, isInt := old.GetValueType().(*firestorepb.Value_IntegerValue)
	b, areInts := by.GetValueType().(*firestorepb.Value_IntegerValue)
	if !isInt || !areInts {
		return &firestorepb.Value{ValueType: &firestorepb.Value_DoubleValue{DoubleValue: double(old) + double(by)}}
	}
	sum := a.IntegerValue + b.IntegerValue
	switch {
	case b.IntegerValue > 0 && sum < a.IntegerValue:
		sum = math.MaxInt64
	case b.IntegerValue < 0 && sum > a.IntegerValue:
		sum = math.MinInt64
	}
	return &firestorepb.Value{ValueType: &firestorepb.Value_IntegerValue{IntegerValue: sum}}
}

func double(v *firestorepb.Value) float64 {
	if i, ok := v.GetValueType().(*firestorepb.Value_IntegerValue); ok {
		return float64(i.IntegerValue)
	}
	return v.GetDoubleValue()
}

// extreme is the larger of two numbers, or the smaller where sign is -1. Equal ones leave the field alone; NaN wins.
func extreme(old, by *firestorepb.Value, sign int) *firestorepb.Value {
	switch {
	case math.IsNaN(double(old)):
		return old
	case math.IsNaN(double(by)), bytes.Compare(key(by), key(old)) == sign:
		return by
	default:
		return old
	}
}

// onArray makes a change of a rule for an array; a field that holds none counts as empty.
func onArray(operand *firestorepb.ArrayValue, rule func(old, by []*firestorepb.Value) []*firestorepb.Value) (change, error) {
	if err := value.CheckElements(operand.GetValues(), 2); err != nil {
		return nil, refuse(err)
	}
	null := &firestorepb.Value{ValueType: &firestorepb.Value_NullValue{}}
	return func(old *firestorepb.Value, _ int64) (v, result *firestorepb.Value) {
		values := rule(old.GetArrayValue().GetValues(), operand.GetValues())
		return &firestorepb.Value{ValueType: &firestorepb.Value_ArrayValue{ArrayValue: &firestorepb.ArrayValue{Values: values}}}, null
	}, nil
}

func appendMissing(old, by []*firestorepb.Value) []*firestorepb.Value {
	have := keys(old)
	for _, v := range by {
		if k := string(key(v)); !have[k] {
			have[k] = true
			old = append(old, v)
		}
	}
	return old
}

func removeAll(old, by []*firestorepb.Value) []*firestorepb.Value {
	gone := keys(by)
	var kept []*firestorepb.Value
	for _, v := range old {
		if !gone[string(key(v))] {
			kept = append(kept, v)
		}
	}
	return kept
}

func keys(values []*firestorepb.Value) map[string]bool {
	set := make(map[string]bool, len(values))
	for _, v := range values {
		set[string(key(v))] = true
	}
	return set
}

// key is the sort key of a checked value.
func key(v *firestorepb.Value) []byte {
	encoded, err := wire.EncodeValue(v)
	if err != nil {
		return nil
	}
	return sortkey.Append(nil, encoded)
}
