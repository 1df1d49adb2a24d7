package firestore

import (
	"iter"
	"maps"
	"slices"

	"ryggrad.internal/hub/shared/localcloud/firestore/query"
	"ryggrad.internal/hub/shared/localcloud/firestore/skiplist"
)

// An index is made when a query first asks for one, in a collection that is not small, and then kept up; so collections
// that are only read by name pay for none. What indexes production would need is another question, which package query
// answers.
const (
	smallCollection = 1000 // documents; going through them is as fast
	maxIndexes      = 24   // of one collection
)

// index holds, in order, the keys of all versions that can still be read. Whoever finds a document by a key checks that
// the version that he reads has that key.
type index struct {
	shape *query.Shape
	docs  *skiplist.List[*document]
}

// find is a range of an index.
type find struct {
	query.Lookup
	docs *skiplist.List[*document]
}

// index makes the indexes that serve a query, unless they are there or not worth it. It waits for commits, and they wait
// for it.
func (d *database) index(p *query.Plan) {
	c := d.collection(p.Collection)
	if c == nil || c.docs.Len() < d.small {
		return
	}
	for _, l := range p.Lookups() {
		if c.indexOf(l.Shape) == nil {
			d.makeIndex(c, l.Shape)
		}
	}
}

func (d *database) makeIndex(c *collection, shape *query.Shape) {
	d.mu.Lock()
	defer d.mu.Unlock()
	all := c.allIndexes()
	if all[shape.ID()] != nil || len(all) >= maxIndexes {
		return
	}
	x := &index{shape: shape, docs: skiplist.New[*document]()}
	for n := c.docs.First(); n != nil; n = n.Next() {
		for v := n.Value.latest.Load(); v != nil; v = v.before.Load() {
			x.add(n.Key(), n.Value, v)
		}
	}
	more := maps.Clone(all)
	if more == nil {
		more = map[string]*index{}
	}
	more[shape.ID()] = x
	c.indexes.Store(&more)
}

func (c *collection) allIndexes() map[string]*index {
	if all := c.indexes.Load(); all != nil {
		return *all
	}
	return nil
}

func (c *collection) indexOf(shape *query.Shape) *index {
	all := c.allIndexes()
	if len(all) == 0 {
		return nil
	}
	return all[shape.ID()]
}

func (x *index) keys(key string, v *version) []string {
	if v.deleted {
		return nil
	}
	return x.shape.Keys(query.Document{Key: key, Fields: v.fields})
}

func (x *index) add(key string, doc *document, v *version) {
	for _, k := range x.keys(key, v) {
		x.docs.Insert(k, doc)
	}
}

// indexVersion adds a version to all indexes. It is called with the database's lock held.
func (c *collection) indexVersion(key string, doc *document, v *version) {
	for _, x := range c.allIndexes() {
		x.add(key, doc, v)
	}
}

// forgetKeys takes versions out of all indexes, from gone back, except for keys that the document's other versions have.
// It is called with the database's lock held.
func (c *collection) forgetKeys(key string, doc *document, gone *version) {
	for _, x := range c.allIndexes() {
		kept := map[string]bool{}
		for v := doc.latest.Load(); v != nil; v = v.before.Load() {
			for _, k := range x.keys(key, v) {
				kept[k] = true
			}
		}
		for v := gone; v != nil; v = v.before.Load() {
			for _, k := range x.keys(key, v) {
				if !kept[k] {
					x.docs.Delete(k)
				}
			}
		}
	}
}

// finds are the ranges of indexes that serve a query, nil where there are none for a part of it.
func (d *database) finds(p *query.Plan) []find {
	c := d.collection(p.Collection)
	if c == nil || len(c.allIndexes()) == 0 {
		return nil
	}
	var all []find
	for _, l := range p.Lookups() {
		x := c.indexOf(l.Shape)
		if x == nil {
			return nil
		}
		all = append(all, find{Lookup: l, docs: x.docs})
	}
	return all
}

// found yields all matches in the query's order.
func (d *database) found(p *query.Plan, finds []find, at int64) iter.Seq[hit] {
	if len(finds) == 1 {
		return finds[0].matches(p, at)
	}
	return slices.Values(sorted(p, func(yield func(hit) bool) {
		seen := map[*document]bool{}
		for _, f := range finds {
			for h := range f.matches(p, at) {
				if seen[h.doc] {
					continue
				}
				seen[h.doc] = true
				if !yield(h) {
					return
				}
			}
		}
	}))
}

// matches yields the matches in a range. A hit's sort key is valid only until the next one.
func (f find) matches(p *query.Plan, at int64) iter.Seq[hit] {
	return func(yield func(hit) bool) {
		var key []byte
		for n := f.first(); f.within(n); n = f.next(n) {
			v := n.Value.at(at)
			if v == nil {
				continue
			}
			path := n.Value.key
			if !slices.Contains(f.Shape.Keys(query.Document{Key: path, Fields: v.fields}), n.Key()) {
				continue // another version's key
			}
			var ok bool
			if key, ok = p.Match(key[:0], query.Document{Key: path, Fields: v.fields}); !ok {
				continue
			}
			if !yield(hit{key: path, doc: n.Value, version: v, sort: key}) {
				return
			}
		}
	}
}

func (f find) first() *skiplist.Node[*document] {
	if f.Backwards {
		return f.docs.Before(f.To)
	}
	return f.docs.Seek(f.From)
}

func (f find) next(n *skiplist.Node[*document]) *skiplist.Node[*document] {
	if f.Backwards {
		return n.Prev()
	}
	return n.Next()
}

func (f find) within(n *skiplist.Node[*document]) bool {
	return n != nil && n.Key() >= f.From && n.Key() < f.To
}
