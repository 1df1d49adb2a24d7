package journal

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func segmentName(n uint64) string  { return fmt.Sprintf("journal-%06d", n) }
func snapshotName(n uint64) string { return fmt.Sprintf("snapshot-%06d", n) }

// Snapshot is a snapshot that is being written. Its caller ends it with [Snapshot.Commit] or [Snapshot.Discard].
type Snapshot struct {
	journal *Journal
	segment uint64
	file    *os.File
	out     *bufio.Writer
	frame   []byte
	size    int64
}

// Snapshot begins a snapshot that will stand for all that was appended before the current segment.
func (j *Journal) Snapshot() (*Snapshot, error) {
	j.mu.Lock()
	segment := j.segment
	j.mu.Unlock()
	file, err := create(filepath.Join(j.dir, snapshotName(segment)+".part"))
	if err != nil {
		return nil, fmt.Errorf("begin snapshot: %w", err)
	}
	return &Snapshot{journal: j, segment: segment, file: file, out: bufio.NewWriterSize(file, bufferSize), size: int64(len(magic))}, nil
}

// Write adds a record.
func (s *Snapshot) Write(record []byte) error {
	s.frame = appendFrame(s.frame[:0], record)
	n, err := s.out.Write(s.frame)
	s.size += int64(n)
	return err
}

// Commit makes the snapshot durable and valid, and removes what it replaces.
func (s *Snapshot) Commit() error {
	_, err := s.out.Write(appendMark(nil, s.size))
	if err := errors.Join(err, s.out.Flush(), s.file.Sync(), s.file.Close()); err != nil {
		return fmt.Errorf("end snapshot: %w", err)
	}
	name := filepath.Join(s.journal.dir, snapshotName(s.segment))
	if err := os.Rename(name+".part", name); err != nil {
		return fmt.Errorf("end snapshot: %w", err)
	}
	if err := syncDir(s.journal.dir); err != nil {
		return fmt.Errorf("end snapshot: %w", err)
	}
	_, _, err = list(s.journal.dir) // removes what is replaced
	return err
}

// Discard gives a snapshot up, because of a fault, and returns that and its own.
func (s *Snapshot) Discard(because error) error {
	return errors.Join(because, s.file.Close(), os.Remove(s.file.Name()))
}

// list finds the newest snapshot, 0 when there is none, and the segments after it in order. It removes what the
// snapshot replaces.
func list(dir string) (snapshot uint64, segments []uint64, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, nil, err
	}
	snapshots := []uint64{}
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".part") { // of a snapshot that never became one
			err = errors.Join(err, os.Remove(filepath.Join(dir, entry.Name())))
		}
		if n, ok := parse(entry.Name(), snapshotName); ok {
			snapshots = append(snapshots, n)
		}
		if n, ok := parse(entry.Name(), segmentName); ok {
			segments = append(segments, n)
		}
	}
	if len(snapshots) > 0 {
		snapshot = slices.Max(snapshots)
	}
	slices.Sort(segments)
	stale := func(n uint64) bool { return n < snapshot }
	for _, n := range snapshots {
		if stale(n) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, snapshotName(n))))
		}
	}
	for _, n := range segments {
		if stale(n) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, segmentName(n))))
		}
	}
	return snapshot, slices.DeleteFunc(segments, stale), err
}

func parse(name string, format func(uint64) string) (n uint64, ok bool) {
	digits := len(name) - len(format(0)) + len("000000")
	if digits < 1 || digits > len(name) {
		return 0, false
	}
	if _, err := fmt.Sscanf(name[len(name)-digits:], "%d", &n); err != nil {
		return 0, false
	}
	return n, format(n) == name
}

// create makes a file that begins with the magic, durably.
func create(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600) //nolint:gosec // a path below the caller's directory
	if err != nil {
		return nil, err
	}
	if err := errors.Join(write(file, []byte(magic)), syncDir(filepath.Dir(path))); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// syncDir makes a directory's entries durable.
func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the caller's directory
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
