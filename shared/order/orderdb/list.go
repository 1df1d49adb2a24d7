package orderdb

import (
	"context"
	"fmt"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order"
)

// Filter narrows a list of orders.
type Filter struct {
	Locations    []string // any of these; nil for all
	Status       order.Status
	UpdatedAfter time.Time
	Cursor       string // where the last page ended
	Limit        int
}

// maxLocations is how many locations one query takes: Firestore allows 30 disjunctions.
const maxLocations = 30

// Page is a part of a list, oldest change first, and where the next one begins; Next is empty at the end.
type Page struct {
	Orders []Stored
	Next   string
}

// List returns orders of the tenant by the time of their last change. Whoever keeps the last cursor and asks again sees
// every later change.
func (s *Store) List(ctx context.Context, tenant string, f Filter) (Page, error) {
	q := s.opts.Ledger.Query(tenant, collectionOrders)
	switch {
	case len(f.Locations) == 1:
		q = q.Where("location", "==", f.Locations[0])
	case len(f.Locations) > maxLocations:
		return Page{}, fault.New(fault.Invalid, "the credential reaches more than %d locations; name one", maxLocations).
			With(fault.Detail{Location: "query.location", Message: "is needed"})
	case len(f.Locations) > 1:
		q = q.Where("location", "in", f.Locations)
	}
	if f.Status != "" {
		q = q.Where("status", "==", string(f.Status))
	}
	q, err := from(q, f)
	if err != nil {
		return Page{}, err
	}
	objects, err := s.opts.Ledger.List(ctx, q.Limit(f.Limit+1))
	if err != nil {
		return Page{}, fmt.Errorf("list orders: %w", err)
	}
	return page(objects, f.Limit)
}

// from begins the query where the filter says.
func from(q firestore.Query, f Filter) (firestore.Query, error) {
	q = q.OrderBy("updatedAt", firestore.Asc).OrderBy(firestore.DocumentID, firestore.Asc)
	if f.Cursor != "" {
		at, id, err := ledgerdb.ParseCursor(f.Cursor)
		return q.StartAfter(at, id), err
	}
	if !f.UpdatedAfter.IsZero() {
		q = q.Where("updatedAt", ">", ledgerdb.Timely(f.UpdatedAfter))
	}
	return q, nil
}

func page(objects []ledgerdb.Object, limit int) (Page, error) {
	var p Page
	for i, o := range objects {
		if i == limit {
			last := p.Orders[limit-1]
			p.Next = ledgerdb.Cursor(last.UpdatedAt, last.ID)
			break
		}
		stored, err := parse(o, ledgerdb.Object{})
		if err != nil {
			return Page{}, err
		}
		p.Orders = append(p.Orders, stored)
	}
	return p, nil
}

// Find returns the id of the order that a channel means: by its whole identity, or, where the channel's message does not
// carry all of it, the one received last on the link under the channel's own id. There being none is [fault.NotFound].
func (s *Store) Find(ctx context.Context, tenant, link, channelOrderID string, identity []string) (string, error) {
	if len(identity) > 0 {
		id := order.ID(tenant, link, identity...)
		_, err := s.Load(ctx, tenant, id)
		return id, err
	}
	found, err := s.opts.Ledger.List(ctx, s.opts.Ledger.Query(tenant, collectionOrders).
		Where("link", "==", link).Where("channelOrderId", "==", channelOrderID).
		OrderBy("receivedAt", firestore.Desc).Limit(1))
	if err != nil {
		return "", fmt.Errorf("find an order of link %s: %w", link, err)
	}
	if len(found) == 0 {
		return "", notFound()
	}
	return found[0].ID, nil
}
