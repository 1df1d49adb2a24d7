package deliverydb

import (
	"context"
	"fmt"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// feedLife is how long a reader's acknowledgement is kept after the last.
const feedLife = 90 * 24 * time.Hour

// Feed reads what follows a cursor in the tenant's events, at most limit; see [delivery.FeedCursor].
func (s *Store) Feed(ctx context.Context, tenant string, after delivery.FeedCursor, limit int) ([]delivery.Event, delivery.FeedCursor, error) {
	limit = min(limit, max(delivery.MaxOpen-int(after.Count), 0))
	read := int(after.Count) + limit + 1
	objects, err := s.opts.Ledger.List(ctx, s.opts.Ledger.Query(tenant, collectionEvents).
		Where("occurredAt", ">", after.Final).OrderBy("occurredAt", firestore.Asc).
		OrderBy(firestore.DocumentID, firestore.Asc).Limit(read))
	if err != nil {
		return nil, after, fmt.Errorf("read the feed: %w", err)
	}
	events, err := parseEvents(objects)
	if err != nil {
		return nil, after, err
	}
	give, next := after.Follow(events, len(events) == read, limit, s.now())
	return give, next, nil
}

func parseEvents(objects []ledgerdb.Object) (events []delivery.Event, err error) {
	events = make([]delivery.Event, len(objects))
	for i, o := range objects {
		if events[i], err = delivery.ParseEvent(o.ID, o.Tenant, o.Fields); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// Acknowledged returns how far a reader of the feed has said to have got; the beginning, when it never did.
func (s *Store) Acknowledged(ctx context.Context, tenant, reader string) (delivery.FeedCursor, error) {
	found, err := s.opts.Ledger.GetAll(ctx, tenant, feedRef(tenant, reader))
	if err != nil {
		return delivery.FeedCursor{}, fmt.Errorf("read how far %s is: %w", reader, err)
	}
	text, ok := found[0].Fields["cursor"].(string)
	if !ok {
		return delivery.FeedCursor{}, nil
	}
	return delivery.ParseFeedCursor(text)
}

// Acknowledge remembers how far a reader of the feed is. The last word counts, also where it goes back.
func (s *Store) Acknowledge(ctx context.Context, tenant, reader string, at delivery.FeedCursor) error {
	err := s.opts.Ledger.Bookkeep(ctx, tenant, ledgerdb.Put(feedRef(tenant, reader), map[string]any{
		"reader": reader, "cursor": at.String(), "expireAt": s.now().Add(feedLife),
	}))
	if err != nil {
		return fmt.Errorf("remember how far %s is: %w", reader, err)
	}
	return nil
}

// feedRef names a reader's document: another tenant's reader of the same name has another.
func feedRef(tenant, reader string) ledgerdb.Ref {
	return ledgerdb.Ref{Collection: collectionFeeds, ID: "fed_" + eventID(tenant, reader)[len(delivery.EventPrefix):]}
}
