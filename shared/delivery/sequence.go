package delivery

import "time"

// The waits of a delivery that another one is in front of.
const (
	afterEvent    = 30 * time.Second // an event that is not dispatched yet: the relay looks once a minute
	afterDelivery = time.Second      // an earlier delivery, from when that one is looked at again
)

// Blocked tells whether a delivery must wait for its turn, and until when to wait. It is given the earlier events of the
// same order and the earlier deliveries of the same order, of any endpoint.
//
// Two things are in front of event n at an endpoint. An earlier event that is not dispatched: nobody knows yet whether
// the endpoint will get it. And an earlier delivery to the same endpoint that is not settled. Ask about the events
// before the deliveries: an event loses its mark in the same commit that makes its deliveries, so what is found in this
// order hides nothing, without a transaction.
func Blocked(d Delivery, events []Event, deliveries []Delivery, now time.Time) (until time.Time, blocked bool) {
	if d.Order == "" {
		return time.Time{}, false
	}
	for _, e := range events {
		if e.Order == d.Order && e.Sequence < d.Sequence && e.Pending {
			until, blocked = now.Add(afterEvent), true
		}
	}
	for _, other := range deliveries {
		if !inFrontOf(other, d) {
			continue
		}
		if at := other.NextAt.Add(afterDelivery); at.After(until) {
			until = at
		}
		blocked = true
	}
	return until, blocked
}

func inFrontOf(other, d Delivery) bool {
	return other.Endpoint == d.Endpoint && other.Order == d.Order && other.Sequence < d.Sequence && !other.Settled()
}

// Next returns which of an order's deliveries may go now that d is settled: the first one behind it at the same endpoint
// that is not settled, if there is one.
func Next(d Delivery, deliveries []Delivery) (next Delivery, found bool) {
	for _, other := range deliveries {
		if d.Order == "" || !inFrontOf(d.open(), other) || other.Settled() {
			continue
		}
		if !found || other.Sequence < next.Sequence {
			next, found = other, true
		}
	}
	return next, found
}

// open returns the delivery as if it were still pending.
func (d Delivery) open() Delivery {
	d.State = Pending
	return d
}
