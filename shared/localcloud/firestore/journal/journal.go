// Package journal keeps records in files so that what was reported as durable is there after a kill or a loss of power.
//
// A directory holds segments, journal-N, to which records are appended, and at most one snapshot that replaces the
// segments before it: snapshot-N stands for all that was appended before segment N. Every record is framed by its length
// and its CRC-32C. Only the last segment can end in the middle of a record, because a segment is made durable before the
// next one begins; such a torn end was never reported as durable and is cut off. Damage anywhere else is an error.
//
// Commits are grouped: records wait in memory while one write and one fsync are under way, and the next ones take all
// that wait. So the cost of fsync is shared by everybody who writes at the same time.
package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// ErrClosed answers those who use a journal that is closed.
var ErrClosed = errors.New("journal is closed")

// Ticket stands for an appended record; see [Journal.Wait].
type Ticket uint64

// Journal is an open directory of records. It is safe for concurrent use.
type Journal struct {
	dir string

	mu       sync.Mutex
	flushed  sync.Cond // durable, err or flushing has changed
	file     *os.File
	segment  uint64
	size     int64 // of the segment's durable part, in bytes
	waiting  []byte
	spare    []byte // the buffer that is not waiting
	appended Ticket
	durable  Ticket
	flushing bool
	err      error // why nothing more can be written
}

// Append takes a record for writing, in the order of the calls, and returns at once. The record is not kept.
func (j *Journal) Append(record []byte) Ticket {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.waiting = appendFrame(j.waiting, record)
	j.appended++
	return j.appended
}

// Appended is the ticket of the last record taken.
func (j *Journal) Appended() Ticket {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.appended
}

// Wait returns when a record and all before it are durable. An error says that they may not be, and that the journal
// takes nothing more: what a failed fsync left behind nobody knows.
func (j *Journal) Wait(t Ticket) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.durable < t && j.err == nil {
		if j.flushing {
			j.flushed.Wait()
		} else {
			j.flush()
		}
	}
	if j.durable >= t {
		return nil
	}
	return j.err
}

// flush writes all that waits. It is called, and returns, with the lock held, and lets go of it meanwhile.
func (j *Journal) flush() {
	data, last, file := j.waiting, j.appended, j.file
	j.waiting, j.spare, j.flushing = j.spare[:0], nil, true
	j.mu.Unlock()
	err := write(file, data)
	j.mu.Lock()
	j.spare, j.flushing = data[:0], false
	if err != nil {
		j.err = fmt.Errorf("write journal: %w", err)
	} else {
		j.durable, j.size = last, j.size+int64(len(data))
	}
	j.flushed.Broadcast()
}

func write(file *os.File, data []byte) error {
	if _, err := file.Write(data); err != nil {
		return err
	}
	return file.Sync()
}

// Size is how many bytes the current segment holds.
func (j *Journal) Size() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.size
}

// Cut makes all that was appended durable and begins a new segment. What follows with [Journal.Snapshot] stands for all
// before it. The caller sees to it that nobody appends meanwhile.
func (j *Journal) Cut() error {
	if err := j.Wait(j.Appended()); err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err != nil {
		return j.err
	}
	file, err := create(filepath.Join(j.dir, segmentName(j.segment+1)))
	if err != nil {
		return fmt.Errorf("begin journal segment: %w", err)
	}
	old := j.file
	j.file, j.segment, j.size = file, j.segment+1, int64(len(magic))
	return old.Close()
}

// Close makes all that was appended durable and closes the journal.
func (j *Journal) Close() error {
	err := j.Wait(j.Appended())
	j.mu.Lock()
	defer j.mu.Unlock()
	if errors.Is(j.err, ErrClosed) {
		return nil
	}
	j.err = ErrClosed
	return errors.Join(err, j.file.Close())
}
