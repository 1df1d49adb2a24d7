package ledgerdb

import (
	"context"
	"fmt"
	"strings"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared"
	"ryggrad.internal/hub/shared/ledger"
)

// mostMissing is how many entries that are missing are named; whoever takes more away is noticed all the same.
const mostMissing = 100

// entryCheck is a walk over all entries of the database.
type entryCheck struct {
	store  *Store
	sealed func(place uint64) (ledger.Hash, error)
	tell   func(what string)
	size   uint64
	seen   []uint64        // a bit for each place
	lapse  map[string]bool // the collections of documents that go without an act
}

// CheckEntries holds the entries of the database against what was sealed at the places below size, which sealed returns,
// and the other way round, and tells what does not fit: entries that were changed, that say something else than the
// fields they are found by, that are missing, that no sealer finds; and objects that are gone, or name no entry, though
// their newest entry left them behind. It returns how many entries it looked at. It reads while the hub works, and takes
// a bit of memory for each place.
func (s *Store) CheckEntries(
	ctx context.Context, size uint64, sealed func(place uint64) (ledger.Hash, error), tell func(what string),
) (int, error) {
	all, err := shared.Collections()
	if err != nil {
		return 0, err
	}
	c := &entryCheck{store: s, sealed: sealed, tell: tell, size: size, seen: make([]uint64, size/64+1), lapse: map[string]bool{}}
	for _, one := range all {
		c.lapse[one.Name] = one.Lapses()
	}
	n := 0
	err = s.everyPage(ctx, collectionAudit, func(page []*firestore.DocumentSnapshot) error {
		n += len(page)
		left := map[string]ledger.Entry{}
		for _, snap := range page {
			e, err := c.entry(snap)
			if err != nil {
				return err
			}
			if e.After != (ledger.Hash{}) && e.Revision > left[e.Object].Revision {
				left[e.Object] = e
			}
		}
		return c.objects(ctx, left)
	})
	if err != nil {
		return n, err
	}
	return n, c.missing(ctx)
}

// entry looks at one entry, and returns what it says if it can be believed.
func (c *entryCheck) entry(snap *firestore.DocumentSnapshot) (ledger.Entry, error) {
	stored := parseStored(snap)
	hash := ledger.HashEntry(stored.Bytes)
	if hash.String() != stored.Hash {
		c.tell("the entry " + stored.ID + " is not what it was: its bytes or its hash were changed")
		return ledger.Entry{}, nil
	}
	e, err := ledger.Parse(stored.Bytes)
	switch {
	case err != nil:
		c.tell("the entry " + stored.ID + " is none")
		return ledger.Entry{}, nil //nolint:nilerr // it is what is told
	case !fits(e, stored, snap.Data()):
		c.tell("the entry " + stored.ID + " is stored as something else than its bytes say")
	case !stored.Sealed && (!stored.Pending || !stored.Proper):
		c.tell("the entry " + stored.ID + " is stored so that it is never sealed")
	}
	if !stored.Sealed {
		return e, nil
	}
	if stored.Index < c.size {
		c.seen[stored.Index/64] |= 1 << (stored.Index % 64)
	}
	want, err := c.sealed(stored.Index)
	if err == nil && want != hash {
		c.tell(fmt.Sprintf("the entry %s is not what was sealed at its place %d", stored.ID, stored.Index))
	}
	return e, err
}

// fits tells whether an entry is found by what it says.
func fits(e ledger.Entry, stored Stored, fields map[string]any) bool {
	return e.ID == stored.ID && e.Tenant == stored.Tenant && e.Object == stored.Object && e.Revision == stored.Revision &&
		e.At.Equal(stored.At) && fields["actor"] == e.Actor.String() && fields["action"] == e.Action
}

// objects looks for what entries left behind.
func (c *entryCheck) objects(ctx context.Context, left map[string]ledger.Entry) error {
	var refs []*firestore.DocumentRef
	for object := range left {
		collection, id, _ := strings.Cut(object, "/")
		if c.store.listed[collection] && isName(id) {
			refs = append(refs, c.store.doc(Ref{collection, id}))
		}
	}
	snaps, err := c.store.opts.Firestore.GetAll(ctx, refs)
	if err != nil {
		return readFault(err)
	}
	for _, snap := range snaps {
		if _, names := snap.Data()[fieldEntry].(string); names || !snap.Exists() && c.lapse[snap.Ref.Parent.ID] {
			continue
		}
		if err := c.lost(ctx, snap, left[snap.Ref.Parent.ID+"/"+snap.Ref.ID]); err != nil {
			return err
		}
	}
	return nil
}

// lost tells of an object that is not there, or names no entry, unless a later entry says so.
func (c *entryCheck) lost(ctx context.Context, snap *firestore.DocumentSnapshot, e ledger.Entry) error {
	later, err := c.store.Query(e.Tenant, collectionAudit).Where("object", "==", e.Object).Where(fieldRevision, ">", e.Revision).
		OrderBy(fieldRevision, firestore.Asc).Limit(1).Documents(ctx).GetAll()
	switch {
	case err != nil:
		return readFault(err)
	case len(later) > 0:
	case snap.Exists():
		c.tell(e.Object + ": it names no entry, and " + e.ID + " speaks of it")
	default:
		c.tell(e.Object + ": it is not there, and its newest entry " + e.ID + " left it behind")
	}
	return nil
}

// missing looks for the entries of places that no entry has. Some were published and not marked yet.
func (c *entryCheck) missing(ctx context.Context) error {
	var places []uint64
	told := 0
	for place := uint64(0); place <= c.size && told < mostMissing; place++ {
		if place < c.size && c.seen[place/64]&(1<<(place%64)) == 0 {
			places = append(places, place)
		}
		if len(places) == pageOfDocuments || place == c.size {
			n, err := c.find(ctx, places)
			if err != nil {
				return err
			}
			told, places = told+n, places[:0]
		}
	}
	return nil
}

// find looks for entries by what was sealed, tells of those that are not there and returns their number.
func (c *entryCheck) find(ctx context.Context, places []uint64) (told int, err error) {
	hashes := make([]ledger.Hash, len(places))
	for i, place := range places {
		if hashes[i], err = c.sealed(place); err != nil {
			return told, err
		}
	}
	found, err := c.store.EntriesByHash(ctx, hashes)
	for i, hash := range hashes {
		if _, there := found[hash]; !there && err == nil {
			told++
			c.tell(fmt.Sprintf("the entry that was sealed at place %d is not there", places[i]))
		}
	}
	return told, err
}
