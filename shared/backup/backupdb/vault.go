package backupdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"time"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp/kmskey"
)

// Shelf is where a set's backups are read: a bucket, or a folder that one was copied to. An object that is not there is
// [fs.ErrNotExist]; lists are sorted.
type Shelf struct {
	Read func(ctx context.Context, name string) ([]byte, error)
	List func(ctx context.Context, prefix, start string) ([]string, error)
}

// Vault reads a project's backups. It is safe for concurrent use.
type Vault struct {
	Project string
	Shelf   func(backup.Set) Shelf
	Signers func(context.Context) ([]string, error)                      // the keys that sign manifests
	Unlock  func(context.Context, backup.Header) (backup.FileKey, error) // a file's key
}

// UnlockWith returns what unwraps files' keys by KMS.
func UnlockWith(key kmskey.Key) func(context.Context, backup.Header) (backup.FileKey, error) {
	return func(ctx context.Context, h backup.Header) (backup.FileKey, error) {
		bound, err := h.Bound()
		if err != nil {
			return backup.FileKey{}, err
		}
		raw, err := key.Unwrap(ctx, h.KMS.Key, bound)
		if err == nil && len(raw) != len(backup.FileKey{}) {
			err = errors.New("it is no file's key")
		}
		if err != nil {
			return backup.FileKey{}, err
		}
		return backup.FileKey(raw), nil
	}
}

// UnlockOffline returns what opens files' keys with the offline key alone.
func UnlockOffline(key backup.OfflineKey) func(context.Context, backup.Header) (backup.FileKey, error) {
	return func(_ context.Context, h backup.Header) (backup.FileKey, error) {
		bound, err := h.Bound()
		if err != nil {
			return backup.FileKey{}, err
		}
		return key.Open(h.Offline, bound)
	}
}

// Moments returns the moments of the set's backups from one on, oldest first.
func (v Vault) Moments(ctx context.Context, set backup.Set, from time.Time) ([]time.Time, error) {
	return moments(ctx, v.Shelf(set), backup.ManifestsPrefix(set), from)
}

// moments lists the moments in objects' names, from one on.
func moments(ctx context.Context, at Shelf, prefix string, from time.Time) ([]time.Time, error) {
	start := ""
	if !from.IsZero() {
		start = prefix + backup.Stamp(from)
	}
	names, err := at.List(ctx, prefix, start)
	if err != nil {
		return nil, passing(err)
	}
	var all []time.Time
	for _, name := range names {
		if one, err := backup.MomentOf(name); err == nil && !one.Before(from.Truncate(time.Second)) {
			all = append(all, one)
		}
	}
	return all, nil
}

// Manifest reads the manifest of a moment, and its hash.
func (v Vault) Manifest(ctx context.Context, set backup.Set, at time.Time) (backup.Manifest, string, error) {
	object := backup.ManifestObject(set, at)
	signed, err := v.Shelf(set).Read(ctx, object)
	if errors.Is(err, fs.ErrNotExist) {
		return backup.Manifest{}, "", backup.Missing(object, err)
	}
	if err != nil {
		return backup.Manifest{}, "", passing(err)
	}
	keys, err := v.Signers(ctx)
	if err != nil {
		return backup.Manifest{}, "", err
	}
	m, err := backup.OpenManifest(object, v.Project, signed, keys)
	return m, backup.HashManifest(signed), err
}

// Chain reads what brings a moment back.
func (v Vault) Chain(ctx context.Context, set backup.Set, at time.Time) (backup.Chain, error) {
	m, _, err := v.Manifest(ctx, set, at)
	if err != nil {
		return nil, err
	}
	return backup.Follow(m, func(at time.Time) (backup.Manifest, string, error) { return v.Manifest(ctx, set, at) })
}

// Newest returns the newest moment of a set at or before one, which may be zero for no bound.
func (v Vault) Newest(ctx context.Context, set backup.Set, notAfter time.Time) (time.Time, error) {
	all, err := v.Moments(ctx, set, time.Time{})
	if err != nil {
		return time.Time{}, err
	}
	for i := len(all) - 1; i >= 0; i-- {
		if notAfter.IsZero() || !all[i].After(notAfter) {
			return all[i], nil
		}
	}
	return time.Time{}, fault.New(fault.NotFound, "there is no backup of %s at or before that moment", set)
}

// file reads one of a manifest's files and holds it against the manifest.
func (v Vault) file(ctx context.Context, m backup.Manifest, f backup.File) ([]byte, error) {
	part := m.Part(f.Shard, f.Number)
	data, err := v.Shelf(m.Set).Read(ctx, part.Object())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, backup.Missing(part.Object(), err)
	}
	if err != nil {
		return nil, passing(err)
	}
	return data, f.Check(part, data)
}

// Lines gives the lines of one of a manifest's files to each, after the whole file was held against the manifest.
func (v Vault) Lines(ctx context.Context, m backup.Manifest, f backup.File, each func(line []byte) error) error {
	data, err := v.file(ctx, m, f)
	if err != nil {
		return err
	}
	object := m.Part(f.Shard, f.Number).Object()
	h, err := backup.ReadHeader(data)
	if err != nil {
		return backup.Broken(object, "it is no file of a backup", err)
	}
	key, err := v.Unlock(ctx, h)
	if fault.Is(err, fault.Unavailable) {
		return err
	}
	if err != nil {
		return backup.Locked(object, err)
	}
	return lines(object, data, key, f.Documents, each)
}

func lines(object string, data []byte, key backup.FileKey, want int64, each func(line []byte) error) error {
	r, err := backup.NewReader(data, key)
	if err != nil {
		return backup.Broken(object, "it does not open", err)
	}
	defer r.Close()
	for n := int64(0); ; n++ {
		l, err := r.Next()
		switch {
		case errors.Is(err, io.EOF) && n == want:
			return nil
		case errors.Is(err, io.EOF):
			return backup.Broken(object, fmt.Sprintf("it has %d documents and not %d", n, want), nil)
		case err != nil:
			return backup.Broken(object, "it does not open", err)
		}
		if err := each(l); err != nil {
			return err
		}
	}
}

// passing makes a failure of storage one that is worth another try.
func passing(err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fault.New(fault.Unavailable, "the bucket of backups cannot be reached").Because(err)
}
