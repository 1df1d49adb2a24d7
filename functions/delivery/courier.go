package delivery

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"ryggrad.internal/hub/shared/channel/platformapi"
	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/order/orderdb"
	"ryggrad.internal/hub/shared/webhook"
	"ryggrad.internal/hub/shared/webhook/outbound"
)

// attemptNeeds is the time that an attempt and its record may take. With less than that left, of a lease or of the
// handler's time, none is begun: the delivery is looked at again when its lease ends.
const attemptNeeds = outbound.Limit + 10*time.Second

// courier attempts deliveries.
type courier struct {
	store     *deliverydb.Store
	orders    *orderdb.Store
	directory *identitydb.Directory
	client    *outbound.Client
	platforms *platformapi.Client
	lanes     *lanes
	now       func() time.Time
	random    func() float64 // in [0, 1)
	claim     func() string  // a word that nobody else uses
	log       *slog.Logger
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
	until, ok, err := c.store.Admit(ctx, d.Tenant, d.Endpoint)
	if err != nil {
		return d, err
	}
	if !ok {
		held := d.Hold(until)
		return held, c.store.Save(ctx, held, claim)
	}
	next, err := c.attempt(ctx, d, ev)
	if err != nil {
		return d, err
	}
	if err := c.store.Save(ctx, next, claim); err != nil {
		return d, err
	}
	if err := c.consequences(ctx, next); err != nil {
		return next, err
	}
	if next.Settled() {
		return next, c.follow(ctx, next, claim)
	}
	return next, nil
}

// consequences are what a recorded attempt means for more than its delivery.
func (c *courier) consequences(ctx context.Context, d delivery.Delivery) error {
	switch d.Reason {
	case delivery.Gone:
		return c.store.Disable(ctx, d.Tenant, d.Endpoint, delivery.Gone)
	case delivery.Refused:
		_, err := c.store.Notify(ctx, d.Tenant, delivery.Notice{
			Kind: delivery.StatusNotTaken, Subject: d.ID, Order: d.Order, Location: d.Location,
			Message: "The platform did not take the order's status. It may have to be told by hand.",
		})
		return err
	case delivery.Exhausted:
		_, err := c.store.Notify(ctx, d.Tenant, delivery.Notice{
			Kind: delivery.DeliveryFailed, Subject: d.Endpoint,
			Message: "Messages were given up after three days of attempts. They can be sent again.",
		})
		return err
	default:
		return nil
	}
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
	p, why, err := c.pack(ctx, d, ev)
	switch {
	case fault.Is(err, fault.NotFound):
		return d.Fail(delivery.Expired, c.now()), nil
	case err != nil:
		return d, err
	case why != "":
		return d.Fail(why, c.now()), nil
	}
	leave, ok := c.lanes.enter(ctx, d.Endpoint)
	if !ok {
		return d.Hold(c.now().Add(time.Second)), nil
	}
	at := c.now()
	result, err := p.send(ctx)
	leave()
	if err != nil {
		return d, err
	}
	if result.Failure == webhook.Interrupted {
		return d, brokenOff()
	}
	record := d.Log(p.logged).Record
	if toPlatform(d) {
		record = d.Log(p.logged).RecordReport
	}
	next := record(c.masked(ctx, d, p, result), at, c.random())
	c.log.InfoContext(ctx, "delivery attempted", "delivery", d.ID, "tenant", d.Tenant, "attempt", next.Tries,
		"status", result.Status, "failure", string(result.Failure), "duration_ms", result.Duration.Milliseconds(),
		"state", string(next.State))
	if next.State == delivery.Delivered || next.Reason == delivery.Refused { // it has it, or will not have it: it is well
		result = webhook.Result{Status: http.StatusOK}
	}
	return next, c.note(ctx, d, result)
}

func brokenOff() error { return fault.New(fault.Unavailable, "the attempt was broken off here") }

// note tells the endpoint's breaker of an attempt, and the tenant when it opens.
func (c *courier) note(ctx context.Context, d delivery.Delivery, r webhook.Result) error {
	opened, err := c.store.Note(ctx, d.Tenant, d.Endpoint, r)
	if err != nil || !opened {
		return err
	}
	_, err = c.store.Notify(ctx, d.Tenant, delivery.Notice{
		Kind: delivery.EndpointFailing, Subject: d.Endpoint, Message: "Messages are not taken. They wait and are sent when it answers again.",
	})
	return err
}
