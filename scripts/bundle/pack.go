package main

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"slices"
	"time"
)

// packedAt is the time of every entry: the first that a zip can tell.
func packedAt() time.Time { return time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC) }

// pack returns a directory as a zip: its regular files only, sorted by path, with nothing of their times, owners and
// modes. The same files give the same bytes.
func pack(dir string) ([]byte, bundle, error) {
	var out bytes.Buffer
	var b bundle
	w := zip.NewWriter(&out)
	tree := os.DirFS(dir)
	paths, err := filesOf(tree)
	if err != nil {
		return nil, bundle{}, err
	}
	for _, path := range paths {
		data, err := fs.ReadFile(tree, path)
		if err != nil {
			return nil, bundle{}, err
		}
		header := &zip.FileHeader{Name: path, Method: zip.Deflate, Modified: packedAt()}
		header.SetMode(0o644)
		to, err := w.CreateHeader(header)
		if err != nil {
			return nil, bundle{}, err
		}
		if _, err := to.Write(data); err != nil {
			return nil, bundle{}, err
		}
		b.Unpacked += int64(len(data))
	}
	b.Files = len(paths)
	if err := w.Close(); err != nil {
		return nil, bundle{}, err
	}
	return out.Bytes(), b, nil
}

// filesOf returns the paths of all files of a tree, sorted.
func filesOf(tree fs.FS) ([]string, error) {
	var paths []string
	err := fs.WalkDir(tree, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	slices.Sort(paths)
	return paths, err
}
