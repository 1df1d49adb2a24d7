// Package objects is the way to Cloud Storage: objects that are created once and never changed, and the few that are
// replaced by whoever has seen the version before.
//
// It stands on Google's client of the JSON API and not on cloud.google.com/go/storage, which brings the gRPC API and
// Envoy's with it: 179 of the 1,171 packages that the hub and its tests were compiled from.
//
// What reads is repeated while what it meets may pass, until its context ends. A write is sent again only when it surely was
// not carried out: its caller knows what to do when it failed or may have come through.
package objects

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"
	"google.golang.org/api/storage/v1"

	"ryggrad.internal/hub/shared/gcp"
)

// What a write meets when it is not alone.
var (
	ErrExists = errors.New("the object exists already with other content")
	ErrStale  = errors.New("the object was changed since it was read")
)

// Client reaches Cloud Storage. It is safe for concurrent use, and nothing of it needs to be closed.
type Client struct{ objects *storage.ObjectsService }

// Open returns a client for cfg. A transport that is not nil is used towards an emulator; tests count and break calls
// with it.
func Open(ctx context.Context, cfg gcp.Config, transport http.RoundTripper) (*Client, error) {
	opts := []option.ClientOption{option.WithScopes(storage.DevstorageReadWriteScope)}
	if cfg.StorageHost != "" {
		opts = append(opts, option.WithEndpoint("http://"+cfg.StorageHost+"/storage/v1/"), option.WithHTTPClient(&http.Client{Transport: transport}))
	}
	service, err := storage.NewService(context.WithoutCancel(ctx), opts...) // it may keep the context
	if err != nil {
		return nil, fmt.Errorf("open storage: %w", err)
	}
	return &Client{service.Objects}, nil
}

// Bucket returns a bucket by its name.
func (c *Client) Bucket(name string) Bucket { return Bucket{c.objects, name} }

// Bucket is a bucket, or rather the way to it.
type Bucket struct {
	objects *storage.ObjectsService
	name    string
}

// Read returns an object's content. One that is not there is [fs.ErrNotExist].
func (b Bucket) Read(ctx context.Context, name string) ([]byte, error) {
	data, _, err := b.Load(ctx, name)
	return data, err
}

// Load returns an object's content and its generation, by which it can be replaced.
func (b Bucket) Load(ctx context.Context, name string) ([]byte, int64, error) {
	o, err := ask(ctx, func() (content, error) { return download(b.objects.Get(b.name, name).Context(ctx)) })
	if err != nil {
		return nil, 0, missing("read", name, err)
	}
	return o.data, o.generation, nil
}

// Create writes an object that is not there yet. One that is there with the same content is as good: it may be an
// earlier attempt's. With other content it is [ErrExists].
func (b Bucket) Create(ctx context.Context, name string, data []byte) error {
	err := b.write(ctx, &storage.Object{Name: name}, data, only(0))
	if !b.exists(ctx, name, err) {
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
	err := b.write(ctx, &storage.Object{Name: name}, data, only(generation))
	if refused(err) {
		return fmt.Errorf("%s: %w", name, ErrStale)
	}
	return err
}

// Publish writes an object for everybody to read, of a content type and in the place of whatever was there. Caches keep it
// for a minute at most.
func (b Bucket) Publish(ctx context.Context, name, contentType string, data []byte) error {
	return b.write(ctx, &storage.Object{Name: name, ContentType: contentType, CacheControl: "public, max-age=60"}, data)
}

// exists tells whether a write that only creates failed with err because the object is there. Whoever may create objects
// but not delete them, and whoever meets one that is retained, may be answered 403 and not 412.
func (b Bucket) exists(ctx context.Context, name string, err error) bool {
	if status(err) != http.StatusForbidden {
		return refused(err)
	}
	_, err = b.Look(ctx, name)
	return err == nil
}

// only is the condition that an object has a generation; 0 for one that is not there.
func only(generation int64) googleapi.CallOption {
	return googleapi.QueryParameter("ifGenerationMatch", strconv.FormatInt(generation, 10))
}

// write sends an object in one request, with its checksum. The type is set here, since a body that is read to find out
// about it could not be sent again to a connection that closed before it took anything.
func (b Bucket) write(ctx context.Context, o *storage.Object, data []byte, when ...googleapi.CallOption) error {
	o.Crc32c, o.ContentType = checksum(data), cmp.Or(o.ContentType, http.DetectContentType(data))
	_, err := repeat(ctx, throttled, func() (*storage.Object, error) {
		return b.objects.Insert(b.name, o).Media(bytes.NewReader(data), googleapi.ChunkSize(0)).Context(ctx).Do(when...)
	})
	if err != nil {
		return fmt.Errorf("write %s: %w", o.Name, err)
	}
	return nil
}

// List returns the names of the objects that begin with prefix, sorted, from start on.
func (b Bucket) List(ctx context.Context, prefix, start string) ([]string, error) {
	var names []string
	err := b.each(ctx, prefix, start, "items(name)", func(o *storage.Object) { names = append(names, o.Name) })
	if err != nil {
		return nil, err
	}
	return names, nil
}

// Sizes returns the sizes in bytes of the objects that begin with prefix, by name.
func (b Bucket) Sizes(ctx context.Context, prefix string) (map[string]int64, error) {
	sizes := map[string]int64{}
	err := b.each(ctx, prefix, "", "items(name,size)", func(o *storage.Object) {
		sizes[o.Name] = int64(o.Size) //nolint:gosec // an object has 5 TiB at most
	})
	if err != nil {
		return nil, err
	}
	return sizes, nil
}

// each calls found for every object that begins with prefix, in the order of their names, from start on, with the fields
// that are asked for.
func (b Bucket) each(ctx context.Context, prefix, start string, fields googleapi.Field, found func(*storage.Object)) error {
	call := b.objects.List(b.name).Prefix(prefix).StartOffset(start).Fields("nextPageToken", fields).Context(ctx)
	for {
		page, err := ask(ctx, func() (*storage.Objects, error) { return call.Do() })
		if err != nil {
			return fmt.Errorf("list %s: %w", prefix, err)
		}
		for _, o := range page.Items {
			found(o)
		}
		if page.NextPageToken == "" {
			return nil
		}
		call.PageToken(page.NextPageToken)
	}
}
