package storage

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A directory holds one directory for each bucket, and in it bucket.json and one file for each object: its content, then
// its resource in JSON, then the tail. So an object and what is known of it come and go together.
const (
	formatFile = "format"
	format     = "objects 1\n"
	bucketFile = "bucket.json"
	suffix     = ".object"
	unwritten  = "new-" // what the names of files begin with while they are being written
	tailMagic  = "ryggobj1"
	tailSize   = 4 + 4 + len(tailMagic) // length and CRC-32C of the resource, both little-endian
)

// disk keeps buckets and objects in a directory, and nowhere when dir is empty.
type disk struct{ dir string }

// spool takes content before it is an object's. It is not safe for concurrent use.
type spool struct {
	sums   *sums
	file   *os.File // nil in memory
	memory bytes.Buffer
}

// Write implements [io.Writer].
func (s *spool) Write(p []byte) (int, error) {
	if s.file == nil {
		_, _ = s.memory.Write(p) // never fails
	} else if _, err := s.file.Write(p); err != nil {
		return 0, err
	}
	return s.sums.Write(p)
}

func (s *spool) sync() error {
	if s.file == nil {
		return nil
	}
	return s.file.Sync()
}

// discard forgets the content.
func (s *spool) discard() error {
	if s.file == nil {
		return nil
	}
	return errors.Join(s.file.Close(), os.Remove(s.file.Name()))
}

func (d disk) bucketDir(bucket string) string { return filepath.Join(d.dir, bucket) }

func (d disk) objectPath(bucket, name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(d.bucketDir(bucket), hex.EncodeToString(sum[:])+suffix)
}

func (d disk) create(bucket string) (*spool, error) {
	s := &spool{sums: newSums()}
	if d.dir == "" {
		return s, nil
	}
	var err error
	s.file, err = os.CreateTemp(d.bucketDir(bucket), unwritten+"*")
	return s, err
}

// commit makes content an object's, durably, in the place of what had its name.
func (d disk) commit(s *spool, o *object) error {
	if s.file == nil {
		o.content = content{data: s.memory.Bytes(), size: o.Size}
		return nil
	}
	tail, err := appendTail(nil, o.objectResource)
	if err != nil {
		return err
	}
	if _, err := s.file.Write(tail); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	path := d.objectPath(o.Bucket, o.Name)
	if err := os.Rename(s.file.Name(), path); err != nil {
		return err
	}
	o.content = content{path: path, size: o.Size}
	return errors.Join(s.file.Close(), syncDir(filepath.Dir(path)))
}

func appendTail(dst []byte, r objectResource) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	dst = append(dst, text...)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(text))) //nolint:gosec // a resource is at most a few MiB
	dst = binary.LittleEndian.AppendUint32(dst, crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)))
	return append(dst, tailMagic...), nil
}

// redescribe writes an object again with what is now known of it.
func (d disk) redescribe(o *object) error {
	if d.dir == "" {
		return nil
	}
	s, err := d.create(o.Bucket)
	if err != nil {
		return err
	}
	if err := o.content.copyTo(s); err != nil {
		return errors.Join(err, s.discard())
	}
	if err := d.commit(s, o); err != nil {
		return errors.Join(err, s.discard())
	}
	return nil
}

func (c content) copyTo(w io.Writer) error {
	in, err := c.open()
	if err != nil {
		return err
	}
	_, err = io.Copy(w, in)
	return errors.Join(err, in.Close())
}

func (d disk) deleteObject(o *object) error {
	if d.dir == "" {
		return nil
	}
	path := d.objectPath(o.Bucket, o.Name)
	return errors.Join(os.Remove(path), syncDir(filepath.Dir(path)))
}

func (d disk) saveBucket(b *bucketResource) error {
	if d.dir == "" {
		return nil
	}
	text, err := json.MarshalIndent(b, "", "\t")
	if err != nil {
		return err
	}
	dir := d.bucketDir(b.Name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return errors.Join(replace(filepath.Join(dir, bucketFile), text), syncDir(d.dir))
}

func (d disk) deleteBucket(name string) error {
	if d.dir == "" {
		return nil
	}
	return errors.Join(os.RemoveAll(d.bucketDir(name)), syncDir(d.dir))
}

// load reads all buckets and what is known of their objects. A file that cannot be read is an error: an object must not
// go missing unnoticed.
func (d disk) load() (map[string]*bucket, error) {
	buckets := map[string]*bucket{}
	if d.dir == "" {
		return buckets, nil
	}
	if err := d.checkFormat(); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(d.dir, "*", bucketFile))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		b := &bucket{objects: map[string]*object{}}
		text, err := os.ReadFile(file) //nolint:gosec // a path below the caller's directory
		if err == nil {
			err = json.Unmarshal(text, &b.bucketResource)
		}
		if err == nil {
			err = b.load(filepath.Dir(file))
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", file, err)
		}
		buckets[b.Name] = b
	}
	return buckets, nil
}

// checkFormat refuses a directory that holds something else, and marks one that is empty.
func (d disk) checkFormat() error {
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return err
	}
	path := filepath.Join(d.dir, formatFile)
	text, err := os.ReadFile(path) //nolint:gosec // a path below the caller's directory
	if err == nil && string(text) == format {
		return nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	entries, err := os.ReadDir(d.dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !strings.HasPrefix(entry.Name(), unwritten) {
			return fmt.Errorf("%s holds objects in a format that this version does not read: begin with another directory", d.dir)
		}
	}
	return replace(path, []byte(format))
}

// load reads what is known of a bucket's objects, and removes what a crash left half written.
func (b *bucket) load(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		switch {
		case strings.HasPrefix(entry.Name(), unwritten):
			if err := os.Remove(path); err != nil {
				return err
			}
		case strings.HasSuffix(entry.Name(), suffix):
			o, err := readTail(path)
			if err != nil {
				return fmt.Errorf("%s: %w", entry.Name(), err)
			}
			b.put(o.Name, o)
		}
	}
	return nil
}

var errTail = errors.New("the file is damaged: bring it back from a copy, or remove it")

// readTail reads what is known of an object from the end of its file.
func readTail(path string) (*object, error) {
	file, err := os.Open(path) //nolint:gosec // a path below the caller's directory
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	tail := make([]byte, tailSize)
	if _, err := file.ReadAt(tail, max(info.Size()-int64(tailSize), 0)); err != nil || string(tail[8:]) != tailMagic {
		return nil, errTail
	}
	length := int64(binary.LittleEndian.Uint32(tail))
	at := info.Size() - int64(tailSize) - length
	if at < 0 {
		return nil, errTail
	}
	text := make([]byte, length)
	if _, err := file.ReadAt(text, at); err != nil {
		return nil, err
	}
	o := &object{content: content{path: path, size: at}}
	if crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)) != binary.LittleEndian.Uint32(tail[4:]) ||
		json.Unmarshal(text, &o.objectResource) != nil || o.Size != at {
		return nil, errTail
	}
	return o, nil
}

// replace puts data into a file, whole or not at all. It is on the disk when replace returns.
func replace(path string, data []byte) error {
	temp, err := os.CreateTemp(filepath.Dir(path), unwritten+"*")
	if err != nil {
		return err
	}
	_, err = temp.Write(data)
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return errors.Join(os.Rename(temp.Name(), path), syncDir(filepath.Dir(path)))
}

func syncDir(dir string) error {
	f, err := os.Open(dir) //nolint:gosec // a path below the caller's directory
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
