package storage_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	gcs "google.golang.org/api/storage/v1"

	"ryggrad.internal/hub/shared/localcloud/storage"
)

const bucket = "p-backup"

// client is Google's client of the JSON API, for one bucket.
type client struct{ *gcs.Service }

// start runs a server over a directory (in memory when empty) and returns the client of its bucket.
func start(t *testing.T, dir string) (*storage.Server, client) {
	t.Helper()
	return startAt(t, storage.Options{Dir: dir})
}

func startAt(t *testing.T, opts storage.Options) (*storage.Server, client) {
	t.Helper()
	server, err := storage.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.CreateBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	service, err := gcs.NewService(context.WithoutCancel(t.Context()), option.WithHTTPClient(&http.Client{}),
		option.WithEndpoint("http://"+server.Addr()+"/storage/v1/"))
	if err != nil {
		t.Fatal(err)
	}
	return server, client{service}
}

// both runs a test in memory and over a directory.
func both(t *testing.T, test func(t *testing.T, c client)) {
	t.Helper()
	for name, dir := range map[string]string{"in memory": "", "over a directory": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, c := start(t, dir)
			test(t, c)
		})
	}
}

// How an object is sent: what is longer than a chunk comes in several requests.
const (
	inOne = 0
	chunk = googleapi.MinUploadChunkSize
)

func (c client) write(t *testing.T, o *gcs.Object, data []byte, size int, when ...googleapi.CallOption) error {
	t.Helper()
	_, err := c.Objects.Insert(bucket, o).Media(bytes.NewReader(data), googleapi.ChunkSize(size)).Context(t.Context()).Do(when...)
	return err
}

// made writes objects that hold their names, and returns the first of them.
func (c client) made(t *testing.T, names ...string) *gcs.Object {
	t.Helper()
	for _, name := range names {
		if err := c.write(t, &gcs.Object{Name: name}, []byte(name), inOne); err != nil {
			t.Fatal(err)
		}
	}
	return c.look(t, names[0])
}

func (c client) look(t *testing.T, name string) *gcs.Object {
	t.Helper()
	o, err := c.Objects.Get(bucket, name).Context(t.Context()).Do()
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (c client) wantNone(t *testing.T, name string) {
	t.Helper()
	_, err := c.Objects.Get(bucket, name).Context(t.Context()).Do()
	wantStatus(t, err, http.StatusNotFound)
}

func (c client) read(t *testing.T, name string) string {
	t.Helper()
	data, err := content(c.Objects.Get(bucket, name).Context(t.Context()).Download())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// ask sends a request of its own. A header is a line with its name before a colon.
func ask(t *testing.T, method, url, body string, headers ...string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		req.Header.Set(name, value)
	}
	return http.DefaultClient.Do(req)
}

// content reads an answer to its end.
func content(answer *http.Response, err error) (string, error) {
	if err != nil {
		return "", err
	}
	data, err := io.ReadAll(answer.Body)
	return string(data), errors.Join(err, answer.Body.Close())
}

func wantStatus(t *testing.T, err error, want int) {
	t.Helper()
	var api *googleapi.Error
	if !errors.As(err, &api) || api.Code != want {
		t.Errorf("error %v, want status %d", err, want)
	}
}

// only is a condition, like ifGenerationMatch.
func only(condition string, version int64) googleapi.CallOption {
	return googleapi.QueryParameter(condition, strconv.FormatInt(version, 10))
}

var ifNew = only("ifGenerationMatch", 0)

func crc(data []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))))
}

func TestAnObjectIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"in one request": inOne, "in chunks": chunk} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			both(t, func(t *testing.T, c client) {
				t.Helper()
				data := bytes.Repeat([]byte("ryggrad "), 3<<20/8+1)
				const name = "hot/2026/11 20.ndjson"
				if err := c.write(t, &gcs.Object{Name: name, Metadata: map[string]string{"set": "hot"}}, data, size); err != nil {
					t.Fatal(err)
				}
				if got := c.read(t, name); got != string(data) {
					t.Errorf("read %d bytes, want %d", len(got), len(data))
				}
				if o := c.look(t, name); o.Size != uint64(len(data)) || o.Crc32c != crc(data) || o.Metadata["set"] != "hot" {
					t.Errorf("size %d, CRC32C %s, metadata %v", o.Size, o.Crc32c, o.Metadata)
				}
			})
		})
	}
}

// Google's Go clients send chunks by POST, others PUT them.
func TestChunksComeByPutToo(t *testing.T) {
	t.Parallel()
	server, c := start(t, "")
	begun, err := ask(t, http.MethodPost, "http://"+server.Addr()+"/upload/storage/v1/b/"+bucket+"/o?uploadType=resumable&name=o", "{}")
	if _, err := content(begun, err); err != nil {
		t.Fatal(err)
	}
	to := begun.Header.Get("Location")
	half, err := ask(t, http.MethodPut, to, "01234", "Content-Range: bytes 0-4/*")
	if _, err := content(half, err); err != nil || half.StatusCode != http.StatusPermanentRedirect || half.Header.Get("Range") != "bytes=0-4" {
		t.Fatalf("a half: %v, %v", half, err)
	}
	whole, err := ask(t, http.MethodPut, to, "56789", "Content-Range: bytes 5-9/10")
	if _, err := content(whole, err); err != nil || whole.StatusCode != http.StatusOK || c.read(t, "o") != "0123456789" {
		t.Errorf("the whole: %v, %v", whole, err)
	}
}

func TestCreateOnlyRefusesASecondWrite(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c client) {
		t.Helper()
		for name, size := range map[string]int{"in one request": inOne, "in chunks": chunk} {
			o := &gcs.Object{Name: "erasures/" + name}
			first := bytes.Repeat([]byte("1"), 2*chunk)
			if err := c.write(t, o, first, size, ifNew); err != nil {
				t.Fatal(err)
			}
			wantStatus(t, c.write(t, o, bytes.Repeat([]byte("2"), 2*chunk), size, ifNew), http.StatusPreconditionFailed)
			if got := c.read(t, o.Name); got != string(first) {
				t.Errorf("%s: changed by a refused write", name)
			}
		}
	})
}

func TestGenerationMatchRefusesAStaleWrite(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c client) {
		t.Helper()
		o := &gcs.Object{Name: "checkpoint"}
		if err := c.write(t, o, []byte("one"), inOne); err != nil {
			t.Fatal(err)
		}
		at := only("ifGenerationMatch", c.look(t, o.Name).Generation)
		if err := c.write(t, o, []byte("two"), inOne, at); err != nil {
			t.Errorf("at the present generation: %v", err)
		}
		wantStatus(t, c.write(t, o, []byte("three"), inOne, at), http.StatusPreconditionFailed)
		if got := c.read(t, o.Name); got != "two" {
			t.Errorf("read %q", got)
		}
	})
}

func TestAWrongChecksumIsRefused(t *testing.T) {
	t.Parallel()
	data, other := bytes.Repeat([]byte("backup"), chunk), []byte("other")
	digest := func(data []byte) string {
		sum := md5.Sum(data)
		return base64.StdEncoding.EncodeToString(sum[:])
	}
	for name, c := range map[string]struct {
		size   int
		object gcs.Object
		want   int // the status; 0 for none
	}{
		"a wrong CRC-32C in one request": {inOne, gcs.Object{Crc32c: crc(other)}, http.StatusBadRequest},
		"a wrong CRC-32C in chunks":      {chunk, gcs.Object{Crc32c: crc(other)}, http.StatusBadRequest},
		"a wrong MD5 in one request":     {inOne, gcs.Object{Md5Hash: digest(other)}, http.StatusBadRequest},
		"a wrong MD5 in chunks":          {chunk, gcs.Object{Md5Hash: digest(other)}, http.StatusBadRequest},
		"right ones in one request":      {inOne, gcs.Object{Crc32c: crc(data), Md5Hash: digest(data)}, 0},
		"right ones in chunks":           {chunk, gcs.Object{Crc32c: crc(data), Md5Hash: digest(data)}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			both(t, func(t *testing.T, to client) {
				t.Helper()
				o := c.object
				o.Name = "o"
				err := to.write(t, &o, data, c.size)
				if c.want != 0 {
					wantStatus(t, err, c.want)
					to.wantNone(t, "o")
				} else if got := to.look(t, "o"); err != nil || got.Md5Hash != digest(data) {
					t.Errorf("object %+v, %v", got, err)
				}
			})
		})
	}
}

func TestListsComeInOrderByPrefixAndInPages(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c client) {
		t.Helper()
		var want []string
		for i := range 5 {
			want = append(want, fmt.Sprintf("hot/%d", i))
		}
		c.made(t, want...)
		c.made(t, "keys/0")
		if diff := cmp.Diff(want, c.list(t, c.Objects.List(bucket).Prefix("hot/"))); diff != "" {
			t.Errorf("objects (-want +got):\n%s", diff)
		}
	})
}

func TestOneOfManyCreatorsWins(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, c client) {
		t.Helper()
		var won atomic.Int32
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if c.write(t, &gcs.Object{Name: "once"}, []byte("x"), inOne, ifNew) == nil {
					won.Add(1)
				}
			})
		}
		all.Wait()
		if got := won.Load(); got != 1 {
			t.Errorf("%d writers created the object, want one", got)
		}
	})
}
