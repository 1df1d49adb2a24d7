package orders

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/channel/channeldb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/order/orderdb"
)

// waitingPerShard is how many waiting cancellations of each of the 16 shards one run looks at.
const waitingPerShard = 100

type reconciler struct {
	orders    *orderdb.Store
	messages  *channeldb.Store
	announcer event.Announcer
	now       func() time.Time
	log       *slog.Logger
}

// reconcile carries out cancellations that came before their orders, and gives up those whose order never came. One that
// fails does not hold up the others; it is found again in a minute.
func (c *reconciler) reconcile(ctx context.Context, _ event.Message) error {
	waiting, err := c.messages.Waiting(ctx, waitingPerShard)
	if err != nil {
		return err
	}
	var failures []error
	for _, m := range waiting {
		failures = append(failures, c.settle(ctx, m))
	}
	return errors.Join(failures...)
}

func (c *reconciler) settle(ctx context.Context, m channeldb.Stored) error {
	act := ledgerdb.Act{Tenant: m.Tenant, Actor: identity.Actor{Kind: identity.KindChannel, ID: m.Link}, Action: actionCancelByChannel}
	id, err := c.orders.Find(ctx, m.Tenant, m.Link, m.Ref.ChannelOrderID, m.Ref.Identity)
	switch {
	case fault.Is(err, fault.NotFound) && !m.GivenUp(c.now()):
		return nil
	case fault.Is(err, fault.NotFound):
		c.log.ErrorContext(ctx, "the order of a cancellation never came", "kept", m.ID, "link", m.Link, "adapter", m.Adapter)
		return c.done(ctx, act, m, channel.KeptMissed, "")
	case err != nil:
		return err
	}
	anyOrder := func(order.Record) error { return nil } // the link's own: Find looks nowhere else
	moved, err := c.orders.Advance(ctx, act, id, order.Change{Status: order.Cancelled, Reason: m.Reason}, anyOrder)
	switch {
	case fault.Is(err, fault.Conflict): // the order came to another end
		c.log.WarnContext(ctx, "a cancellation came too late", "kept", m.ID, "order", id)
	case err != nil:
		return err
	case moved.Event != "":
		c.announcer.Announce(ctx, event.Announcement{Tenant: m.Tenant, Event: moved.Event})
	}
	return c.done(ctx, act, m, channel.KeptSettled, id)
}

// done settles a message; somebody else having done so is as good.
func (c *reconciler) done(ctx context.Context, act ledgerdb.Act, m channeldb.Stored, state channel.KeptState, order string) error {
	act.Action = "message.settle"
	err := c.messages.Settle(ctx, act, m, state, order)
	if errors.Is(err, ledgerdb.ErrStale) {
		return nil
	}
	return err
}
