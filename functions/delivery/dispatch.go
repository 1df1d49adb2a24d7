package delivery

import (
	"context"

	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/fault"
)

// attemptsAtOnce bounds the endpoints of one event that are called at the same time.
const attemptsAtOnce = 32

type dispatcher struct{ courier }

// dispatch handles an announcement. Every announcement that can be read is done with, see the package's comment.
func (p *dispatcher) dispatch(ctx context.Context, m event.Message) error {
	announced, err := event.ParseAnnouncement(m)
	if err != nil {
		return err
	}
	if err := p.deliver(ctx, announced); err != nil {
		p.log.WarnContext(ctx, "event could not be dispatched; the relay will announce it again",
			"event", announced.Event, "tenant", announced.Tenant, "error", err)
	}
	return nil
}

// deliver makes the deliveries of an event and attempts each at once.
func (p *dispatcher) deliver(ctx context.Context, announced event.Announcement) error {
	ev, err := p.store.Event(ctx, announced.Tenant, announced.Event)
	if fault.Is(err, fault.NotFound) {
		p.log.WarnContext(ctx, "announced event is not there", "event", announced.Event, "tenant", announced.Tenant)
		return nil
	}
	if err != nil || !ev.Pending {
		return err
	}
	known, err := p.store.Known(ctx, ev.Tenant)
	if err != nil {
		return err
	}
	var wanting []delivery.Endpoint
	for _, e := range known {
		if e.Wants(ev.Event) {
			wanting = append(wanting, e)
		}
	}
	if link, ok, err := p.platformOf(ctx, ev.Event); err != nil {
		return err
	} else if ok {
		wanting = append(wanting, delivery.Endpoint{ID: link})
	}
	mine, err := p.store.Dispatch(ctx, ev, wanting, p.claim())
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(attemptsAtOnce)
	for _, d := range mine {
		group.Go(func() error {
			p.try(ctx, d.Delivery, &ev.Event)
			return nil
		})
	}
	return group.Wait()
}

// try carries a delivery and logs what kept it from being decided. It tells what became of it.
func (c *courier) try(ctx context.Context, d delivery.Delivery, ev *delivery.Event) delivery.Delivery {
	next, err := c.carry(ctx, d, ev)
	switch {
	case err == nil:
	case fault.KindOf(err).Retryable() && !fault.Is(err, fault.Internal):
		c.log.WarnContext(ctx, "delivery could not be decided; it comes again", "delivery", d.ID, "tenant", d.Tenant, "error", err)
	default:
		c.log.ErrorContext(ctx, "delivery could not be decided; it comes again", "delivery", d.ID, "tenant", d.Tenant, "error", err)
	}
	return next
}
