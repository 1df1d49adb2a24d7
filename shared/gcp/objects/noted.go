package objects

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"
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
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // a writer that is not closed gives up its upload with its context
	w := b.handle.Object(name).If(storage.Conditions{DoesNotExist: true}).NewWriter(ctx)
	w.ChunkSize = 0 // one request
	w.CRC32C, w.SendCRC32C = crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)), true
	w.Metadata = map[string]string{noteKey: note}
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	err := w.Close()
	if refused(err) {
		return fmt.Errorf("%s: %w", name, ErrExists)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// Look returns what is known of an object. One that is not there is [fs.ErrNotExist].
func (b Bucket) Look(ctx context.Context, name string) (Noted, error) {
	o, err := b.handle.Object(name).Attrs(ctx)
	if errors.Is(err, storage.ErrObjectNotExist) {
		return Noted{}, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if err != nil {
		return Noted{}, fmt.Errorf("look at %s: %w", name, err)
	}
	return noted(o), nil
}

// ListNoted returns what is known of the objects that begin with prefix, sorted by name, from start on.
func (b Bucket) ListNoted(ctx context.Context, prefix, start string) ([]Noted, error) {
	var found []Noted
	for all := b.handle.Objects(ctx, &storage.Query{Prefix: prefix, StartOffset: start}); ; {
		o, err := all.Next()
		if errors.Is(err, iterator.Done) {
			return found, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", prefix, err)
		}
		found = append(found, noted(o))
	}
}

func noted(o *storage.ObjectAttrs) Noted {
	return Noted{Name: o.Name, Note: o.Metadata[noteKey], Size: o.Size, CRC32C: o.CRC32C, Created: o.Created}
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
