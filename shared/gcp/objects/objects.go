// Package objects is the way to Cloud Storage: objects that are created once and never changed, and the few that are
// replaced by whoever has seen the version before.
//
// It is a package of its own, and not a part of gcp.Cloud, because linking the storage client costs a cold start that
// functions without objects should not pay.
package objects

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/http"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"

	"ryggrad.internal/hub/shared/gcp"
)

// What a write meets when it is not alone.
var (
	ErrExists = errors.New("the object exists already with other content")
	ErrStale  = errors.New("the object was changed since it was read")
)

// Client reaches Cloud Storage. It is safe for concurrent use; whoever opens one closes it.
type Client struct{ storage *storage.Client }

// Open returns a client for cfg. A transport that is not nil is used towards an emulator; tests count and break calls
// with it.
func Open(ctx context.Context, cfg gcp.Config, transport http.RoundTripper) (*Client, error) {
	opts := []option.ClientOption{storage.WithJSONReads()}
	if cfg.StorageHost != "" {
		opts = append(opts, option.WithEndpoint("http://"+cfg.StorageHost+"/storage/v1/"), option.WithHTTPClient(&http.Client{Transport: transport}))
	}
	c, err := storage.NewClient(context.WithoutCancel(ctx), opts...)
	if err != nil {
		return nil, fmt.Errorf("open storage: %w", err)
	}
	return &Client{c}, nil
}

// Close ends the client.
func (c *Client) Close() error { return c.storage.Close() }

// Bucket returns a bucket by its name.
func (c *Client) Bucket(name string) Bucket { return Bucket{c.storage.Bucket(name)} }

// Bucket is a bucket, or rather the way to it.
type Bucket struct{ handle *storage.BucketHandle }

// Read returns an object's content. One that is not there is [fs.ErrNotExist].
func (b Bucket) Read(ctx context.Context, name string) ([]byte, error) {
	data, _, err := b.Load(ctx, name)
	return data, err
}

// Load returns an object's content and its generation, by which it can be replaced.
func (b Bucket) Load(ctx context.Context, name string) ([]byte, int64, error) {
	r, err := b.handle.Object(name).NewReader(ctx)
	if errors.Is(err, storage.ErrObjectNotExist) {
		return nil, 0, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", name, err)
	}
	data, err := io.ReadAll(r) // compares the checksum
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", name, err)
	}
	return data, r.Attrs.Generation, nil
}

// Create writes an object that is not there yet. One that is there with the same content is as good: it may be an
// earlier attempt's. With other content it is [ErrExists].
func (b Bucket) Create(ctx context.Context, name string, data []byte) error {
	err := b.write(ctx, b.handle.Object(name).If(storage.Conditions{DoesNotExist: true}), data)
	if !refused(err) {
		return err
	}
	there, err := b.Read(ctx, name)
	if err == nil && !bytes.Equal(there, data) {
		err = fmt.Errorf("%s: %w", name, ErrExists)
	}
	return err
}

// Replace writes an object in the place of the generation that was read, 0 for none. When it has changed since, it is
// [ErrStale], and that may speak of the caller's own write.
func (b Bucket) Replace(ctx context.Context, name string, data []byte, generation int64) error {
	when := storage.Conditions{GenerationMatch: generation}
	if generation == 0 {
		when = storage.Conditions{DoesNotExist: true}
	}
	err := b.write(ctx, b.handle.Object(name).If(when), data)
	if refused(err) {
		return fmt.Errorf("%s: %w", name, ErrStale)
	}
	return err
}

// Publish writes an object for everybody to read, of a content type and in the place of whatever was there. Caches keep it
// for a minute at most.
func (b Bucket) Publish(ctx context.Context, name, contentType string, data []byte) error {
	return b.send(ctx, b.handle.Object(name), data, func(w *storage.Writer) {
		w.ContentType, w.CacheControl = contentType, "public, max-age=60"
	})
}

func (b Bucket) write(ctx context.Context, o *storage.ObjectHandle, data []byte) error {
	return b.send(ctx, o, data, func(*storage.Writer) {})
}

func (b Bucket) send(ctx context.Context, o *storage.ObjectHandle, data []byte, describe func(*storage.Writer)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // a writer that is not closed gives up its upload with its context
	w := o.NewWriter(ctx)
	w.ChunkSize = 0 // one request; what is written here is small
	describe(w)
	w.CRC32C, w.SendCRC32C = crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)), true
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("write %s: %w", o.ObjectName(), err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("write %s: %w", o.ObjectName(), err)
	}
	return nil
}

func refused(err error) bool {
	var answer *googleapi.Error
	return errors.As(err, &answer) && answer.Code == http.StatusPreconditionFailed
}

// List returns the names of the objects that begin with prefix, sorted, from start on.
func (b Bucket) List(ctx context.Context, prefix, start string) ([]string, error) {
	var names []string
	q := &storage.Query{Prefix: prefix, StartOffset: start}
	if err := q.SetAttrSelection([]string{"Name"}); err != nil {
		return nil, err
	}
	for all := b.handle.Objects(ctx, q); ; {
		o, err := all.Next()
		if errors.Is(err, iterator.Done) {
			return names, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, err)
		}
		names = append(names, o.Name)
	}
}
