package deliverydb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// ActionReplay sends an endpoint again what it was sent.
const ActionReplay = "endpoint.replay"

// The bounds of one replay.
const (
	MaxReplayed  = 2000 // events that are looked at; where there are more, the rest is another replay's
	replayAtOnce = 200  // in one commit
)

// Replayed is what a replay did: how many deliveries it put on their way, and where it ended.
type Replayed struct {
	Queued int
	Until  time.Time // events before that were looked at; the rest is left for another replay
}

// Replay puts every event between two times that the endpoint wants on its way to it once more, also those that it has
// taken, and those that happened before there was the endpoint. It is an act on the endpoint; what is on its way already
// is left as it is, so it can be repeated.
func (s *Store) Replay(ctx context.Context, act ledgerdb.Act, id string, since, until time.Time, allow Allow) (Replayed, error) {
	e, err := s.change(ctx, act, id, allow, func(e delivery.Endpoint) (delivery.Endpoint, error) {
		if e.Disabled {
			return e, fault.New(fault.Conflict, "the endpoint is switched off")
		}
		return e, nil
	})
	if err != nil {
		return Replayed{}, err
	}
	objects, err := s.opts.Ledger.List(ctx, s.opts.Ledger.Query(act.Tenant, collectionEvents).
		Where("occurredAt", ">=", since).Where("occurredAt", "<", until).OrderBy("occurredAt", firestore.Asc).Limit(MaxReplayed))
	if err != nil {
		return Replayed{}, fmt.Errorf("read the events to replay: %w", err)
	}
	events, err := parseEvents(objects)
	if err != nil {
		return Replayed{}, err
	}
	done := Replayed{Until: until}
	if len(events) == MaxReplayed {
		events = upToLastMoment(events)
		done.Until = events[len(events)-1].OccurredAt.Add(time.Microsecond)
	}
	for len(events) > 0 {
		n := min(len(events), replayAtOnce)
		queued, err := s.replay(ctx, e, events[:n])
		if err != nil {
			return done, err
		}
		done.Queued, events = done.Queued+queued, events[n:]
	}
	return done, nil
}

// upToLastMoment leaves out the events of the last moment, of which there may be more, unless there is nothing else.
func upToLastMoment(events []delivery.Event) []delivery.Event {
	last := events[len(events)-1].OccurredAt
	for i := range events {
		if events[i].OccurredAt.Equal(last) && i > 0 {
			return events[:i]
		}
	}
	return events
}

// replay queues some events. An event that is not dispatched yet will be anyway.
func (s *Store) replay(ctx context.Context, e delivery.Endpoint, events []delivery.Event) (int, error) {
	for range tries {
		refs := make([]ledgerdb.Ref, len(events))
		for i, ev := range events {
			refs[i] = deliveryRef(delivery.ID(ev.ID, e.ID))
		}
		there, err := s.opts.Ledger.GetAll(ctx, e.Tenant, refs...)
		if err != nil {
			return 0, fmt.Errorf("read deliveries to replay: %w", err)
		}
		var writes []ledgerdb.Write
		for i, ev := range events {
			w, ok, err := s.replayOne(ev, e, there[i])
			if err != nil {
				return 0, err
			}
			if ok {
				writes = append(writes, w)
			}
		}
		if len(writes) == 0 {
			return 0, nil
		}
		err = s.opts.Ledger.Bookkeep(ctx, e.Tenant, writes...)
		if !errors.Is(err, ledgerdb.ErrStale) && !errors.Is(err, ledgerdb.ErrExists) {
			return len(writes), err
		}
	}
	return 0, tooMany()
}

func (s *Store) replayOne(ev delivery.Event, e delivery.Endpoint, there ledgerdb.Object) (ledgerdb.Write, bool, error) {
	if ev.Pending || !e.Wants(ev) {
		return ledgerdb.Write{}, false, nil
	}
	if !there.Exists() {
		d := delivery.New(ev, e.ID, "", s.now()).Hold(s.now())
		return ledgerdb.Add(deliveryRef(d.ID), d.Document()), true, nil
	}
	d, err := parseDelivery(there)
	if err != nil || !d.Settled() {
		return ledgerdb.Write{}, false, err
	}
	next, err := d.Again(s.now())
	return ledgerdb.Patch(there, next.Document()), err == nil, err
}
