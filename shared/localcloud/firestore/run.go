package firestore

import (
	"bytes"
	"iter"
	"slices"

	"ryggrad.internal/hub/shared/localcloud/firestore/query"
	"ryggrad.internal/hub/shared/localcloud/firestore/skiplist"
)

// hit is a document that a query finds, as of the query's time.
type hit struct {
	key     string
	doc     *document
	version *version
	sort    []byte
}

// run yields what a query finds at a time, in its order, after its offset and up to its limit.
func (d *database) run(p *query.Plan, at int64) iter.Seq[hit] {
	return func(yield func(hit) bool) {
		left := p.Limit
		skip := p.Offset
		for h := range d.ordered(p, at) {
			if left == 0 {
				return
			}
			if skip > 0 {
				skip--
				continue
			}
			if left--; !yield(h) {
				return
			}
		}
	}
}

// ordered yields all matches in the query's order.
func (d *database) ordered(p *query.Plan, at int64) iter.Seq[hit] {
	if finds := d.finds(p); finds != nil {
		return d.found(p, finds, at)
	}
	if byName, descending := p.ByName(); byName {
		return d.matches(p, at, descending)
	}
	return slices.Values(sorted(p, d.matches(p, at, false)))
}

// sorted collects matches and sorts them. With a limit it keeps no more than a few times that many.
func sorted(p *query.Plan, matches iter.Seq[hit]) []hit {
	const slack = 1024
	most := p.Limit + p.Offset
	var hits []hit
	for h := range matches {
		h.sort = slices.Clone(h.sort)
		hits = append(hits, h)
		if p.Limit >= 0 && len(hits) > 2*most+slack {
			sortHits(hits)
			hits = slices.Delete(hits, most, len(hits))
		}
	}
	sortHits(hits)
	return hits
}

func sortHits(hits []hit) {
	slices.SortFunc(hits, func(a, b hit) int { return bytes.Compare(a.sort, b.sort) })
}

// matches yields all matches in the order of their names. A hit's sort key is valid only until the next one.
func (d *database) matches(p *query.Plan, at int64, descending bool) iter.Seq[hit] {
	return func(yield func(hit) bool) {
		var key []byte
		for node := range d.candidates(p, descending) {
			v := node.Value.at(at)
			if v == nil {
				continue
			}
			var ok bool
			if key, ok = p.Match(key[:0], query.Document{Key: node.Key(), Fields: v.fields}); !ok {
				continue
			}
			if !yield(hit{key: node.Key(), doc: node.Value, version: v, sort: key}) {
				return
			}
		}
	}
}

// candidates yields the documents among which all matches are.
func (d *database) candidates(p *query.Plan, descending bool) iter.Seq[*skiplist.Node[*document]] {
	docs := d.docs
	if p.Collection != "" {
		c := d.collection(p.Collection)
		if c == nil {
			return func(func(*skiplist.Node[*document]) bool) {}
		}
		docs = c.docs
	}
	from, to := p.Bounds()
	return func(yield func(*skiplist.Node[*document]) bool) {
		if descending {
			for n := docs.Before(to); n != nil && n.Key() >= from && yield(n); {
				n = n.Prev()
			}
			return
		}
		for n := docs.Seek(from); n != nil && n.Key() < to && yield(n); {
			n = n.Next()
		}
	}
}

// unchanged tells whether a query finds the same now as at a time. It is called with the lock held.
func (d *database) unchanged(p *query.Plan, at int64) bool {
	if p.Collection != "" {
		if c := d.collection(p.Collection); c == nil || c.changed.Load() <= at {
			return true
		}
	}
	before := slices.Collect(d.run(p, at))
	return slices.EqualFunc(before, slices.Collect(d.run(p, d.last)), func(a, b hit) bool {
		return a.doc == b.doc && a.version == b.version
	})
}
