// Package value checks values as they come from callers: what no document may hold and no query may compare with. Faults
// are worded as the service words them, ready for a caller.
package value

import (
	"fmt"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/protobuf/types/known/timestamppb"

	"ryggrad.internal/hub/shared/localcloud/firestore/resource"
)

// MaxDepth is how deep maps and arrays can be nested in a document.
const MaxDepth = 20

var errDeep = refusal("Property contains an invalid nested entity: it is deeper than %d levels.", MaxDepth)

// CheckFields checks the fields of a document (depth 1) or of a map, and cuts timestamps to microseconds, the store's precision.
func CheckFields(fields map[string]*firestorepb.Value, depth int) error {
	for name, v := range fields {
		switch {
		case name == "":
			return refusal("The property.name is the empty string.")
		case len(name) > resource.MaxID:
			return refusal("The property.name is longer than %d bytes.", resource.MaxID)
		case resource.Reserved(name):
			return refusal("field name %s is reserved", name)
		}
		if err := Check(v, depth); err != nil {
			return err
		}
	}
	return nil
}

// Check checks a value that lies depth levels deep in its document, 1 being a field.
func Check(v *firestorepb.Value, depth int) error {
	switch t := v.GetValueType().(type) {
	case nil:
		return refusal("Cannot convert firestore.v1.Value with type unset.")
	case *firestorepb.Value_TimestampValue:
		return checkTimestamp(t.TimestampValue)
	case *firestorepb.Value_GeoPointValue:
		return checkPoint(t.GeoPointValue)
	case *firestorepb.Value_ReferenceValue:
		_, _, err := resource.Split(resource.Reference, t.ReferenceValue)
		return err
	case *firestorepb.Value_ArrayValue:
		if depth > MaxDepth {
			return errDeep
		}
		return CheckElements(t.ArrayValue.GetValues(), depth+1)
	case *firestorepb.Value_MapValue:
		if depth > MaxDepth {
			return errDeep
		}
		if isVector(t.MapValue.GetFields()) {
			return nil
		}
		return CheckFields(t.MapValue.GetFields(), depth+1)
	case *firestorepb.Value_FieldReferenceValue, *firestorepb.Value_VariableReferenceValue,
		*firestorepb.Value_FunctionValue, *firestorepb.Value_PipelineValue:
		return refusal("A document cannot hold a value of this type.")
	}
	return nil
}

// isVector tells whether a map is a vector, as clients write one.
func isVector(fields map[string]*firestorepb.Value) bool {
	if len(fields) != 2 || fields["__type__"].GetStringValue() != "__vector__" {
		return false
	}
	for _, v := range fields["value"].GetArrayValue().GetValues() {
		if _, ok := v.GetValueType().(*firestorepb.Value_DoubleValue); !ok {
			return false
		}
	}
	return fields["value"].GetArrayValue() != nil
}

// CheckElements checks the elements of an array that lie depth levels deep in their document.
func CheckElements(values []*firestorepb.Value, depth int) error {
	for _, v := range values {
		if _, nested := v.GetValueType().(*firestorepb.Value_ArrayValue); nested {
			return refusal("Cannot convert an array value in an array value.")
		}
		if err := Check(v, depth); err != nil {
			return err
		}
	}
	return nil
}

func checkTimestamp(t *timestamppb.Timestamp) error {
	switch {
	case t.GetNanos() < 0 || t.GetNanos() >= 1e9:
		return refusal("Timestamp nanos exceeds limit for field.")
	case t.CheckValid() != nil:
		return refusal("Timestamp seconds exceeds limit for field.")
	}
	if t != nil {
		t.Nanos -= t.GetNanos() % 1000
	}
	return nil
}

func checkPoint(p *latlng.LatLng) error {
	switch {
	case !(p.GetLatitude() >= -90 && p.GetLatitude() <= 90):
		return refusal("Geo point latitude '%v' outside permitted range -90.0 to 90.0.", p.GetLatitude())
	case !(p.GetLongitude() >= -180 && p.GetLongitude() <= 180):
		return refusal("Geo point longitude '%v' outside permitted range -180.0 to 180.0.", p.GetLongitude())
	}
	return nil
}

// refusal is an error in the service's own words.
func refusal(format string, args ...any) error { return fmt.Errorf(format, args...) }
