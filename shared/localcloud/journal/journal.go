// Package journal keeps records in files so that what was reported as durable is there after a kill or a loss of power.
//
// A directory holds segments, journal-N, to which records are appended, and at most one snapshot that replaces the
// segments before it: snapshot-N stands for all that was appended before segment N. Every record is framed by its length
// and its CRC-32C.
//
// Commits are grouped: records wait in memory while one write and one fsync are under way, and the next ones take all
// that wait. So the cost of fsync is shared by everybody who writes at the same time. Every such write begins with a
// mark that says where in its file it is.
//
// # Torn or damaged
//
// A kill or a loss of power can leave the last write half there. What is half there was never reported as durable, and
// is cut off. But a record that cannot be read and has a mark behind it is no torn end: all before a mark was durable
// before the mark was written. Something has damaged the file since, and [Open] refuses with [ErrDamaged] instead of
// losing what comes after. Files that are complete end with a mark, and so do snapshots; one that has lost its end
// is damaged too. What cannot be told from a torn end is damage in the last write of a process that was killed; so what
// is cut off is kept in a file beside the segment.
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

// ErrDamaged refuses to open a directory whose files were changed by somebody else, or by a failing disk.
var ErrDamaged = errors.New("journal is damaged")

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
	ended    bool  // the segment's last frame is a mark
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
	if len(j.waiting) == 0 {
		j.waiting = appendMark(j.waiting, 0) // its place is known when it is written
	}
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
	at := j.size
	j.mu.Unlock()
	appendMark(data[:0], at)
	err := write(file, data)
	j.mu.Lock()
	j.spare, j.flushing = data[:0], false
	if err != nil {
		j.err = fmt.Errorf("write journal: %w", err)
	} else {
		j.durable, j.size, j.ended = last, j.size+int64(len(data)), false
	}
	j.flushed.Broadcast()
}

// end writes a mark behind all that is durable. It is called with the lock held, when nothing waits.
func (j *Journal) end() error {
	if j.ended {
		return nil
	}
	if err := write(j.file, appendMark(nil, j.size)); err != nil {
		return err
	}
	j.size, j.ended = j.size+markSize, true
	return nil
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
	if j.err = j.end(); j.err != nil {
		return fmt.Errorf("end journal segment: %w", j.err)
	}
	file, err := create(filepath.Join(j.dir, segmentName(j.segment+1)))
	if err != nil {
		return fmt.Errorf("begin journal segment: %w", err)
	}
	old := j.file
	j.file, j.segment, j.size, j.ended = file, j.segment+1, int64(len(magic)), false
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
	if j.err == nil {
		err = j.end()
	}
	j.err = ErrClosed
	return errors.Join(err, j.file.Close())
}
