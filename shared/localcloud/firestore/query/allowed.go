package query

import "fmt"

// The limits of a filter (https://firebase.google.com/docs/firestore/query-data/queries#limits_on_or_queries).
const (
	maxDisjunctions = 30
	maxNotIn        = 10
)

// allowed refuses trees that the service refuses.
func (f *filter) allowed() error {
	if err := f.checkNegations(); err != nil {
		return err
	}
	if err := f.checkKey(); err != nil {
		return err
	}
	if n := f.disjunctions(); n > maxDisjunctions {
		return invalid(fmt.Sprintf("Too many disjunctions after normalization. Result had %d disjunctions which is more than the maximum of %d",
			n, maxDisjunctions))
	}
	if f.arrays() > 1 {
		return invalid("A maximum of 1 'ARRAY_CONTAINS' filter is allowed per disjunction.")
	}
	return nil
}

func (f *filter) checkNegations() error {
	negations, lists, others := 0, 0, f.hasOr()
	for leaf := range f.leaves() {
		switch leaf.op {
		case notIn:
			negations++
			lists++
		case notEqual:
			negations++
		case in, containsAny:
			others = true
		default:
		}
	}
	if negations > 1 {
		return invalid("Only a single 'NOT_EQUAL', 'NOT_IN', 'IS_NOT_NAN', or 'IS_NOT_NULL' filter allowed per query.")
	}
	if lists > 0 && others {
		return invalid("'NOT_IN' cannot be used in the same query with 'IN', 'ARRAY_CONTAINS_ANY' or 'OR'.")
	}
	return nil
}

// checkKey refuses to ask for certain documents within ranges of something else.
func (f *filter) checkKey() error {
	equal, ranged, others := false, false, false
	for leaf := range f.leaves() {
		switch inequality := leaf.isInequality(); {
		case inequality && leaf.path.IsName():
			ranged = true
		case inequality:
			others = true
		case leaf.path.IsName():
			equal = true
		}
	}
	if equal && others && !ranged {
		return invalid("Equality on key is not allowed if there are other inequality fields and key does not appear in inequalities.")
	}
	return nil
}

func (f *filter) hasOr() bool {
	if f.any {
		return true
	}
	for _, child := range f.children {
		if child.hasOr() {
			return true
		}
	}
	return false
}

// disjunctions is the number of terms of the filter as an 'or' of 'and's; it stops counting beyond what is allowed.
func (f *filter) disjunctions() int {
	if len(f.path) > 0 {
		if f.op == in || f.op == containsAny {
			return max(len(f.operands), 1)
		}
		return 1
	}
	if len(f.children) == 0 {
		return 1
	}
	n := 1
	if f.any {
		n = 0
	}
	for _, child := range f.children {
		if f.any {
			n += child.disjunctions()
		} else {
			n *= child.disjunctions()
		}
		n = min(n, 1<<20)
	}
	return n
}

// arrays is the largest number of comparisons with arrays' elements in one term.
func (f *filter) arrays() int {
	if len(f.path) > 0 {
		if f.op == contains || f.op == containsAny {
			return 1
		}
		return 0
	}
	n := 0
	for _, child := range f.children {
		if f.any {
			n = max(n, child.arrays())
		} else {
			n += child.arrays()
		}
	}
	return n
}
