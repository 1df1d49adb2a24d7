// Package noticedb keeps notices, what tenants are told by the hub, for 90 days. A notice goes out as the event
// notice.created, which is kept for 30 days among all the others; this is where people look it up.
//
// Whoever writes the event writes the notice with it, in the same commit: [Writes] gives both.
package noticedb

import (
	"context"
	"fmt"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const (
	collectionNotices = "notices"
	collectionEvents  = "events"
)

// life is how long a notice is kept.
const life = 90 * 24 * time.Hour

// Writes returns what puts a notice.created event into the outbox and among the notices. Of two under one id the second
// is [ledgerdb.ErrExists].
func Writes(e delivery.Event) []ledgerdb.Write {
	notice := map[string]any{"at": e.OccurredAt, "data": e.Data, "expireAt": e.OccurredAt.Add(life)}
	if e.Location != "" {
		notice["location"] = e.Location
	}
	return []ledgerdb.Write{
		ledgerdb.Add(ledgerdb.Ref{Collection: collectionEvents, ID: e.ID}, e.Document()),
		ledgerdb.Put(ledgerdb.Ref{Collection: collectionNotices, ID: e.ID}, notice),
	}
}

// Notice is what a tenant was told.
type Notice struct {
	ID       string // of the event
	At       time.Time
	Location string         // "" when it concerns the whole tenant
	Data     map[string]any // as in the event
}

// Page is a part of a list, and where the next one begins; Next is empty at the end.
type Page struct {
	Notices []Notice
	Next    string
}

// List lists the tenant's notices, the newest first.
func List(ctx context.Context, ledger *ledgerdb.Store, tenant, cursor string, limit int) (Page, error) {
	q := ledger.Query(tenant, collectionNotices).OrderBy("at", firestore.Desc).OrderBy(firestore.DocumentID, firestore.Desc).Limit(limit + 1)
	if cursor != "" {
		at, id, err := ledgerdb.ParseCursor(cursor)
		if err != nil {
			return Page{}, err
		}
		q = q.StartAfter(at, id)
	}
	found, err := ledger.List(ctx, q)
	if err != nil {
		return Page{}, fmt.Errorf("list notices: %w", err)
	}
	var p Page
	if len(found) > limit {
		found = found[:limit]
		last, _ := found[limit-1].Fields["at"].(time.Time)
		p.Next = ledgerdb.Cursor(last, found[limit-1].ID)
	}
	for _, o := range found {
		n := Notice{ID: o.ID}
		n.At, _ = o.Fields["at"].(time.Time)
		n.Location, _ = o.Fields["location"].(string)
		n.Data, _ = o.Fields["data"].(map[string]any)
		p.Notices = append(p.Notices, n)
	}
	return p, nil
}
