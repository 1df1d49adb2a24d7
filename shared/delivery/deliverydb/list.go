package deliverydb

import (
	"context"
	"fmt"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// Filter narrows a list of deliveries.
type Filter struct {
	Endpoint string
	State    delivery.State
	Cursor   string // where the last page ended
	Limit    int
}

// Page is a part of a list, and where the next one begins; Next is empty at the end.
type Page struct {
	Deliveries []delivery.Delivery
	Next       string
}

// Deliveries lists the tenant's deliveries, the newest first.
func (s *Store) Deliveries(ctx context.Context, tenant string, f Filter) (Page, error) {
	q := s.opts.Ledger.Query(tenant, collectionDeliveries)
	if f.Endpoint != "" {
		q = q.Where("endpoint", "==", f.Endpoint)
	}
	if f.State != "" {
		q = q.Where("state", "==", string(f.State))
	}
	q = q.OrderBy("createdAt", firestore.Desc).OrderBy(firestore.DocumentID, firestore.Desc).Limit(f.Limit + 1)
	if f.Cursor != "" {
		at, id, err := ledgerdb.ParseCursor(f.Cursor)
		if err != nil {
			return Page{}, err
		}
		q = q.StartAfter(at, id)
	}
	objects, err := s.opts.Ledger.List(ctx, q)
	if err != nil {
		return Page{}, fmt.Errorf("list deliveries: %w", err)
	}
	stored, err := parseDeliveries(objects)
	return page(Plain(stored), f.Limit), err
}

func page(all []delivery.Delivery, limit int) Page {
	if len(all) <= limit {
		return Page{Deliveries: all}
	}
	last := all[limit-1]
	return Page{Deliveries: all[:limit], Next: ledgerdb.Cursor(last.CreatedAt, last.ID)}
}
