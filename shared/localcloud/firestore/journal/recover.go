package journal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// magic begins every file and names its format.
const magic = "fsjrnl1\n"

const (
	frameHead  = 8 // length and checksum, both little-endian
	bufferSize = 1 << 20
)

var (
	errTorn    = errors.New("the file ends in the middle of a record, or a record is damaged")
	castagnoli = crc32.MakeTable(crc32.Castagnoli) //nolint:gochecknoglobals // a constant table
)

func appendFrame(dst, record []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(record))) //nolint:gosec // a commit is at most a few MiB
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(record, castagnoli))
	return append(dst, record...)
}

// Open opens a directory, makes it if needed, and hands every record that it holds to replay, oldest first: those of the
// snapshot, then those after it. Replay must not keep the record. Cut tells how many bytes of a torn end were cut off.
func Open(dir string, replay func(record []byte) error) (j *Journal, cut int64, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, 0, fmt.Errorf("open journal: %w", err)
	}
	snapshot, segments, err := list(dir)
	if err != nil {
		return nil, 0, fmt.Errorf("open journal: %w", err)
	}
	if snapshot > 0 {
		if _, err := read(filepath.Join(dir, snapshotName(snapshot)), replay); err != nil {
			return nil, 0, fmt.Errorf("read %s: %w", snapshotName(snapshot), err)
		}
	}
	j = &Journal{dir: dir, segment: max(snapshot, 1)}
	j.flushed.L = &j.mu
	cut, err = j.replaySegments(segments, replay)
	return j, cut, err
}

// replaySegments reads the segments after the snapshot and opens the last one for writing.
func (j *Journal) replaySegments(segments []uint64, replay func([]byte) error) (cut int64, err error) {
	first := j.segment
	for i, segment := range segments {
		if segment != first+uint64(i) {
			return 0, fmt.Errorf("open journal: %s is missing", segmentName(first+uint64(i)))
		}
		path := filepath.Join(j.dir, segmentName(segment))
		j.segment = segment
		j.size, err = read(path, replay)
		if err != nil && (!errors.Is(err, errTorn) || i < len(segments)-1) {
			return 0, fmt.Errorf("read %s: %w", segmentName(segment), err)
		}
	}
	path := filepath.Join(j.dir, segmentName(j.segment))
	if j.size < int64(len(magic)) {
		j.size = int64(len(magic))
		j.file, err = create(path)
		return 0, err
	}
	j.file, cut, err = reopen(path, j.size)
	return cut, err
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

// read hands a file's records to replay and returns the size of its whole part.
func read(path string, replay func([]byte) error) (size int64, err error) {
	file, err := os.Open(path) //nolint:gosec // a path below the caller's directory
	if err != nil {
		return 0, err
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	in := &reader{in: bufio.NewReaderSize(file, bufferSize), left: info.Size()}
	head, err := in.take(int64(len(magic)))
	if err != nil {
		return 0, err
	}
	if string(head) != magic {
		return 0, errors.New("not a journal, or one of another format")
	}
	return in.records(replay)
}

type reader struct {
	in   io.Reader
	left int64 // in the file
	buf  []byte
}

func (r *reader) records(replay func([]byte) error) (size int64, err error) {
	size = int64(len(magic))
	for r.left > 0 {
		record, err := r.record()
		if err != nil {
			return size, err
		}
		if err := replay(record); err != nil {
			return size, err
		}
		size += frameHead + int64(len(record))
	}
	return size, nil
}

func (r *reader) record() ([]byte, error) {
	head, err := r.take(frameHead)
	if err != nil {
		return nil, err
	}
	length, sum := binary.LittleEndian.Uint32(head), binary.LittleEndian.Uint32(head[4:])
	if length == 0 { // the zeros of a file that grew before its content was there
		return nil, errTorn
	}
	record, err := r.take(int64(length))
	if err != nil {
		return nil, err
	}
	if crc32.Checksum(record, castagnoli) != sum {
		return nil, errTorn
	}
	return record, nil
}

func (r *reader) take(n int64) ([]byte, error) {
	if n > r.left {
		return nil, errTorn
	}
	r.left -= n
	r.buf = slices.Grow(r.buf[:0], int(n))[:n]
	_, err := io.ReadFull(r.in, r.buf)
	return r.buf, err
}
