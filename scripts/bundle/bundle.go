package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/module"
	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/functions"
)

// manifestName is the file in which Terraform finds what there is to deploy.
const manifestName = "bundles.json"

// manifest lists the bundles by function.
type manifest struct {
	Version   int               `json:"version"`
	Functions map[string]bundle `json:"functions"`
}

// bundle is one function's zip.
type bundle struct {
	File     string `json:"file"`     // beside the manifest
	Package  string `json:"package"`  // the folder of the function's code
	SHA256   string `json:"sha256"`   // of the zip, in hex
	Bytes    int64  `json:"bytes"`    // of the zip
	Unpacked int64  `json:"unpacked"` // bytes of all its files
	Files    int    `json:"files"`
}

// bundleAll packs every function that is built and writes the manifest last, so that what it lists is there.
func bundleAll(ctx context.Context, root, dir string, out io.Writer) error {
	packages, err := builtPackages()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // what is deployed is no secret
		return err
	}
	m, used := manifest{Version: 1, Functions: map[string]bundle{}}, map[string][]module.Version{}
	var each errgroup.Group
	var mu sync.Mutex
	each.SetLimit(runtime.GOMAXPROCS(0))
	for _, pkg := range slices.Sorted(maps.Keys(packages)) {
		each.Go(func() error {
			made, modules, err := bundlePackage(ctx, root, pkg, packages[pkg], dir)
			if err != nil {
				return fmt.Errorf("bundle %s: %w", pkg, err)
			}
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(m.Functions, made)
			used[pkg] = modules
			return nil
		})
	}
	if err := each.Wait(); err != nil {
		return err
	}
	m.list(out)
	materials, err := billOfMaterials(used)
	if err != nil {
		return err
	}
	if err := write(filepath.Join(dir, bomName), materials); err != nil {
		return err
	}
	text, err := json.Marshal(m, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	return write(filepath.Join(dir, manifestName), append(text, '\n'))
}

// list tells people what there is.
func (m manifest) list(out io.Writer) {
	for _, name := range slices.Sorted(maps.Keys(m.Functions)) {
		b := m.Functions[name]
		fmt.Fprintf(out, "%-14s %5.1f MiB, %5.1f MiB unpacked, %4d files  sha256:%s\n", b.File, mib(b.Bytes), mib(b.Unpacked), b.Files, b.SHA256)
	}
}

func mib(n int64) float64 { return float64(n) / (1 << 20) }

// builtPackages returns the names of the functions that are built, by their package.
func builtPackages() (map[string][]string, error) {
	table, err := functions.Table()
	if err != nil {
		return nil, err
	}
	packages := map[string][]string{}
	for _, f := range table {
		if !f.Coming {
			packages[f.Package] = append(packages[f.Package], f.Name)
		}
	}
	return packages, nil
}

// bundlePackage writes the bundles of a package's functions into out. It returns them by function, and the modules in
// them.
func bundlePackage(ctx context.Context, root, pkg string, names []string, out string) (map[string]bundle, []module.Version, error) {
	dir, err := os.MkdirTemp("", "ryggrad-bundle-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory that is left behind does no harm
	packed, b, err := makeBundle(ctx, root, pkg, dir)
	if err != nil {
		return nil, nil, err
	}
	modules, err := vendored(dir)
	if err != nil {
		return nil, nil, err
	}
	made := map[string]bundle{}
	for _, name := range names {
		b.File = name + ".zip"
		if err := write(filepath.Join(out, b.File), packed); err != nil {
			return nil, nil, err
		}
		made[name] = b
	}
	return made, modules, nil
}

// makeBundle stages a package in an empty directory, looks whether the builder will take it, and packs it.
func makeBundle(ctx context.Context, root, pkg, dir string) ([]byte, bundle, error) {
	if err := stage(ctx, root, pkg, dir); err != nil {
		return nil, bundle{}, err
	}
	if err := faults(dir); err != nil {
		return nil, bundle{}, err
	}
	packed, b, err := pack(dir)
	if err != nil {
		return nil, bundle{}, err
	}
	sum := sha256.Sum256(packed)
	b.Package, b.Bytes, b.SHA256 = pkg, int64(len(packed)), hex.EncodeToString(sum[:])
	return packed, b, nil
}

// write replaces a file whole: whoever reads it meanwhile sees the old or the new one.
func write(file string, data []byte) error {
	if err := os.WriteFile(file+".new", data, 0o644); err != nil { //nolint:gosec // what is deployed is no secret
		return err
	}
	return os.Rename(file+".new", file)
}
