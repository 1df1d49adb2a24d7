package main

import (
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/module"
)

// goVersion is what go.mod must ask for: the builder has some patch of it, which may be older than a workstation's.
const goVersion = "1.26.0"

// maxUnpacked is the most that Google takes of a function's source, in bytes, https://cloud.google.com/functions/quotas.
const maxUnpacked = 500 << 20

// faults tells everything for which the builder would refuse what is staged in a directory, or build something else than
// is meant, and what is in it that has no business in the cloud.
func faults(dir string) error {
	return errors.Join(rootFaults(dir), moduleFaults(dir), vendorFaults(dir), fileFaults(dir))
}

// rootFaults are the faults of the package at the root, which the builder finds by reading every Go file there.
func rootFaults(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	var all []error
	packages, imports := map[string]bool{}, map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			all = append(all, fmt.Errorf("%s: the builder reads tests at the root as if they were the function", filepath.Base(file)))
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		packages[parsed.Name.Name] = true
		for _, i := range parsed.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			all, imports[name] = append(all, err), true
		}
	}
	if len(packages) != 1 {
		all = append(all, fmt.Errorf("at the root is not one package, but %d", len(packages)))
	}
	for name := range packages {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			all = append(all, fmt.Errorf("the package at the root is named %s like a folder: the builder would take the folder for it", name))
		}
	}
	if !imports[framework+"/functions"] {
		all = append(all, errors.New("nothing at the root imports the framework's functions: the builder would look for an exported function"))
	}
	return errors.Join(all...)
}

// moduleFaults are the faults of go.mod.
func moduleFaults(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "go.mod")) //nolint:gosec // the directory is ours
	if err != nil {
		return err
	}
	mod, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		return err
	}
	var all []error
	if mod.Module == nil || !strings.Contains(strings.Split(mod.Module.Mod.Path, "/")[0], ".") {
		all = append(all, errors.New("go.mod: the module's path has no dot before its first slash"))
	}
	if mod.Go == nil || mod.Go.Version != goVersion {
		all = append(all, fmt.Errorf("go.mod: it must ask for go %s", goVersion))
	}
	if mod.Toolchain != nil {
		all = append(all, errors.New("go.mod: it must not ask for a toolchain, which the builder may not have"))
	}
	if len(mod.Replace) > 0 {
		all = append(all, errors.New("go.mod: what it replaces is not in the bundle"))
	}
	return errors.Join(all...)
}

// vendorFaults tells whether what the builder's own main imports is vendored.
func vendorFaults(dir string) error {
	var all []error
	for _, name := range []string{"modules.txt", framework + "/funcframework", framework + "/functions"} {
		if _, err := os.Stat(filepath.Join(dir, "vendor", name)); err != nil {
			all = append(all, fmt.Errorf("vendor: %s is not there", name))
		}
	}
	return errors.Join(all...)
}

// fileFaults tells every file that must not be there. What is vendored is as its authors published it, without tests;
// what is ours is Go, and what Go embeds.
func fileFaults(dir string) error {
	var all []error
	unpacked := int64(0)
	tree := os.DirFS(dir)
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		unpacked += info.Size()
		if why := misplaced(name, d); why != "" {
			all = append(all, fmt.Errorf("%s: %s", name, why))
		}
		return nil
	})
	if unpacked > maxUnpacked {
		all = append(all, fmt.Errorf("it holds %.0f MiB, more than Google takes", mib(unpacked)))
	}
	return errors.Join(append(all, err)...)
}

// misplaced tells why a file must not be in a bundle, if it must not.
func misplaced(name string, d fs.DirEntry) string {
	top, _, nested := strings.Cut(name, "/")
	switch {
	case !d.Type().IsRegular():
		return "it is no regular file"
	case module.CheckFilePath(name) != nil:
		return "its name does not hold on every machine"
	case strings.HasSuffix(name, "_test.go"):
		return "tests are not deployed"
	case slices.Contains(secretExtensions(), path.Ext(name)):
		return "it looks like a key or a state"
	case !nested && !slices.Contains([]string{entryFile, "go.mod", "go.sum"}, name):
		return "nothing but " + entryFile + ", go.mod and go.sum belongs at the root"
	case nested && !slices.Contains([]string{"functions", "shared", "vendor"}, top):
		return "only functions, shared and vendor belong into a bundle"
	case strings.HasPrefix(name, "shared/localcloud/"), strings.Contains(name, "/testdata/"):
		return "it is for tests and workstations"
	case top != "vendor" && strings.Contains(name, "/."):
		return "hidden files do not belong into a bundle"
	}
	return ""
}

// secretExtensions are those of files that hold secrets, or the state of what Terraform manages.
func secretExtensions() []string {
	return []string{".pem", ".key", ".p12", ".pfx", ".jks", ".env", ".tf", ".tfvars", ".tfstate", ".tfplan"}
}
