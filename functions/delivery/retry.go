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

const duePerShard = 50 // of the 16 parts that deliveries are shared out into, at a time

type retrier struct{ courier }

// retry attempts what is due, until nothing is or the time is up. Each endpoint has a lane of its own, and no lane waits
// for another. An endpoint whose breaker opens has had its chance in this run: what is due there is put off until the
// breaker's pause is over.
func (p *retrier) retry(ctx context.Context, _ event.Message) error {
	r := round{retrier: p, busy: map[string]bool{}, done: make(chan string), out: map[string]bool{}}
	err := r.run(ctx)
	for len(r.busy) > 0 {
		r.finish(<-r.done)
	}
	return err
}

// round is one run of the job. Only its own goroutine reads and writes the maps.
type round struct {
	*retrier
	busy map[string]bool // endpoints whose lane is at work
	out  map[string]bool // endpoints that could not be decided about in this run
	done chan string
}

func (r *round) run(ctx context.Context) error {
	for timeLeft(ctx) {
		due, err := r.store.Due(ctx, duePerShard, func(endpoint string) bool { return r.busy[endpoint] || r.out[endpoint] })
		if err != nil {
			return err
		}
		if len(due) == 0 && len(r.busy) == 0 {
			return nil
		}
		lines := map[string][]deliverydb.Delivery{}
		for _, d := range due {
			lines[d.Endpoint] = append(lines[d.Endpoint], d)
		}
		for endpoint, line := range lines {
			r.busy[endpoint] = true
			go func() {
				if !r.lane(ctx, line) {
					r.done <- "!" + endpoint
					return
				}
				r.done <- endpoint
			}()
		}
		r.finish(<-r.done)
	}
	return nil
}

// finish takes a lane's word that it is at its end.
func (r *round) finish(word string) {
	endpoint, bad := word, word[0] == '!'
	if bad {
		endpoint = word[1:]
		r.out[endpoint] = true
	}
	delete(r.busy, endpoint)
}

func timeLeft(ctx context.Context) bool {
	end, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(end) >= attemptNeeds)
}

// lane works on what is due at one endpoint: first one delivery where the breaker is to be tried, then several at once.
// It tells whether to come back to the endpoint in this run.
func (p *retrier) lane(ctx context.Context, due []deliverydb.Delivery) bool {
	first := due[0]
	breaker, err := p.store.Breaker(ctx, first.Tenant, first.Endpoint)
	if err != nil {
		p.log.WarnContext(ctx, "breaker could not be read", "endpoint", first.Endpoint, "error", err)
		return false
	}
	heads := delivery.Heads(deliverydb.Plain(due))
	width := laneWidth
	if breaker.Tripped() {
		width = 1
	}
	var stuck atomic.Bool
	var group errgroup.Group
	group.SetLimit(width)
	tried := make([]bool, len(due))
	for _, i := range heads {
		if _, open := p.open(ctx, first.Delivery); stuck.Load() || open || !timeLeft(ctx) {
			break
		}
		tried[i] = true
		group.Go(func() error {
			if !p.one(ctx, due[i]) {
				stuck.Store(true)
			}
			return nil
		})
	}
	_ = group.Wait() // no attempt returns an error: each is logged where it happens
	var rest []deliverydb.Delivery
	for i, d := range due {
		if !tried[i] {
			rest = append(rest, d)
		}
	}
	return !p.putOff(ctx, first.Delivery, rest) && !stuck.Load()
}

// open tells whether the endpoint's breaker is open, and until when.
func (p *retrier) open(ctx context.Context, d delivery.Delivery) (time.Time, bool) {
	b, err := p.store.Breaker(ctx, d.Tenant, d.Endpoint)
	if err != nil {
		return time.Time{}, false
	}
	return b.Open(p.now())
}

// putOff puts off what is due at an endpoint whose breaker is open. It tells whether it is.
func (p *retrier) putOff(ctx context.Context, to delivery.Delivery, due []deliverydb.Delivery) bool {
	until, open := p.open(ctx, to)
	if !open {
		return false
	}
	if err := p.store.Park(ctx, due, until); err != nil {
		p.log.WarnContext(ctx, "deliveries could not be put off", "endpoint", to.Endpoint, "error", err)
	}
	return true
}

// one claims and attempts a delivery. It tells whether something was decided.
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
	return next.LeaseUntil.IsZero()
}
