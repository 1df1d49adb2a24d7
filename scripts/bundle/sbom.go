package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/module"
)

// bomName is the file that lists what the bundles are made of, in CycloneDX's form, https://cyclonedx.org/docs/1.6/json/.
// It has no time and no serial number: the same source gives the same bytes.
const bomName = "sbom.cdx.json"

type bom struct {
	Format       string          `json:"bomFormat"`
	Spec         string          `json:"specVersion"`
	Version      int             `json:"version"`
	Metadata     metadata        `json:"metadata"`
	Components   []component     `json:"components"`
	Dependencies []bomDependency `json:"dependencies"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type     string       `json:"type"`
	Ref      string       `json:"bom-ref"`
	Name     string       `json:"name"`
	Version  string       `json:"version,omitempty"`
	PURL     string       `json:"purl,omitempty"`
	Licenses []bomLicense `json:"licenses,omitempty"`
}

type bomLicense struct {
	Expression string `json:"expression"`
}

type bomDependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn"`
}

// vendored returns the modules of which a staged package uses something, as `go mod vendor` lists them.
func vendored(dir string) ([]module.Version, error) {
	text, err := os.ReadFile(filepath.Join(dir, "vendor", "modules.txt")) //nolint:gosec // the directory is ours
	if err != nil {
		return nil, err
	}
	var used []module.Version
	var last module.Version
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "# "); ok {
			last.Path, last.Version, _ = strings.Cut(name, " ")
		} else if !strings.HasPrefix(line, "##") && line != "" && !slices.Contains(used, last) {
			used = append(used, last)
		}
	}
	return used, nil
}

// billOfMaterials lists the modules of every package's bundle.
func billOfMaterials(used map[string][]module.Version) ([]byte, error) {
	known, err := licences()
	if err != nil {
		return nil, err
	}
	b := bom{Format: "CycloneDX", Spec: "1.6", Version: 1, Metadata: metadata{component{Type: "application", Ref: modulePath, Name: modulePath}}}
	listed := map[string]component{}
	for _, pkg := range slices.Sorted(maps.Keys(used)) {
		d := bomDependency{Ref: pkg}
		b.Components = append(b.Components, component{Type: "application", Ref: pkg, Name: pkg})
		for _, m := range used[pkg] {
			c := library(m, known[m.Path])
			listed[c.Ref], d.DependsOn = c, append(d.DependsOn, c.Ref)
		}
		b.Dependencies = append(b.Dependencies, d)
	}
	for _, ref := range slices.Sorted(maps.Keys(listed)) {
		b.Components = append(b.Components, listed[ref])
	}
	text, err := json.Marshal(b, json.Deterministic(true), jsontext.WithIndent("  "))
	return append(text, '\n'), err
}

func library(m module.Version, licence string) component {
	purl := "pkg:golang/" + m.Path + "@" + strings.ReplaceAll(m.Version, "+", "%2B")
	c := component{Type: "library", Ref: purl, PURL: purl, Name: m.Path, Version: m.Version}
	if licence != "" {
		c.Licenses = []bomLicense{{Expression: licence}}
	}
	return c
}
