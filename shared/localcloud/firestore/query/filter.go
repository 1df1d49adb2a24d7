package query

import (
	"bytes"
	"slices"

	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/localcloud/firestore/fieldpath"
	"ryggrad.internal/hub/shared/localcloud/firestore/sortkey"
	"ryggrad.internal/hub/shared/localcloud/firestore/wire"
)

type operator = firestorepb.StructuredQuery_FieldFilter_Operator

// The operators of fields. The unary ones are written as comparisons with null and NaN.
const (
	less        = firestorepb.StructuredQuery_FieldFilter_LESS_THAN
	lessEqual   = firestorepb.StructuredQuery_FieldFilter_LESS_THAN_OR_EQUAL
	more        = firestorepb.StructuredQuery_FieldFilter_GREATER_THAN
	moreEqual   = firestorepb.StructuredQuery_FieldFilter_GREATER_THAN_OR_EQUAL
	equal       = firestorepb.StructuredQuery_FieldFilter_EQUAL
	notEqual    = firestorepb.StructuredQuery_FieldFilter_NOT_EQUAL
	contains    = firestorepb.StructuredQuery_FieldFilter_ARRAY_CONTAINS
	in          = firestorepb.StructuredQuery_FieldFilter_IN
	containsAny = firestorepb.StructuredQuery_FieldFilter_ARRAY_CONTAINS_ANY
	notIn       = firestorepb.StructuredQuery_FieldFilter_NOT_IN
)

// filter is a tree: a leaf compares a field with operands, an inner node joins its children.
type filter struct {
	children []*filter
	any      bool // of the children is enough

	path     fieldpath.Path
	op       operator
	operands [][]byte // keys; of paths when the field is the document's name
	onlyNull bool     // it was compared with nothing else
}

// match decides whether a document matches. It may use and replace the scratch memory.
func (f *filter) match(d Document, scratch *[]byte) bool {
	if f == nil {
		return true
	}
	if len(f.path) == 0 {
		return f.matchChildren(d, scratch)
	}
	if f.path.IsName() {
		*scratch = append((*scratch)[:0], d.Key...)
		return f.compare(*scratch, true)
	}
	v, ok := d.Fields.Lookup(f.path)
	if !ok {
		return false
	}
	if f.op == contains || f.op == containsAny {
		return f.contained(v, scratch)
	}
	*scratch = sortkey.Append((*scratch)[:0], v)
	return f.compare(*scratch, false)
}

func (f *filter) matchChildren(d Document, scratch *[]byte) bool {
	for _, child := range f.children {
		if child.match(d, scratch) == f.any {
			return f.any
		}
	}
	return !f.any
}

func (f *filter) compare(key []byte, isName bool) bool {
	switch f.op {
	case equal, in:
		return f.hasOperand(key)
	case notEqual, notIn:
		return (isName || sortkey.KindOf(key) != sortkey.Null) && !f.hasNull() && !f.hasOperand(key)
	default:
		return len(f.operands) == 1 && (isName || inReach(key, f.operands[0])) && f.inRange(bytes.Compare(key, f.operands[0]))
	}
}

// inReach tells whether one value can be in a range that another bounds: both of a kind, and numbers at all.
func inReach(key, bound []byte) bool {
	return sortkey.KindOf(key) == sortkey.KindOf(bound) && !sortkey.IsNaN(key)
}

func (f *filter) inRange(order int) bool {
	switch f.op {
	case less:
		return order < 0
	case lessEqual:
		return order <= 0
	case more:
		return order > 0
	default:
		return order >= 0
	}
}

func (f *filter) hasOperand(key []byte) bool {
	for _, operand := range f.operands {
		if string(operand) == string(key) {
			return true
		}
	}
	return false
}

// hasNull tells whether null is among what a value must not be: no value can be told to differ from it.
func (f *filter) hasNull() bool {
	return slices.ContainsFunc(f.operands, func(key []byte) bool { return sortkey.KindOf(key) == sortkey.Null })
}

// elements are the keys of an array's elements, each once.
func elements(v wire.Value) [][]byte {
	kind, _, payload := v.Kind()
	if kind != wire.Array {
		return nil
	}
	var keys [][]byte
	seen := map[string]bool{}
	for element := range wire.Elements(payload) {
		if key := sortkey.Append(nil, element); !seen[string(key)] {
			seen[string(key)] = true
			keys = append(keys, key)
		}
	}
	return keys
}

func (f *filter) contained(v wire.Value, scratch *[]byte) bool {
	kind, _, payload := v.Kind()
	if kind != wire.Array {
		return false
	}
	for element := range wire.Elements(payload) {
		if *scratch = sortkey.Append((*scratch)[:0], element); f.hasOperand(*scratch) {
			return true
		}
	}
	return false
}

// never tells whether a comparison holds for no value at all, as comparisons with null and NaN do.
func (f *filter) never() bool {
	if f.op == notEqual || f.op == notIn {
		return f.onlyNull
	}
	return len(f.operands) == 0
}

// isInequality tells whether a comparison makes a query sort by its field.
func (f *filter) isInequality() bool {
	if f.never() {
		return false
	}
	switch f.op {
	case less, lessEqual, more, moreEqual, notEqual, notIn:
		return true
	default:
		return false
	}
}

// same tells whether two comparisons are the same one.
func (f *filter) same(other *filter) bool {
	return len(f.path) > 0 && f.op == other.op && slices.Equal(f.path, other.path) &&
		slices.EqualFunc(f.operands, other.operands, bytes.Equal)
}

// inequalities are the distinct fields of inequalities, in the order of their names.
func (f *filter) inequalities() []fieldpath.Path {
	var paths []fieldpath.Path
	for leaf := range f.leaves() {
		if leaf.isInequality() {
			paths = append(paths, leaf.path)
		}
	}
	slices.SortFunc(paths, slices.Compare[fieldpath.Path])
	return slices.CompactFunc(paths, slices.Equal[fieldpath.Path])
}

// hasEquality tells whether a comparison says what a field's value is.
func (f *filter) hasEquality() bool {
	for leaf := range f.leaves() {
		if !leaf.path.IsName() && !leaf.isInequality() {
			return true
		}
	}
	return false
}

// comparesName tells whether a comparison is about the document's name.
func (f *filter) comparesName() bool {
	for leaf := range f.leaves() {
		if leaf.path.IsName() {
			return true
		}
	}
	return false
}

// leaves goes through all comparisons.
func (f *filter) leaves() func(yield func(*filter) bool) {
	return func(yield func(*filter) bool) { f.walk(yield) }
}

func (f *filter) walk(yield func(*filter) bool) bool {
	switch {
	case f == nil:
		return true
	case len(f.path) > 0:
		return yield(f)
	}
	for _, child := range f.children {
		if !child.walk(yield) {
			return false
		}
	}
	return true
}
