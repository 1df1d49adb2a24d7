package journal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
)

// The formats of files, each begun by its name. One without marks is read, but not begun any more.
const (
	magic    = "fsjrnl2\n"
	unmarked = "fsjrnl1\n"
)

const (
	frameHead  = 8 // length and checksum, both little-endian
	markLength = math.MaxUint32
	markSize   = frameHead + 8 // a mark has its place in the file, little-endian
	bufferSize = 1 << 20
)

var (
	errTorn    = errors.New("the file ends in the middle of a record, or a record is damaged")
	castagnoli = crc32.MakeTable(crc32.Castagnoli) //nolint:gochecknoglobals // a constant table
)

func appendFrame(dst, record []byte) []byte {
	return append(appendHead(dst, uint32(len(record)), record), record...) //nolint:gosec // a commit is at most a few MiB
}

func appendMark(dst []byte, at int64) []byte {
	place := binary.LittleEndian.AppendUint64(nil, uint64(at)) //nolint:gosec // never negative
	return append(appendHead(dst, markLength, place), place...)
}

func appendHead(dst []byte, length uint32, content []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, length)
	return binary.LittleEndian.AppendUint32(dst, crc32.Checksum(content, castagnoli))
}

func parseHead(head []byte) (length, sum uint32) {
	return binary.LittleEndian.Uint32(head), binary.LittleEndian.Uint32(head[4:])
}

func place(mark []byte) int64 { return int64(binary.LittleEndian.Uint64(mark)) } //nolint:gosec // compared only
