package skiplist_test

import (
	"slices"
	"sort"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/localcloud/firestore/skiplist"
)

func TestListIsASortedMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list, model := skiplist.New[int](), map[string]int{}
		key := rapid.StringMatching(`[a-c]{0,3}`)
		for i := range rapid.IntRange(0, 200).Draw(t, "steps") {
			k := key.Draw(t, "key")
			if rapid.Bool().Draw(t, "insert") {
				n, found := insert(t, list, model, k, key, i)
				if _, had := model[k]; had != found {
					t.Fatalf("Insert(%q) found = %v, want %v", k, found, had)
				}
				n.Value, model[k] = i, i
				continue
			}
			list.Delete(k)
			delete(model, k)
		}
		check(t, list, model, key.Draw(t, "probe"))
	})
}

// insert inserts a key, in one of the two ways: the second finds its place first, and others may come between.
func insert(t *rapid.T, list *skiplist.List[int], model map[string]int, k string, other *rapid.Generator[string], i int) (*skiplist.Node[int], bool) {
	if rapid.Bool().Draw(t, "at once") {
		return list.Insert(k, i)
	}
	had, place := list.Find(k)
	for range rapid.IntRange(0, 3).Draw(t, "others") {
		if o := other.Draw(t, "other"); o != k {
			n, _ := list.Insert(o, -i)
			n.Value, model[o] = -i, -i
		}
	}
	n, found := list.InsertAt(place, k, i)
	if found != (had != nil) {
		t.Fatalf("InsertAt(%q) found = %v, Find had found %v", k, found, had != nil)
	}
	return n, found
}

func check(t *rapid.T, list *skiplist.List[int], model map[string]int, probe string) {
	want := make([]string, 0, len(model))
	for k := range model {
		want = append(want, k)
	}
	sort.Strings(want)
	up, down := []string{}, []string{}
	for n := list.First(); n != nil; n = n.Next() {
		up = append(up, n.Key())
		if n.Value != model[n.Key()] {
			t.Fatalf("value of %q = %d, want %d", n.Key(), n.Value, model[n.Key()])
		}
	}
	for n := list.Last(); n != nil; n = n.Prev() {
		down = append(down, n.Key())
	}
	slices.Reverse(down)
	if d := cmp.Diff(want, up) + cmp.Diff(want, down); d != "" || list.Len() != len(want) {
		t.Fatalf("keys, upwards and downwards (-want +got):\n%s; Len = %d", d, list.Len())
	}
	at := sort.SearchStrings(want, probe)
	expect(t, "Seek", list.Seek(probe), want, at)
	expect(t, "Before", list.Before(probe), want, at-1)
	if got := list.Get(probe) != nil; got != slices.Contains(want, probe) {
		t.Fatalf("Get(%q) found = %v", probe, got)
	}
}

func expect(t *rapid.T, what string, n *skiplist.Node[int], keys []string, at int) {
	if at < 0 || at >= len(keys) {
		if n != nil {
			t.Fatalf("%s = %q, want nothing", what, n.Key())
		}
		return
	}
	if n == nil || n.Key() != keys[at] {
		t.Fatalf("%s = %v, want %q", what, n, keys[at])
	}
}

func TestReadersGoOnWhileTheListChanges(t *testing.T) {
	t.Parallel()
	list := skiplist.New[int]()
	for _, k := range []string{"a", "m", "z"} {
		list.Insert(k, 0)
	}
	stop, done := make(chan struct{}), make(chan int)
	go func() {
		rounds := 0
		for {
			select {
			case <-stop:
				done <- rounds
				return
			default:
				rounds++
				seen := 0
				for n := list.First(); n != nil; n = n.Next() {
					if len(n.Key()) == 1 {
						seen++
					}
				}
				for n := list.Last(); n != nil; n = n.Prev() {
					if len(n.Key()) == 1 {
						seen++
					}
				}
				if seen != 6 {
					t.Errorf("a reader met %d of the 6 lasting keys", seen)
				}
			}
		}
	}()
	for range 200 {
		for _, k := range []string{"bb", "nn", "aa", "zz"} {
			list.Insert(k, 0)
		}
		for _, k := range []string{"bb", "nn", "aa", "zz"} {
			list.Delete(k)
		}
	}
	close(stop)
	if <-done == 0 {
		t.Log("the reader never ran beside the writer")
	}
}
