package firestore

import (
	"fmt"
	"slices"
	"testing"

	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/localcloud/firestore/query"
)

// The next page begins where the last one ended: what is before it is not gone through again, by name or by an index.
func TestAPageReadsNothingBeforeItsCursor(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	var names []string
	for i := range 30 {
		names = append(names, fmt.Sprintf("%s/documents/c/%02d", crashDatabase, i))
		p.write(t, &firestorepb.Write{Operation: &firestorepb.Write_Update{Update: &firestorepb.Document{
			Name: names[i], Fields: map[string]*firestorepb.Value{"a": integer(1)}}}})
	}
	p.write(t, &firestorepb.Write{Operation: &firestorepb.Write_Update{Update: &firestorepb.Document{Name: names[7] + "/c/below"}}})
	for _, direction := range []firestorepb.StructuredQuery_Direction{firestorepb.StructuredQuery_ASCENDING, firestorepb.StructuredQuery_DESCENDING} {
		for _, filtered := range []bool{false, true} {
			if !filtered && direction == firestorepb.StructuredQuery_DESCENDING {
				continue // which Firestore refuses
			}
			for _, side := range []*Server{p.indexed, p.scanned} {
				p.turn(t, side, page(direction, filtered), names)
			}
		}
		slices.Reverse(names)
	}
}

// page asks for documents by name, and for those of which a is 1.
func page(direction firestorepb.StructuredQuery_Direction, filtered bool) *firestorepb.StructuredQuery {
	q := &firestorepb.StructuredQuery{
		From:    []*firestorepb.StructuredQuery_CollectionSelector{{CollectionId: "c"}},
		OrderBy: []*firestorepb.StructuredQuery_Order{{Field: &firestorepb.StructuredQuery_FieldReference{FieldPath: "__name__"}, Direction: direction}},
	}
	if filtered {
		q.Where = &firestorepb.StructuredQuery_Filter{FilterType: &firestorepb.StructuredQuery_Filter_FieldFilter{
			FieldFilter: &firestorepb.StructuredQuery_FieldFilter{
				Field: &firestorepb.StructuredQuery_FieldReference{FieldPath: "a"}, Op: firestorepb.StructuredQuery_FieldFilter_EQUAL, Value: integer(1),
			}}}
	}
	return q
}

// turn reads a query page by page: after each document, then before each, and counts what is gone through.
func (p pair) turn(t *testing.T, s *Server, q *firestorepb.StructuredQuery, want []string) {
	t.Helper()
	d := s.database(crashDatabase)
	for i, name := range want {
		for _, part := range []struct {
			start, end *firestorepb.Cursor
			want       []string
		}{
			{start: &firestorepb.Cursor{Values: []*firestorepb.Value{reference(name)}}, want: want[i+1:]},
			{start: &firestorepb.Cursor{Values: []*firestorepb.Value{reference(name)}, Before: true}, want: want[i:]},
			{end: &firestorepb.Cursor{Values: []*firestorepb.Value{reference(name)}}, want: want[:i+1]},
			{end: &firestorepb.Cursor{Values: []*firestorepb.Value{reference(name)}, Before: true}, want: want[:i]},
		} {
			q.StartAt, q.EndAt = part.start, part.end
			plan, err := query.Compile(crashDatabase, "", q)
			if err != nil {
				t.Fatal(err)
			}
			d.index(plan)
			var found []string
			for h := range d.run(plan, p.snapshot()) {
				found = append(found, h.doc.name)
			}
			if !slices.Equal(found, part.want) {
				t.Errorf("%v finds %v, want %v", q, found, part.want)
			}
			if through := d.through(plan); through > len(part.want)+2 { // the cursor's own, and one below it
				t.Errorf("%v goes through %d documents for %d", q, through, len(part.want))
			}
		}
	}
}

// through counts the documents that a query goes through.
func (d *database) through(plan *query.Plan) int {
	n := 0
	finds := d.finds(plan)
	for _, f := range finds {
		for at := f.first(); f.within(at); at = f.next(at) {
			n++
		}
	}
	if finds == nil {
		for range d.candidates(plan, false) {
			n++
		}
	}
	return n
}
