package verify

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"ryggrad.internal/hub/shared/ledger"
)

const (
	// parts is how many files the chains are shared out into.
	parts = 64
	// idSize is how long an entry's id is.
	idSize = 30
	// linkSize is a link as written.
	linkSize = 16 + 8 + 8 + 32 + 32 + idSize
)

// link is what a chain needs of an entry.
type link struct {
	object   [16]byte // of the hash of tenant and object
	revision int64
	place    int64
	previous ledger.Hash
	hash     ledger.Hash
	id       string
}

// spill keeps links in files, by object.
type spill struct {
	dir   string
	files [parts]*os.File
	out   [parts]*bufio.Writer
}

func newSpill(temp string) (*spill, error) {
	dir, err := os.MkdirTemp(temp, "ryggrad-verify-")
	if err != nil {
		return nil, err
	}
	s := &spill{dir: dir}
	for i := range s.files {
		if s.files[i], err = os.Create(filepath.Join(dir, fmt.Sprint(i))); err != nil { //nolint:gosec // a folder of our own
			s.close()
			return nil, err
		}
		s.out[i] = bufio.NewWriterSize(s.files[i], 16<<10)
	}
	return s, nil
}

func (s *spill) close() {
	for _, f := range s.files {
		if f != nil {
			_ = f.Close() // it is thrown away
		}
	}
	_ = os.RemoveAll(s.dir)
}

// add keeps an entry's link. A refusal is a chain of its own: its id tells when it stands in the log twice.
func (s *spill) add(place int64, e ledger.Entry, hash ledger.Hash) error {
	chain := e.Tenant + "\x00" + e.Object
	if e.Outcome == ledger.Refused {
		chain = "refusal\x00" + e.ID
	}
	object := sha256.Sum256([]byte(chain))
	var b [linkSize]byte
	copy(b[:16], object[:])
	binary.BigEndian.PutUint64(b[16:], uint64(e.Revision)) //nolint:gosec // the bits are what is meant
	binary.BigEndian.PutUint64(b[24:], uint64(place))      //nolint:gosec // the bits are what is meant
	copy(b[32:], e.Previous[:])
	copy(b[64:], hash[:])
	copy(b[96:], e.ID)
	_, err := s.out[int(object[0])%parts].Write(b[:])
	return err
}

// read returns a file's links, by object, revision and place.
func (s *spill) read(i int) ([]link, error) {
	if err := s.out[i].Flush(); err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(s.files[i].Name())
	if err != nil {
		return nil, err
	}
	if len(raw)%linkSize != 0 {
		return nil, errors.New("what chains need broke off")
	}
	links := make([]link, 0, len(raw)/linkSize)
	for b := raw; len(b) > 0; b = b[linkSize:] {
		links = append(links, link{
			object: [16]byte(b[:16]), revision: int64(binary.BigEndian.Uint64(b[16:])), place: int64(binary.BigEndian.Uint64(b[24:])), //nolint:gosec // as written
			previous: ledger.Hash(b[32:64]), hash: ledger.Hash(b[64:96]), id: string(bytes.TrimRight(b[96:linkSize], "\x00")),
		})
	}
	slices.SortFunc(links, func(a, b link) int {
		return cmp.Or(bytes.Compare(a.object[:], b.object[:]), cmp.Compare(a.revision, b.revision), cmp.Compare(a.place, b.place))
	})
	return links, nil
}

// chains looks at every object's entries.
func (v *run) chains() error {
	for i := range parts {
		links, err := v.spill.read(i)
		if err != nil {
			return err
		}
		for at, l := range links {
			if at == 0 || links[at-1].object != l.object {
				v.report.Chains++
				v.begins(l)
			} else {
				v.follows(links[at-1], l)
			}
		}
	}
	return nil
}

// begins looks at the first entry of a chain.
func (v *run) begins(l link) {
	if l.revision > 1 {
		v.finding(l.place, "%s is revision %d of its object, and the entries before it are not there", l.id, l.revision)
	}
}

func (v *run) follows(before, l link) {
	switch {
	case l.revision == before.revision:
		v.finding(l.place, "%s is revision %d of its object, and so is %s at %d", l.id, l.revision, before.id, before.place)
	case l.revision > before.revision+1:
		v.finding(l.place, "%s is revision %d of its object, and the one before it is %d: entries are missing", l.id, l.revision, before.revision)
	case l.previous != before.hash:
		v.finding(l.place, "%s does not follow %s, which is the revision before", l.id, before.id)
	case l.place < before.place:
		v.finding(l.place, "%s stands before %s, which it follows", l.id, before.id)
	}
}
