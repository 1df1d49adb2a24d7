package ledgerdb

import (
	"context"
	"fmt"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
)

// EntryFilter narrows a list of entries.
type EntryFilter struct {
	Object string
	Actor  string
	After  time.Time // only later ones
	Cursor string    // where the page before said to go on
	Limit  int
}

// EntryPage is a part of a list, and where the next begins, or "" for none.
type EntryPage struct {
	Entries []Stored
	Next    string
}

// Entries lists a tenant's entries, oldest first.
func (s *Store) Entries(ctx context.Context, tenant string, f EntryFilter) (EntryPage, error) {
	if f.Limit < 1 {
		return EntryPage{}, fault.New(fault.Invalid, "a page has at least 1 entry")
	}
	q := s.Query(tenant, collectionAudit)
	if f.Object != "" {
		q = q.Where("object", "==", f.Object)
	}
	if f.Actor != "" && f.Object == "" {
		q = q.Where("actor", "==", f.Actor) // of one object, they are few enough to look through
	}
	q = q.OrderBy("at", firestore.Asc).OrderBy(firestore.DocumentID, firestore.Asc)
	switch {
	case f.Cursor != "":
		at, id, err := ParseCursor(f.Cursor)
		if err != nil {
			return EntryPage{}, err
		}
		q = q.StartAfter(at, id)
	case !f.After.IsZero():
		q = q.Where("at", ">", Timely(f.After))
	}
	snaps, err := q.Limit(f.Limit + 1).Documents(ctx).GetAll()
	if err != nil {
		return EntryPage{}, readFault(err)
	}
	var p EntryPage
	for i, snap := range snaps {
		if i == f.Limit {
			last := parseStored(snaps[i-1])
			p.Next = Cursor(last.At, last.ID)
			break
		}
		if actor, _ := snap.Data()["actor"].(string); f.Actor == "" || actor == f.Actor {
			p.Entries = append(p.Entries, parseStored(snap))
		}
	}
	return p, nil
}

// Entry reads one of the tenant's entries. A missing one and another tenant's are both [fault.NotFound].
func (s *Store) Entry(ctx context.Context, tenant, id string) (Stored, error) {
	none := fault.New(fault.NotFound, "there is no entry by this id")
	if !identity.WellFormed("ent_", id) {
		return Stored{}, none
	}
	found, err := s.opts.Firestore.GetAll(ctx, []*firestore.DocumentRef{s.doc(Ref{collectionAudit, id})})
	if err != nil {
		return Stored{}, readFault(fmt.Errorf("read an entry: %w", err))
	}
	stored := parseStored(found[0])
	if !found[0].Exists() || stored.Tenant != tenant {
		return Stored{}, none
	}
	return stored, nil
}
