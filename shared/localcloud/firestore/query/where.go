package query

import (
	"fmt"
	"slices"

	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/localcloud/firestore/fieldpath"
	"ryggrad.internal/hub/shared/localcloud/firestore/resource"
	"ryggrad.internal/hub/shared/localcloud/firestore/sortkey"
	"ryggrad.internal/hub/shared/localcloud/firestore/value"
	"ryggrad.internal/hub/shared/localcloud/firestore/wire"
)

func (c *compiler) where(q *firestorepb.StructuredQuery) (err error) {
	if q.GetWhere() == nil {
		return nil
	}
	if c.plan.filter, err = c.tree(q.GetWhere()); err != nil {
		return err
	}
	return c.plan.filter.allowed()
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
		return nil, invalid("Unknown Filter type.")
	}
}

func (c *compiler) composite(f *firestorepb.StructuredQuery_CompositeFilter) (*filter, error) {
	node := &filter{any: f.GetOp() == firestorepb.StructuredQuery_CompositeFilter_OR}
	if !node.any && f.GetOp() != firestorepb.StructuredQuery_CompositeFilter_AND {
		return nil, invalid("Unsupported CompositeFilter operator.")
	}
	for _, each := range f.GetFilters() {
		child, err := c.tree(each)
		if err != nil {
			return nil, err
		}
		if !slices.ContainsFunc(node.children, child.same) {
			node.children = append(node.children, child)
		}
	}
	return node, nil
}

func (c *compiler) unary(f *firestorepb.StructuredQuery_UnaryFilter) (*filter, error) {
	path, err := fieldPath(f.GetField())
	if err != nil {
		return nil, err
	}
	if path.IsName() {
		return nil, invalid("__key__ filter value must be a Key")
	}
	leaf := &filter{path: path, op: equal, operands: [][]byte{{byte(sortkey.Null)}}}
	switch f.GetOp() {
	case firestorepb.StructuredQuery_UnaryFilter_IS_NULL:
	case firestorepb.StructuredQuery_UnaryFilter_IS_NAN:
		leaf.operands[0] = sortkey.NaN()
	case firestorepb.StructuredQuery_UnaryFilter_IS_NOT_NULL:
		leaf.op, leaf.operands = notEqual, nil // no value but null fails to differ from nothing
	case firestorepb.StructuredQuery_UnaryFilter_IS_NOT_NAN:
		leaf.op, leaf.operands[0] = notEqual, sortkey.NaN()
	default:
		return nil, invalid("Unknown UnaryFilter operator.")
	}
	return leaf, nil
}

func (c *compiler) field(f *firestorepb.StructuredQuery_FieldFilter) (*filter, error) {
	path, err := fieldPath(f.GetField())
	if err != nil {
		return nil, err
	}
	leaf := &filter{path: path, op: f.GetOp()}
	if path.IsName() && (leaf.op == contains || leaf.op == containsAny) {
		return nil, invalid("the name __key__ is reserved")
	}
	switch f.GetOp() {
	case in, notIn, containsAny:
		leaf.operands, err = c.list(leaf, f)
	case less, lessEqual, more, moreEqual, equal, notEqual, contains:
		leaf.operands, err = c.operands(leaf, f.GetValue())
	default:
		return nil, invalid("Unknown FieldFilter operator.")
	}
	return leaf, err
}

func (c *compiler) list(leaf *filter, f *firestorepb.StructuredQuery_FieldFilter) ([][]byte, error) {
	values := f.GetValue().GetArrayValue()
	if values == nil {
		return nil, invalid(fmt.Sprintf("'%s' requires an ArrayValue.", f.GetOp()))
	}
	if len(values.GetValues()) == 0 {
		return nil, invalid(fmt.Sprintf("'%s' requires an non-empty ArrayValue.", f.GetOp()))
	}
	most := maxDisjunctions
	if leaf.op == notIn {
		most = maxNotIn
	}
	if len(values.GetValues()) > most {
		return nil, invalid(fmt.Sprintf("'%s' supports up to %d comparison values.", f.GetOp(), most))
	}
	return c.operands(leaf, values.GetValues()...)
}

// operands are the keys of the values that a field is compared with. Nothing equals null or NaN, nor is before or after
// them, so they are left out, except that what must differ from null never does.
func (c *compiler) operands(leaf *filter, values ...*firestorepb.Value) ([][]byte, error) {
	var operands [][]byte
	leaf.onlyNull = true
	for _, v := range values {
		operand, err := c.operand(leaf.path, v)
		if err != nil {
			return nil, err
		}
		isNull := !leaf.path.IsName() && sortkey.KindOf(operand) == sortkey.Null
		leaf.onlyNull = leaf.onlyNull && isNull
		differs := leaf.op == notEqual || leaf.op == notIn
		if (isNull && !differs) || sortkey.IsNaN(operand) {
			continue
		}
		operands = append(operands, operand)
	}
	return operands, nil
}

func (c *compiler) operand(path fieldpath.Path, v *firestorepb.Value) ([]byte, error) {
	if path.IsName() {
		return c.name(v)
	}
	return valueKey(v)
}

func valueKey(v *firestorepb.Value) ([]byte, error) {
	if err := value.Check(v, 1); err != nil {
		return nil, invalid(err.Error())
	}
	encoded, err := wire.EncodeValue(v)
	if err != nil {
		return nil, invalid("a value cannot be read")
	}
	return sortkey.Append(nil, encoded), nil
}

// name is the key of a document's path, given as a reference.
func (c *compiler) name(v *firestorepb.Value) ([]byte, error) {
	if _, ok := v.GetValueType().(*firestorepb.Value_ReferenceValue); !ok {
		return nil, invalid("__key__ filter value must be a Key")
	}
	database, path, err := resource.Split(resource.Reference, v.GetReferenceValue())
	if err != nil {
		return nil, invalid(err.Error())
	}
	if database != c.database {
		return nil, invalid(fmt.Sprintf("The request was for database '%s' but was attempting to access database '%s'", c.database, database))
	}
	return sortkey.AppendPath(nil, path), nil
}
