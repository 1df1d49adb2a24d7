package deliverydb

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/fault"
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
		at, id, err := parseCursor(f.Cursor)
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
	return Page{Deliveries: all[:limit], Next: cursor(last.CreatedAt, last.ID)}
}

func cursor(at time.Time, id string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(at.UnixMicro(), 10) + " " + id))
}

func parseCursor(text string) (time.Time, string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	micros, id, ok := strings.Cut(string(raw), " ")
	n, numErr := strconv.ParseInt(micros, 10, 64)
	if err != nil || !ok || numErr != nil || id == "" || strings.Contains(id, "/") {
		return time.Time{}, "", fault.New(fault.Invalid, "the cursor is not one of ours").
			With(fault.Detail{Location: "query.cursor", Message: "must be a nextCursor, as it was given"})
	}
	return time.UnixMicro(n).UTC(), id, nil
}
