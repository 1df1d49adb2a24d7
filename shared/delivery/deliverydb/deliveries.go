package deliverydb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// Delivery is a delivery as read, or as it was just made.
type Delivery struct {
	delivery.Delivery
	object ledgerdb.Object
}

func parseDelivery(o ledgerdb.Object) (Delivery, error) {
	d, err := delivery.ParseDelivery(o.ID, o.Tenant, o.Fields)
	return Delivery{d, o}, err
}

func parseDeliveries(objects []ledgerdb.Object) ([]Delivery, error) {
	all := make([]Delivery, len(objects))
	for i, o := range objects {
		d, err := parseDelivery(o)
		if err != nil {
			return nil, err
		}
		all[i] = d
	}
	return all, nil
}

// Delivery reads a delivery of the tenant. A missing one is [fault.NotFound].
func (s *Store) Delivery(ctx context.Context, tenant, id string) (Delivery, error) {
	if strings.Contains(id, "/") || id == "" {
		return Delivery{}, noDelivery()
	}
	found, err := s.opts.Ledger.GetAll(ctx, tenant, deliveryRef(id))
	if err != nil {
		return Delivery{}, fmt.Errorf("read delivery %s: %w", id, err)
	}
	if !found[0].Exists() {
		return Delivery{}, noDelivery()
	}
	return parseDelivery(found[0])
}

func noDelivery() error { return fault.New(fault.NotFound, "there is no delivery by this id") }

// The pages of a shard that [Store.Due] reads on over endpoints that are passed over.
const mostPages = 20

// Due reads deliveries of all tenants that it is time to look at: about limit of each of the 16 shards, the one that
// waits longest first. Those to endpoints that skip names are passed over, so that a long line at one of them does not
// hide what is due elsewhere.
func (s *Store) Due(ctx context.Context, limit int, skip func(endpoint string) bool) ([]Delivery, error) {
	now := s.now()
	parts := make([][]Delivery, shards)
	group, ctx := errgroup.WithContext(ctx)
	for shard := range shards {
		group.Go(func() (err error) {
			q := s.opts.Ledger.QueryAllTenants(collectionDeliveries).Where("us", "==", shard).
				Where("nextAttemptAt", "<=", now).OrderBy("nextAttemptAt", firestore.Asc).OrderBy(firestore.DocumentID, firestore.Asc)
			parts[shard], err = s.dueOf(ctx, q, limit, skip)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("find deliveries that are due: %w", err)
	}
	due := slices.Concat(parts...)
	slices.SortFunc(due, func(a, b Delivery) int { return cmp.Or(a.NextAt.Compare(b.NextAt), cmp.Compare(a.ID, b.ID)) })
	return due, nil
}

// dueOf reads one shard's part, page by page until there are enough or no more.
func (s *Store) dueOf(ctx context.Context, q firestore.Query, limit int, skip func(endpoint string) bool) ([]Delivery, error) {
	var due []Delivery
	from := q
	for range mostPages {
		objects, err := s.opts.Ledger.List(ctx, from.Limit(limit))
		if err != nil {
			return nil, err
		}
		page, err := parseDeliveries(objects)
		if err != nil {
			return nil, err
		}
		for _, d := range page {
			if !skip(d.Endpoint) {
				due = append(due, d)
			}
		}
		if len(page) < limit || len(due) >= limit {
			break
		}
		last := page[len(page)-1]
		from = q.StartAfter(last.NextAt, last.ID)
	}
	return due, nil
}

// mostParked is how many deliveries one commit puts off.
const mostParked = 100

// Park puts off deliveries of one tenant that nobody is working on. What somebody takes or settles meanwhile is left to
// them.
func (s *Store) Park(ctx context.Context, all []Delivery, until time.Time) error {
	for part := range slices.Chunk(all, mostParked) {
		writes := make([]ledgerdb.Write, len(part))
		for i, d := range part {
			writes[i] = ledgerdb.Patch(d.object, d.Hold(until).Document())
		}
		err := s.opts.Ledger.Bookkeep(ctx, part[0].Tenant, writes...)
		if errors.Is(err, ledgerdb.ErrStale) { // one of them has moved: put off the others one by one
			for i, w := range writes {
				if err = s.opts.Ledger.Bookkeep(ctx, part[i].Tenant, w); err != nil && !errors.Is(err, ledgerdb.ErrStale) {
					break
				}
				err = nil
			}
		}
		if err != nil {
			return fmt.Errorf("put off deliveries to %s: %w", part[0].Endpoint, err)
		}
	}
	return nil
}

// Before reads what may stand in front of a delivery: the order's earlier events, then its earlier deliveries. See
// [delivery.Blocked].
func (s *Store) Before(ctx context.Context, d delivery.Delivery) ([]delivery.Event, []delivery.Delivery, error) {
	if d.Order == "" || d.Sequence <= 1 {
		return nil, nil, nil
	}
	earlier := func(collection string) firestore.Query {
		return s.opts.Ledger.Query(d.Tenant, collection).Where("order", "==", d.Order).
			Where("sequence", "<", d.Sequence).OrderBy("sequence", firestore.Asc)
	}
	objects, err := s.opts.Ledger.List(ctx, earlier(collectionEvents))
	if err != nil {
		return nil, nil, fmt.Errorf("read the events before delivery %s: %w", d.ID, err)
	}
	events, err := parseEvents(objects)
	if err != nil {
		return nil, nil, err
	}
	deliveries, err := s.line(ctx, earlier(collectionDeliveries))
	return events, Plain(deliveries), err
}

// After reads an order's deliveries of later events than the given one, to all endpoints.
func (s *Store) After(ctx context.Context, tenant, order string, sequence int64) ([]Delivery, error) {
	return s.line(ctx, s.opts.Ledger.Query(tenant, collectionDeliveries).Where("order", "==", order).
		Where("sequence", ">", sequence).OrderBy("sequence", firestore.Asc))
}

// Of reads all deliveries of an order, the earliest event first.
func (s *Store) Of(ctx context.Context, tenant, order string) ([]Delivery, error) {
	return s.line(ctx, s.opts.Ledger.Query(tenant, collectionDeliveries).Where("order", "==", order).
		OrderBy("sequence", firestore.Asc))
}

func (s *Store) line(ctx context.Context, q firestore.Query) ([]Delivery, error) {
	objects, err := s.opts.Ledger.List(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("read the deliveries of an order: %w", err)
	}
	return parseDeliveries(objects)
}

// Plain returns the deliveries without what only the store knows of them.
func Plain(stored []Delivery) []delivery.Delivery {
	all := make([]delivery.Delivery, len(stored))
	for i, d := range stored {
		all[i] = d.Delivery
	}
	return all
}

// Take claims a delivery that was read. It reports false when it is settled, or somebody else is working on it or has
// changed it since.
func (s *Store) Take(ctx context.Context, d Delivery, claim string) (Delivery, bool, error) {
	taken, ok := d.Take(claim, s.now())
	if !ok {
		return d, false, nil
	}
	err := s.opts.Ledger.Bookkeep(ctx, d.Tenant, ledgerdb.Patch(d.object, taken.Document()))
	if errors.Is(err, ledgerdb.ErrStale) {
		now, err := s.Delivery(ctx, d.Tenant, d.ID)
		return now, err == nil && now.Claim == claim, err // it may have succeeded without telling
	}
	if err != nil {
		return d, false, fmt.Errorf("claim delivery %s: %w", d.ID, err)
	}
	return Delivery{Delivery: taken}, true, nil
}

// Save records what became of a delivery that was claimed. When the claim is no longer the caller's, only a success is
// recorded.
func (s *Store) Save(ctx context.Context, next delivery.Delivery, claim string) error {
	write := ledgerdb.Put(deliveryRef(next.ID), next.Document())
	if next.State != delivery.Delivered {
		now, err := s.Delivery(ctx, next.Tenant, next.ID)
		if fault.Is(err, fault.NotFound) || err == nil && now.Claim != claim {
			return nil
		}
		if err != nil {
			return err
		}
		write = ledgerdb.Patch(now.object, next.Document())
	}
	err := s.opts.Ledger.Bookkeep(ctx, next.Tenant, write)
	if err != nil && !errors.Is(err, ledgerdb.ErrStale) { // stale: by this very write, or by whoever has the claim now
		return fmt.Errorf("record delivery %s: %w", next.ID, err)
	}
	return nil
}

// Again puts a delivery on its way once more, see [delivery.Delivery.Again].
func (s *Store) Again(ctx context.Context, tenant, id string, allow func(delivery.Delivery) error) (delivery.Delivery, error) {
	for range tries {
		d, err := s.Delivery(ctx, tenant, id)
		if err != nil {
			return delivery.Delivery{}, err
		}
		if err := allow(d.Delivery); err != nil {
			return delivery.Delivery{}, err
		}
		next, err := d.Again(s.now())
		if err != nil {
			return delivery.Delivery{}, err
		}
		err = s.opts.Ledger.Bookkeep(ctx, tenant, ledgerdb.Patch(d.object, next.Document()))
		if !errors.Is(err, ledgerdb.ErrStale) {
			return next, err
		}
	}
	return delivery.Delivery{}, fault.New(fault.Unavailable, "this delivery changes all the time; try again").After(time.Second)
}
