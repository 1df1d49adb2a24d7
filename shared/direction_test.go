package shared_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "ryggrad.internal/hub/"

// pure returns the packages that hold rules and nothing else: no cloud, no network, no clock.
func pure() []string {
	return []string{
		"shared/fault", "shared/order", "shared/channel", "shared/delivery", "shared/identity", "shared/identity/token",
		"shared/identity/assertion", "shared/identity/password",
		"shared/backup", "shared/envelope", "shared/ledger", "shared/ledger/tlog", "shared/privacy", "shared/webhook",
		"shared/evidence", "shared/incident",
	}
}

// imports returns every package of the module with all that it depends on.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-f", `{{.ImportPath}} {{join .Deps " "}}`, "../...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	deps := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		deps[strings.TrimPrefix(fields[0], module)] = fields[1:]
	}
	return deps
}

func TestDomainPackagesArePure(t *testing.T) {
	t.Parallel()
	deps := imports(t)
	for _, pkg := range pure() {
		if deps[pkg] == nil {
			t.Errorf("there is no package %s", pkg)
		}
		for _, d := range deps[pkg] {
			if d == "net/http" || strings.HasPrefix(d, "cloud.google.com/go/") || strings.HasPrefix(d, "google.golang.org/grpc") {
				t.Errorf("%s depends on %s", pkg, d)
			}
		}
	}
}

func TestRulesHaveNoClockOfTheirOwn(t *testing.T) {
	t.Parallel()
	for _, pkg := range pure() {
		files, err := filepath.Glob(filepath.Join("..", pkg, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has no files: %v", pkg, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Now" {
					if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" {
						t.Errorf("%s asks time.Now", file)
					}
				}
				return true
			})
		}
	}
}

func TestFunctionsDoNotKnowEachOther(t *testing.T) {
	t.Parallel()
	for pkg, deps := range imports(t) {
		for _, d := range deps {
			d, ours := strings.CutPrefix(d, module)
			if !ours || !strings.HasPrefix(d, "functions/") || strings.HasPrefix(d, pkg) || strings.HasPrefix(pkg, d+"/internal/") {
				continue
			}
			if strings.HasPrefix(pkg, "functions/") || strings.HasPrefix(pkg, "shared/") {
				t.Errorf("%s depends on %s", pkg, d)
			}
		}
	}
}

func TestOnlyTheRunnersKnowTheEmbeddedCloud(t *testing.T) {
	t.Parallel()
	for pkg, deps := range imports(t) {
		if strings.HasPrefix(pkg, "scripts/") || strings.HasPrefix(pkg, "shared/localcloud") {
			continue
		}
		if slices.ContainsFunc(deps, func(d string) bool { return strings.HasPrefix(d, module+"shared/localcloud") }) {
			t.Errorf("%s would carry the embedded cloud into production", pkg)
		}
	}
}
