package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Open opens a directory, makes it if needed, and hands every record that it holds to replay, oldest first: those of the
// snapshot, then those after it. Replay must not keep the record. Cut tells how many bytes of a torn end were cut off.
// A directory that is damaged is refused with [ErrDamaged], and stays as it is.
func Open(dir string, replay func(record []byte) error) (j *Journal, cut int64, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, 0, fmt.Errorf("open journal: %w", err)
	}
	snapshot, segments, err := list(dir)
	if err != nil {
		return nil, 0, fmt.Errorf("open journal: %w", err)
	}
	if snapshot > 0 {
		path := filepath.Join(dir, snapshotName(snapshot))
		if err := readWhole(path, "Nothing can stand for a snapshot: bring the whole directory back from a copy.", replay); err != nil {
			return nil, 0, fmt.Errorf("open journal: %w", err)
		}
	}
	j = &Journal{dir: dir, segment: max(snapshot, 1)}
	j.flushed.L = &j.mu
	if cut, err = j.replaySegments(segments, replay); err != nil {
		return nil, 0, fmt.Errorf("open journal: %w", err)
	}
	return j, cut, nil
}

// replaySegments reads the segments after the snapshot and opens the last one for writing.
func (j *Journal) replaySegments(segments []uint64, replay func([]byte) error) (cut int64, err error) {
	first := j.segment
	var last contents
	for i, segment := range segments {
		if segment != first+uint64(i) {
			return 0, fmt.Errorf("%w: %s is missing. Bring the whole directory back from a copy",
				ErrDamaged, filepath.Join(j.dir, segmentName(first+uint64(i))))
		}
		j.segment = segment
		path := filepath.Join(j.dir, segmentName(segment))
		if i < len(segments)-1 {
			err = readWhole(path, "Bring the whole directory back from a copy. "+
				"Or give up all that was committed from there on: cut the file there, and take away the segments after it.", replay)
		} else {
			last, err = readLast(path, replay)
		}
		if err != nil {
			return 0, err
		}
	}
	return j.openLast(last)
}

// openLast opens the last segment for writing, and sees to it that what was read from it is durable.
func (j *Journal) openLast(last contents) (cut int64, err error) {
	path := filepath.Join(j.dir, segmentName(j.segment))
	if last.size < int64(len(magic)) {
		j.size = int64(len(magic))
		j.file, err = create(path)
		return 0, err
	}
	j.size, j.ended = last.size, last.ended
	if j.file, cut, err = reopen(path, j.size); err != nil {
		return 0, err
	}
	if err := j.end(); err != nil {
		return 0, errors.Join(err, j.file.Close())
	}
	return cut, nil
}

// reopen opens a segment for appending after its first size bytes, and cuts off the rest. What it cuts off is kept in a
// file beside it, for whoever has reason to think that it was more than a torn end.
func reopen(path string, size int64) (file *os.File, cut int64, err error) {
	file, err = os.OpenFile(path, os.O_RDWR, 0o600) //nolint:gosec // a path below the caller's directory
	if err != nil {
		return nil, 0, err
	}
	end, err := file.Seek(0, io.SeekEnd)
	if err == nil && end > size {
		if err = keep(file, path, size, end); err == nil {
			err = errors.Join(file.Truncate(size), file.Sync())
		}
	}
	if err == nil {
		_, err = file.Seek(size, io.SeekStart)
	}
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, end - size, nil
}

// keep copies what is about to be cut off a segment into a file beside it.
func keep(file *os.File, path string, size, end int64) error {
	aside, err := os.OpenFile(fmt.Sprintf("%s.cut-at-%d", path, size), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("keep the end of %s: %w", path, err)
	}
	_, err = io.Copy(aside, io.NewSectionReader(file, size, end-size))
	return errors.Join(err, aside.Sync(), aside.Close())
}
