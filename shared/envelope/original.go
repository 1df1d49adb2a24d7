package envelope

import (
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// MaxOriginal is the largest original that is kept, in bytes: what an HTTP body may hold.
const MaxOriginal = 1 << 20

// originalWindow is how far back the compressor looks, in bytes.
const originalWindow = 128 << 10

// ErrTooLarge says that an original has more than [MaxOriginal] bytes, or would have when opened.
var ErrTooLarge = fmt.Errorf("envelope: an original of more than %d bytes", MaxOriginal)

// Originals seals and opens what channels sent, byte for byte, compressed by zstd first. Keep one per process, from
// [NewOriginals]. It is safe for concurrent use, one message at a time, and holds no coder before it needs one; doc.go
// says what they cost.
//
// The size of the ciphertext depends on the content. Whoever can read it sees the store already, and gains only how
// compressible one order is.
type Originals struct {
	encoder func() (*zstd.Encoder, error)
	decoder func() (*zstd.Decoder, error)
}

// NewOriginals returns an Originals that builds its coders on first use.
func NewOriginals() *Originals {
	return &Originals{encoder: sync.OnceValues(newEncoder), decoder: sync.OnceValues(newDecoder)}
}

func newEncoder() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(originalWindow),
		zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithLowerEncoderMem(true))
}

func newDecoder() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(MaxOriginal), zstd.WithDecoderMaxWindow(MaxOriginal))
}

// Seal compresses and seals content for one place. It fails with [ErrTooLarge] or [ErrUnbound].
func (o *Originals) Seal(key *DataKey, content []byte, b Binding) ([]byte, error) {
	if len(content) > MaxOriginal {
		return nil, ErrTooLarge
	}
	encoder, err := o.encoder()
	if err != nil {
		return nil, fmt.Errorf("compress an original: %w", err)
	}
	return key.Seal(encoder.EncodeAll(content, nil), b)
}

// Open returns what [Originals.Seal] was given. It fails with [ErrDamaged], [ErrRefused] or [ErrTooLarge].
func (o *Originals) Open(key *DataKey, sealed []byte, b Binding) ([]byte, error) {
	compressed, err := key.Open(sealed, b)
	if err != nil {
		return nil, err
	}
	decoder, err := o.decoder()
	if err != nil {
		return nil, fmt.Errorf("decompress an original: %w", err)
	}
	content, err := decoder.DecodeAll(compressed, nil)
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return nil, ErrTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("decompress an original: %w", ErrDamaged)
	}
	return content, nil
}
