package delivery

import (
	"context"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/order/orderdb"
)

// The acts of the job, as audit entries name them.
const (
	actionExpire = "order.expire"
	actionAccept = "order.accept_by_policy"
	actionReject = "order.reject_by_policy"
)

const (
	undecidedPerShard = 200 // of the 16 parts that orders are shared out into, in one run
	decideAtOnce      = 16
)

// watch looks after orders that must be decided soon.
type watch struct {
	store     *deliverydb.Store
	orders    *orderdb.Store
	directory *identitydb.Directory
	announcer event.Announcer
	now       func() time.Time
	log       *slog.Logger
}

// look warns of every order whose time is nearly over, and decides where nobody did. What it cannot decide now it finds
// again in a minute; what it finds decided it leaves.
func (w *watch) look(ctx context.Context, _ event.Message) error {
	found, err := w.orders.Undecided(ctx, order.LapseFrom(w.now()), undecidedPerShard)
	if err != nil {
		return err
	}
	failures := make([]error, len(found))
	var group errgroup.Group
	group.SetLimit(decideAtOnce)
	for i, o := range found {
		group.Go(func() error {
			failures[i] = w.one(ctx, o.Record)
			return nil
		})
	}
	_ = group.Wait() // the errors are in failures
	return first(failures)
}

func (w *watch) one(ctx context.Context, r order.Record) error {
	policy, err := w.policy(ctx, r)
	if err != nil {
		return err
	}
	change, action, ok := decide(r, policy, w.now())
	if !ok {
		return w.warn(ctx, r)
	}
	act := ledgerdb.Act{Tenant: r.Tenant, Actor: identity.Actor{Kind: identity.KindSystem, ID: "deadlines"}, Action: action}
	done, err := w.orders.Advance(ctx, act, r.ID, change, undecided)
	switch {
	case fault.Is(err, fault.Conflict), fault.Is(err, fault.Stale), fault.Is(err, fault.NotFound):
		return nil // somebody decided in the same moment
	case err != nil:
		return err
	}
	if done.Event != "" {
		w.log.InfoContext(ctx, "order was decided by its deadline", "order", r.ID, "tenant", r.Tenant, "status", string(done.Status))
		w.announcer.Announce(ctx, event.Announcement{Tenant: r.Tenant, Event: done.Event})
	}
	return nil
}

// undecided keeps the job off an order that somebody has decided since it was found.
func undecided(r order.Record) error {
	if r.Status != order.Received {
		return fault.New(fault.Conflict, "order %s is decided", r.ID)
	}
	return nil
}

// decide says what the job makes of an order now, if anything. Accepting or rejecting is done while the channel still
// listens; when its time is over, an answer would be a lie, and the order expires whatever the policy.
func decide(r order.Record, policy identity.DeadlineAction, now time.Time) (change order.Change, action string, ok bool) {
	lapse := r.Lapse(now)
	switch {
	case lapse == order.Over:
		return order.Change{Status: order.Expired, Reason: "nobody accepted it in the channel's time"}, actionExpire, true
	case lapse == order.Last && policy == identity.DeadlineAccept:
		return order.Change{Status: order.Accepted, Reason: "accepted by the channel link's policy"}, actionAccept, true
	case lapse == order.Last && policy == identity.DeadlineReject:
		return order.Change{Status: order.Rejected, Reason: "nobody accepted it in time"}, actionReject, true
	default:
		return order.Change{}, "", false
	}
}

// policy is what the order's channel link wants. Of a link that is gone or switched off nothing is done for anybody.
func (w *watch) policy(ctx context.Context, r order.Record) (identity.DeadlineAction, error) {
	link, err := w.directory.Link(ctx, r.Link)
	switch {
	case fault.Is(err, fault.NotFound), fault.Is(err, fault.Forbidden):
		return identity.DeadlineExpire, nil
	case err != nil:
		return "", err
	case link.Tenant != r.Tenant:
		return identity.DeadlineExpire, nil
	}
	return link.Policy.OnDeadline, nil
}

// warn tells the tenant of an order that must be decided soon, once.
func (w *watch) warn(ctx context.Context, r order.Record) error {
	if r.Lapse(w.now()) == order.InTime {
		return nil
	}
	id, err := w.store.Notify(ctx, r.Tenant, delivery.Notice{
		Kind: delivery.DeadlineNear, Subject: r.ID, Order: r.ID, Location: r.Order.Location,
		Message: "The order must be accepted or rejected by " + r.AcceptBy.UTC().Format(time.RFC3339) + ".",
	})
	if err == nil && id != "" {
		w.announcer.Announce(ctx, event.Announcement{Tenant: r.Tenant, Event: id})
	}
	return err
}
