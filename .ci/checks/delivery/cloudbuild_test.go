package delivery_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"cloud.google.com/go/cloudbuild/apiv1/v2/cloudbuildpb"
	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
)

// build reads cloudbuild.yaml as Cloud Build does: a field that it does not know, or of another type, is an error.
func build(t *testing.T) *cloudbuildpb.Build {
	t.Helper()
	text, err := os.ReadFile("../../../cloudbuild.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := yaml.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	b := &cloudbuildpb.Build{}
	if err := protojson.Unmarshal(raw, b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestEveryStepRunsInAPinnedImage(t *testing.T) {
	t.Parallel()
	b := build(t)
	for _, s := range b.GetSteps() {
		name := strings.TrimSuffix(strings.TrimPrefix(s.GetName(), "${"), "}")
		if _, ok := b.GetSubstitutions()[name]; !ok || !strings.HasSuffix(name, "_IMAGE") {
			t.Errorf("%s runs in %q, which no trigger pins", s.GetId(), s.GetName())
		}
	}
}

func TestStepsWaitForStepsBeforeThem(t *testing.T) {
	t.Parallel()
	var before []string
	for _, s := range build(t).GetSteps() {
		for _, id := range s.GetWaitFor() {
			if id != "-" && !slices.Contains(before, id) {
				t.Errorf("%s waits for %s, which does not come before it", s.GetId(), id)
			}
		}
		if s.GetId() == "" || slices.Contains(before, s.GetId()) {
			t.Errorf("the step %q has no name of its own", s.GetId())
		}
		before = append(before, s.GetId())
	}
}

// TestScriptsAreShells parses every script and looks at each variable that it takes from the build.
func TestScriptsAreShells(t *testing.T) {
	t.Parallel()
	b := build(t)
	variable := regexp.MustCompile(`\$\{?(_[A-Z]+|COMMIT_SHA)\b`)
	for _, s := range b.GetSteps() {
		cmd := exec.CommandContext(t.Context(), "bash", "-n")
		cmd.Stdin = strings.NewReader(s.GetScript())
		if out, err := cmd.CombinedOutput(); err != nil || !strings.HasPrefix(s.GetScript(), "#!") || !strings.Contains(s.GetScript(), "set -eu") {
			t.Errorf("%s is no script that ends at its first failure: %v %s", s.GetId(), err, out)
		}
		for _, m := range variable.FindAllStringSubmatch(s.GetScript(), -1) {
			if _, ok := b.GetSubstitutions()[m[1]]; !ok && m[1] != "COMMIT_SHA" {
				t.Errorf("%s takes %s, which nobody gives", s.GetId(), m[1])
			}
		}
	}
	if !b.GetOptions().GetAutomapSubstitutions() {
		t.Error("scripts would not see what triggers give")
	}
}

func TestNothingOfAProposalIsDeployed(t *testing.T) {
	t.Parallel()
	b := build(t)
	if b.GetSubstitutions()["_DEPLOY"] != "no" {
		t.Error("a build that nobody configured would deploy")
	}
	reaches := regexp.MustCompile(`gcloud |terraform (plan|init|apply)|_PLANNER|_PLANS|_BUNDLES|plan\.json`)
	gated := 0
	for _, s := range b.GetSteps() {
		if !reaches.MatchString(s.GetScript()) {
			continue
		}
		gated++
		before, _, ok := strings.Cut(s.GetScript(), `[ "$_DEPLOY" = yes ] ||`)
		if !ok || reaches.MatchString(before) {
			t.Errorf("%s reaches the cloud for a proposal too", s.GetId())
		}
	}
	if gated < 4 {
		t.Errorf("only %d steps deploy: the test looks for other words", gated)
	}
}

func TestNothingIsAppliedHere(t *testing.T) {
	t.Parallel()
	for _, s := range build(t).GetSteps() {
		if strings.Contains(s.GetScript(), "terraform apply") {
			t.Errorf("%s applies without an approval", s.GetId())
		}
	}
}

// TestTriggersGiveWhatTheBuildTakes compares it with Terraform's triggers, both ways.
func TestTriggersGiveWhatTheBuildTakes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../terraform/modules/delivery/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	var given []string
	for _, m := range regexp.MustCompile(`(?m)^\s+(?:substitutions = merge\(local\.pinned, \{ )?(_[A-Z_]+)\s+=`).FindAllStringSubmatch(string(text), -1) {
		if m[1] != "_COMMIT" { // the other trigger's
			given = append(given, m[1])
		}
	}
	slices.Sort(given)
	given = slices.Compact(given)
	var taken []string
	for name := range build(t).GetSubstitutions() {
		taken = append(taken, name)
	}
	slices.Sort(taken)
	if !slices.Equal(given, taken) {
		t.Errorf("triggers give\n%v\nand the build takes\n%v", given, taken)
	}
}

// TestWhatIsKeptIsWhatIsApplied follows the plan's name from this build to the trigger that applies it.
func TestWhatIsKeptIsWhatIsApplied(t *testing.T) {
	t.Parallel()
	steps := build(t).GetSteps()
	keep := steps[len(steps)-1].GetScript()
	apply, err := os.ReadFile("../../../terraform/modules/delivery/main.tf")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"plan.tar.gz", "saved.tfplan"} {
		if !strings.Contains(keep, name) || !strings.Contains(string(apply), name) {
			t.Errorf("%s is kept or applied under another name", name)
		}
	}
}
