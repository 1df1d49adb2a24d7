package main

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAFolderOfSomebodyElseIsReadWithinBounds(t *testing.T) {
	t.Parallel()
	c := &console{t: t}
	dir := t.TempDir()
	c.ok(os.WriteFile(filepath.Join(dir, "checkpoint"), []byte("x"), 0o600))
	c.ok(os.WriteFile(filepath.Join(dir, "large"), nil, 0o600))
	c.ok(os.Truncate(filepath.Join(dir, "large"), 1<<40))
	c.ok(os.Symlink("/dev/zero", filepath.Join(dir, "endless")))
	log := folderLog(dir)
	if data, err := log.Read(t.Context(), "checkpoint"); err != nil || string(data) != "x" {
		t.Errorf("read %q, %v", data, err)
	}
	if _, err := log.Read(t.Context(), "none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what is not there: %v", err)
	}
	for _, name := range []string{"large", "endless", "."} {
		if _, err := log.Read(t.Context(), name); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

func TestAnAddressOfSomebodyElseIsReadWithinBounds(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/busy":
			w.Header().Set("Retry-After", "86400")
			w.WriteHeader(http.StatusServiceUnavailable)
		case "/large":
			_, _ = io.WriteString(w, strings.Repeat("x", maxObject+1))
		}
	}))
	defer server.Close()
	if _, again, err := fetch(t.Context(), server.Client(), server.URL+"/busy"); err == nil || again != time.Minute {
		t.Errorf("waits %v, %v", again, err)
	}
	if _, _, err := fetch(t.Context(), server.Client(), server.URL+"/large"); err == nil {
		t.Error("a large answer is read")
	}
}
