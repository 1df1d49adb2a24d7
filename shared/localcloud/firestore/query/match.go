package query

import (
	"bytes"
	"slices"
	"strings"

	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/localcloud/firestore/fieldpath"
	"ryggrad.internal/hub/shared/localcloud/firestore/sortkey"
)

// bound is one end of a query: a key of its first orders.
type bound struct {
	key    []byte
	before bool // the documents that equal the key
}

// compare tells whether a document's sort key is before (negative) or after the bound.
func (b *bound) compare(key []byte) int {
	if !bytes.HasPrefix(key, b.key) {
		return bytes.Compare(key, b.key)
	}
	if b.before {
		return 1
	}
	return -1
}

func (c *compiler) cursors(q *firestorepb.StructuredQuery) (err error) {
	if c.plan.start, err = c.bound(q.GetStartAt()); err != nil {
		return err
	}
	c.plan.end, err = c.bound(q.GetEndAt())
	return err
}

func (c *compiler) bound(cursor *firestorepb.Cursor) (*bound, error) {
	if cursor == nil {
		return nil, nil //nolint:nilnil // a query need not have bounds
	}
	if len(cursor.GetValues()) > c.named {
		return nil, invalid("Cursor has too many values.")
	}
	b := &bound{before: cursor.GetBefore()}
	for i, v := range cursor.GetValues() {
		key, err := c.cursorKey(c.plan.Orders[i].Path, v)
		if err != nil {
			return nil, err
		}
		if c.plan.Orders[i].Descending {
			sortkey.Invert(key)
		}
		b.key = append(b.key, key...)
	}
	return b, nil
}

func (c *compiler) cursorKey(path fieldpath.Path, v *firestorepb.Value) ([]byte, error) {
	if !path.IsName() {
		return valueKey(v)
	}
	key, err := c.name(v)
	return sortkey.AppendPathEnd(key), err
}

// Match tells whether a document is among those that the query finds, before its limit, and appends the key that it
// sorts by to dst.
func (p *Plan) Match(dst []byte, d Document) ([]byte, bool) {
	if !p.below(d.Key) || !p.filter.match(d, &p.scratch) {
		return dst, false
	}
	from := len(dst)
	dst, ok := p.sortKey(dst, d)
	if !ok || p.outside(dst[from:]) {
		return dst[:from], false
	}
	return dst, true
}

func (p *Plan) below(key string) bool {
	if p.Descendants {
		return len(key) > len(p.Parent)
	}
	if p.Collection != "" {
		return sortkey.IsChild(key, p.Parent)
	}
	return isGrandchild(key, p.Parent)
}

func (p *Plan) outside(key []byte) bool {
	return p.start != nil && p.start.compare(key) < 0 || p.end != nil && p.end.compare(key) > 0
}

// sortKey appends the key of all orders; a document that lacks one of their fields has none.
func (p *Plan) sortKey(dst []byte, d Document) ([]byte, bool) {
	for _, order := range p.Orders {
		from := len(dst)
		if order.Path.IsName() {
			dst = sortkey.AppendPathEnd(append(dst, d.Key...))
		} else {
			v, ok := d.Fields.Lookup(order.Path)
			if !ok {
				return dst, false
			}
			dst = sortkey.Append(dst, v)
		}
		if order.Descending {
			sortkey.Invert(dst[from:])
		}
	}
	return dst, true
}

// ByName tells whether the query's order is that of the documents' names, and whether backwards. Such a query needs no
// sorting.
func (p *Plan) ByName() (byName, descending bool) {
	return p.Orders[0].Path.IsName(), p.Orders[0].Descending
}

// Bounds are the keys between which every document of the query lies: from the first, up to before the second.
func (p *Plan) Bounds() (from, to string) {
	from, to = p.Parent, p.Parent+"\xff"
	if byName, descending := p.ByName(); byName {
		from, to = p.betweenNames(from, to, descending)
	}
	if p.filter == nil {
		return from, to
	}
	for _, leaf := range p.filter.required() {
		if !leaf.path.IsName() || len(leaf.operands) == 0 {
			continue
		}
		operand := string(leaf.operands[0])
		switch leaf.op {
		case equal:
			from, to = max(from, operand), min(to, operand+"\x00")
		case more, moreEqual:
			from = max(from, operand)
		case less, lessEqual:
			to = min(to, operand+"\x00")
		default:
		}
	}
	return from, to
}

// betweenNames narrows a range by the cursors of a query in the order of names.
func (p *Plan) betweenNames(from, to string, descending bool) (string, string) {
	first, last := p.start, p.end
	if descending {
		first, last = last, first
	}
	if name := first.name(descending); name != "" {
		from = max(from, name)
	}
	if name := last.name(descending); name != "" {
		to = min(to, name+"\x00")
	}
	return from, to
}

// name is the document's key that a bound of such a query holds; empty when it holds none.
func (b *bound) name(inverted bool) string {
	if b == nil || len(b.key) == 0 {
		return ""
	}
	key := slices.Clone(b.key)
	if inverted {
		sortkey.Invert(key)
	}
	return strings.TrimSuffix(string(key), string(sortkey.AppendPathEnd(nil)))
}

// required are the comparisons that every result fulfils.
func (f *filter) required() []*filter {
	if len(f.path) > 0 {
		return []*filter{f}
	}
	if f.any {
		return nil
	}
	var all []*filter
	for _, child := range f.children {
		all = append(all, child.required()...)
	}
	return all
}

func isGrandchild(key, parent string) bool {
	for i := len(parent); i+1 < len(key); i++ {
		if key[i] == 0 && key[i+1] == 1 {
			return sortkey.IsChild(key, key[:i+2])
		}
	}
	return false
}
