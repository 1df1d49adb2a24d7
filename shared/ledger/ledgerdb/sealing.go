package ledgerdb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"cloud.google.com/go/firestore"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
)

const (
	// fieldIndex is a sealed entry's place in the log.
	fieldIndex = "index"
	// markAtOnce is how many entries one commit marks as sealed.
	markAtOnce = 256
	// inQuery is how many values Firestore takes in one `in`.
	inQuery = 30
	// sealingAtOnce bounds the calls to the database at a time.
	sealingAtOnce = 16
)

// Stored is an entry as the database has it, believed in nothing.
type Stored struct {
	ID       string
	Tenant   string
	Object   string
	Revision int64
	At       time.Time
	Hash     string
	Bytes    []byte
	Pending  bool
	Sealed   bool   // whether it has a place in the log
	Index    uint64 // the place, when it is sealed
	Proper   bool   // whether its name and fields are such that sealers find it and can give it a place
}

func parseStored(snap *firestore.DocumentSnapshot) Stored {
	f := snap.Data()
	s := Stored{ID: snap.Ref.ID}
	s.Tenant, _ = f[fieldTenant].(string)
	s.Object, _ = f["object"].(string)
	s.Revision, _ = f[fieldRevision].(int64)
	s.At, _ = f["at"].(time.Time)
	s.Hash, _ = f[fieldHash].(string)
	s.Bytes, _ = f[fieldBytes].([]byte)
	s.Pending, _ = f[fieldPending].(bool)
	if n, ok := f[fieldIndex].(int64); ok && n >= 0 {
		s.Sealed, s.Index = true, uint64(n)
	}
	shard, ok := f[fieldShard].(int64)
	s.Proper = ok && shard >= 0 && shard < shards && !s.At.IsZero() && identity.WellFormed("ent_", s.ID)
	return s
}

// Unsealed returns entries that are not sealed, the oldest of each of the sixteen parts, at most so many of each.
func (s *Store) Unsealed(ctx context.Context, perShard int) ([]Stored, error) {
	parts := make([][]Stored, shards)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sealingAtOnce)
	for i := range parts {
		group.Go(func() error {
			snaps, err := s.opts.Firestore.Collection(collectionAudit).
				Where(fieldShard, "==", i).Where(fieldPending, "==", true).OrderBy("at", firestore.Asc).Limit(perShard).Documents(ctx).GetAll()
			for _, snap := range snaps {
				parts[i] = append(parts[i], parseStored(snap))
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, readFault(err)
	}
	var all []Stored
	for _, p := range parts {
		all = append(all, p...)
	}
	return all, nil
}

// SetAside takes documents from those that wait to be sealed, because they are none of ours: they would stand in front of
// entries for ever. Nothing else of them is changed. It can be repeated.
func (s *Store) SetAside(ctx context.Context, ids []string) error {
	_, err := s.patchEach(ctx, ids, func(b *batch, i int) { b.patch(Ref{collectionAudit, ids[i]}, nil, fieldPending) })
	return err
}

// EntriesByHash finds entries by the hash of their bytes, without the bytes themselves.
func (s *Store) EntriesByHash(ctx context.Context, hashes []ledger.Hash) (map[ledger.Hash]Stored, error) {
	chunks := make([][]Stored, (len(hashes)+inQuery-1)/inQuery)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sealingAtOnce)
	for i := range chunks {
		group.Go(func() (err error) {
			chunks[i], err = s.entriesByHash(ctx, hashes[i*inQuery:min((i+1)*inQuery, len(hashes))])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, readFault(err)
	}
	found := map[ledger.Hash]Stored{}
	for _, chunk := range chunks {
		for _, e := range chunk {
			if h, err := ledger.ParseHash(e.Hash); err == nil {
				found[h] = e
			}
		}
	}
	return found, nil
}

func (s *Store) entriesByHash(ctx context.Context, hashes []ledger.Hash) ([]Stored, error) {
	texts := make([]string, len(hashes))
	for i, h := range hashes {
		texts[i] = h.String()
	}
	snaps, err := s.opts.Firestore.Collection(collectionAudit).Where(fieldHash, "in", texts).
		Select(fieldTenant, fieldShard, "at", "object", fieldRevision, fieldHash, fieldPending, fieldIndex).Documents(ctx).GetAll()
	found := make([]Stored, len(snaps))
	for i, snap := range snaps {
		found[i] = parseStored(snap)
	}
	return found, err
}

// EntriesByID reads entries. In the place of one that is not there stands the zero Stored.
func (s *Store) EntriesByID(ctx context.Context, ids []string) ([]Stored, error) {
	found := make([]Stored, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sealingAtOnce)
	for at := 0; at < len(ids); at += markAtOnce {
		group.Go(func() error {
			part := ids[at:min(at+markAtOnce, len(ids))]
			refs := make([]*firestore.DocumentRef, len(part))
			for i, id := range part {
				refs[i] = s.doc(Ref{collectionAudit, id})
			}
			snaps, err := s.opts.Firestore.GetAll(ctx, refs)
			for i, snap := range snaps {
				if snap.Exists() {
					found[at+i] = parseStored(snap)
				}
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, readFault(err)
	}
	return found, nil
}

// MarkSealed gives entries their places in the log, from first on, and takes them from those that wait. It can be
// repeated. The ids that it returns are not there any more.
func (s *Store) MarkSealed(ctx context.Context, first uint64, ids []string) (gone []string, err error) {
	return s.patchEach(ctx, ids, func(b *batch, i int) { s.markOne(b, ids[i], first+uint64(i)) }) //nolint:gosec // a batch is small
}

// patchEach changes entries, many in a commit. The ids that it returns are not there any more.
func (s *Store) patchEach(ctx context.Context, ids []string, patch func(b *batch, i int)) (gone []string, err error) {
	parts := make([][]string, (len(ids)+markAtOnce-1)/markAtOnce)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(sealingAtOnce)
	for i := range parts {
		group.Go(func() (err error) {
			parts[i], err = s.patchSome(ctx, ids, i*markAtOnce, patch)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return slices.Concat(parts...), nil
}

// patchSome changes the entries of one commit, from first on.
func (s *Store) patchSome(ctx context.Context, ids []string, first int, patch func(b *batch, i int)) (gone []string, err error) {
	end := min(first+markAtOnce, len(ids))
	b := s.batch("")
	for i := first; i < end; i++ {
		patch(b, i)
	}
	if err := b.commit(ctx); !errors.Is(err, ErrStale) {
		return nil, err
	}
	for i := first; i < end; i++ { // one of them is not there; the others are
		b := s.batch("")
		patch(b, i)
		switch err := b.commit(ctx); {
		case status.Code(err) == codes.NotFound, errors.Is(err, ErrStale):
			gone = append(gone, ids[i])
		case err != nil:
			return nil, err
		}
	}
	return gone, nil
}

// markOne sets the entry's place and takes its mark away, if it is there.
func (s *Store) markOne(b *batch, id string, index uint64) {
	place := map[string]any{fieldIndex: int64(index)} //nolint:gosec // a log is never that long
	b.patch(Ref{collectionAudit, id}, place, fieldIndex, fieldPending)
}

// ImportSealed writes entries that the log has from a place on, and that this database lost or does not know as sealed.
// It can be repeated. Bytes that are nil are passed over.
func (s *Store) ImportSealed(ctx context.Context, first uint64, all [][]byte) error {
	for at := 0; at < len(all); at += markAtOnce {
		b := s.batch("")
		for i, raw := range all[at:min(at+markAtOnce, len(all))] {
			if raw == nil {
				continue
			}
			e, err := ledger.Parse(raw)
			if err != nil {
				return fmt.Errorf("import the entry at %d: %w", first+uint64(at+i), err)
			}
			fields := entryFields(e, raw, ledger.HashEntry(raw))
			delete(fields, fieldPending)
			fields[fieldIndex] = int64(first + uint64(at+i)) //nolint:gosec // a log is never that long
			b.tenant = e.Tenant
			b.put(Ref{collectionAudit, e.ID}, fields)
		}
		if len(b.writes) == 0 {
			continue
		}
		if err := b.commit(ctx); err != nil {
			return err
		}
	}
	return nil
}
