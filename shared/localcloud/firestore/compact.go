package firestore

import (
	"sync"
	"sync/atomic"
)

// snapshotBytes is how large the journal grows before a snapshot replaces it; it also grows as large as the snapshot.
const snapshotBytes = 64 << 20

// compaction is the work of replacing the journal by a snapshot, now and then, beside everything else.
type compaction struct {
	after   atomic.Int64 // the journal's size that calls for a snapshot, in bytes
	running atomic.Bool
	done    sync.WaitGroup
}

// compactWhenDue begins a snapshot if the journal has grown enough and none is being written.
func (s *Server) compactWhenDue() {
	if s.journal == nil || s.journal.Size() < s.compaction.after.Load() || !s.compaction.running.CompareAndSwap(false, true) {
		return
	}
	s.compaction.done.Go(func() {
		defer s.compaction.running.Store(false)
		written, err := s.compact()
		if err != nil {
			s.opts.Log.Error("the journal could not be replaced by a snapshot", "error", err)
		}
		s.compaction.after.Store(max(s.compaction.after.Load(), written))
	})
}

// compact writes a snapshot of all versions that can still be read, and returns its size in bytes.
func (s *Server) compact() (written int64, err error) {
	times, err := s.cut()
	if err != nil {
		return 0, err
	}
	snapshot, err := s.journal.Snapshot()
	if err != nil {
		return 0, err
	}
	for d, at := range times {
		n, err := d.writeTo(snapshot.Write, at)
		if err != nil {
			return 0, snapshot.Discard(err)
		}
		written += n
	}
	return written, snapshot.Commit()
}

// cut begins a new segment of the journal and returns, for every database, the last commit before it.
func (s *Server) cut() (map[*database]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	times := map[*database]int64{}
	for _, d := range s.databases {
		d.mu.Lock()
		defer d.mu.Unlock()
		times[d] = d.last
	}
	return times, s.journal.Cut()
}

// writeTo writes all versions up to a time, each document's oldest first, in records of some size.
func (d *database) writeTo(write func(record []byte) error, at int64) (written int64, err error) {
	const enough = 256 << 10
	record := d.beginRecord(nil)
	empty := len(record)
	flush := func() error {
		written += int64(len(record))
		err := write(record)
		record = record[:empty]
		return err
	}
	for n := d.docs.First(); n != nil; n = n.Next() {
		record = d.appendVersions(record, n.Value, at)
		if len(record) >= enough {
			if err := flush(); err != nil {
				return written, err
			}
		}
	}
	if len(record) > empty {
		err = flush()
	}
	return written, err
}

func (d *database) appendVersions(record []byte, doc *document, at int64) []byte {
	var versions []*version // newest first
	for v := doc.latest.Load(); v != nil; v = v.before.Load() {
		if v.at <= at {
			versions = append(versions, v)
		}
	}
	for i := range versions {
		record = d.appendEntry(record, doc.name, versions[len(versions)-1-i])
	}
	return record
}
