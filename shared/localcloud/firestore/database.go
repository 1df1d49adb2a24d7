package firestore

import (
	"sync"
	"sync/atomic"
	"time"

	"ryggrad.internal/hub/shared/localcloud/firestore/skiplist"
	"ryggrad.internal/hub/shared/localcloud/firestore/wire"
	"ryggrad.internal/hub/shared/localcloud/journal"
)

// retention is how long old versions can be read. They are kept a little longer, for reads that are under way.
const (
	retention = time.Hour
	grace     = 5 * time.Minute
)

// database is one database: documents with their versions, ordered by path. Times are microseconds since 1970.
//
// Commits run one at a time, under mu. Readers take no lock: they read the versions that were visible when they began.
type database struct {
	name    string // projects/{project}/databases/{database}
	prefix  string // of its documents' names
	now     func() time.Time
	journal *journal.Journal // nil: in memory only
	small   int              // documents of a collection that needs no index

	docs   *skiplist.List[*document]
	groups sync.Map // collection id → *collection

	mu      sync.Mutex
	last    int64        // the latest commit time given
	visible atomic.Int64 // what is committed up to here is durable and can be read
	old     []superseded // in the order of their time
}

// collection are the documents of all collections of one id.
type collection struct {
	docs    *skiplist.List[*document]
	changed atomic.Int64                      // the latest commit that wrote one of them
	indexes atomic.Pointer[map[string]*index] // by the shape's id; replaced, never changed
}

// document is a name with its versions. It stays when it is deleted, until its last version is forgotten.
type document struct {
	name   string // full resource name
	key    string // of its path
	latest atomic.Pointer[version]
}

// version is what a document was from a commit on. It never changes, but for the versions before it being forgotten.
type version struct {
	at      int64 // of the commit
	created int64
	deleted bool
	fields  wire.Fields
	before  atomic.Pointer[version]
}

// superseded is a document one of whose versions is no longer the latest since a time.
type superseded struct {
	at  int64
	key string
	doc *document
}

func newDatabase(name string, now func() time.Time, j *journal.Journal) *database {
	return &database{name: name, prefix: name + "/documents/", now: now, journal: j, small: smallCollection,
		docs: skiplist.New[*document]()}
}

// at is the version that a reader at a time sees, nil for none.
func (doc *document) at(time int64) *version {
	for v := doc.latest.Load(); v != nil; v = v.before.Load() {
		if v.at <= time {
			if v.deleted {
				return nil
			}
			return v
		}
	}
	return nil
}

// read is the version of a document at a time, nil for none.
func (d *database) read(key string, time int64) (*document, *version) {
	node := d.docs.Get(key)
	if node == nil {
		return nil, nil
	}
	return node.Value, node.Value.at(time)
}

// snapshot is the time of a strong read: now, or the last visible commit while another is being made durable. No later
// commit gets a time up to it.
func (d *database) snapshot() int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.visible.Load() == d.last {
		d.last = max(d.last, d.now().UnixMicro())
		d.visible.Store(d.last)
	}
	return d.visible.Load()
}

// collection finds the collections of an id, nil for none.
func (d *database) collection(id string) *collection {
	if c, ok := d.groups.Load(id); ok {
		found, _ := c.(*collection) // nothing else is stored
		return found
	}
	return nil
}

func (d *database) makeCollection(id string) *collection {
	if c := d.collection(id); c != nil {
		return c
	}
	c := &collection{docs: skiplist.New[*document]()}
	d.groups.Store(id, c)
	return c
}

// install makes a version a document's latest, which has its place among all. It is called with the lock held.
func (d *database) install(place skiplist.Place[*document], key, name string, v *version) {
	c := d.makeCollection(group(name))
	node, found := d.docs.InsertAt(place, key, &document{name: name, key: key})
	doc := node.Value
	if !found {
		c.docs.Insert(key, doc)
	}
	c.changed.Store(v.at)
	c.indexVersion(key, doc, v)
	if before := doc.latest.Load(); before != nil {
		v.before.Store(before)
		d.old = append(d.old, superseded{at: v.at, key: key, doc: doc})
	}
	doc.latest.Store(v)
}

// forget drops versions that nobody can read any more, a few at a time. It is called with the lock held.
func (d *database) forget() {
	const most = 8
	horizon := d.horizon()
	n := 0
	for n < len(d.old) && n < most && d.old[n].at <= horizon {
		d.forgetBefore(d.old[n])
		n++
	}
	clear(d.old[:n])
	d.old = d.old[n:]
}

// forgetBefore drops a document's versions before one that is beyond reach itself; and the document, if it is deleted.
func (d *database) forgetBefore(s superseded) {
	for v := s.doc.latest.Load(); v != nil; v = v.before.Load() {
		if v.at > s.at {
			continue
		}
		c := d.makeCollection(group(s.doc.name))
		gone := v.before.Swap(nil)
		c.forgetKeys(s.key, s.doc, gone)
		if v.deleted && v == s.doc.latest.Load() {
			d.docs.Delete(s.key)
			c.docs.Delete(s.key)
		}
		return
	}
}

// horizon is the time before which nothing can be read.
func (d *database) horizon() int64 {
	return d.now().Add(-retention - grace).UnixMicro()
}
