package query_test

import (
	"testing"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"

	"ryggrad.internal/hub/shared/localcloud/firestore/query"
)

const one = `value{integer_value:1}`

func field(path string) string { return `field{field_path:"` + path + `"}` }

func where(path, op string) string {
	return `filters{field_filter{` + field(path) + ` op:` + op + ` ` + one + `}}`
}

func and(filters string) string { return `where{composite_filter{op:AND ` + filters + `}}` }

func or(filters string) string { return `where{composite_filter{op:OR ` + filters + `}}` }

func by(path, direction string) string {
	return ` order_by{` + field(path) + ` direction:` + direction + `}`
}

func TestAQueryNeedsAnIndexThatServesIt(t *testing.T) {
	t.Parallel()
	indexes := query.Indexes{"orders": {
		Single: []string{"tenant", "tags"},
		Composite: [][]query.IndexField{
			{{Path: "tenant"}, {Path: "updatedAt"}},
			{{Path: "tenant"}, {Path: "status"}, {Path: "updatedAt"}},
			{{Path: "tenant"}, {Path: "link"}, {Path: "receivedAt", Descending: true}},
			{{Path: "link"}, {Path: "updatedAt"}},
			{{Path: "tags", Contains: true}, {Path: "updatedAt"}},
		},
	}}
	tenant := where("tenant", "EQUAL")
	for name, c := range map[string]struct {
		query string
		want  codes.Code
	}{
		"everything, by name":                    {``, codes.OK},
		"one field that has an index":            {and(tenant), codes.OK},
		"one field that has none":                {and(where("status", "EQUAL")), codes.FailedPrecondition},
		"a range of a field that has an index":   {and(where("tenant", "GREATER_THAN")), codes.OK},
		"an element":                             {and(where("tags", "ARRAY_CONTAINS")), codes.OK},
		"an element of a field without":          {and(where("link", "ARRAY_CONTAINS")), codes.FailedPrecondition},
		"equal, and a range":                     {and(tenant + where("updatedAt", "GREATER_THAN")), codes.OK},
		"equal, sorted":                          {and(tenant) + by("updatedAt", "ASCENDING"), codes.OK},
		"equal, sorted backwards":                {and(tenant) + by("updatedAt", "DESCENDING"), codes.OK},
		"equal, sorted, then by name against it": {and(tenant) + by("updatedAt", "ASCENDING") + by("__name__", "DESCENDING"), codes.FailedPrecondition},
		"only sorted by the second field":        {by("updatedAt", "ASCENDING"), codes.FailedPrecondition},
		"an index with a field too many":         {and(tenant+where("link", "EQUAL")) + by("updatedAt", "ASCENDING"), codes.OK}, // two are merged
		"two equal, one of them in no index":     {and(tenant+where("origin", "EQUAL")) + by("updatedAt", "ASCENDING"), codes.FailedPrecondition},
		"three equal, by two indexes":            {and(tenant+where("status", "EQUAL")+where("link", "EQUAL")) + by("updatedAt", "ASCENDING"), codes.OK},
		"a direction that is listed":             {and(tenant+where("link", "EQUAL")) + by("receivedAt", "DESCENDING"), codes.OK},
		"an order of two that is not listed":     {and(tenant) + by("status", "ASCENDING") + by("updatedAt", "DESCENDING"), codes.FailedPrecondition},
		"an element, sorted":                     {and(where("tags", "ARRAY_CONTAINS")) + by("updatedAt", "ASCENDING"), codes.OK},
		"either of two that are served":          {or(tenant + where("tags", "EQUAL")), codes.OK},
		"either of two, one not served":          {or(tenant + where("status", "EQUAL")), codes.FailedPrecondition},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := check(t, indexes, `from{collection_id:"orders"} `+c.query); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
	for name, c := range map[string]struct {
		query string
		want  codes.Code
	}{
		"a collection that is not listed":         {`from{collection_id:"others"} ` + and(tenant), codes.FailedPrecondition},
		"… by name":                               {`from{collection_id:"others"}`, codes.OK},
		"a group of collections":                  {`from{collection_id:"orders" all_descendants:true} ` + and(tenant), codes.FailedPrecondition},
		"a group of collections, by name":         {`from{collection_id:"orders" all_descendants:true}`, codes.OK},
		"everything in the database, by name":     {`from{all_descendants:true}`, codes.OK},
		"documents by name from one on, by index": {`from{collection_id:"orders"} ` + and(where("tenant", "EQUAL")) + by("__name__", "ASCENDING"), codes.OK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := check(t, indexes, c.query); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}

// check is how a query, written as prototext, is answered with indexes.
func check(t *testing.T, indexes query.Indexes, text string) codes.Code {
	t.Helper()
	q := &firestorepb.StructuredQuery{}
	if err := prototext.Unmarshal([]byte(text), q); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	plan, err := query.Compile(database, "", q)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return status.Code(indexes.Check(plan))
}
