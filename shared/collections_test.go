package shared_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ryggrad.internal/hub/shared"
)

func collections(t *testing.T) []shared.Collection {
	t.Helper()
	all, err := shared.Collections()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryCollectionIsDescribedWholly(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range collections(t) {
		if seen[c.Name] {
			t.Errorf("%s is listed twice", c.Name)
		}
		seen[c.Name] = true
		if c.ID == "" || c.Erasure == "" {
			t.Errorf("%s does not say how its documents are named or what erasure does", c.Name)
		}
		if !slices.Contains([]string{"hot", "config", "keys", "none"}, c.Backup) {
			t.Errorf("%s is in no backup set: %q", c.Name, c.Backup)
		}
		if _, err := os.Stat(filepath.Join("..", c.Owner)); err != nil {
			t.Errorf("%s has no owner: %v", c.Name, err)
		}
		for _, x := range c.Indexes {
			if len(x) < 2 {
				t.Errorf("%s: the index %v is of one field; that is what `single` is for", c.Name, x)
			}
		}
	}
}

// TestNoCodeNamesAnUnlistedCollection reads the source: every collection that code names as a text must be listed.
func TestNoCodeNamesAnUnlistedCollection(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, c := range collections(t) {
		listed[c.Name] = true
	}
	named := 0
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "localcloud") || strings.Contains(path, "/internal/floor") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, name := range collectionsNamed(file) {
			named++
			if !listed[name] {
				t.Errorf("%s names the collection %q, which collections.json does not list", path, name)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if named == 0 {
		t.Error("the walk found no collection named in code: it looks at the wrong place")
	}
}

// collectionsNamed finds the text arguments of .Collection, .CollectionGroup and .Doc("name/…"), and the constants whose
// name begins with `collection`.
func collectionsNamed(file *ast.File) []string {
	var names []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			f, ok := n.Fun.(*ast.SelectorExpr)
			if ok && len(n.Args) == 1 && (f.Sel.Name == "Collection" || f.Sel.Name == "CollectionGroup") {
				names = append(names, literal(n.Args[0])...)
			}
		case *ast.ValueSpec:
			for i, id := range n.Names {
				if strings.HasPrefix(id.Name, "collection") && i < len(n.Values) {
					names = append(names, literal(n.Values[i])...)
				}
			}
		}
		return true
	})
	return names
}

func literal(e ast.Expr) []string {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return nil
	}
	s, err := strconv.Unquote(lit.Value)
	if err != nil {
		return nil
	}
	return []string{s}
}
