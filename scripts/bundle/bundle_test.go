package main

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/module"
)

func root(t *testing.T) string {
	t.Helper()
	dir, err := moduleRoot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestSameSourceGivesTheSameBundle(t *testing.T) {
	t.Parallel()
	from, outs := root(t), []string{t.TempDir(), t.TempDir()}
	var made [2]map[string]bundle
	var used [2][]module.Version
	for i, out := range outs {
		var err error
		if made[i], used[i], err = bundlePackage(t.Context(), from, "functions/keys", []string{"keys"}, out); err != nil {
			t.Fatal(err)
		}
	}
	one, another := read(t, outs[0], "keys.zip"), read(t, outs[1], "keys.zip")
	if !slices.Equal(used[0], used[1]) || !maps.Equal(made[0], made[1]) || !bytes.Equal(one, another) {
		t.Errorf("the same source gives %v and %v", made[0], made[1])
	}
	packed, err := zip.NewReader(bytes.NewReader(one), int64(len(one)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range packed.File {
		names = append(names, f.Name)
		if !f.Modified.Equal(packedAt()) || f.Mode() != 0o644 {
			t.Fatalf("%s is packed with %v %v", f.Name, f.Modified, f.Mode())
		}
	}
	if !slices.IsSorted(names) || len(names) != made[0]["keys"].Files {
		t.Error("the entries are not sorted, or not counted")
	}
	for _, name := range []string{"entry.go", "go.mod", "functions/functions.json", "functions/keys/look.go", "vendor/modules.txt"} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is missing", name)
		}
	}
}

func TestTheBillOfMaterialsHasEveryModuleOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, fstest.MapFS{"vendor/modules.txt": {Data: []byte("# a.b/unused v1.0.0\n## explicit\n# golang.org/x/mod v0.43.0\n" +
		"## explicit; go 1.24.0\ngolang.org/x/mod/module\ngolang.org/x/mod/modfile\n# a.b/c v2.0.0+incompatible\na.b/c\n")}}); err != nil {
		t.Fatal(err)
	}
	modules, err := vendored(dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := billOfMaterials(map[string][]module.Version{"functions/a": modules, "functions/b": modules[:1]})
	if err != nil {
		t.Fatal(err)
	}
	var b bom
	if err := json.Unmarshal(text, &b, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	var refs, licences []string
	for _, c := range b.Components {
		refs = append(refs, c.Ref)
		for _, l := range c.Licenses {
			licences = append(licences, l.Expression)
		}
	}
	const mod, other = "pkg:golang/golang.org/x/mod@v0.43.0", "pkg:golang/a.b/c@v2.0.0%2Bincompatible"
	if diff := cmp.Diff([]string{"functions/a", "functions/b", other, mod}, refs); diff != "" {
		t.Errorf("components (-want +got):\n%s", diff)
	}
	want := []bomDependency{{"functions/a", []string{mod, other}}, {"functions/b", []string{mod}}}
	if diff := cmp.Diff(want, b.Dependencies); diff != "" {
		t.Errorf("dependencies (-want +got):\n%s", diff)
	}
	if !slices.Equal(licences, []string{"BSD-3-Clause"}) {
		t.Errorf("licences %v", licences)
	}
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestOnlyWhatAFunctionIsCompiledFromIsTaken(t *testing.T) {
	t.Parallel()
	from := root(t)
	packages, err := builtPackages()
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range packages {
		files, err := sources(t.Context(), from, pkg)
		if err != nil {
			t.Fatal(err)
		}
		own := 0
		for _, file := range files {
			info, err := os.Lstat(filepath.Join(from, file))
			if err != nil {
				t.Fatal(err)
			}
			if why := misplaced(filepath.ToSlash(file), fs.FileInfoToDirEntry(info)); why != "" {
				t.Errorf("%s takes %s: %s", pkg, file, why)
			}
			if strings.HasPrefix(file, pkg+"/") {
				own++
			} else if strings.HasPrefix(file, "functions/") && strings.Count(file, "/") > 1 {
				t.Errorf("%s takes %s of another function", pkg, file)
			}
		}
		if own == 0 {
			t.Errorf("%s takes nothing of itself", pkg)
		}
	}
}

// sound is the least that the builder takes.
func sound() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o600} }
	return fstest.MapFS{
		"entry.go":             file("package entry\n\nimport _ \"" + framework + "/functions\"\n"),
		"go.mod":               file("module ryggrad.internal/hub\n\ngo 1.26.0\n"),
		"go.sum":               file(""),
		"functions/keys/a.go":  file("package keys\n"),
		"shared/table.json":    file("{}"),
		"vendor/modules.txt":   file(""),
		"vendor/a.b/.whatever": file("an author's own"),
		"vendor/" + framework + "/functions/a.go":     file("package functions\n"),
		"vendor/" + framework + "/funcframework/a.go": file("package funcframework\n"),
	}
}

func TestWhatTheBuilderRefusesIsNotPacked(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file, text string // of the change; an empty text removes the file
		want       string
	}{
		"as it should be":               {"shared/more.go", "package shared\n", ""},
		"a test at the root":            {"entry_test.go", "package entry\n", "tests at the root"},
		"two packages at the root":      {"more.go", "package more\n", "not one package, but 2"},
		"no package at the root":        {"entry.go", "", "not one package, but 0"},
		"a root that cannot be read":    {"entry.go", "package", "expected 'IDENT'"},
		"a folder named as the package": {"entry/a.go", "package a\n", "the builder would take the folder"},
		"no import of functions":        {"entry.go", "package entry\n", "imports the framework's functions"},
		"no module":                     {"go.mod", "", "go.mod"},
		"a module path without a dot":   {"go.mod", "module hub/x.y\n\ngo 1.26.0\n", "no dot"},
		"another Go":                    {"go.mod", "module ryggrad.internal/hub\n\ngo 1.26.3\n", "go 1.26.0"},
		"a toolchain":                   {"go.mod", "module ryggrad.internal/hub\n\ngo 1.26.0\n\ntoolchain go1.26.8\n", "toolchain"},
		"a module from elsewhere":       {"go.mod", "module ryggrad.internal/hub\n\ngo 1.26.0\n\nreplace a.b/c => ../c\n", "replaces"},
		"a framework that is missing":   {"vendor/" + framework + "/funcframework/a.go", "", "funcframework is not there"},
		"no list of what is vendored":   {"vendor/modules.txt", "", "modules.txt is not there"},
		"a test":                        {"shared/a_test.go", "package shared\n", "tests are not deployed"},
		"a vendored test":               {"vendor/a.b/a_test.go", "package a\n", "tests are not deployed"},
		"data of tests":                 {"shared/x/testdata/a.json", "{}", "for tests"},
		"the embedded cloud":            {"shared/localcloud/a.go", "package localcloud\n", "for tests and workstations"},
		"Terraform":                     {"functions/main.tf", "x", "looks like a key or a state"},
		"another folder":                {"terraform/README.md", "x", "only functions, shared and vendor"},
		"a tool":                        {"scripts/ryggrad/main.go", "package main\n", "only functions, shared and vendor"},
		"a key":                         {"shared/gcp/service.key", "x", "looks like a key"},
		"a hidden file":                 {"functions/.secrets", "x", "hidden"},
		"a file at the root":            {"README.md", "x", "belongs at the root"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := sound()
			if tree[c.file] = (&fstest.MapFile{Data: []byte(c.text), Mode: 0o600}); c.text == "" {
				delete(tree, c.file)
			}
			dir := t.TempDir()
			if err := os.CopyFS(dir, tree); err != nil {
				t.Fatal(err)
			}
			err := faults(dir)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestALinkIsNotPacked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.CopyFS(dir, sound()); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hostname", filepath.Join(dir, "shared", "host.go")); err != nil {
		t.Skipf("SKIPPED: no links here: %v", err)
	}
	if err := faults(dir); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("%v", err)
	}
}
