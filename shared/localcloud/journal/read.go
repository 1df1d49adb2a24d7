package journal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"slices"
)

// contents is what was read of a file.
type contents struct {
	size  int64 // of what can be read
	ended bool  // its last frame is a mark
}

// readWhole hands a file's records to replay. A file that lacks its end is damaged; the remedy is for who has to mend it.
func readWhole(path, remedy string, replay func([]byte) error) error {
	in, err := read(path, replay)
	if err != nil && !errors.Is(err, errTorn) {
		return err
	}
	if err != nil || (in.marked && !in.ended) {
		return damaged(path, in.size, remedy)
	}
	return nil
}

// readLast hands the last segment's records to replay, up to where it is torn.
func readLast(path string, replay func([]byte) error) (contents, error) {
	in, err := read(path, replay)
	if !errors.Is(err, errTorn) {
		return in.contents, err
	}
	marked, err := markBehind(path, in.size)
	if err != nil {
		return contents{}, err
	}
	if marked {
		return contents{}, damaged(path, in.size, fmt.Sprintf("Bring the whole directory back from a copy. "+
			"Or give up all that was committed from there on: truncate -s %d %s", in.size, path))
	}
	return in.contents, nil
}

func damaged(path string, at int64, remedy string) error {
	return fmt.Errorf("%w: %s cannot be read from byte %d on. %s", ErrDamaged, path, at, remedy)
}

// reader reads a file's frames.
type reader struct {
	contents
	in     io.Reader
	marked bool  // the format has marks
	left   int64 // in the file
	buf    []byte
}

func read(path string, replay func([]byte) error) (*reader, error) {
	file, err := os.Open(path) //nolint:gosec // a path below the caller's directory
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	r := &reader{in: bufio.NewReaderSize(file, bufferSize), left: info.Size()}
	if err := r.records(replay); err != nil {
		return r, fmt.Errorf("%s, byte %d: %w", path, r.size, err)
	}
	return r, nil
}

func (r *reader) records(replay func([]byte) error) error {
	head, err := r.take(int64(len(magic)))
	if err != nil {
		return err
	}
	if r.marked = string(head) == magic; !r.marked && string(head) != unmarked {
		return errors.New("not a journal, or one of another format")
	}
	r.size = int64(len(magic))
	for r.left > 0 {
		if err := r.frame(replay); err != nil {
			return err
		}
	}
	return nil
}

// frame reads a mark, or a record and hands it to replay.
func (r *reader) frame(replay func([]byte) error) error {
	head, err := r.take(frameHead)
	if err != nil {
		return err
	}
	length, sum := parseHead(head)
	if length == 0 { // the zeros of a file that grew before its content was there
		return errTorn
	}
	mark := length == markLength
	if mark {
		length = markSize - frameHead
	}
	content, err := r.take(int64(length))
	switch {
	case err != nil:
		return err
	case crc32.Checksum(content, castagnoli) != sum:
		return errTorn
	case mark && place(content) != r.size:
		return errTorn
	case !mark:
		if err := replay(content); err != nil {
			return err
		}
	}
	r.size, r.ended = r.size+frameHead+int64(length), mark
	return nil
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

// markBehind tells whether a file has a mark behind a place.
func markBehind(path string, at int64) (bool, error) {
	file, err := os.Open(path) //nolint:gosec // a path below the caller's directory
	if err != nil {
		return false, err
	}
	defer file.Close() //nolint:errcheck // only read
	buf := make([]byte, bufferSize)
	for at++; ; {
		n, err := file.ReadAt(buf, at)
		if hasMark(buf[:n], at) {
			return true, nil
		}
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		at += int64(n) - markSize + 1
	}
}

// hasMark tells whether bytes from a place in a file hold a whole mark of where it is.
func hasMark(content []byte, at int64) bool {
	for i := 0; ; i++ {
		next := bytes.Index(content[i:], []byte{0xff, 0xff, 0xff, 0xff})
		if next < 0 || len(content)-i-next < markSize {
			return false
		}
		i += next
		if bytes.Equal(content[i:i+markSize], appendMark(nil, at+int64(i))) {
			return true
		}
	}
}
