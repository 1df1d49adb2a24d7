package main

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const licencesHead = `# Every module that the hub is made of or tested with, and its licence, as the module's own files say.
# A new one is a change of this file: RYGGRAD_WRITE_LICENCES=1 go test ./scripts/bundle writes it.

`

func TestEveryModulesLicenceIsKnownAndAllowed(t *testing.T) {
	t.Parallel()
	out, err := command(t.Context(), root(t), "list", "-deps", "-test", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Dir}}{{end}}{{end}}", "./...")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for line := range strings.Lines(string(out)) {
		module, dir, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || found[module] != "" {
			continue
		}
		if found[module], err = licenceOf(dir); err != nil {
			t.Fatal(err)
		}
		if !allowed(found[module]) {
			t.Errorf("%s is under %q, which is none of %v", module, found[module], allowedLicences())
		}
	}
	if len(found) < 50 {
		t.Fatalf("only %d modules are found: the test looks at the wrong place", len(found))
	}
	text := licencesHead
	for _, module := range slices.Sorted(maps.Keys(found)) {
		text += module + " " + found[module] + "\n"
	}
	if os.Getenv("RYGGRAD_WRITE_LICENCES") != "" {
		if err := os.WriteFile("licences.txt", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(licenceList, "\n"), strings.Split(text, "\n")); diff != "" {
		t.Errorf("licences.txt says otherwise (-list +modules):\n%s", diff)
	}
}

func TestLicencesAreToldByTheirWords(t *testing.T) {
	t.Parallel()
	const bsd = "Redistribution and use in source and binary forms, with or without\nmodification, are permitted"
	for text, want := range map[string]string{
		"Apache License\n Version 2.0, January 2004":                   "Apache-2.0",
		"Permission is hereby granted, free of\ncharge, to any person": "MIT",
		bsd: "BSD-2-Clause",
		bsd + " used to endorse or promote products derived from this software": "BSD-3-Clause",
		"GNU GENERAL PUBLIC LICENSE Version 3":                                  "GPL",
		"All rights reserved.":                                                  "",
	} {
		got := strings.Join(classify(text), " AND ")
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
		if allowed(got) != slices.Contains(allowedLicences(), want) {
			t.Errorf("%q is allowed: %t", got, allowed(got))
		}
	}
}
