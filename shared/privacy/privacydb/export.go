package privacydb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/klauspost/compress/zstd"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/privacy"
)

// partSize is how large a sealed part is at most, in bytes: a document holds 1 MiB.
const partSize = 512 << 10

// window is how far back the compressor looks, in bytes.
const window = 128 << 10

// Export carries out a claimed job that exports. Every attempt has a key and parts of its own, so that two that run at
// once never mix; what the slower one wrote expires unread.
func (s *Store) Export(ctx context.Context, j Job) error {
	e, err := s.newExport(ctx, j)
	if err != nil {
		return err
	}
	if err := s.writeAll(ctx, j.Job, e); err != nil {
		return fmt.Errorf("write export %s: %w", j.ID, err)
	}
	m, err := e.close()
	if err != nil {
		return fmt.Errorf("write export %s: %w", j.ID, err)
	}
	return s.finish(ctx, j, m)
}

// export is an export in the making.
type export struct {
	key     *envelope.DataKey
	store   *Store
	ctx     context.Context //nolint:containedctx // a Writer takes none, and lives no longer than the call that made it
	tenant  string
	id      string // of the attempt
	expires time.Time
	attempt int64

	zstd   *zstd.Encoder
	part   []byte
	parts  int64
	counts map[string]int64
	bytes  int64
	sum    hash.Hash
}

// attemptID names one attempt's key.
func attemptID(job string, attempt int64) string { return job + "_" + strconv.FormatInt(attempt, 10) }

func partRef(attempt string, n int64) ledgerdb.Ref {
	return ledgerdb.Ref{Collection: collectionParts, ID: attempt + "_" + strconv.FormatInt(n, 10)}
}

func keyRef(attempt string) ledgerdb.Ref {
	return ledgerdb.Ref{Collection: collectionKeys, ID: attempt}
}

func place(tenant string, at ledgerdb.Ref, field string) envelope.Binding {
	return envelope.Binding{Tenant: tenant, Collection: at.Collection, Document: at.ID, Field: field}
}

// newExport makes an attempt's key and keeps it, wrapped.
func (s *Store) newExport(ctx context.Context, j Job) (*export, error) {
	e := &export{
		store: s, ctx: ctx, tenant: j.Tenant, id: attemptID(j.ID, j.Attempt), attempt: j.Attempt, counts: map[string]int64{},
		sum: sha256.New(), expires: s.now().Add(privacy.ExportLife + privacy.Lease),
	}
	tenantKey, err := s.opts.Keys.Newest(ctx, j.Tenant)
	if err != nil {
		return nil, err
	}
	if tenantKey == nil {
		return nil, fmt.Errorf("write export %s: the tenant has no key", e.id)
	}
	if e.key, err = envelope.NewDataKey(s.opts.Random); err != nil {
		return nil, err
	}
	wrapped, err := tenantKey.Wrap(e.key, place(j.Tenant, keyRef(e.id), "key"))
	if err != nil {
		return nil, fmt.Errorf("wrap the key of export %s: %w", e.id, err)
	}
	if e.zstd, err = zstd.NewWriter(e, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window), zstd.WithEncoderLevel(zstd.SpeedFastest)); err != nil {
		return nil, err
	}
	return e, s.opts.Ledger.Bookkeep(ctx, j.Tenant, ledgerdb.Put(keyRef(e.id), map[string]any{"key": wrapped, "expireAt": e.expires}))
}

// line is one document of an export.
type line struct {
	Collection string `json:"collection"`
	ID         string `json:"id"`
	Data       any    `json:"data"`
}

// add writes a document.
func (e *export) add(collection, id string, data any) error {
	text, err := json.Marshal(line{collection, id, data}, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return fmt.Errorf("write a line of %s: %w", collection, err)
	}
	text = append(text, '\n')
	e.counts[collection]++
	e.bytes += int64(len(text))
	e.sum.Write(text)
	_, err = e.zstd.Write(text)
	return err
}

// Write takes compressed bytes, and seals and keeps them when they fill a part.
func (e *export) Write(compressed []byte) (int, error) {
	e.part = append(e.part, compressed...)
	for len(e.part) >= partSize {
		if err := e.keep(e.part[:partSize]); err != nil {
			return 0, err
		}
		e.part = slices.Clone(e.part[partSize:])
	}
	return len(compressed), nil
}

func (e *export) keep(content []byte) error {
	at := partRef(e.id, e.parts)
	sealed, err := e.key.Seal(content, place(e.tenant, at, "part"))
	if err != nil {
		return err
	}
	e.parts++
	return e.store.opts.Ledger.Bookkeep(e.ctx, e.tenant, ledgerdb.Put(at, map[string]any{"part": sealed, "expireAt": e.expires}))
}

// close writes what is left and tells what was written.
func (e *export) close() (privacy.Manifest, error) {
	if err := e.zstd.Close(); err != nil {
		return privacy.Manifest{}, err
	}
	if err := e.keep(e.part); err != nil {
		return privacy.Manifest{}, err
	}
	return privacy.Manifest{
		Counts: e.counts, Bytes: e.bytes, SHA256: hex.EncodeToString(e.sum.Sum(nil)), Parts: e.parts, Attempt: e.attempt,
	}, nil
}
