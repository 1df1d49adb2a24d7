package query

import (
	"fmt"
	"strings"

	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/localcloud/fire/fieldpath"
	"ryggrad.internal/hub/shared/localcloud/fire/sortkey"
	"ryggrad.internal/hub/shared/localcloud/fire/wire"
)

func (c *compiler) where(q *firestorepb.StructuredQuery) (err error) {
	if q.GetWhere() != nil {
		c.plan.filter, err = c.tree(q.GetWhere())
	}
	return err
}

func (c *compiler) tree(f *firestorepb.StructuredQuery_Filter) (*filter, error) {
	switch f := f.GetFilterType().(type) {
	case *firestorepb.StructuredQuery_Filter_CompositeFilter:
		return c.composite(f.CompositeFilter)
	case *firestorepb.StructuredQuery_Filter_FieldFilter:
		return c.field(f.FieldFilter)
	case *firestorepb.StructuredQuery_Filter_UnaryFilter:
		return c.unary(f.UnaryFilter)
	default:
		return nil, invalid("filter type not set")
	}
}

func (c *compiler) composite(f *firestorepb.StructuredQuery_CompositeFilter) (*filter, error) {
	node := &filter{any: f.GetOp() == firestorepb.StructuredQuery_CompositeFilter_OR}
	if !node.any && f.GetOp() != firestorepb.StructuredQuery_CompositeFilter_AND {
		return nil, invalid("composite filter operator is unspecified")
	}
	if len(f.GetFilters()) == 0 {
		return nil, invalid("composite filter is empty")
	}
	for _, each := range f.GetFilters() {
		child, err := c.tree(each)
		if err != nil {
			return nil, err
		}
		node.children = append(node.children, child)
	}
	return node, nil
}

func (c *compiler) unary(f *firestorepb.StructuredQuery_UnaryFilter) (*filter, error) {
	path, err := fieldPath(f.GetField())
	if err != nil {
		return nil, err
	}
	leaf := &filter{path: path, op: equal, operands: [][]byte{{byte(sortkey.Null)}}}
	switch f.GetOp() {
	case firestorepb.StructuredQuery_UnaryFilter_IS_NULL:
	case firestorepb.StructuredQuery_UnaryFilter_IS_NAN:
		leaf.operands[0] = sortkey.NaN()
	case firestorepb.StructuredQuery_UnaryFilter_IS_NOT_NULL:
		leaf.op = notEqual
	case firestorepb.StructuredQuery_UnaryFilter_IS_NOT_NAN:
		leaf.op, leaf.operands[0] = notEqual, sortkey.NaN()
	default:
		return nil, invalid("unary filter operator is unspecified")
	}
	return leaf, nil
}

func (c *compiler) field(f *firestorepb.StructuredQuery_FieldFilter) (*filter, error) {
	path, err := fieldPath(f.GetField())
	if err != nil {
		return nil, err
	}
	leaf := &filter{path: path, op: f.GetOp()}
	switch f.GetOp() {
	case in, notIn, containsAny:
		leaf.operands, err = c.list(path, f)
	case less, lessEqual, more, moreEqual, equal, notEqual, contains:
		leaf.operands = make([][]byte, 1)
		leaf.operands[0], err = c.operand(path, f.GetValue())
	default:
		return nil, invalid("field filter operator is unspecified")
	}
	return leaf, err
}

func (c *compiler) list(path fieldpath.Path, f *firestorepb.StructuredQuery_FieldFilter) ([][]byte, error) {
	values := f.GetValue().GetArrayValue().GetValues()
	if len(values) == 0 {
		return nil, invalid(fmt.Sprintf("'%s' requires an non-empty ArrayValue.", f.GetOp()))
	}
	var operands [][]byte
	for _, v := range values {
		operand, err := c.operand(path, v)
		if err != nil {
			return nil, err
		}
		operands = append(operands, operand)
	}
	return operands, nil
}

// operand is the key of a value that a field is compared with.
func (c *compiler) operand(path fieldpath.Path, v *firestorepb.Value) ([]byte, error) {
	if path.IsName() {
		return c.name(v)
	}
	return valueKey(v)
}

func valueKey(v *firestorepb.Value) ([]byte, error) {
	if v.GetValueType() == nil {
		return nil, invalid("a filter's or cursor's value is not set")
	}
	encoded, err := wire.EncodeValue(v)
	if err != nil {
		return nil, invalid("a filter's or cursor's value cannot be read")
	}
	return sortkey.Append(nil, encoded), nil
}

// name is the key of a document's path, given as a reference.
func (c *compiler) name(v *firestorepb.Value) ([]byte, error) {
	if _, ok := v.GetValueType().(*firestorepb.Value_ReferenceValue); !ok {
		return nil, invalid("__key__ filter value must be a Key")
	}
	path, ok := strings.CutPrefix(v.GetReferenceValue(), c.database+"/documents/")
	if !ok || path == "" {
		return nil, invalid("__key__ filter value must be a document of this database")
	}
	return sortkey.AppendPath(nil, path), nil
}
