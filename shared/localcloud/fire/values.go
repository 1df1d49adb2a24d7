package firestore

import (
	"cloud.google.com/go/firestore/apiv1/firestorepb"
)

// maxDepth is how deep maps and arrays can be nested in a document.
const maxDepth = 20

// checkFields checks a document's fields as sent, and cuts timestamps to microseconds, the store's precision.
func checkFields(fields map[string]*firestorepb.Value) error {
	for name, v := range fields {
		if err := checkField(name, v, 1); err != nil {
			return err
		}
	}
	return nil
}

func checkField(name string, v *firestorepb.Value, depth int) error {
	switch {
	case name == "":
		return invalid("Document fields must not be empty.")
	case len(name) > maxID:
		return invalid("The property name is longer than %d bytes.", maxID)
	}
	return checkValue(v, depth, false)
}

func checkValue(v *firestorepb.Value, depth int, inArray bool) error {
	if depth > maxDepth {
		return invalid("Property values are nested deeper than %d levels.", maxDepth)
	}
	switch t := v.GetValueType().(type) {
	case nil:
		return invalid("A value's type is not set.")
	case *firestorepb.Value_TimestampValue:
		if err := t.TimestampValue.CheckValid(); err != nil {
			return invalid("A timestamp is out of range.")
		}
		t.TimestampValue.Nanos -= t.TimestampValue.Nanos % 1000
	case *firestorepb.Value_ArrayValue:
		if inArray {
			return invalid("Cannot convert an array value in an array value.")
		}
		for _, element := range t.ArrayValue.GetValues() {
			if err := checkValue(element, depth+1, true); err != nil {
				return err
			}
		}
	case *firestorepb.Value_MapValue:
		for name, field := range t.MapValue.GetFields() {
			if err := checkField(name, field, depth+1); err != nil {
				return err
			}
		}
	case *firestorepb.Value_FieldReferenceValue, *firestorepb.Value_VariableReferenceValue,
		*firestorepb.Value_FunctionValue, *firestorepb.Value_PipelineValue:
		return invalid("A document cannot hold a value of this type.")
	}
	return nil
}
