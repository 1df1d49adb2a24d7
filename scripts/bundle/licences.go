package main

import (
	_ "embed" // for the list
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed licences.txt
var licenceList string

// licences returns the licence of every module that the hub is made of or tested with, as an SPDX expression by the
// module's path. The list is checked against the modules themselves.
func licences() (map[string]string, error) {
	all := map[string]string{}
	for line := range strings.Lines(licenceList) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		module, licence, found := strings.Cut(line, " ")
		if !found || all[module] != "" {
			return nil, fmt.Errorf("licences.txt: %q is no module with its licence, or there twice", line)
		}
		all[module] = strings.TrimSpace(licence)
	}
	return all, nil
}

// allowedLicences are those under which others' code may be part of the hub: they let it be used and passed on without
// publishing what it is used in.
func allowedLicences() []string {
	return []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0"}
}

// allowed tells whether every part of an expression is.
func allowed(expression string) bool {
	for part := range strings.SplitSeq(expression, " AND ") {
		if !slices.Contains(allowedLicences(), part) {
			return false
		}
	}
	return true
}

// licenceOf reads the licence of a module in its directory: every text that its licence files hold, joined by AND.
func licenceOf(dir string) (string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	var found []string
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || !strings.HasPrefix(name, "LICEN") && !strings.HasPrefix(name, "COPYING") {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name())) //nolint:gosec // a module's own file
		if err != nil {
			return "", err
		}
		found = append(found, classify(string(text))...)
	}
	slices.Sort(found)
	return strings.Join(slices.Compact(found), " AND "), nil
}

// classify finds the licences in a text by the words that no other licence has.
func classify(text string) []string {
	text = strings.Join(strings.Fields(text), " ")
	var found []string
	for _, l := range []struct{ id, words, without string }{
		{"Apache-2.0", "Apache License", ""},
		{"MPL-2.0", "Mozilla Public License Version 2.0", ""},
		{"MIT", "Permission is hereby granted, free of charge", ""},
		{"ISC", "Permission to use, copy, modify, and/or distribute this software for any purpose", ""},
		{"ISC", "Permission to use, copy, modify, and distribute this software for any purpose", ""},
		{"BSD-3-Clause", "to endorse or promote products", ""},
		{"BSD-2-Clause", "Redistribution and use in source and binary forms", "to endorse or promote products"},
		{"GPL", "GNU GENERAL PUBLIC LICENSE", "Mozilla Public License"},
		{"AGPL", "GNU AFFERO GENERAL PUBLIC LICENSE", "Mozilla Public License"},
		{"LGPL", "GNU LESSER GENERAL PUBLIC LICENSE", "Mozilla Public License"},
	} {
		if strings.Contains(text, l.words) && (l.without == "" || !strings.Contains(text, l.without)) {
			found = append(found, l.id)
		}
	}
	return found
}
