package functions_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/incident"
)

const terraform = "../terraform"

// read returns a file of terraform/.
func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(terraform, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// found returns the first group of every match, sorted, each once.
func found(pattern, text string) []string {
	var all []string
	for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// block returns the inside of `NAME = {` of a file that terraform fmt has formatted.
func block(t *testing.T, text, name string) string {
	t.Helper()
	m := regexp.MustCompile(`(?ms)^( *)` + name + ` = \{\n(.*?)^( *)\}`).FindStringSubmatch(text)
	if m == nil || m[1] != m[3] {
		t.Fatalf("there is no block %s", name)
	}
	return m[2]
}

// walkTerraform calls visit with every file whose name ends so.
func walkTerraform(t *testing.T, ending string, visit func(path, text string)) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(terraform, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ending) {
			return err
		}
		text, err := os.ReadFile(path)
		files++
		visit(path, string(text))
		return err
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files end with %s: %v", files, ending, err)
	}
}

func TestEveryAlertHasARunbookAndEveryRunbookAnAlert(t *testing.T) {
	t.Parallel()
	alerts := read(t, "modules/observability/alerts.tf")
	slo := read(t, "modules/observability/slo.tf")
	named := slices.Concat(found(`(?m)^    "([a-z-]+)" = \{$`, alerts), found(`(?m)^    "([a-z-]+)" += \{ slo = `, slo), found(`(?m)^    "([a-z-]+)" += \{ filter = `, alerts), found(`runbook += .*"([a-z-]+)"`, alerts))
	slices.Sort(named)
	files, err := filepath.Glob(filepath.Join(terraform, "runbooks/alerts/*.md"))
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, f := range files {
		there = append(there, strings.TrimSuffix(filepath.Base(f), ".md"))
	}
	if !slices.Equal(named, there) {
		t.Errorf("the alerts are\n%v\nand the runbooks\n%v", named, there)
	}
}

// TestWhatCustomersNoticeIsSaidOfFunctions holds the labels of alerts, from which incidents are made, against the functions
// and impacts that there are.
func TestWhatCustomersNoticeIsSaidOfFunctions(t *testing.T) {
	t.Parallel()
	alerts := read(t, "modules/observability/alerts.tf")
	labels := slices.Concat(found(`function = "([^"]*)"`, alerts), found(`(?m)^    "([^"]*)" += \{ impact = `, alerts))
	if len(labels) < 10 {
		t.Fatalf("only %d functions are named: the test looks at the wrong place", len(labels))
	}
	for _, name := range labels {
		if !slices.ContainsFunc(table(t), func(f functions.Function) bool { return f.Name == name }) {
			t.Errorf("an alert is about %q, which is no function", name)
		}
	}
	for _, impact := range found(`impact = "([^"]*)"`, alerts) {
		if i := incident.Impact(impact); !i.Known() || i == incident.None {
			t.Errorf("an alert has the impact %q", impact)
		}
	}
	for _, subject := range found(`subject = "([^"]*)"`, alerts) {
		note, err := incident.ParseNotification([]byte(`{"incident":{"incident_id":"0.a","state":"open","documentation":{"subject":"` + subject + `"}}}`))
		if err != nil || note.Title() != subject {
			t.Errorf("the words %q do not become a title: %v", subject, err)
		}
	}
}

func TestLinksOfRunbooksLeadSomewhere(t *testing.T) {
	t.Parallel()
	link := regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`)
	walkTerraform(t, ".md", func(path, text string) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target, err := os.ReadFile(filepath.Join(filepath.Dir(path), m[1]))
			if err != nil {
				t.Errorf("%s links to %s: %v", path, m[1], err)
				continue
			}
			heading := strings.TrimPrefix(m[2], "#")
			if !strings.Contains(strings.ToLower(string(target)), "# "+heading) {
				t.Errorf("%s links to %s, which has no heading %q", path, m[1], heading)
			}
		}
	})
}

// TestCommandsOfRunbooksExist reads the operator's commands that runbooks name and looks for them in its source.
func TestCommandsOfRunbooksExist(t *testing.T) {
	t.Parallel()
	source := ""
	for _, f := range []string{"main", "tenants", "users", "clients", "channels", "keys", "audit", "incident", "evidence", "backup", "restore"} {
		text, err := os.ReadFile("../scripts/ryggrad/" + f + ".go")
		if err != nil {
			t.Fatal(err)
		}
		source += strings.ToLower(string(text))
	}
	named := 0
	command := regexp.MustCompile(`ryggrad (?:--as [A-Z]+ )?([a-z]+)(?: ([a-z-]+))?`)
	walkTerraform(t, ".md", func(path, text string) {
		for _, m := range command.FindAllStringSubmatch(text, -1) {
			area := regexp.MustCompile(`\b` + m[1] + `\b`)
			named++
			if !area.MatchString(source) || m[2] != "" && m[1] != "bootstrap" && !strings.Contains(strings.ReplaceAll(source, "-", ""), strings.ReplaceAll(m[2], "-", "")) {
				t.Errorf("%s names the command %q, which the command line does not have", path, m[0])
			}
		}
	})
	if named < 10 {
		t.Errorf("only %d commands are named: the test looks at the wrong place", named)
	}
}

func TestEveryVariableIsTypedDescribedAndValidated(t *testing.T) {
	t.Parallel()
	variable := regexp.MustCompile(`(?ms)^variable "([a-z_]+)" \{\n(.*?)^\}`)
	walkTerraform(t, "variables.tf", func(path, text string) {
		for _, m := range variable.FindAllStringSubmatch(text, -1) {
			body := m[2]
			if !strings.Contains(body, "  type ") || !regexp.MustCompile(`  description += "[A-Z].*\."`).MatchString(body) {
				t.Errorf("%s: %s has no type or no description", path, m[1])
			}
			if !strings.Contains(body, "validation {") && !regexp.MustCompile(`type += bool\n`).MatchString(body) {
				t.Errorf("%s: %s takes anything", path, m[1])
			}
		}
	})
}

func TestModulesAreWholeAndHaveNoProviderOfTheirOwn(t *testing.T) {
	t.Parallel()
	modules, err := filepath.Glob(filepath.Join(terraform, "modules/*"))
	if err != nil || len(modules) == 0 {
		t.Fatalf("no modules: %v", err)
	}
	for _, dir := range modules {
		for _, name := range []string{"main.tf", "variables.tf", "outputs.tf", "versions.tf", "README.md", "tests/" + filepath.Base(dir) + ".tftest.hcl"} {
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Errorf("%s has no %s", dir, name)
			}
		}
	}
	walkTerraform(t, ".tf", func(path, text string) {
		if strings.Contains(path, "/modules/") && regexp.MustCompile(`(?m)^(provider|  backend) "`).MatchString(text) {
			t.Errorf("%s configures a provider or a backend, which is the root's", path)
		}
	})
}

// TestNoScheduleIsWrittenTwice keeps cron lines where they belong.
func TestNoScheduleIsWrittenTwice(t *testing.T) {
	t.Parallel()
	cron := regexp.MustCompile(`"[0-9*/,]+ [0-9*/,]+ [0-9*/,]+ [0-9*/,]+ [0-9*/,-]+"`)
	walkTerraform(t, ".tf", func(path, text string) {
		if line := cron.FindString(text); line != "" {
			t.Errorf("%s has the schedule %s: functions.json is where schedules are", path, line)
		}
	})
}

func TestTerraformMakesEveryKeyAndBucketThatIsUsed(t *testing.T) {
	t.Parallel()
	names := read(t, "modules/names/main.tf")
	keys := found(`"([a-z-]+)" +=`, block(t, names, "keys"))
	buckets := found(`"([a-z-]+)" +=`, block(t, names, "buckets"))
	for _, f := range table(t) {
		for key := range f.Roles.Keys {
			if !slices.Contains(keys, key) {
				t.Errorf("%s uses the key %s: add it to terraform/modules/names", f.Name, key)
			}
		}
		for bucket := range f.Roles.Buckets {
			if !slices.Contains(buckets, bucket) {
				t.Errorf("%s uses the bucket %s: add it to terraform/modules/names, and make it in terraform/data", f.Name, bucket)
			}
		}
	}
	walkCode(t, func(path string, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			if key, ok := keyNamed(n); ok && !slices.Contains(keys, key) {
				t.Errorf("%s names the key %s: add it to terraform/modules/names", path, key)
			}
			return true
		})
	})
}

// keyNamed finds calls such as cfg.KeyName("tenant-keys").
func keyNamed(n ast.Node) (string, bool) {
	c, ok := n.(*ast.CallExpr)
	if !ok || len(c.Args) != 1 {
		return "", false
	}
	f, ok := c.Fun.(*ast.SelectorExpr)
	lit, isText := c.Args[0].(*ast.BasicLit)
	if !ok || !isText || f.Sel.Name != "KeyName" {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

// walkCode calls visit with every Go file that functions are made of.
func walkCode(t *testing.T, visit func(path string, file *ast.File)) {
	t.Helper()
	for _, dir := range []string{".", "../shared"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "localcloud") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err == nil {
				visit(path, file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// variables are the names that configurations read from the environment, and whether they must be there.
func variables(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	walkCode(t, func(_ string, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			field, ok := n.(*ast.Field)
			if !ok || field.Tag == nil {
				return true
			}
			tag, _ := strconv.Unquote(field.Tag.Value)
			name, options, _ := strings.Cut(reflect.StructTag(tag).Get("env"), ",")
			if name != "" && name != "-" {
				all[name] = all[name] || strings.Contains(options, "required")
			}
			return true
		})
	})
	return all
}

func TestFunctionsFindTheirEnvironment(t *testing.T) {
	t.Parallel()
	set := slices.Concat(
		found(`(?m)^ +([A-Z][A-Z0-9_]+) +=`, block(t, read(t, "app/environment.tf"), "environment")),
		found(`(?m)^ +([A-Z][A-Z0-9_]+) +=`, read(t, "modules/function/main.tf")),
	)
	read := variables(t)
	if len(read) < 10 {
		t.Fatalf("only %d variables are read: the test looks at the wrong place", len(read))
	}
	for name, required := range read {
		if required && !slices.Contains(set, name) {
			t.Errorf("functions need %s: set it in terraform/app/environment.tf", name)
		}
	}
	if slices.ContainsFunc(table(t), func(f functions.Function) bool { return f.Coming }) {
		t.Log("functions are still to come: more may be set than is read")
		return
	}
	others := []string{"CLOUD_RUN_TIMEOUT_SECONDS", "GCE_METADATA_HOST"} // the framework and Google's libraries read them
	for _, name := range set {
		if _, ok := read[name]; !ok && !slices.Contains(others, name) {
			t.Errorf("terraform sets %s, which nothing reads", name)
		}
	}
}
