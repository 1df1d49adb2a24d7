package fieldpath_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/localcloud/firestore/fieldpath"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]fieldpath.Path{
		"a":            {"a"},
		"a.b_1.C":      {"a", "b_1", "C"},
		"`a.b`.c":      {"a.b", "c"},
		"`1`":          {"1"},
		"`\\``.`\\\\`": {"`", "\\"},
		"__name__":     {"__name__"},
		"":             nil, ".": nil, "a.": nil, ".a": nil, "a..b": nil, "1a": nil, "a-b": nil, "`a": nil, "``": nil,
		"`a`b": nil, "a b": nil, "é": nil, "`a\\": nil,
	} {
		got, err := fieldpath.Parse(in)
		if d := cmp.Diff(want, got); d != "" || (err == nil) != (want != nil) {
			t.Errorf("Parse(%q) error = %v, path (-want +got):\n%s", in, err, d)
		}
	}
}

func TestEveryPathIsReadBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := fieldpath.Path(rapid.SliceOfN(rapid.StringN(1, 10, -1), 1, 4).Draw(t, "path"))
		got, err := fieldpath.Parse(want.String())
		if err != nil || !cmp.Equal(want, got) {
			t.Fatalf("Parse(%q) = %q, %v; want %q", want.String(), got, err, want)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"a.b", "`a.b`.c", "`\\``", "a..b", "`"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		path, err := fieldpath.Parse(s)
		if err != nil {
			return
		}
		again, err := fieldpath.Parse(path.String())
		if err != nil || !cmp.Equal(path, again) {
			t.Errorf("Parse(%q) = %q, written as %q and read back as %q, %v", s, path, path.String(), again, err)
		}
	})
}
