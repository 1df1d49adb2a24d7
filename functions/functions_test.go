package functions_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/robfig/cron/v3"

	"ryggrad.internal/hub/functions"
)

func table(t *testing.T) []functions.Function {
	t.Helper()
	all, err := functions.Table()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEveryFunctionIsDescribedWholly(t *testing.T) {
	t.Parallel()
	memory := regexp.MustCompile(`^[1-9][0-9]*(Mi|Gi)$`)
	names := map[string]bool{}
	for _, f := range table(t) {
		if names[f.Name] || f.Name != strings.ToLower(f.Name) {
			t.Errorf("%s is listed twice or not in lower case", f.Name)
		}
		names[f.Name] = true
		if !memory.MatchString(f.Memory) || f.Timeout < 1 || f.Timeout > 540 || f.MaxInstances < 1 || f.MinInstances > f.MaxInstances {
			t.Errorf("%s has limits that cannot be deployed: %+v", f.Name, f)
		}
		if f.Concurrency < 1 || f.Concurrency > 1 && f.CPU < 1 {
			t.Errorf("%s: more than one request at once needs a whole CPU", f.Name)
		}
		if _, err := os.Stat(filepath.Join("..", f.Package)); (err == nil) == f.Coming && !built(f.Package, table(t)) {
			t.Errorf("%s says coming=%t, but its package: %v", f.Name, f.Coming, err)
		}
	}
}

// built tells whether any function of the package is built: one that is coming may live beside it.
func built(pkg string, all []functions.Function) bool {
	return slices.ContainsFunc(all, func(f functions.Function) bool { return f.Package == pkg && !f.Coming })
}

func TestTriggersFitTheirFields(t *testing.T) {
	t.Parallel()
	for _, f := range table(t) {
		switch f.Trigger {
		case functions.HTTP:
			if len(f.Routes) == 0 || f.Topic != "" || f.Schedule != "" {
				t.Errorf("%s is called by HTTP: it needs routes and no topic", f.Name)
			}
			if !slices.Contains(f.Routes, "/openapi/"+f.Name+".json") {
				t.Errorf("%s does not route its own description", f.Name)
			}
		case functions.PubSub:
			if len(f.Routes) != 0 || f.Topic == "" {
				t.Errorf("%s is called by Pub/Sub: it needs a topic and no routes", f.Name)
			}
		default:
			t.Errorf("%s has no trigger: %q", f.Name, f.Trigger)
		}
		if _, err := cron.ParseStandard(f.Schedule); f.Schedule != "" && err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

func TestNoRouteHasTwoFunctions(t *testing.T) {
	t.Parallel()
	owner := map[string]string{}
	for _, f := range table(t) {
		for _, route := range f.Routes {
			if other, taken := owner[route]; taken {
				t.Errorf("%s and %s both claim %s", f.Name, other, route)
			}
			owner[route] = f.Name
			if !strings.HasPrefix(route, "/") || strings.HasSuffix(route, "/") || strings.Contains(strings.TrimSuffix(route, "/**"), "**") {
				t.Errorf("%s: the route %q cannot be laid out", f.Name, route)
			}
		}
	}
}

func TestRolesAreGoogleRoles(t *testing.T) {
	t.Parallel()
	for _, f := range table(t) {
		all := slices.Clone(f.Roles.Project)
		for _, by := range []map[string][]string{f.Roles.Topics, f.Roles.Keys, f.Roles.Buckets} {
			for _, roles := range by {
				all = append(all, roles...)
			}
		}
		for _, role := range all {
			if !strings.HasPrefix(role, "roles/") || slices.Contains([]string{"roles/owner", "roles/editor", "roles/viewer"}, role) {
				t.Errorf("%s must not have %q", f.Name, role)
			}
		}
	}
}
