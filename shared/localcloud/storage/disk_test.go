package storage_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/googleapi"
	gcs "google.golang.org/api/storage/v1"

	"ryggrad.internal/hub/shared/localcloud/storage"
)

func TestObjectsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, c := start(t, dir)
	c.made(t, "a/b", "gone")
	if err := c.Objects.Delete(bucket, "gone").Context(t.Context()).Do(); err != nil {
		t.Fatal(err)
	}
	c.describe(t, "a/b", &gcs.Object{Metadata: map[string]string{"set": "hot"}})
	before := c.look(t, "a/b")
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	_, c = start(t, dir)
	if got := c.read(t, "a/b"); got != "a/b" {
		t.Errorf("read %q", got)
	}
	after := c.look(t, "a/b")
	for _, o := range []*gcs.Object{before, after} { // what names the server's port, or the answer
		o.MediaLink, o.SelfLink, o.ServerResponse = "", "", googleapi.ServerResponse{}
	}
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("object (-before +after):\n%s", diff)
	}
	c.wantNone(t, "gone")
	if again := c.made(t, "a/b"); again.Generation <= after.Generation {
		t.Errorf("generation %d after %d", again.Generation, after.Generation)
	}
}

// A client may have opened a connection that it then did not need.
func TestClosingDoesNotWaitForWhoAsksNothing(t *testing.T) {
	t.Parallel()
	server, _ := start(t, "")
	idle, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	if _, err := content(ask(t, http.MethodGet, "http://"+server.Addr()+"/storage/v1/b", "")); err != nil { // accepted after it
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
}

// Whatever a kill leaves of a write, the object is there as it was before.
func TestAWriteThatWasKilledLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, c := start(t, dir)
	c.made(t, "o")
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, bucket, "new-1234")
	if err := os.WriteFile(half, []byte("half of anoth"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, c = start(t, dir)
	if got := c.read(t, "o"); got != "o" {
		t.Errorf("read %q", got)
	}
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half is still there: %v", err)
	}
}

func TestADamagedFileIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	server, c := start(t, dir)
	c.made(t, "o")
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
	both(t, func(t *testing.T, c client) {
		t.Helper()
		names := []string{"a", "a/", "a/b", "a//b", "a/../b", "../x", "/", "å ?#%2F", "bucket.json", "format", "new-1", strings.Repeat("n", 1024)}
		c.made(t, names...)
		for _, name := range names {
			if got := c.read(t, name); got != name {
				t.Errorf("%q reads %q", name, got)
			}
		}
		slices.Sort(names)
		if diff := cmp.Diff(names, c.list(t, c.Objects.List(bucket))); diff != "" {
			t.Errorf("objects (-want +got):\n%s", diff)
		}
		for _, name := range []string{".", "..", "a\nb", strings.Repeat("n", 1025)} {
			wantStatus(t, c.write(t, &gcs.Object{Name: name}, nil, inOne), http.StatusBadRequest)
		}
	})
}

// list returns the names of objects, and the prefixes that others are folded into.
func (c client) list(t *testing.T, call *gcs.ObjectsListCall) []string {
	t.Helper()
	var names []string
	err := call.MaxResults(2).Pages(t.Context(), func(page *gcs.Objects) error {
		here := slices.Clone(page.Prefixes)
		for _, o := range page.Items {
			here = append(here, o.Name)
		}
		if len(here) > 2 {
			t.Errorf("%d in a page of two", len(here))
		}
		if len(page.Prefixes) > 0 {
			slices.Sort(here) // an answer tells prefixes and objects apart
		}
		names = append(names, here...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func TestListsFoldAndEndWhereTheyAreTold(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c client) {
		t.Helper()
		c.made(t, "a", "b/1", "b/2", "b/c/1", "b/c/2", "b/c/3", "b/d/1", "c")
		list := func() *gcs.ObjectsListCall { return c.Objects.List(bucket) }
		for want, call := range map[string]*gcs.ObjectsListCall{
			"a b/ c":            list().Delimiter("/"),
			"b/1 b/2 b/c/ b/d/": list().Prefix("b/").Delimiter("/"),
			"b/c/1 b/c/2 b/c/3": list().Prefix("b/c"),
			"b/2 b/c/1 b/c/2":   list().StartOffset("b/2").EndOffset("b/c/3"),
			"":                  list().Prefix("d"),
		} {
			if got := strings.Join(c.list(t, call), " "); got != want {
				t.Errorf("%q, want %q", got, want)
			}
		}
	})
}

// Objects in the hub's buckets are encrypted with keys in KMS, and lists of such have no checksums.
func TestListsHaveNoChecksums(t *testing.T) {
	t.Parallel()
	_, c := start(t, "")
	c.made(t, "o")
	page, err := c.Objects.List(bucket).Context(t.Context()).Do()
	if err != nil || len(page.Items) != 1 || page.Items[0].Crc32c != "" || page.Items[0].Md5Hash != "" || page.Items[0].Size != 1 {
		t.Errorf("listed %+v, %v", page, err)
	}
}

func TestOnlyFieldsThatWereAskedForCome(t *testing.T) {
	t.Parallel()
	_, c := start(t, "")
	c.made(t, "a", "b")
	for fields, want := range map[string]string{
		"nextPageToken,items(name)":  `{"items":[{"name":"a"}],"nextPageToken":"YQ"}`,
		"items/size,kind":            `{"items":[{"size":"1"}],"kind":"storage#objects"}`,
		"items(name,size),prefixes":  `{"items":[{"name":"a","size":"1"}]}`,
		"items(bucket,metadata/set)": `{"items":[{"bucket":"p-backup"}]}`,
	} {
		got, err := content(ask(t, http.MethodGet, c.BasePath+"b/"+bucket+"/o?maxResults=1&fields="+url.QueryEscape(fields), ""))
		if err != nil || got != want {
			t.Errorf("%s: %s, %v, want %s", fields, got, err, want)
		}
	}
	for _, wrong := range []googleapi.Field{"items(", "items)", "a,,b", "*", ",", "a/"} {
		_, err := c.Objects.List(bucket).Fields(wrong).Context(t.Context()).Do()
		wantStatus(t, err, http.StatusBadRequest)
	}
}

func TestAPartIsRead(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c client) {
		t.Helper()
		if err := c.write(t, &gcs.Object{Name: "o"}, []byte("0123456789"), inOne); err != nil {
			t.Fatal(err)
		}
		part := func(span string) (string, error) {
			call := c.Objects.Get(bucket, "o").Context(t.Context())
			call.Header().Set("Range", "bytes="+span)
			return content(call.Download())
		}
		for span, want := range map[string]string{"0-": "0123456789", "3-5": "345", "-2": "89", "9-13": "9"} {
			if got, err := part(span); err != nil || got != want {
				t.Errorf("%s: %q, %v, want %q", span, got, err, want)
			}
		}
		_, err := part("10-")
		wantStatus(t, err, http.StatusRequestedRangeNotSatisfiable)
	})
}

func TestACopyIsDescribedAsItsOriginal(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c client) {
		t.Helper()
		data := bytes.Repeat([]byte("x"), 300<<10)
		if err := c.write(t, &gcs.Object{Name: "o", ContentType: "x/y", Metadata: map[string]string{"a": "b"}}, data, inOne); err != nil {
			t.Fatal(err)
		}
		if err := c.copied(t, "o", "copy"); err != nil {
			t.Fatal(err)
		}
		o := c.look(t, "copy")
		if o.ContentType != "x/y" || o.Metadata["a"] != "b" || o.Crc32c != crc(data) || c.read(t, "copy") != string(data) {
			t.Errorf("copied as %+v", o)
		}
	})
}

func TestAnObjectHasAnAddressOfItsOwn(t *testing.T) {
	t.Parallel()
	server, c := start(t, "")
	if err := c.write(t, &gcs.Object{Name: "status/index.html", ContentType: "text/html"}, []byte("<p>"), inOne); err != nil {
		t.Fatal(err)
	}
	answer, err := ask(t, http.MethodGet, fmt.Sprintf("http://%s/%s/status/index.html", server.Addr(), bucket), "")
	body, err := content(answer, err)
	if err != nil || body != "<p>" || answer.Header.Get("Content-Type") != "text/html" {
		t.Errorf("answered %q, %v", body, err)
	}
}
