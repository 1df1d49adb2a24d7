package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	modulePath = "ryggrad.internal/hub"
	framework  = "github.com/GoogleCloudPlatform/functions-framework-go"
)

// entryPackage is the package at a bundle's root. The builder takes it for a folder where there is one of that name.
const entryPackage = "entry"

const entryFile = entryPackage + ".go"

// entry is the package that the builder finds: it registers the functions of a package by importing it. The builder
// takes the template for functions that register themselves only where it sees an import of functions, and its own main
// imports funcframework, which therefore must be vendored.
const entry = `// Package ` + entryPackage + ` is what the cloud's builder finds: it registers the functions of the package that it imports.
package ` + entryPackage + `

import (
	_ "` + framework + `/funcframework"
	_ "` + framework + `/functions"

	_ "` + modulePath + `/%s"
)
`

// stage lays a package's source out in an empty directory, as the builder wants it.
func stage(ctx context.Context, root, pkg, dir string) error {
	files, err := sources(ctx, root, pkg)
	if err != nil {
		return err
	}
	for _, file := range append(files, "go.mod", "go.sum") {
		if err := copyFile(filepath.Join(root, file), filepath.Join(dir, file)); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, entryFile), fmt.Appendf(nil, entry, pkg), 0o600); err != nil {
		return err
	}
	_, err = command(ctx, dir, "mod", "vendor")
	return err
}

// listed is as much of a package as `go list -json` is asked for.
type listed struct {
	Dir        string
	Module     *struct{ Main bool }
	GoFiles    []string
	CgoFiles   []string
	SFiles     []string
	HFiles     []string
	EmbedFiles []string
}

// sources returns the files of this module that a package is compiled from, by their paths from the root. Tests and
// tools are not among them.
func sources(ctx context.Context, root, pkg string) ([]string, error) {
	out, err := command(ctx, root, "list", "-deps", "-json=Dir,Module,GoFiles,CgoFiles,SFiles,HFiles,EmbedFiles", "./"+pkg)
	if err != nil {
		return nil, err
	}
	var files []string
	for in := jsontext.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := json.UnmarshalDecode(in, &p); errors.Is(err, io.EOF) {
			return files, nil
		} else if err != nil {
			return nil, fmt.Errorf("read what go list says: %w", err)
		}
		if p.Module == nil || !p.Module.Main {
			continue
		}
		dir, err := filepath.Rel(root, p.Dir)
		if err != nil {
			return nil, err
		}
		for _, file := range slices.Concat(p.GoFiles, p.CgoFiles, p.SFiles, p.HFiles, p.EmbedFiles) {
			files = append(files, filepath.Join(dir, file))
		}
	}
}

// moduleRoot returns the directory of this module.
func moduleRoot(ctx context.Context) (string, error) {
	out, err := command(ctx, "", "list", "-m", "-f", "{{.Path}} {{.Dir}}")
	path, dir, _ := strings.Cut(strings.TrimSpace(string(out)), " ")
	if err == nil && path != modulePath {
		err = fmt.Errorf("this is the module %q: run it in a checkout of %s", path, modulePath)
	}
	return dir, err
}

// command runs the go command for the machine that the cloud builds on, whatever this one is and however it is set.
func command(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the arguments are ours
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, complaint.Bytes())
	}
	return out, nil
}

func copyFile(from, to string) error {
	data, err := os.ReadFile(from) //nolint:gosec // what go list names
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	return os.WriteFile(to, data, 0o600) //nolint:gosec // below a directory of our own
}
