package storage_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	gcs "cloud.google.com/go/storage"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"ryggrad.internal/hub/shared/localcloud/storage"
)

const bucket = "p-backup"

// start runs a server over a directory (in memory when empty) and returns the real client's handle of its bucket.
func start(t *testing.T, dir string) (*storage.Server, *gcs.BucketHandle) {
	t.Helper()
	return startAt(t, storage.Options{Dir: dir})
}

func startAt(t *testing.T, opts storage.Options) (*storage.Server, *gcs.BucketHandle) {
	t.Helper()
	server, err := storage.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.CreateBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	client, err := gcs.NewClient(context.WithoutCancel(t.Context()), option.WithoutAuthentication(),
		option.WithEndpoint("http://"+server.Addr()+"/storage/v1/"), gcs.WithJSONReads())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = client.Close()
		_ = server.Close()
	})
	return server, client.Bucket(bucket)
}

// both runs a test in memory and over a directory.
func both(t *testing.T, test func(t *testing.T, b *gcs.BucketHandle)) {
	t.Helper()
	for name, dir := range map[string]string{"in memory": "", "over a directory": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, b := start(t, dir)
			test(t, b)
		})
	}
}

func write(t *testing.T, o *gcs.ObjectHandle, data []byte, prepare func(*gcs.Writer)) error {
	t.Helper()
	w := o.NewWriter(t.Context())
	if prepare != nil {
		prepare(w)
	}
	_, err := w.Write(data)
	return errors.Join(err, w.Close())
}

func read(t *testing.T, o *gcs.ObjectHandle) string {
	t.Helper()
	r, err := o.NewReader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func wantStatus(t *testing.T, err error, want int) {
	t.Helper()
	var api *googleapi.Error
	if !errors.As(err, &api) || api.Code != want {
		t.Errorf("error %v, want status %d", err, want)
	}
}

func crc(data []byte) uint32 { return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) }

func TestAnObjectIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, b *gcs.BucketHandle) {
		t.Helper()
		data := bytes.Repeat([]byte("ryggrad "), 3<<20/8)
		o := b.Object("hot/2026/11 20.ndjson")
		if err := write(t, o, data, func(w *gcs.Writer) { w.Metadata = map[string]string{"set": "hot"} }); err != nil {
			t.Fatal(err)
		}
		if got := read(t, o); got != string(data) {
			t.Errorf("read %d bytes, want %d", len(got), len(data))
		}
		attrs, err := o.Attrs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if attrs.Size != int64(len(data)) || attrs.CRC32C != crc(data) || attrs.Metadata["set"] != "hot" {
			t.Errorf("size %d, CRC32C %x, metadata %v", attrs.Size, attrs.CRC32C, attrs.Metadata)
		}
	})
}

func TestCreateOnlyRefusesASecondWrite(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, b *gcs.BucketHandle) {
		t.Helper()
		for name, chunk := range map[string]int{"in one request": 0, "in chunks": 256 << 10} {
			o := b.Object("erasures/" + name).If(gcs.Conditions{DoesNotExist: true})
			sized := func(w *gcs.Writer) { w.ChunkSize = chunk }
			if err := write(t, o, []byte("first"), sized); err != nil {
				t.Fatal(err)
			}
			wantStatus(t, write(t, o, []byte("second"), sized), http.StatusPreconditionFailed)
			if got := read(t, b.Object("erasures/"+name)); got != "first" {
				t.Errorf("%s: read %q after a refused write", name, got)
			}
		}
	})
}

func TestGenerationMatchRefusesAStaleWrite(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, b *gcs.BucketHandle) {
		t.Helper()
		o := b.Object("checkpoint")
		if err := write(t, o, []byte("one"), nil); err != nil {
			t.Fatal(err)
		}
		attrs, err := o.Attrs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		at := o.If(gcs.Conditions{GenerationMatch: attrs.Generation})
		if err := write(t, at, []byte("two"), nil); err != nil {
			t.Errorf("at the present generation: %v", err)
		}
		wantStatus(t, write(t, at, []byte("three"), nil), http.StatusPreconditionFailed)
		if got := read(t, o); got != "two" {
			t.Errorf("read %q", got)
		}
	})
}

func TestAWrongChecksumIsRefused(t *testing.T) {
	t.Parallel()
	data := []byte("backup")
	right, wrong := md5.Sum(data), md5.Sum([]byte("other"))
	for name, c := range map[string]struct {
		chunk   int
		prepare func(w *gcs.Writer)
		want    int // the status; 0 for none
	}{
		"a wrong CRC-32C in one request": {0, func(w *gcs.Writer) { w.SendCRC32C, w.CRC32C = true, crc(data)+1 }, http.StatusBadRequest},
		"a wrong CRC-32C in chunks":      {256 << 10, func(w *gcs.Writer) { w.SendCRC32C, w.CRC32C = true, crc(data)+1 }, http.StatusBadRequest},
		"a wrong MD5":                    {0, func(w *gcs.Writer) { w.MD5 = wrong[:] }, http.StatusBadRequest},
		"right ones in one request":      {0, func(w *gcs.Writer) { w.SendCRC32C, w.CRC32C, w.MD5 = true, crc(data), right[:] }, 0},
		"right ones in chunks":           {256 << 10, func(w *gcs.Writer) { w.SendCRC32C, w.CRC32C, w.MD5 = true, crc(data), right[:] }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			both(t, func(t *testing.T, b *gcs.BucketHandle) {
				t.Helper()
				o := b.Object("o")
				err := write(t, o, data, func(w *gcs.Writer) {
					w.ChunkSize = c.chunk
					c.prepare(w)
				})
				attrs, attrsErr := o.Attrs(t.Context())
				if c.want == 0 {
					if err := errors.Join(err, attrsErr); err != nil || !bytes.Equal(attrs.MD5, right[:]) {
						t.Errorf("attributes %+v, %v", attrs, err)
					}
					return
				}
				wantStatus(t, err, c.want)
				if !errors.Is(attrsErr, gcs.ErrObjectNotExist) {
					t.Errorf("after a refused write: %v", attrsErr)
				}
			})
		})
	}
}

func TestListsComeInOrderByPrefixAndInPages(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, b *gcs.BucketHandle) {
		t.Helper()
		var want []string
		for i := range 5 {
			name := fmt.Sprintf("hot/%d", i)
			want = append(want, name)
			if err := write(t, b.Object(name), []byte("x"), nil); err != nil {
				t.Fatal(err)
			}
		}
		if err := write(t, b.Object("keys/0"), []byte("x"), nil); err != nil {
			t.Fatal(err)
		}
		var got []string
		objects := b.Objects(t.Context(), &gcs.Query{Prefix: "hot/"})
		objects.PageInfo().MaxSize = 2
		for {
			o, err := objects.Next()
			if errors.Is(err, iterator.Done) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, o.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("objects (-want +got):\n%s", diff)
		}
	})
}

func TestOneOfManyCreatorsWins(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, b *gcs.BucketHandle) {
		t.Helper()
		var won atomic.Int32
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				small := func(w *gcs.Writer) { w.ChunkSize = 0 }
				if write(t, b.Object("once").If(gcs.Conditions{DoesNotExist: true}), []byte("x"), small) == nil {
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
