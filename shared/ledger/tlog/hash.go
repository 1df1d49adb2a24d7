package tlog

import (
	"crypto/sha256"

	"ryggrad.internal/hub/shared/ledger"
)

// The prefixes of RFC 6962, section 2.1, by which a leaf is never taken for a node.
const (
	prefixLeaf = 0
	prefixNode = 1
)

// LeafHash returns the tree's hash of a log's entry.
func LeafHash(entry ledger.Hash) ledger.Hash {
	var b [1 + sha256.Size]byte
	b[0] = prefixLeaf
	copy(b[1:], entry[:])
	return sha256.Sum256(b[:])
}

func nodeHash(left, right ledger.Hash) ledger.Hash {
	var b [1 + 2*sha256.Size]byte
	b[0] = prefixNode
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// rootOf returns the root over subtrees, of which only the last may be smaller than the others.
func rootOf(hashes []ledger.Hash) ledger.Hash {
	if len(hashes) == 1 {
		return hashes[0]
	}
	half := 1
	for half*2 < len(hashes) {
		half *= 2
	}
	return nodeHash(rootOf(hashes[:half]), rootOf(hashes[half:]))
}

// fold returns the root over 256 subtrees of one size, without recursion: this is where a log spends its time.
func fold(full []ledger.Hash) ledger.Hash {
	var level [TileWidth / 2]ledger.Hash
	for i := range level {
		level[i] = nodeHash(full[2*i], full[2*i+1])
	}
	for n := len(level) / 2; n > 0; n /= 2 {
		for i := range n {
			level[i] = nodeHash(level[2*i], level[2*i+1])
		}
	}
	return level[0]
}

// EmptyRoot is the root of a log without entries.
func EmptyRoot() ledger.Hash { return sha256.Sum256(nil) }
