package storage

import (
	"bytes"
	"crypto/md5" //nolint:gosec // what the service compares, no protection
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"os"
	"strings"
)

// content is an object's content: in memory, or at the end of a file.
type content struct {
	data []byte
	path string // of a file; empty for content in memory
	from int64
	size int64
}

type readSeekCloser struct {
	io.ReadSeeker
	io.Closer
}

func (c content) open() (io.ReadSeekCloser, error) {
	if c.path == "" {
		return readSeekCloser{bytes.NewReader(c.data), io.NopCloser(nil)}, nil
	}
	file, err := os.Open(c.path)
	if err != nil {
		return nil, err
	}
	return readSeekCloser{io.NewSectionReader(file, c.from, c.size), file}, nil
}

// sums are the checksums of content that is being written.
type sums struct {
	crc  hash.Hash32
	md5  hash.Hash
	size int64
}

func newSums() *sums {
	return &sums{crc: crc32.New(crc32.MakeTable(crc32.Castagnoli)), md5: md5.New()} //nolint:gosec // as above
}

// Write implements [io.Writer].
func (s *sums) Write(p []byte) (int, error) {
	s.size += int64(len(p))
	_, _ = s.crc.Write(p) // never fails
	return s.md5.Write(p)
}

func (s *sums) crc32c() string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, s.crc.Sum32()))
}

func (s *sums) md5Hash() string { return base64.StdEncoding.EncodeToString(s.md5.Sum(nil)) }

// check compares what was written with what its writer says of it, in the resource and in headers.
func (s *sums) check(said objectResource, headers []string) error {
	crcs, md5s := []string{said.CRC32C}, []string{said.MD5Hash}
	for _, header := range headers {
		for part := range strings.SplitSeq(header, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			switch strings.ToLower(name) {
			case "crc32c":
				crcs = append(crcs, value)
			case "md5":
				md5s = append(md5s, value)
			}
		}
	}
	for _, crc := range crcs {
		if crc != "" && crc != s.crc32c() {
			return invalid("Provided CRC32C %q doesn't match calculated CRC32C %q.", crc, s.crc32c())
		}
	}
	for _, sum := range md5s {
		if sum != "" && sum != s.md5Hash() {
			return invalid("Provided MD5 hash %q doesn't match calculated MD5 hash %q.", sum, s.md5Hash())
		}
	}
	return nil
}

// setHeaders describes an object beside its content.
func (o *object) setHeaders(h http.Header) {
	for name, value := range map[string]string{
		"Content-Type": o.ContentType, "Content-Encoding": o.ContentEncoding, "Content-Disposition": o.ContentDisposition,
		"Content-Language": o.ContentLanguage, "Cache-Control": o.CacheControl, "Etag": `"` + o.Etag + `"`,
		"X-Goog-Generation": fmt.Sprint(o.Generation), "X-Goog-Metageneration": fmt.Sprint(o.Metageneration),
		"X-Goog-Stored-Content-Length": fmt.Sprint(o.Size), "X-Goog-Storage-Class": o.StorageClass,
	} {
		if value != "" {
			h.Set(name, value)
		}
	}
	if o.ContentType == "" {
		h.Set("Content-Type", "application/octet-stream")
	}
	h.Add("X-Goog-Hash", "crc32c="+o.CRC32C)
	h.Add("X-Goog-Hash", "md5="+o.MD5Hash)
	for name, value := range o.Metadata {
		h.Set("X-Goog-Meta-"+name, value)
	}
}

func etag(o *object) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%d/%d", o.Generation, o.Metageneration))
}
