package query_test

import (
	"testing"

	"cloud.google.com/go/firestore/apiv1/firestorepb"

	"ryggrad.internal/hub/shared/localcloud/firestore/query"
	"ryggrad.internal/hub/shared/localcloud/firestore/sortkey"
)

const database = "projects/p/databases/(default)"

func key(id string) string { return string(sortkey.AppendPath(nil, "c/"+id)) }

func at(id string, before bool) *firestorepb.Cursor {
	if id == "" {
		return nil
	}
	return &firestorepb.Cursor{Before: before, Values: []*firestorepb.Value{
		{ValueType: &firestorepb.Value_ReferenceValue{ReferenceValue: database + "/documents/c/" + id}}}}
}

// TestCursorsByNameBoundWhatIsLookedThrough tries cursors at every place of a collection: what a query finds lies between
// its bounds, and what it passes over does not.
func TestCursorsByNameBoundWhatIsLookedThrough(t *testing.T) {
	t.Parallel()
	ids := []string{"__id7__", "a", "a0", "b", "ba", "c\x01", "ö"}
	ends := append([]string{"", "aa", "zz"}, ids...)
	tried, found, passed := 0, 0, 0
	for _, start := range ends {
		for _, end := range ends {
			for way := range 4 {
				p, err := query.Compile(database, "", &firestorepb.StructuredQuery{
					From:    []*firestorepb.StructuredQuery_CollectionSelector{{CollectionId: "c"}},
					StartAt: at(start, way&1 > 0), EndAt: at(end, way&2 > 0),
					OrderBy: []*firestorepb.StructuredQuery_Order{{Field: &firestorepb.StructuredQuery_FieldReference{FieldPath: "__name__"}}},
				})
				if err != nil {
					t.Fatal(err)
				}
				from, to := p.Bounds()
				for _, id := range ids {
					_, matches := p.Match(nil, query.Document{Key: key(id)})
					within := key(id) >= from && key(id) < to
					tried++
					switch {
					case matches && !within:
						t.Errorf("%s is found from %q to %q and not looked at", id, start, end)
					case matches:
						found++
					case within && id != start && id != end:
						passed++
					}
				}
			}
		}
	}
	if found < tried/10 || passed > 0 {
		t.Errorf("of %d documents %d are found, and %d are looked at in vain", tried, found, passed)
	}
}
