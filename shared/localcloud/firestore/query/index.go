package query

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Indexes are the indexes of collections, by the collections' ids, for queries of one collection at a time. They decide
// as production does (https://firebase.google.com/docs/firestore/query-data/index-overview): a query is served by
//
//   - nothing but the documents' names, when it filters and sorts by nothing else;
//   - an index whose fields are the query's: first those that are compared for equality, in any order, then those that it
//     sorts by or ranges over, in their order and directions, or all turned around;
//   - several such indexes that together have all the fields compared for equality and each end with the same orders.
type Indexes map[string]Collection

// Collection are the indexes of one collection.
type Collection struct {
	Single    []string // field paths that have an index of their own: both directions and array-contains
	Composite [][]IndexField
}

// IndexField is one field of an index of several fields. The document's name follows the last one, in its direction.
type IndexField struct {
	Path       string
	Descending bool
	Contains   bool // an array's elements
}

// Check refuses a plan that no index serves, with FAILED_PRECONDITION.
func (x Indexes) Check(p *Plan) error {
	for _, term := range p.filter.terms() {
		need := p.need(term)
		if len(need.equal)+len(need.orders) == 0 {
			continue
		}
		if p.Descendants || !x[p.Collection].serves(need) {
			return status.Errorf(codes.FailedPrecondition,
				"The query requires an index. No listed index of collection %q serves the fields %s.", p.Collection, need)
		}
	}
	return nil
}

// need is what an index must have to serve one term of a query.
type need struct {
	equal          []IndexField // in any order
	orders         []IndexField // without the document's name
	nameDescending bool
}

func (n need) String() string {
	var words []string
	for _, f := range slices.Concat(n.equal, n.orders) {
		switch {
		case f.Contains:
			words = append(words, f.Path+" CONTAINS")
		case f.Descending:
			words = append(words, f.Path+" DESCENDING")
		default:
			words = append(words, f.Path+" ASCENDING")
		}
	}
	return fmt.Sprintf("[%s]", strings.Join(words, ", "))
}

// need finds what a term compares for equality, and what remains of the orders.
func (p *Plan) need(term []*filter) need {
	var n need
	for _, leaf := range term {
		f := IndexField{Path: leaf.path.String(), Contains: leaf.op == contains || leaf.op == containsAny}
		if !leaf.path.IsName() && !leaf.isInequality() && !slices.Contains(n.equal, f) {
			n.equal = append(n.equal, f)
		}
	}
	for _, o := range p.Orders {
		f := IndexField{Path: o.Path.String(), Descending: o.Descending}
		if o.Path.IsName() {
			n.nameDescending = o.Descending
		} else if !slices.Contains(n.equal, IndexField{Path: f.Path}) {
			n.orders = append(n.orders, f)
		}
	}
	return n
}

// serves tells whether indexes that end with the orders have, together, all the fields compared for equality.
func (c Collection) serves(n need) bool {
	covered := map[IndexField]bool{}
	found := false
	for _, index := range c.all() {
		equal, ok := n.fits(index)
		if !ok {
			continue
		}
		found = true
		for _, f := range equal {
			covered[f] = true
		}
	}
	return found && len(covered) == len(n.equal)
}

// all are the indexes of one field and of several.
func (c Collection) all() [][]IndexField {
	all := slices.Clone(c.Composite)
	for _, path := range c.Single {
		all = append(all, []IndexField{{Path: path}}, []IndexField{{Path: path, Contains: true}})
	}
	return all
}

// fits tells whether an index's fields are some of the fields compared for equality, which it returns, and then exactly
// the orders.
func (n need) fits(index []IndexField) (equal []IndexField, ok bool) {
	from := len(index) - len(n.orders)
	if from < 0 {
		return nil, false
	}
	for _, f := range index[:from] {
		f.Descending = false
		if !slices.Contains(n.equal, f) {
			return nil, false
		}
		equal = append(equal, f)
	}
	return equal, n.ordered(index[from:], false) || n.ordered(index[from:], true)
}

// ordered tells whether the end of an index has the orders, read forwards or backwards.
func (n need) ordered(index []IndexField, backwards bool) bool {
	for i, f := range index {
		if f.Contains || f.Path != n.orders[i].Path || (f.Descending != backwards) != n.orders[i].Descending {
			return false
		}
	}
	return len(index) == 0 || n.orders[len(index)-1].Descending == n.nameDescending
}

// terms are the filter as an 'or' of 'and's of comparisons; at least one, maybe empty.
func (f *filter) terms() [][]*filter {
	if f == nil {
		return [][]*filter{nil}
	}
	if len(f.path) > 0 {
		return [][]*filter{{f}}
	}
	if f.any {
		var all [][]*filter
		for _, child := range f.children {
			all = append(all, child.terms()...)
		}
		return all
	}
	all := [][]*filter{nil}
	for _, child := range f.children {
		var next [][]*filter
		for _, left := range all {
			for _, right := range child.terms() {
				next = append(next, slices.Concat(left, right))
			}
		}
		all = next
	}
	return all
}
