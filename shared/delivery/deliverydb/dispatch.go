package deliverydb

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"cloud.google.com/go/firestore"
	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// shards is how many parts jobs for all tenants share their work out into.
const shards = 16

// Event is an event as read.
type Event struct {
	delivery.Event
	object ledgerdb.Object
}

// Event reads an event of the tenant. A missing one is [fault.NotFound].
func (s *Store) Event(ctx context.Context, tenant, id string) (Event, error) {
	found, err := s.opts.Ledger.GetAll(ctx, tenant, eventRef(id))
	if err != nil {
		return Event{}, fmt.Errorf("read event %s: %w", id, err)
	}
	if !found[0].Exists() {
		return Event{}, fault.New(fault.NotFound, "there is no event by this id")
	}
	return parseEvent(found[0])
}

func eventRef(id string) ledgerdb.Ref { return ledgerdb.Ref{Collection: collectionEvents, ID: id} }

func deliveryRef(id string) ledgerdb.Ref {
	return ledgerdb.Ref{Collection: collectionDeliveries, ID: id}
}

func parseEvent(o ledgerdb.Object) (Event, error) {
	ev, err := delivery.ParseEvent(o.ID, o.Tenant, o.Fields)
	return Event{ev, o}, err
}

// Dispatch makes the deliveries of an event to the endpoints, claimed by the caller, and takes the event's mark away, in
// one commit. It returns the deliveries that are the caller's to attempt: none when somebody else was faster.
func (s *Store) Dispatch(ctx context.Context, ev Event, endpoints []delivery.Endpoint, claim string) ([]Delivery, error) {
	if !ev.Pending {
		return nil, nil
	}
	now := s.now()
	unmarked := maps.Clone(ev.object.Fields)
	delete(unmarked, "pending")
	writes := []ledgerdb.Write{ledgerdb.Patch(ev.object, unmarked)}
	made := make([]Delivery, len(endpoints))
	for i, e := range endpoints {
		made[i] = Delivery{Delivery: delivery.New(ev.Event, e.ID, claim, now)}
		writes = append(writes, ledgerdb.Add(deliveryRef(made[i].ID), made[i].Document()))
	}
	err := s.opts.Ledger.Bookkeep(ctx, ev.Tenant, writes...)
	if errors.Is(err, ledgerdb.ErrExists) || errors.Is(err, ledgerdb.ErrStale) {
		return s.claimed(ctx, ev.Tenant, made, claim)
	}
	if err != nil {
		return nil, fmt.Errorf("dispatch event %s: %w", ev.ID, err)
	}
	return made, nil
}

// claimed finds out whether a commit that met its own documents was the caller's, having succeeded without telling.
func (s *Store) claimed(ctx context.Context, tenant string, wanted []Delivery, claim string) ([]Delivery, error) {
	if len(wanted) == 0 {
		return nil, nil
	}
	refs := make([]ledgerdb.Ref, len(wanted))
	for i, d := range wanted {
		refs[i] = deliveryRef(d.ID)
	}
	objects, err := s.opts.Ledger.GetAll(ctx, tenant, refs...)
	if err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	var mine []Delivery
	for _, o := range objects {
		d, err := parseDelivery(o)
		if err != nil {
			return nil, err
		}
		if o.Exists() && d.Claim == claim {
			mine = append(mine, d)
		}
	}
	return mine, nil
}

// Forgotten reads events of all tenants that happened before the given time and are not dispatched yet: at most limit
// of each of the 16 shards, the oldest first.
func (s *Store) Forgotten(ctx context.Context, before time.Time, limit int) ([]delivery.Event, error) {
	objects, err := s.sharded(ctx, func(shard int) firestore.Query {
		return s.opts.Ledger.QueryAllTenants(collectionEvents).Where("us", "==", shard).Where("pending", "==", true).
			Where("occurredAt", "<", before).OrderBy("occurredAt", firestore.Asc).Limit(limit)
	})
	if err != nil {
		return nil, fmt.Errorf("find forgotten events: %w", err)
	}
	return parseEvents(objects)
}

// sharded runs a query for each shard.
func (s *Store) sharded(ctx context.Context, query func(shard int) firestore.Query) ([]ledgerdb.Object, error) {
	parts := make([][]ledgerdb.Object, shards)
	group, ctx := errgroup.WithContext(ctx)
	for shard := range shards {
		group.Go(func() (err error) {
			parts[shard], err = s.opts.Ledger.List(ctx, query(shard))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var all []ledgerdb.Object
	for _, part := range parts {
		all = append(all, part...)
	}
	return all, nil
}
