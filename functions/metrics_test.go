package functions_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

// metric is one line of metrics.json: what alerts count, or take the value of, in the functions' log.
type metric struct {
	Name     string   `json:"name"`     // under which Terraform makes it, as in `ryggrad/poison`
	Value    string   `json:"value"`    // the field of the line that is measured; empty where lines are counted
	Messages []string `json:"messages"` // of the lines, as code writes them
	About    string   `json:"about"`
}

func metrics(t *testing.T) []metric {
	t.Helper()
	text, err := os.ReadFile("metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	var table struct {
		Metrics []metric `json:"metrics"`
	}
	if err := json.Unmarshal(text, &table, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	return table.Metrics
}

// line is a call of a logger: its message and the keys that are written beside it.
type line struct {
	file, message string
	isError       bool
	keys          []string
}

// logged are all lines that functions can log.
func logged(t *testing.T) []line {
	t.Helper()
	var all []line
	for _, dir := range []string{".", "../shared"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "localcloud") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if l, ok := lineOf(n); ok {
					l.file = path
					all = append(all, l)
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// lineOf reads a call such as log.WarnContext(ctx, "message", "key", value).
func lineOf(n ast.Node) (line, bool) {
	c, ok := n.(*ast.CallExpr)
	if !ok {
		return line{}, false
	}
	f, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || !regexp.MustCompile(`^(Debug|Info|Warn|Error)(Context)?$`).MatchString(f.Sel.Name) {
		return line{}, false
	}
	var texts []string
	for _, arg := range c.Args {
		if lit, ok := arg.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			text, _ := strconv.Unquote(lit.Value)
			texts = append(texts, text)
		}
	}
	if x, ok := f.X.(*ast.Ident); len(texts) == 0 || ok && (x.Name == "http" || x.Name == "fmt") {
		return line{}, false
	}
	return line{message: texts[0], isError: strings.HasPrefix(f.Sel.Name, "Error"), keys: texts[1:]}, true
}

func TestMetricsAreDescribedWholly(t *testing.T) {
	t.Parallel()
	names, messages := map[string]bool{}, map[string]bool{}
	for _, m := range metrics(t) {
		if names[m.Name] || !regexp.MustCompile(`^[a-z][a-z_]*$`).MatchString(m.Name) || m.About == "" || len(m.Messages) == 0 {
			t.Errorf("%q is listed twice, or not described", m.Name)
		}
		names[m.Name] = true
		for _, text := range m.Messages {
			if messages[text] {
				t.Errorf("%q is in two metrics", text)
			}
			messages[text] = true
		}
	}
}

func TestEveryMetricIsLogged(t *testing.T) {
	t.Parallel()
	all := logged(t)
	for _, m := range metrics(t) {
		for _, text := range m.Messages {
			i := slices.IndexFunc(all, func(l line) bool { return l.message == text })
			switch {
			case i < 0:
				t.Errorf("%s: no code logs %q", m.Name, text)
			case m.Value != "" && !slices.Contains(all[i].keys, m.Value):
				t.Errorf("%s: %s logs %q without %s", m.Name, all[i].file, text, m.Value)
			}
		}
	}
}

// TestEveryErrorIsWatched holds code to what an error means in the log: a person must look.
func TestEveryErrorIsWatched(t *testing.T) {
	t.Parallel()
	watched := map[string]bool{}
	for _, m := range metrics(t) {
		for _, text := range m.Messages {
			watched[text] = true
		}
	}
	errors := 0
	for _, l := range logged(t) {
		if !l.isError {
			continue
		}
		if errors++; !watched[l.message] {
			t.Errorf("%s logs the error %q, and no metric counts it: add it to functions/metrics.json, or log a warning", l.file, l.message)
		}
	}
	if errors < 5 {
		t.Errorf("only %d errors are found in code: the test looks at the wrong place", errors)
	}
}
