package ledgerdb

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
	firestoreapi "cloud.google.com/go/firestore/apiv1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger"
)

// The collections that this package writes.
const (
	collectionAudit      = "audit"
	collectionTombstones = "tombstones"
)

// The fields that this package adds to documents.
const (
	fieldTenant    = "tenant"
	fieldShard     = "us"
	fieldRevision  = "revision"
	fieldEntry     = ledger.FieldEntry
	fieldUpdatedAt = ledger.FieldUpdatedAt
)

// The fields of an entry's document that sealing goes by.
const (
	fieldHash    = "hash"
	fieldBytes   = "bytes"
	fieldPending = "pending"
)

// shards is how many parts documents are shared out into.
const shards = 16

// What a commit meets when it is not alone. The first two may speak of the caller's own write, see [Receipt.Wrote].
var (
	ErrExists    = errors.New("the document exists already")
	ErrStale     = errors.New("the document was changed since it was read")
	ErrContended = errors.New("too many write the document at once") // wrapped by a [fault.Unavailable]
)

// Options are what a Store needs; every field is required.
type Options struct {
	Firestore *firestore.Client
	Commits   *firestoreapi.Client // of the same database
	Now       func() time.Time
	Random    io.Reader
	Log       *slog.Logger
	Patience  time.Duration // how long a refusal is held up by its entry; 2 seconds when it is 0
}

// Store reads and writes documents. It is safe for concurrent use.
type Store struct {
	opts     Options
	database string          // its full resource name
	listed   map[string]bool // the collections that there are
	kept     map[string]bool // those that are backed up
	refusals refusals
}

// New returns a store of the listed collections.
func New(opts Options) (*Store, error) {
	all, err := shared.Collections()
	if err != nil {
		return nil, err
	}
	s := &Store{opts: opts, listed: make(map[string]bool, len(all)), kept: make(map[string]bool, len(all))}
	s.database, _, _ = strings.Cut(opts.Firestore.Collection(collectionAudit).Path, "/documents/")
	s.refusals.seen = map[refusalKey]*tally{}
	for _, c := range all {
		s.listed[c.Name], s.kept[c.Name] = true, c.Backup != "none"
	}
	return s, nil
}

// Ref names a document.
type Ref struct{ Collection, ID string }

// String gives `collection/id`, as audit entries name objects.
func (r Ref) String() string { return r.Collection + "/" + r.ID }

func (s *Store) doc(r Ref) *firestore.DocumentRef {
	return s.opts.Firestore.Collection(r.Collection).Doc(r.ID)
}

// Object is a document as stored, or the zero Object when there is none.
type Object struct {
	Ref
	Tenant    string
	Fields    map[string]any // the domain's own and `tenant`, without what else this package adds
	Revision  int64          // 0 for documents that no act writes
	Entry     ledger.Hash    // of the newest audit entry
	UpdatedAt time.Time      // of the last write

	version time.Time // what Firestore compares preconditions with
}

// Exists tells whether there is such a document.
func (o Object) Exists() bool { return o.Fields != nil }

func parseObject(snap *firestore.DocumentSnapshot) (Object, error) {
	o := Object{
		Ref:     Ref{Collection: snap.Ref.Parent.ID, ID: snap.Ref.ID},
		Fields:  snap.Data(),
		version: snap.UpdateTime,
	}
	if o.Fields == nil {
		o.Fields = map[string]any{}
	}
	o.Tenant, _ = o.Fields[fieldTenant].(string)
	o.Revision, _ = o.Fields[fieldRevision].(int64)
	o.UpdatedAt, _ = o.Fields[fieldUpdatedAt].(time.Time)
	hash, _ := o.Fields[fieldEntry].(string)
	entry, err := ledger.ParseHash(hash)
	if err != nil {
		return Object{}, fmt.Errorf("read %s: %w", o.Ref, err)
	}
	o.Entry = entry
	for _, name := range []string{fieldShard, fieldRevision, fieldEntry, fieldUpdatedAt} {
		delete(o.Fields, name)
	}
	return o, nil
}

// ShardOf returns the part, from 0 to 15, that a document of this id belongs to.
func ShardOf(id string) int64 {
	h := fnv.New32a()
	_, _ = io.WriteString(h, id) // never fails, see hash.Hash
	return int64(h.Sum32() % shards)
}

// Get reads one document of the tenant. A missing one and one of another tenant are both [fault.NotFound].
func (s *Store) Get(ctx context.Context, tenant string, ref Ref) (Object, error) {
	return s.one(ctx, func(o Object) bool { return o.Tenant == tenant }, ref)
}

// FindInAllTenants reads one document, whoever's it is, or fails with [fault.NotFound]. It is for ids that tell the tenant,
// such as a credential's, and for the hub's own jobs.
func (s *Store) FindInAllTenants(ctx context.Context, ref Ref) (Object, error) {
	return s.one(ctx, func(Object) bool { return true }, ref)
}

func (s *Store) one(ctx context.Context, shown func(Object) bool, ref Ref) (Object, error) {
	found, err := s.read(ctx, shown, ref)
	if err != nil {
		return Object{}, err
	}
	if !found[0].Exists() {
		return Object{}, fault.New(fault.NotFound, "there is nothing by this id")
	}
	return found[0], nil
}

// GetAll reads documents of the tenant in one RPC, at one moment. In the place of one that is missing or another
// tenant's stands the zero Object.
func (s *Store) GetAll(ctx context.Context, tenant string, refs ...Ref) ([]Object, error) {
	return s.read(ctx, func(o Object) bool { return o.Tenant == tenant }, refs...)
}

// read reads documents in one RPC. In the place of one that is missing or not to be shown stands the zero Object.
func (s *Store) read(ctx context.Context, shown func(Object) bool, refs ...Ref) ([]Object, error) {
	docs := make([]*firestore.DocumentRef, 0, len(refs))
	places := make([]int, 0, len(refs)) // of docs within refs
	for i, r := range refs {
		if !s.listed[r.Collection] {
			return nil, fmt.Errorf("read %s: the collection is not listed", r)
		}
		if isName(r.ID) { // otherwise it is of another place, or none
			docs, places = append(docs, s.doc(r)), append(places, i)
		}
	}
	objects := make([]Object, len(refs))
	if len(docs) == 0 {
		return objects, nil
	}
	snaps, err := s.opts.Firestore.GetAll(ctx, docs)
	if err != nil {
		return nil, readFault(err)
	}
	for i, snap := range snaps {
		if !snap.Exists() {
			continue
		}
		o, err := parseObject(snap)
		if err != nil {
			return nil, err
		}
		if shown(o) {
			objects[places[i]] = o
		}
	}
	return objects, nil
}

// Query returns a query over the tenant's documents of a collection, to be narrowed and given to [Store.List].
func (s *Store) Query(tenant, collection string) firestore.Query {
	return s.opts.Firestore.Collection(collection).Where(fieldTenant, "==", tenant)
}

// QueryAllTenants returns a query over everybody's documents. It is for the hub's own jobs, never for a caller.
func (s *Store) QueryAllTenants(collection string) firestore.Query {
	return s.opts.Firestore.Collection(collection).Query
}

// List runs a query.
func (s *Store) List(ctx context.Context, q firestore.Query) ([]Object, error) {
	snaps, err := q.Documents(ctx).GetAll()
	if err != nil {
		return nil, readFault(err)
	}
	objects := make([]Object, 0, len(snaps))
	for _, snap := range snaps {
		o, err := parseObject(snap)
		if err != nil {
			return nil, err
		}
		objects = append(objects, o)
	}
	return objects, nil
}

// readFault tells a dependency's failure from a mistake of our own.
func readFault(err error) error {
	if unavailable(err) {
		return fault.New(fault.Unavailable, "the database is busy; try again").Because(err)
	}
	return fmt.Errorf("read documents: %w", err)
}

func unavailable(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return true
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Aborted, codes.ResourceExhausted, codes.Canceled, codes.Internal, codes.Unknown:
		return true
	default:
		return false
	}
}
