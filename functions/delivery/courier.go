package delivery

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/order/orderdb"
	"ryggrad.internal/hub/shared/webhook"
	"ryggrad.internal/hub/shared/webhook/outbound"
)

// attemptNeeds is the time that an attempt and its record may take. With less than that left, of a lease or of the
// handler's time, none is begun: the delivery is looked at again when its lease ends.
const attemptNeeds = outbound.Limit + 10*time.Second

// courier attempts deliveries.
type courier struct {
	store  *deliverydb.Store
	orders *orderdb.Store
	client *outbound.Client
	now    func() time.Time
	random func() float64 // in [0, 1)
	claim  func() string  // a word that nobody else uses
	log    *slog.Logger
}

// carry takes a delivery, claimed by the caller, as far as it can go now: it waits for its turn, or is attempted and
// what follows is recorded. When it is settled, the deliveries that waited for it go next. ev is its event where the
// caller has it. An error means that nothing was decided; the delivery is due again when its lease ends.
func (c *courier) carry(ctx context.Context, d delivery.Delivery, ev *delivery.Event) (delivery.Delivery, error) {
	if !c.enough(ctx, d) {
		return d, nil
	}
	claim := d.Claim
	until, blocked, err := c.blocked(ctx, d)
	if err != nil {
		return d, err
	}
	if blocked {
		return c.wait(ctx, d, until)
	}
	next, err := c.attempt(ctx, d, ev)
	if err != nil {
		return d, err
	}
	if err := c.store.Save(ctx, next, claim); err != nil {
		return d, err
	}
	if next.Reason == delivery.Gone {
		if err := c.store.Disable(ctx, d.Tenant, d.Endpoint, delivery.Gone); err != nil {
			return next, err
		}
	}
	if next.Settled() {
		return next, c.follow(ctx, next, claim)
	}
	return next, nil
}

// enough tells whether there is time for an attempt.
func (c *courier) enough(ctx context.Context, d delivery.Delivery) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < attemptNeeds {
		return false
	}
	return d.LeaseUntil.Sub(c.now()) >= attemptNeeds
}

func (c *courier) blocked(ctx context.Context, d delivery.Delivery) (time.Time, bool, error) {
	events, deliveries, err := c.store.Before(ctx, d)
	if err != nil {
		return time.Time{}, false, err
	}
	until, blocked := delivery.Blocked(d, events, deliveries, c.now())
	return until, blocked, nil
}

// wait puts a delivery back into the line, and looks once more: what was in front of it may have been settled in between,
// by somebody who found the delivery still claimed and so could not take it along.
func (c *courier) wait(ctx context.Context, d delivery.Delivery, until time.Time) (delivery.Delivery, error) {
	held := d.Hold(until)
	if err := c.store.Save(ctx, held, d.Claim); err != nil {
		return d, err
	}
	if _, blocked, err := c.blocked(ctx, held); blocked || err != nil {
		return held, err
	}
	stored, err := c.store.Delivery(ctx, d.Tenant, d.ID)
	if err != nil {
		return held, err
	}
	taken, ok, err := c.store.Take(ctx, stored, d.Claim)
	if !ok || err != nil {
		return held, err
	}
	return c.carry(ctx, taken.Delivery, nil)
}

// follow takes along what waited for a delivery that is settled now.
func (c *courier) follow(ctx context.Context, d delivery.Delivery, claim string) error {
	if d.Order == "" {
		return nil
	}
	later, err := c.store.After(ctx, d.Tenant, d.Order, d.Sequence)
	if err != nil {
		return err
	}
	next := delivery.Next(d, deliverydb.Plain(later))
	if next < 0 {
		return nil
	}
	taken, ok, err := c.store.Take(ctx, later[next], claim)
	if !ok || err != nil {
		return err
	}
	_, err = c.carry(ctx, taken.Delivery, nil) // which follows in its turn
	return err
}

// attempt sends a delivery's message and decides what follows.
func (c *courier) attempt(ctx context.Context, d delivery.Delivery, ev *delivery.Event) (delivery.Delivery, error) {
	e, err := c.store.KnownEndpoint(ctx, d.Tenant, d.Endpoint)
	switch {
	case fault.Is(err, fault.NotFound):
		return d.Fail(delivery.Removed, c.now()), nil
	case err != nil:
		return d, err
	case e.Disabled:
		return d.Fail(e.Reason, c.now()), nil
	}
	body, err := c.body(ctx, d, e, ev)
	if fault.Is(err, fault.NotFound) {
		return d.Fail(delivery.Expired, c.now()), nil
	}
	if err != nil {
		return d, err
	}
	at := c.now()
	result, err := c.send(ctx, e, d.Event, body)
	if err != nil {
		return d, err
	}
	next := d.Record(result, at, c.random())
	c.log.InfoContext(ctx, "delivery attempted", "delivery", d.ID, "tenant", d.Tenant, "attempt", next.Tries,
		"status", result.Status, "failure", string(result.Failure), "duration_ms", result.Duration.Milliseconds(),
		"state", string(next.State))
	return next, nil
}

// send signs a message with the endpoint's secrets and posts it. An error means that it was not sent, or that the hub
// itself broke the attempt off.
func (c *courier) send(ctx context.Context, e delivery.Endpoint, id string, body []byte) (webhook.Result, error) {
	secrets, err := c.store.Secrets(ctx, e)
	if err != nil {
		return webhook.Result{}, err
	}
	headers, err := webhook.Sign(secrets, id, c.now(), body)
	if err != nil {
		return webhook.Result{}, fmt.Errorf("endpoint %s: %w", e.ID, err)
	}
	result := c.client.Send(ctx, e.URL, headers, body)
	if result.Failure == webhook.Interrupted {
		return result, fault.New(fault.Unavailable, "the attempt was broken off here")
	}
	return result, nil
}

// body makes a delivery's message. A [fault.NotFound] means that what it tells of is not kept any more.
func (c *courier) body(ctx context.Context, d delivery.Delivery, e delivery.Endpoint, ev *delivery.Event) ([]byte, error) {
	if ev == nil {
		stored, err := c.store.Event(ctx, d.Tenant, d.Event)
		if err != nil {
			return nil, err
		}
		ev = &stored.Event
	}
	if e.Payload != delivery.Full || ev.Order == "" {
		return delivery.Body(*ev, nil)
	}
	whole, err := c.content(ctx, d.Tenant, ev.Order)
	if err != nil {
		return nil, err
	}
	return delivery.Body(*ev, whole)
}

// content is the order of a full payload as it stands now, with the guest while that is not erased.
type content struct {
	Status     order.Status `json:"status"`
	Version    int64        `json:"version"`
	Reason     string       `json:"reason,omitzero"`
	ReadyAt    order.Time   `json:"readyAt,omitzero"`
	ReceivedAt time.Time    `json:"receivedAt"`
	Erased     bool         `json:"erased"`
	Order      order.Order  `json:"order"`
}

func (c *courier) content(ctx context.Context, tenant, id string) (content, error) {
	stored, err := c.orders.Load(ctx, tenant, id)
	if err != nil {
		return content{}, err
	}
	whole, err := c.orders.Whole(ctx, stored)
	if err != nil {
		return content{}, err
	}
	return content{
		Status: stored.Status, Version: stored.Version, Reason: stored.Reason, ReadyAt: stored.ReadyAt,
		ReceivedAt: stored.Received, Erased: stored.Erased(c.now()), Order: whole,
	}, nil
}
