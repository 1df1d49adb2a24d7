package query

import (
	"slices"
	"strings"

	"ryggrad.internal/hub/shared/localcloud/firestore/fieldpath"
	"ryggrad.internal/hub/shared/localcloud/firestore/sortkey"
)

// Shape says what a store's own index holds: a key for every document that has all its fields, and for every element of
// an array where a field is one whose elements are looked up. Keys begin with the document's collection, then come the
// fields, then the document's name.
type Shape struct {
	fields       []shapeField
	nameInverted bool
}

type shapeField struct {
	path     fieldpath.Path
	contains bool
	inverted bool
}

// ID tells shapes apart.
func (s *Shape) ID() string {
	var b strings.Builder
	for _, f := range s.fields {
		b.WriteString(f.path.String())
		if f.contains {
			b.WriteString("[]")
		}
		if f.inverted {
			b.WriteString("-")
		}
		b.WriteString(",")
	}
	if s.nameInverted {
		b.WriteString("-")
	}
	return b.String()
}

// Keys are the keys of a document.
func (s *Shape) Keys(d Document) []string {
	all := [][]byte{collectionKey(parentOf(d.Key))}
	for _, f := range s.fields {
		v, ok := d.Fields.Lookup(f.path)
		if !ok {
			return nil
		}
		if f.contains {
			all = f.appendElements(all[0], elements(v))
			continue
		}
		component := f.component(sortkey.Append(nil, v))
		for i := range all {
			all[i] = append(all[i], component...)
		}
	}
	name := sortkey.AppendPathEnd([]byte(d.Key))
	if s.nameInverted {
		sortkey.Invert(name)
	}
	keys := make([]string, len(all))
	for i := range all {
		keys[i] = string(append(all[i], name...))
	}
	return keys
}

func (f shapeField) component(key []byte) []byte {
	if f.inverted {
		sortkey.Invert(key)
	}
	return key
}

func (f shapeField) appendElements(prefix []byte, elements [][]byte) [][]byte {
	all := make([][]byte, 0, len(elements))
	for _, element := range elements {
		all = append(all, append(slices.Clone(prefix), f.component(element)...))
	}
	return all
}

// parentOf is the key of the path one segment above.
func parentOf(key string) string {
	return key[:strings.LastIndex(key[:len(key)-2], "\x00\x01")+2]
}

// collectionKey begins the keys of one collection's documents, and of no other's.
func collectionKey(parent string) []byte { return sortkey.AppendPathEnd([]byte(parent)) }

// Lookup is a range of an index's keys in which every document is that one term of a query can find.
type Lookup struct {
	Shape     *Shape
	From, To  string // from the first, up to before the second
	Backwards bool   // against the keys' order, to get the query's
}

// Lookups are what to look up instead of going through a whole collection; nil where that has to be. The documents of a
// single one come in the query's order; those of several can be in more than one.
func (p *Plan) Lookups() []Lookup {
	if p.Collection == "" || p.Descendants {
		return nil
	}
	var all []Lookup
	for _, term := range p.filter.terms() {
		n := p.need(term)
		if len(n.equal)+len(n.orders) == 0 {
			return nil
		}
		all = append(all, p.lookupTerm(n, term)...)
	}
	return all
}

// lookupTerm looks up every combination of what the fields of a term can equal.
func (p *Plan) lookupTerm(n need, term []*filter) []Lookup {
	backwards := n.nameDescending
	if len(n.orders) > 0 {
		backwards = n.orders[0].Descending
	}
	shape := &Shape{nameInverted: n.nameDescending != backwards}
	prefixes := [][]byte{collectionKey(p.Parent)}
	for _, f := range sortedFields(n.equal) {
		leaf := equality(term, f)
		field := shapeField{path: leaf.path, contains: f.Contains}
		shape.fields = append(shape.fields, field)
		var next [][]byte
		for _, prefix := range prefixes {
			next = append(next, field.appendElements(prefix, leaf.operands)...)
		}
		prefixes = next
	}
	for _, o := range p.Orders {
		if slices.ContainsFunc(n.orders, func(f IndexField) bool { return f.Path == o.Path.String() }) {
			shape.fields = append(shape.fields, shapeField{path: o.Path, inverted: o.Descending != backwards})
		}
	}
	var all []Lookup
	for _, prefix := range prefixes {
		l := Lookup{Shape: shape, From: string(prefix), To: string(prefix) + beyond, Backwards: backwards}
		p.narrow(&l, string(prefix), n, term)
		all = append(all, l)
	}
	return all
}

// beyond is more than everything that can follow a component of a key.
const beyond = "\xff\xff"

func sortedFields(fields []IndexField) []IndexField {
	sorted := slices.Clone(fields)
	slices.SortFunc(sorted, func(a, b IndexField) int { return strings.Compare(a.Path, b.Path) })
	return sorted
}

func equality(term []*filter, f IndexField) *filter {
	for _, leaf := range term {
		if !leaf.isInequality() && leaf.path.String() == f.Path && (leaf.op == contains || leaf.op == containsAny) == f.Contains {
			return leaf
		}
	}
	return nil
}

// narrow uses the ranges of the first order's field and the cursors. What it leaves in too much is filtered anyway.
func (p *Plan) narrow(l *Lookup, prefix string, n need, term []*filter) {
	for _, leaf := range term {
		if len(n.orders) > 0 && leaf.isInequality() && leaf.path.String() == n.orders[0].Path && len(leaf.operands) == 1 {
			l.narrowRange(prefix, leaf)
		}
	}
	if len(n.orders) == len(p.Orders)-1 { // the cursors' values are those of the index
		l.narrowBound(prefix, p.start, !l.Backwards)
		l.narrowBound(prefix, p.end, l.Backwards)
	}
}

// narrowRange uses a range of the first order's field, which is never inverted.
func (l *Lookup) narrowRange(prefix string, leaf *filter) {
	operand := string(leaf.operands[0])
	switch leaf.op {
	case more, moreEqual:
		l.From = max(l.From, prefix+operand)
		l.To = min(l.To, prefix+string(sortkey.KindOf(leaf.operands[0])+1))
	case less, lessEqual:
		l.From = max(l.From, prefix+operand[:1])
		l.To = min(l.To, prefix+operand+beyond)
	default:
	}
}

// narrowBound uses a cursor, as the lower end of the keys or the upper one. Where the index is read backwards, its
// components are the opposite of the cursor's.
func (l *Lookup) narrowBound(prefix string, b *bound, lower bool) {
	if b == nil {
		return
	}
	key := slices.Clone(b.key)
	if l.Backwards {
		sortkey.Invert(key)
	}
	if lower {
		l.From = max(l.From, prefix+string(key))
	} else {
		l.To = min(l.To, prefix+string(key)+beyond)
	}
}
