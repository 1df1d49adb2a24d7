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
	"strings"

	"ryggrad.internal/hub/shared"
	"ryggrad.internal/hub/shared/ledger"
)

const (
	// parts is how many files the chains are shared out into.
	parts = 64
	// idSize is how long an entry's id is.
	idSize = 30
	// linkSize is a link as written.
	linkSize = 16 + 8 + 8 + 32 + 32 + idSize + 1
)

// What a link says of its object after it.
const (
	stays    = iota
	isGone   // the act removed it
	canLapse // it may go without an act that says so
)

// link is what a chain needs of an entry.
type link struct {
	object   [16]byte // of the hash of tenant and object
	revision int64
	place    int64
	previous ledger.Hash
	hash     ledger.Hash
	id       string
	after    byte
	life     int // how often the object was there before and gone
}

// spill keeps links in files, by object.
type spill struct {
	dir   string
	files [parts]*os.File
	out   [parts]*bufio.Writer
	lapse map[string]bool // the collections of documents that go without an act
}

func newSpill(temp string) (*spill, error) {
	dir, err := os.MkdirTemp(temp, "ryggrad-verify-")
	if err != nil {
		return nil, err
	}
	s := &spill{dir: dir, lapse: map[string]bool{}}
	all, err := shared.Collections()
	for _, c := range all {
		s.lapse[c.Name] = c.Lapses()
	}
	if err != nil {
		s.close()
		return nil, err
	}
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
	copy(b[96:96+idSize], e.ID)
	b[linkSize-1] = s.after(e)
	_, err := s.out[int(object[0])%parts].Write(b[:])
	return err
}

// after tells what becomes of the object after an entry.
func (s *spill) after(e ledger.Entry) byte {
	collection, _, _ := strings.Cut(e.Object, "/")
	switch {
	case e.Outcome == ledger.Done && e.After == ledger.Hash{}:
		return isGone
	case e.Outcome == ledger.Done && s.lapse[collection]:
		return canLapse
	default:
		return stays
	}
}

// read returns a file's links, by object, life, revision and place.
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
			previous: ledger.Hash(b[32:64]), hash: ledger.Hash(b[64:96]), id: string(bytes.TrimRight(b[96:96+idSize], "\x00")), after: b[linkSize-1],
		})
	}
	live(links)
	slices.SortFunc(links, func(a, b link) int {
		return cmp.Or(bytes.Compare(a.object[:], b.object[:]), cmp.Compare(a.life, b.life), cmp.Compare(a.revision, b.revision), cmp.Compare(a.place, b.place))
	})
	return links, nil
}

// live tells the lives of objects apart: what was removed, or lapsed, can be made again under the same name, and its chain
// begins anew.
func live(links []link) {
	slices.SortFunc(links, func(a, b link) int {
		return cmp.Or(bytes.Compare(a.object[:], b.object[:]), cmp.Compare(a.place, b.place))
	})
	first := 0 // of this life
	for i := 1; i < len(links); i++ {
		before, l := links[i-1], &links[i]
		if before.object != l.object {
			first = i
			continue
		}
		l.life = before.life
		if l.revision == 1 && before.after != stays && l.hash != links[first].hash {
			l.life++
			first = i
		}
	}
}

// chains looks at every object's entries.
func (v *run) chains() error {
	for i := range parts {
		links, err := v.spill.read(i)
		if err != nil {
			return err
		}
		for at, l := range links {
			switch {
			case at == 0 || links[at-1].object != l.object:
				v.report.Chains++
				v.begins(l)
			case links[at-1].life == l.life:
				v.follows(links[at-1], l)
			}
		}
	}
	if v.Object+v.Tenant != "" && v.report.Chains == 0 {
		v.finding(-1, "no entry whose bytes can be read speaks of %s", strings.TrimSuffix(cmp.Or(v.Object, "anything")+" of "+v.Tenant, " of "))
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
