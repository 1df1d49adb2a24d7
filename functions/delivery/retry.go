package delivery

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/event"
)

const (
	duePerShard = 50 // of the 16 parts that deliveries are shared out into, at a time
	perEndpoint = 4  // attempts at once at one endpoint
)

type retrier struct{ courier }

// retry attempts what is due, until nothing is or the time is up. An endpoint that fails once has had its chance in this
// run, so that one that is slow to fail costs the others nothing.
func (p *retrier) retry(ctx context.Context, _ event.Message) error {
	failing := map[string]bool{}
	for timeLeft(ctx) {
		due, err := p.store.Due(ctx, duePerShard)
		if err != nil {
			return err
		}
		lanes := map[string][]deliverydb.Delivery{}
		for _, i := range delivery.Heads(deliverydb.Plain(due)) {
			if d := due[i]; !failing[d.Endpoint] {
				lanes[d.Endpoint] = append(lanes[d.Endpoint], d)
			}
		}
		if len(lanes) == 0 {
			return nil
		}
		p.round(ctx, lanes, failing)
	}
	return nil
}

func timeLeft(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(end) >= attemptNeeds)
}

// round works on every endpoint's lane at the same time and notes which endpoints failed.
func (p *retrier) round(ctx context.Context, lanes map[string][]deliverydb.Delivery, failing map[string]bool) {
	type outcome struct {
		endpoint string
		failed   bool
	}
	outcomes := make(chan outcome, len(lanes))
	for endpoint, lane := range lanes {
		go func() { outcomes <- outcome{endpoint, p.lane(ctx, lane)} }()
	}
	for range lanes {
		if o := <-outcomes; o.failed {
			failing[o.endpoint] = true
		}
	}
}

// lane attempts the deliveries of one endpoint, a few at once, until one fails. It tells whether one did, or could not be
// decided.
func (p *retrier) lane(ctx context.Context, due []deliverydb.Delivery) bool {
	var failed atomic.Bool
	var group errgroup.Group
	group.SetLimit(perEndpoint)
	for _, d := range due {
		if failed.Load() {
			break
		}
		group.Go(func() error {
			if !p.one(ctx, d) {
				failed.Store(true)
			}
			return nil
		})
	}
	_ = group.Wait() // no attempt returns an error: each is logged where it happens
	return failed.Load()
}

// one claims and attempts a delivery. It tells whether to go on with its endpoint: not after an attempt that failed, nor
// when nothing could be decided.
func (p *retrier) one(ctx context.Context, d deliverydb.Delivery) bool {
	taken, ok, err := p.store.Take(ctx, d, p.claim())
	if err != nil {
		p.log.WarnContext(ctx, "delivery could not be claimed; it comes again", "delivery", d.ID, "tenant", d.Tenant, "error", err)
		return false
	}
	if !ok {
		return true
	}
	next := p.try(ctx, taken.Delivery, nil)
	attempted, undecided := next.Tries != d.Tries, !next.LeaseUntil.IsZero()
	return !undecided && (!attempted || next.State == delivery.Delivered)
}
