package firestore_test

import (
	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/genproto/googleapis/type/latlng"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"
)

// drawValue draws a value that lies depth levels deep in its document.
func drawValue(t *rapid.T, depth int) *firestorepb.Value {
	kinds := 11
	if depth > 3 {
		kinds = 9
	}
	switch rapid.IntRange(0, kinds-1).Draw(t, "kind") {
	case 0:
		return &firestorepb.Value{ValueType: &firestorepb.Value_NullValue{}}
	case 1:
		return &firestorepb.Value{ValueType: &firestorepb.Value_BooleanValue{BooleanValue: rapid.Bool().Draw(t, "boolean")}}
	case 2, 3:
		return drawInteger(t)
	case 4:
		return drawDouble(t)
	case 5:
		return &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: drawText(t)}}
	case 6:
		return &firestorepb.Value{ValueType: &firestorepb.Value_BytesValue{BytesValue: []byte(drawText(t))}}
	case 7:
		return drawStamp(t)
	case 8:
		if rapid.Bool().Draw(t, "point") {
			return drawPoint(t)
		}
		return &firestorepb.Value{ValueType: &firestorepb.Value_ReferenceValue{ReferenceValue: drawName(t)}}
	case 9:
		return drawMap(t, depth)
	default:
		return drawArray(t, depth)
	}
}

func drawStamp(t *rapid.T) *firestorepb.Value {
	stamp := rapid.SampledFrom([]*timestamppb.Timestamp{
		{Seconds: 5}, {Seconds: 5, Nanos: 1000}, {Seconds: 5, Nanos: 1999}, {Seconds: -62135596800}, {Seconds: 253402300799, Nanos: 999999000},
	}).Draw(t, "stamp")
	return &firestorepb.Value{ValueType: &firestorepb.Value_TimestampValue{TimestampValue: stamp}}
}

func drawPoint(t *rapid.T) *firestorepb.Value {
	degrees := rapid.SampledFrom([]float64{0, 1, -1, 90})
	return &firestorepb.Value{ValueType: &firestorepb.Value_GeoPointValue{GeoPointValue: &latlng.LatLng{
		Latitude: degrees.Draw(t, "latitude"), Longitude: degrees.Draw(t, "longitude")}}}
}

func drawMap(t *rapid.T, depth int) *firestorepb.Value {
	fields := map[string]*firestorepb.Value{}
	for _, name := range []string{"x", "y"} {
		if rapid.Bool().Draw(t, "has "+name) {
			fields[name] = drawValue(t, depth+1)
		}
	}
	return &firestorepb.Value{ValueType: &firestorepb.Value_MapValue{MapValue: &firestorepb.MapValue{Fields: fields}}}
}

// drawArray draws an array, which never holds another one.
func drawArray(t *rapid.T, depth int) *firestorepb.Value {
	array := &firestorepb.ArrayValue{}
	for range rapid.IntRange(0, 3).Draw(t, "elements") {
		if v := drawValue(t, depth+1); v.GetArrayValue() == nil {
			array.Values = append(array.Values, v)
		}
	}
	return &firestorepb.Value{ValueType: &firestorepb.Value_ArrayValue{ArrayValue: array}}
}

func drawQuery(t *rapid.T) *firestorepb.StructuredQuery {
	q := &firestorepb.StructuredQuery{From: []*firestorepb.StructuredQuery_CollectionSelector{
		{CollectionId: drawCollection(t), AllDescendants: rapid.IntRange(0, 3).Draw(t, "group") == 0}}}
	if rapid.IntRange(0, 3).Draw(t, "filtered") > 0 {
		q.Where = drawFilter(t, 2)
	}
	seen := map[string]bool{} // two orders by one field are refused, with one code or another
	for range rapid.SampledFrom([]int{0, 0, 1, 1, 2}).Draw(t, "orders") {
		field := drawField(t)
		if seen[field.GetFieldPath()] {
			continue
		}
		seen[field.GetFieldPath()] = true
		q.OrderBy = append(q.OrderBy, &firestorepb.StructuredQuery_Order{Field: field,
			Direction: rapid.SampledFrom([]firestorepb.StructuredQuery_Direction{
				firestorepb.StructuredQuery_ASCENDING, firestorepb.StructuredQuery_DESCENDING}).Draw(t, "direction")})
	}
	q.StartAt, q.EndAt = drawCursor(t, q), drawCursor(t, q)
	if rapid.IntRange(0, 3).Draw(t, "limited") == 0 {
		q.Limit = wrapperspb.Int32(rapid.Int32Range(0, 3).Draw(t, "limit"))
	}
	if rapid.IntRange(0, 5).Draw(t, "skips") == 0 {
		q.Offset = rapid.Int32Range(1, 3).Draw(t, "offset")
	}
	if rapid.IntRange(0, 5).Draw(t, "projects") == 0 {
		q.Select = &firestorepb.StructuredQuery_Projection{Fields: []*firestorepb.StructuredQuery_FieldReference{drawField(t)}}
	}
	return q
}

func drawField(t *rapid.T) *firestorepb.StructuredQuery_FieldReference {
	path := drawPath(t)
	if rapid.IntRange(0, 4).Draw(t, "name") == 0 {
		path = "__name__"
	}
	return &firestorepb.StructuredQuery_FieldReference{FieldPath: path}
}

// drawOperand draws what a field is compared with: mostly what can be compared with it.
func drawOperand(t *rapid.T, field *firestorepb.StructuredQuery_FieldReference) *firestorepb.Value {
	if field.GetFieldPath() == "__name__" && rapid.IntRange(0, 9).Draw(t, "fits") > 0 {
		return &firestorepb.Value{ValueType: &firestorepb.Value_ReferenceValue{ReferenceValue: drawName(t)}}
	}
	return drawValue(t, 1)
}

func drawCursor(t *rapid.T, q *firestorepb.StructuredQuery) *firestorepb.Cursor {
	if len(q.GetOrderBy()) == 0 || rapid.IntRange(0, 3).Draw(t, "bounded") > 0 {
		return nil
	}
	c := &firestorepb.Cursor{Before: rapid.Bool().Draw(t, "before")}
	for _, order := range q.GetOrderBy()[:rapid.IntRange(1, len(q.GetOrderBy())).Draw(t, "values")] {
		c.Values = append(c.Values, drawOperand(t, order.GetField()))
	}
	return c
}

func drawFilter(t *rapid.T, depth int) *firestorepb.StructuredQuery_Filter {
	switch kind := rapid.IntRange(0, 9).Draw(t, "filter"); {
	case kind < 3 && depth > 0:
		f := &firestorepb.StructuredQuery_CompositeFilter{Op: firestorepb.StructuredQuery_CompositeFilter_AND}
		if rapid.IntRange(0, 2).Draw(t, "or") == 0 {
			f.Op = firestorepb.StructuredQuery_CompositeFilter_OR
		}
		for range rapid.IntRange(1, 3).Draw(t, "children") {
			f.Filters = append(f.Filters, drawFilter(t, depth-1))
		}
		return &firestorepb.StructuredQuery_Filter{
			FilterType: &firestorepb.StructuredQuery_Filter_CompositeFilter{CompositeFilter: f}}
	case kind == 9:
		f := &firestorepb.StructuredQuery_UnaryFilter{
			Op:          firestorepb.StructuredQuery_UnaryFilter_Operator(rapid.Int32Range(2, 5).Draw(t, "unary")),
			OperandType: &firestorepb.StructuredQuery_UnaryFilter_Field{Field: drawField(t)}}
		return &firestorepb.StructuredQuery_Filter{FilterType: &firestorepb.StructuredQuery_Filter_UnaryFilter{UnaryFilter: f}}
	default:
		return &firestorepb.StructuredQuery_Filter{
			FilterType: &firestorepb.StructuredQuery_Filter_FieldFilter{FieldFilter: drawComparison(t)}}
	}
}

func drawComparison(t *rapid.T) *firestorepb.StructuredQuery_FieldFilter {
	f := &firestorepb.StructuredQuery_FieldFilter{Field: drawField(t),
		Op: firestorepb.StructuredQuery_FieldFilter_Operator(rapid.Int32Range(1, 10).Draw(t, "operator"))}
	switch f.GetOp() {
	case firestorepb.StructuredQuery_FieldFilter_IN, firestorepb.StructuredQuery_FieldFilter_NOT_IN,
		firestorepb.StructuredQuery_FieldFilter_ARRAY_CONTAINS_ANY:
		array := &firestorepb.ArrayValue{}
		for range rapid.IntRange(1, 3).Draw(t, "operands") {
			if v := drawOperand(t, f.GetField()); v.GetArrayValue() == nil {
				array.Values = append(array.Values, v)
			}
		}
		f.Value = &firestorepb.Value{ValueType: &firestorepb.Value_ArrayValue{ArrayValue: array}}
	default:
		f.Value = drawOperand(t, f.GetField())
	}
	return f
}
