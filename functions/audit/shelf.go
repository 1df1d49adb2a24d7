package audit

import (
	"context"
	"errors"
	"io/fs"
	"sync"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/ledger/tlog"
)

const (
	// keepCheckpoint is how long an instance shows a checkpoint before it looks for a newer one.
	keepCheckpoint = 5 * time.Second
	// freshWithin is how old a checkpoint is at most that somebody asks for more than is shown: however many ask, for
	// what does not exist too, the bucket is asked once in this time.
	freshWithin = time.Second
	// keepTiles is how many tiles an instance keeps, of 8 KiB at most.
	keepTiles = 2048
)

// shelf keeps what is read of the log. It is safe for concurrent use.
type shelf struct {
	log, head objects.Bucket
	now       func() time.Time

	mu     sync.Mutex
	tiles  map[string][]byte
	signed []byte
	size   uint64
	at     time.Time // when it was asked for
}

func newShelf(log, head objects.Bucket, now func() time.Time) *shelf {
	return &shelf{log: log, head: head, now: now, tiles: map[string][]byte{}}
}

// read is a [tlog.Read] of the log. Nothing in it ever changes.
func (s *shelf) read(ctx context.Context, path string) ([]byte, error) {
	s.mu.Lock()
	data, ok := s.tiles[path]
	s.mu.Unlock()
	if ok {
		return data, nil
	}
	data, err := s.log.Read(ctx, path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, busy(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for old := range s.tiles { // any one: which is hardly worth knowing
		if len(s.tiles) < keepTiles {
			break
		}
		delete(s.tiles, old)
	}
	s.tiles[path] = data
	return data, nil
}

// checkpoint returns the newest checkpoint, or one of a few seconds ago.
func (s *shelf) checkpoint(ctx context.Context) (signed []byte, size uint64, err error) {
	return s.checkpointWithin(ctx, keepCheckpoint)
}

// reaching returns the newest checkpoint, looked up anew if the one that is kept does not reach so many entries.
func (s *shelf) reaching(ctx context.Context, entries uint64) (signed []byte, size uint64, err error) {
	signed, size, err = s.checkpoint(ctx)
	if err == nil && size < entries {
		return s.checkpointWithin(ctx, freshWithin)
	}
	return signed, size, err
}

// checkpointWithin returns a checkpoint that was the newest so long ago at most. Whoever comes while it is asked for has
// the one before.
func (s *shelf) checkpointWithin(ctx context.Context, age time.Duration) (signed []byte, size uint64, err error) {
	now := s.now()
	s.mu.Lock()
	if s.signed != nil && now.Before(s.at.Add(age)) {
		defer s.mu.Unlock()
		return s.signed, s.size, nil
	}
	s.at = now
	s.mu.Unlock()
	return s.load(ctx)
}

// load reads the newest checkpoint.
func (s *shelf) load(ctx context.Context) (signed []byte, size uint64, err error) {
	signed, err = s.head.Read(ctx, tlog.CheckpointPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, fault.New(fault.NotFound, "nothing is sealed yet, which takes a minute")
	}
	if err != nil {
		return nil, 0, busy(err)
	}
	c, err := tlog.Unverified(signed)
	if err != nil {
		return nil, 0, fault.New(fault.Internal, "the published checkpoint is not readable").Because(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Size >= s.size { // one that was read earlier and came later is no newer
		s.signed, s.size = signed, c.Size
	}
	return s.signed, s.size, nil
}
