package tlog

import (
	"crypto/sha256"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger"
)

// entrySize is an entry in a bundle: its length as two big-endian bytes, and the hash.
const entrySize = 2 + sha256.Size

// encodeBundle writes entries one after the other.
func encodeBundle(entries []ledger.Hash) []byte {
	out := make([]byte, 0, len(entries)*entrySize)
	for _, e := range entries {
		out = append(out, 0, sha256.Size)
		out = append(out, e[:]...)
	}
	return out
}

// ParseBundle reads a bundle of exactly width entries.
func ParseBundle(raw []byte, width int) ([]ledger.Hash, error) {
	if width < 1 || width > TileWidth || len(raw) != width*entrySize {
		return nil, fault.New(fault.Invalid, "a bundle of %d entries has %d bytes, not %d", width, width*entrySize, len(raw))
	}
	entries := make([]ledger.Hash, width)
	for i := range entries {
		one := raw[i*entrySize : (i+1)*entrySize]
		if one[0] != 0 || one[1] != sha256.Size {
			return nil, fault.New(fault.Invalid, "entry %d of a bundle is not a hash", i)
		}
		entries[i] = ledger.Hash(one[2:])
	}
	return entries, nil
}

// encodeTile writes hashes one after the other.
func encodeTile(hashes []ledger.Hash) []byte {
	out := make([]byte, 0, len(hashes)*sha256.Size)
	for i := range hashes {
		out = append(out, hashes[i][:]...)
	}
	return out
}

// ParseTile reads a tile of exactly width hashes.
func ParseTile(raw []byte, width int) ([]ledger.Hash, error) {
	if width < 1 || width > TileWidth || len(raw) != width*sha256.Size {
		return nil, fault.New(fault.Invalid, "a tile of %d hashes has %d bytes, not %d", width, width*sha256.Size, len(raw))
	}
	hashes := make([]ledger.Hash, width)
	for i := range hashes {
		hashes[i] = ledger.Hash(raw[i*sha256.Size : (i+1)*sha256.Size])
	}
	return hashes, nil
}
