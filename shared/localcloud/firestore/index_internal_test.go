package firestore

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/wrapperspb"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/localcloud/firestore/query"
)

// pair are two databases with the same documents: one makes an index for every query, the other none.
type pair struct {
	clock            *clock
	indexed, scanned *Server
}

func newPair(t *testing.T) pair {
	t.Helper()
	clk := newClock()
	p := pair{clock: clk, indexed: open(t, Options{Now: clk.Now}), scanned: open(t, Options{Now: clk.Now})}
	p.indexed.database(crashDatabase).small = 0
	p.scanned.database(crashDatabase).small = math.MaxInt
	return p
}

func (p pair) write(t *testing.T, w *firestorepb.Write) {
	t.Helper()
	p.clock.advance(time.Millisecond)
	commit(t, p.indexed, w)
	commit(t, p.scanned, w)
}

func TestIndexesFindWhatAScanFinds(t *testing.T) {
	t.Parallel()
	used := 0
	rapid.Check(t, func(rt *rapid.T) {
		p := newPair(t)
		var times []int64
		for range rapid.IntRange(1, 60).Draw(rt, "steps") {
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 0:
				p.write(t, &firestorepb.Write{Operation: &firestorepb.Write_Delete{Delete: drawName(rt)}})
			case 1:
				p.clock.advance(20 * time.Minute)
			case 2, 3:
				p.check(t, rt, drawQuery(rt), p.snapshot())
			case 4:
				if len(times) > 0 {
					p.check(t, rt, drawQuery(rt), rapid.SampledFrom(times).Draw(rt, "at"))
				}
			default:
				p.write(t, &firestorepb.Write{Operation: &firestorepb.Write_Update{Update: &firestorepb.Document{Name: drawName(rt), Fields: drawFields(rt)}}})
			}
			times = append(times, p.snapshot())
			oldest := p.clock.Now().Add(-retention).UnixMicro()
			times = slices.DeleteFunc(times, func(at int64) bool { return at < oldest })
		}
		if c := p.indexed.database(crashDatabase).collection("c"); c != nil {
			used += len(c.allIndexes())
		}
	})
	if used == 0 {
		t.Error("no index was ever made")
	}
}

func TestForgottenVersionsLeaveNoKeys(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		p := newPair(t)
		d := p.indexed.database(crashDatabase)
		p.write(t, &firestorepb.Write{Operation: &firestorepb.Write_Update{Update: &firestorepb.Document{Name: drawName(rt)}}})
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			p.write(t, &firestorepb.Write{Operation: &firestorepb.Write_Update{Update: &firestorepb.Document{Name: drawName(rt), Fields: drawFields(rt)}}})
			p.check(t, rt, drawQuery(rt), p.snapshot())
		}
		p.clock.advance(retention + grace + time.Second)
		for len(d.old) > 0 {
			d.mu.Lock()
			d.forget()
			d.mu.Unlock()
		}
		c := d.collection("c")
		for _, x := range c.allIndexes() {
			want := 0
			for n := c.docs.First(); n != nil; n = n.Next() {
				want += len(x.keys(n.Key(), n.Value.latest.Load()))
			}
			if got := x.docs.Len(); got != want {
				rt.Fatalf("index %s holds %d keys, want %d", x.shape.ID(), got, want)
			}
		}
	})
}

// snapshot is a time after all writes, the same on both sides.
func (p pair) snapshot() int64 {
	p.clock.advance(time.Millisecond)
	return min(p.indexed.database(crashDatabase).snapshot(), p.scanned.database(crashDatabase).snapshot())
}

// check runs a query on both sides at a time.
func (p pair) check(t *testing.T, rt *rapid.T, q *firestorepb.StructuredQuery, at int64) {
	t.Helper()
	names := func(s *Server) []string {
		plan, err := query.Compile(crashDatabase, "", q)
		if err != nil {
			return []string{err.Error()}
		}
		d := s.database(crashDatabase)
		d.index(plan)
		var found []string
		for h := range d.run(plan, at) {
			found = append(found, h.doc.name)
		}
		return found
	}
	if scanned, indexed := names(p.scanned), names(p.indexed); !slices.Equal(scanned, indexed) {
		rt.Fatalf("%v\na scan finds %v\nan index     %v", q, scanned, indexed)
	}
}

func drawName(t *rapid.T) string {
	return crashDatabase + "/documents/" + rapid.SampledFrom([]string{"c/", "c/", "c/a/c/"}).Draw(t, "collection") +
		rapid.SampledFrom([]string{"a", "b", "c", "d", "__id7__", "\x00", "é"}).Draw(t, "id")
}

var fieldNames = []string{"a", "b", "m.x"}

func drawFields(t *rapid.T) map[string]*firestorepb.Value {
	fields := map[string]*firestorepb.Value{}
	for _, name := range []string{"a", "b"} {
		if rapid.IntRange(0, 4).Draw(t, "has") > 0 {
			fields[name] = drawSmall(t)
		}
	}
	if rapid.Bool().Draw(t, "nested") {
		fields["m"] = &firestorepb.Value{ValueType: &firestorepb.Value_MapValue{MapValue: &firestorepb.MapValue{
			Fields: map[string]*firestorepb.Value{"x": drawSmall(t)}}}}
	}
	fields["list"] = &firestorepb.Value{ValueType: &firestorepb.Value_ArrayValue{ArrayValue: &firestorepb.ArrayValue{
		Values: rapid.SliceOfN(rapid.Custom(drawSmall), 0, 3).Draw(t, "list")}}}
	return fields
}

func drawSmall(t *rapid.T) *firestorepb.Value {
	switch rapid.IntRange(0, 6).Draw(t, "kind") {
	case 0:
		return &firestorepb.Value{ValueType: &firestorepb.Value_NullValue{}}
	case 1:
		return &firestorepb.Value{ValueType: &firestorepb.Value_DoubleValue{DoubleValue: rapid.SampledFrom([]float64{math.NaN(), 1, -1, math.Inf(1)}).Draw(t, "double")}}
	case 2:
		return &firestorepb.Value{ValueType: &firestorepb.Value_StringValue{StringValue: rapid.SampledFrom([]string{"", "x", "x\x00"}).Draw(t, "string")}}
	default:
		return integer(rapid.Int64Range(-2, 2).Draw(t, "int"))
	}
}

func drawQuery(t *rapid.T) *firestorepb.StructuredQuery {
	q := &firestorepb.StructuredQuery{From: []*firestorepb.StructuredQuery_CollectionSelector{{CollectionId: "c"}}}
	if rapid.IntRange(0, 5).Draw(t, "where") > 0 {
		q.Where = drawFilter(t, 2)
	}
	for _, name := range rapid.Permutation(append([]string{"__name__"}, fieldNames...)).Draw(t, "orders")[:rapid.IntRange(0, 3).Draw(t, "order")] {
		q.OrderBy = append(q.OrderBy, &firestorepb.StructuredQuery_Order{
			Field:     &firestorepb.StructuredQuery_FieldReference{FieldPath: name},
			Direction: rapid.SampledFrom([]firestorepb.StructuredQuery_Direction{1, 2}).Draw(t, "direction")})
	}
	q.StartAt, q.EndAt = drawCursor(t, q), drawCursor(t, q)
	if rapid.Bool().Draw(t, "limited") {
		q.Limit = wrapperspb.Int32(rapid.Int32Range(0, 4).Draw(t, "limit"))
		q.Offset = rapid.Int32Range(0, 2).Draw(t, "offset")
	}
	return q
}

func drawCursor(t *rapid.T, q *firestorepb.StructuredQuery) *firestorepb.Cursor {
	if rapid.IntRange(0, 2).Draw(t, "cursor") > 0 {
		return nil
	}
	c := &firestorepb.Cursor{Before: rapid.Bool().Draw(t, "before")}
	for _, o := range q.GetOrderBy()[:rapid.IntRange(0, len(q.GetOrderBy())).Draw(t, "values")] {
		if o.GetField().GetFieldPath() == "__name__" {
			c.Values = append(c.Values, reference(drawName(t)))
		} else {
			c.Values = append(c.Values, drawSmall(t))
		}
	}
	return c
}

func reference(name string) *firestorepb.Value {
	return &firestorepb.Value{ValueType: &firestorepb.Value_ReferenceValue{ReferenceValue: name}}
}

func drawFilter(t *rapid.T, depth int) *firestorepb.StructuredQuery_Filter {
	if depth > 0 && rapid.Bool().Draw(t, "composite") {
		f := &firestorepb.StructuredQuery_CompositeFilter{Op: firestorepb.StructuredQuery_CompositeFilter_Operator(rapid.IntRange(1, 2).Draw(t, "junction"))}
		for range rapid.IntRange(1, 3).Draw(t, "children") {
			f.Filters = append(f.Filters, drawFilter(t, depth-1))
		}
		return &firestorepb.StructuredQuery_Filter{FilterType: &firestorepb.StructuredQuery_Filter_CompositeFilter{CompositeFilter: f}}
	}
	op := firestorepb.StructuredQuery_FieldFilter_Operator(rapid.IntRange(1, 10).Draw(t, "op"))
	f := &firestorepb.StructuredQuery_FieldFilter{Op: op, Value: drawSmall(t)}
	name := rapid.SampledFrom(fieldNames).Draw(t, "field")
	if fmt.Sprint(op) == "ARRAY_CONTAINS" || fmt.Sprint(op) == "ARRAY_CONTAINS_ANY" {
		name = "list"
	}
	if op >= firestorepb.StructuredQuery_FieldFilter_IN {
		f.Value = &firestorepb.Value{ValueType: &firestorepb.Value_ArrayValue{ArrayValue: &firestorepb.ArrayValue{
			Values: rapid.SliceOfN(rapid.Custom(drawSmall), 1, 3).Draw(t, "operands")}}}
	}
	f.Field = &firestorepb.StructuredQuery_FieldReference{FieldPath: name}
	return &firestorepb.StructuredQuery_Filter{FilterType: &firestorepb.StructuredQuery_Filter_FieldFilter{FieldFilter: f}}
}
