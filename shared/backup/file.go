package backup

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
)

const (
	fileFormat = "ryggrad-backup-1"
	// MaxFile is how large a part is at most, in bytes.
	MaxFile = 64 << 20
	// FullFile is how large a part grows before the next one is begun. It is far below the limit, since a part is in
	// memory as a whole while it is written or read.
	FullFile = 12 << 20
	// MaxLine is how long a line is at most: a document of 1 MiB whose every byte is written by six.
	MaxLine = 7 << 20

	segment   = 1 << 20
	room      = FullFile + 3*segment // what a part needs that grows until it is full
	maxHeader = 16 << 10
	window    = 1 << 20 // of zstd: memory stays small on both sides
)

// FileKey encrypts one part.
type FileKey [32]byte

// NewFileKey draws a key.
func NewFileKey() (FileKey, error) {
	var k FileKey
	_, err := rand.Read(k[:])
	return k, err
}

// Wrapped is a file's key, encrypted to somebody.
type Wrapped struct {
	By  string `json:"by"` // the version of the KMS key, or the offline recipient's name
	Key []byte `json:"key"`
}

// Header is a part's first line. It is the associated data of all that follows.
type Header struct {
	Format string `json:"format"`
	Part

	KMS     Wrapped `json:"kms"`
	Offline Wrapped `json:"offline"`
}

// Bound returns the bytes that the part's wrapped keys are bound to.
func (p Part) Bound() ([]byte, error) { return json.Marshal(p) }

func (h Header) encode() ([]byte, error) {
	raw, err := json.Marshal(h)
	return append(raw, '\n'), err
}

// Sealed is a part that was written.
type Sealed struct {
	Data      []byte
	SHA256    string // of Data, lower-case hex
	CRC32C    uint32 // of Data
	Documents int64
	Bytes     int64 // before compression
	Tallies   Tallies
}

// Writer writes a part. It holds it in memory.
type Writer struct {
	out    bytes.Buffer
	cipher io.WriteCloser
	pack   *zstd.Encoder
	sealed Sealed
}

// Writers makes writers, one after another from the same memory: a part's compression needs some mebibytes, and the part
// itself more. The zero value is ready, and safe for concurrent use.
type Writers struct{ idle sync.Pool }

// Begin begins a part with a key, which was wrapped as the header says.
func (p *Writers) Begin(h Header, key FileKey) (*Writer, error) {
	h.Format = fileFormat
	head, err := h.encode()
	if err != nil {
		return nil, fmt.Errorf("begin a file: %w", err)
	}
	w, ok := p.idle.Get().(*Writer)
	if !ok {
		w = &Writer{}
		if w.pack, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window), zstd.WithEncoderLevel(zstd.SpeedFastest)); err != nil {
			return nil, fmt.Errorf("begin a file: %w", err)
		}
	}
	w.sealed = Sealed{Tallies: Tallies{}}
	w.out.Reset()
	w.out.Write(head)
	aead, err := streaming(key)
	if err != nil {
		return nil, fmt.Errorf("begin a file: %w", err)
	}
	if w.cipher, err = aead.NewEncryptingWriter(&w.out, head); err != nil {
		return nil, fmt.Errorf("begin a file: %w", err)
	}
	w.pack.Reset(w.cipher)
	return w, nil
}

// Done takes back a writer's memory, and that of the data that it sealed: nobody may use them any more.
func (p *Writers) Done(w *Writer) { p.idle.Put(w) }

func streaming(key FileKey) (*subtle.AESGCMHKDF, error) {
	return subtle.NewAESGCMHKDF(key[:], "SHA256", len(key), segment, 0)
}

// Add writes a document's line, which has no newline, and counts it for its collection.
func (w *Writer) Add(collection string, line []byte) error {
	if _, err := w.pack.Write(line); err != nil {
		return fmt.Errorf("write a line: %w", err)
	}
	if _, err := w.pack.Write([]byte{'\n'}); err != nil {
		return fmt.Errorf("write a line: %w", err)
	}
	if w.out.Len() > segment && w.out.Cap() < room {
		w.out.Grow(room - w.out.Len()) // once: doubling would take twice as much
	}
	w.sealed.Documents++
	w.sealed.Bytes += int64(len(line)) + 1
	w.sealed.Tallies.Add(collection, line)
	return nil
}

// Size returns about how large the part is.
func (w *Writer) Size() int { return w.out.Len() }

// Close ends the part.
func (w *Writer) Close() (Sealed, error) {
	if err := errors.Join(w.pack.Close(), w.cipher.Close()); err != nil {
		return Sealed{}, fmt.Errorf("end a file: %w", err)
	}
	if w.out.Len() > MaxFile {
		return Sealed{}, fmt.Errorf("end a file: it has %d bytes, and %d are allowed", w.out.Len(), MaxFile)
	}
	w.sealed.Data = w.out.Bytes()
	w.sealed.SHA256, w.sealed.CRC32C = Sums(w.sealed.Data)
	return w.sealed, nil
}

// Sums returns the SHA-256, as lower-case hex, and the CRC32C of a file.
func Sums(data []byte) (sum string, crc uint32) {
	digest := sha256.Sum256(data)
	return hex.EncodeToString(digest[:]), crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))
}

// ReadHeader reads a file's first line. What it says is only true if the file then opens.
func ReadHeader(data []byte) (Header, error) {
	end := bytes.IndexByte(data[:min(len(data), maxHeader)], '\n')
	var h Header
	if end < 0 {
		return h, errors.New("it has no header")
	}
	d := json.NewDecoder(bytes.NewReader(data[:end]))
	d.DisallowUnknownFields()
	if err := d.Decode(&h); err != nil {
		return h, fmt.Errorf("its header is not readable: %w", err)
	}
	if h.Format != fileFormat {
		return h, fmt.Errorf("its format is %.40q, and only %s is known", h.Format, fileFormat)
	}
	if again, err := h.encode(); err != nil || !bytes.Equal(again, data[:end+1]) {
		return h, errors.New("its header is not written as a header is")
	}
	return h, nil
}

// Reader reads a part's lines.
type Reader struct {
	pack  *zstd.Decoder
	lines *bufio.Reader
	long  []byte
}

// NewReader opens a file with its key. Every line that it returns is authentic; that the file ends where it was ended is
// known when Next returns [io.EOF]. Whoever opens one closes it.
func NewReader(data []byte, key FileKey) (*Reader, error) {
	end := bytes.IndexByte(data, '\n')
	if end < 0 {
		return nil, errors.New("it has no header")
	}
	aead, err := streaming(key)
	if err != nil {
		return nil, err
	}
	plain, err := aead.NewDecryptingReader(bytes.NewReader(data[end+1:]), data[:end+1])
	if err != nil {
		return nil, err
	}
	pack, err := zstd.NewReader(plain, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(window))
	if err != nil {
		return nil, err
	}
	return &Reader{pack: pack, lines: bufio.NewReaderSize(pack, 64<<10)}, nil
}

// Next returns the next line without its newline, valid until the next call, and [io.EOF] after the last one.
func (r *Reader) Next() ([]byte, error) {
	line, err := r.lines.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		r.long = append(r.long[:0], line...)
		for errors.Is(err, bufio.ErrBufferFull) {
			line, err = r.lines.ReadSlice('\n')
			if r.long = append(r.long, line...); len(r.long) > MaxLine {
				return nil, errors.New("a line is longer than a document can be")
			}
		}
		line = r.long
	}
	switch {
	case err == nil:
		return line[:len(line)-1], nil
	case errors.Is(err, io.EOF) && len(line) > 0:
		return nil, io.ErrUnexpectedEOF
	default:
		return nil, err
	}
}

// Close ends reading.
func (r *Reader) Close() { r.pack.Close() }
