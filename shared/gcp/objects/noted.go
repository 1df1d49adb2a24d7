package objects

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/api/storage/v1"
)

// noteKey is the name of the metadata that holds a note.
const noteKey = "ryggrad"

// Noted is an object without its content: what is known of it from its metadata.
type Noted struct {
	Name    string
	Note    string // what its writer noted in the same request
	Size    int64
	CRC32C  uint32
	Created time.Time
}

// CreateNoted writes an object that is not there yet, with a note about it. One that is there is [ErrExists], whatever it
// holds: the caller looks whether it is as good.
func (b Bucket) CreateNoted(ctx context.Context, name string, data []byte, note string) error {
	err := b.write(ctx, &storage.Object{Name: name, Metadata: map[string]string{noteKey: note}}, data, only(0))
	if b.exists(ctx, name, err) {
		return fmt.Errorf("%s: %w", name, ErrExists)
	}
	return err
}

// Look returns what is known of an object. One that is not there is [fs.ErrNotExist].
func (b Bucket) Look(ctx context.Context, name string) (Noted, error) {
	o, err := ask(ctx, func() (*storage.Object, error) { return b.objects.Get(b.name, name).Context(ctx).Do() })
	if err != nil {
		return Noted{}, missing("look at", name, err)
	}
	return noted(o)
}

// looksAtOnce bounds how many objects of a list are looked at side by side.
const looksAtOnce = 16

// ListNoted returns what is known of the objects that begin with prefix, sorted by name. It looks at each of them,
// because lists give no checksums of what is encrypted with a key in KMS, as backups are:
// https://docs.cloud.google.com/storage/docs/encryption/customer-managed-keys#restrictions
func (b Bucket) ListNoted(ctx context.Context, prefix string) ([]Noted, error) {
	names, err := b.List(ctx, prefix, "")
	if err != nil {
		return nil, err
	}
	found := make([]Noted, len(names))
	looks, ctx := errgroup.WithContext(ctx)
	looks.SetLimit(looksAtOnce)
	for i, name := range names {
		looks.Go(func() (err error) {
			found[i], err = b.Look(ctx, name)
			if errors.Is(err, fs.ErrNotExist) { // it went meanwhile
				return nil
			}
			return err
		})
	}
	if err := looks.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(found, func(n Noted) bool { return n.Name == "" }), nil
}

func noted(o *storage.Object) (Noted, error) {
	sum, err := number(o.Crc32c)
	if err != nil {
		return Noted{}, fmt.Errorf("%s: %w", o.Name, err)
	}
	created, err := time.Parse(time.RFC3339Nano, o.TimeCreated)
	if err != nil {
		return Noted{}, fmt.Errorf("%s: when it was created: %w", o.Name, err)
	}
	size := int64(o.Size) //nolint:gosec // an object has 5 TiB at most
	return Noted{Name: o.Name, Note: o.Metadata[noteKey], Size: size, CRC32C: sum, Created: created}, nil
}

// CopyTo copies an object to another bucket, under its name and with its note. One that is there with the same content
// is as good, also when it comes to be there meanwhile; with other content it is [ErrExists].
func (b Bucket) CopyTo(ctx context.Context, to Bucket, name string) error {
	o, err := b.Look(ctx, name)
	if err != nil {
		return err
	}
	if err := to.has(ctx, o); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	data, err := b.Read(ctx, name)
	if err != nil {
		return err
	}
	if err := to.CreateNoted(ctx, name, data, o.Note); !errors.Is(err, ErrExists) {
		return err
	}
	return to.has(ctx, o)
}

// has looks whether an object is there with the content of another one.
func (b Bucket) has(ctx context.Context, o Noted) error {
	there, err := b.Look(ctx, o.Name)
	if err == nil && (there.Size != o.Size || there.CRC32C != o.CRC32C) {
		err = fmt.Errorf("%s: %w", o.Name, ErrExists)
	}
	return err
}
