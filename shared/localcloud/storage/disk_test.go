package storage_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gcs "cloud.google.com/go/storage"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/iterator"

	"ryggrad.internal/hub/shared/localcloud/storage"
)

func TestObjectsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, b := start(t, dir)
	o, _ := made(t, b, "a/b", "gone")
	if err := b.Object("gone").Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	before, err := o.Update(t.Context(), gcs.ObjectAttrsToUpdate{Metadata: map[string]string{"set": "hot"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	_, b = start(t, dir)
	if got := read(t, b.Object("a/b")); got != "a/b" {
		t.Errorf("read %q", got)
	}
	after, err := b.Object("a/b").Attrs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before.MediaLink, after.MediaLink = "", ""
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("attributes (-before +after):\n%s", diff)
	}
	if _, err := b.Object("gone").Attrs(t.Context()); !errors.Is(err, gcs.ErrObjectNotExist) {
		t.Errorf("what was deleted: %v", err)
	}
	if _, again := made(t, b, "a/b"); again.Generation <= after.Generation {
		t.Errorf("generation %d after %d", again.Generation, after.Generation)
	}
}

// Whatever a kill leaves of a write, the object is there as it was before.
func TestAWriteThatWasKilledLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, b := start(t, dir)
	made(t, b, "o")
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, bucket, "new-1234")
	if err := os.WriteFile(half, []byte("half of anoth"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, b = start(t, dir)
	if got := read(t, b.Object("o")); got != "o" {
		t.Errorf("read %q", got)
	}
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half is still there: %v", err)
	}
}

func TestADamagedFileIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, b := start(t, dir)
	made(t, b, "o")
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, bucket, "*.object"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %q, %v", files, err)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for size := range content {
		if err := os.WriteFile(files[0], content[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := storage.Start(t.Context(), storage.Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), filepath.Base(files[0])) {
			t.Fatalf("cut to %d of %d bytes: %v", size, len(content), err)
		}
	}
}

func TestADirectoryOfSomethingElseIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, bucket), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := storage.Start(t.Context(), storage.Options{Dir: dir}); err == nil {
		t.Error("started")
	}
}

// Names are only names: none is a path.
func TestNamesDoNotCollide(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, b *gcs.BucketHandle) {
		t.Helper()
		names := []string{"a", "a/", "a/b", "a//b", "a/../b", "../x", "/", "å ?#%2F", "bucket.json", "format", "new-1", strings.Repeat("n", 1024)}
		made(t, b, names...)
		for _, name := range names {
			if got := read(t, b.Object(name)); got != name {
				t.Errorf("%q reads %q", name, got)
			}
		}
		slices.Sort(names)
		if diff := cmp.Diff(names, list(t, b, &gcs.Query{})); diff != "" {
			t.Errorf("objects (-want +got):\n%s", diff)
		}
		for _, name := range []string{".", "..", "a\nb", strings.Repeat("n", 1025)} {
			wantStatus(t, write(t, b.Object(name), nil, nil), http.StatusBadRequest)
		}
	})
}

// list returns the names of objects, and the prefixes that others are folded into.
func list(t *testing.T, b *gcs.BucketHandle, q *gcs.Query) []string {
	t.Helper()
	var names []string
	objects := b.Objects(t.Context(), q)
	objects.PageInfo().MaxSize = 2
	for {
		o, err := objects.Next()
		if errors.Is(err, iterator.Done) {
			return names
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, o.Prefix+o.Name)
	}
}

func TestListsFoldAndEndWhereTheyAreTold(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, b *gcs.BucketHandle) {
		t.Helper()
		made(t, b, "a", "b/1", "b/2", "b/c/1", "b/c/2", "b/c/3", "b/d/1", "c")
		for want, q := range map[string]*gcs.Query{
			"a b/ c":            {Delimiter: "/"},
			"b/1 b/2 b/c/ b/d/": {Prefix: "b/", Delimiter: "/"},
			"b/c/1 b/c/2 b/c/3": {Prefix: "b/c"},
			"b/2 b/c/1 b/c/2":   {StartOffset: "b/2", EndOffset: "b/c/3"},
			"":                  {Prefix: "d"},
		} {
			if got := strings.Join(list(t, b, q), " "); got != want {
				t.Errorf("%+v: %q, want %q", q, got, want)
			}
		}
	})
}

func TestAPartIsRead(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, b *gcs.BucketHandle) {
		t.Helper()
		if err := write(t, b.Object("o"), []byte("0123456789"), nil); err != nil {
			t.Fatal(err)
		}
		for want, span := range map[string][2]int64{"0123456789": {0, -1}, "345": {3, 3}, "89": {-2, -1}, "9": {9, 5}} {
			r, err := b.Object("o").NewRangeReader(t.Context(), span[0], span[1])
			if err != nil {
				t.Errorf("%v: %v", span, err)
				continue
			}
			got, err := io.ReadAll(r)
			if err := errors.Join(err, r.Close()); err != nil || string(got) != want {
				t.Errorf("%v: %q, %v, want %q", span, got, err, want)
			}
		}
		_, err := b.Object("o").NewRangeReader(t.Context(), 10, -1)
		wantStatus(t, err, http.StatusRequestedRangeNotSatisfiable)
	})
}

func TestACopyIsDescribedAsItsOriginal(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, b *gcs.BucketHandle) {
		t.Helper()
		data := bytes.Repeat([]byte("x"), 300<<10)
		err := write(t, b.Object("o"), data, func(w *gcs.Writer) { w.ContentType, w.Metadata = "x/y", map[string]string{"a": "b"} })
		if err != nil {
			t.Fatal(err)
		}
		attrs, err := b.Object("copy").CopierFrom(b.Object("o")).Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if attrs.ContentType != "x/y" || attrs.Metadata["a"] != "b" || attrs.CRC32C != crc(data) || read(t, b.Object("copy")) != string(data) {
			t.Errorf("copied as %+v", attrs)
		}
	})
}

func TestAnObjectHasAnAddressOfItsOwn(t *testing.T) {
	t.Parallel()
	server, b := start(t, "")
	if err := write(t, b.Object("status/index.html"), []byte("<p>"), func(w *gcs.Writer) { w.ContentType = "text/html" }); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://%s/%s/status/index.html", server.Addr(), bucket), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil || string(body) != "<p>" || answer.Header.Get("Content-Type") != "text/html" {
		t.Errorf("answered %s %q %v, %v", answer.Status, body, answer.Header, err)
	}
}
