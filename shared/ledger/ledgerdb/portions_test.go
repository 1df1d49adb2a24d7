package ledgerdb_test

import (
	"slices"
	"testing"

	"cloud.google.com/go/firestore"
	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

func TestWhatOneCommitDeletesIsBoundedByNumberAndSize(t *testing.T) {
	t.Parallel()
	of := func(mib ...float64) (all []ledgerdb.Object) {
		for _, n := range mib {
			all = append(all, ledgerdb.Object{Fields: map[string]any{"part": make([]byte, int(n*(1<<20)))}})
		}
		return all
	}
	odd := ledgerdb.Object{Fields: map[string]any{"at": &firestore.DocumentRef{}}}
	for name, c := range map[string]struct {
		objects []ledgerdb.Object
		want    []int
	}{
		"none":                         {nil, nil},
		"few and small":                {of(0, 0, 0), []int{3}},
		"as many as there may be":      {of(0, 0, 0, 0, 0), []int{5}},
		"more":                         {of(0, 0, 0, 0, 0, 0, 0), []int{5, 2}},
		"large":                        {of(0.9, 0.9, 0.9, 0.9, 0.9, 0.9), []int{4, 2}},
		"one that is larger than all":  {of(0, 5, 0), []int{1, 1, 1}},
		"by number, then by size":      {of(0, 0, 0, 0, 3, 3), []int{5, 1}},
		"one that cannot be measured":  {slices.Insert(of(0.5, 0.5), 1, odd), []int{1, 1, 1}},
		"nothing before the first one": {of(5), []int{1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []int
			for some := range ledgerdb.Portions(c.objects, 5) {
				got = append(got, len(some))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			for range ledgerdb.Portions(c.objects, 5) {
				break
			}
		})
	}
}
