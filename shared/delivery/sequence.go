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
		until = latest(until, latest(other.NextAt, now).Add(afterDelivery))
		blocked = true
	}
	return until, blocked
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func inFrontOf(other, d Delivery) bool {
	return other.Endpoint == d.Endpoint && other.Order == d.Order && other.Sequence < d.Sequence && !other.Settled()
}

// Next returns which of an order's deliveries may go now that d is settled, as its place in the list: the first one behind
// d at the same endpoint that is not settled. It returns -1 when there is none.
func Next(d Delivery, deliveries []Delivery) int {
	next := -1
	d.State = Pending // as it was: what did it hold up?
	for i, other := range deliveries {
		if d.Order == "" || other.Settled() || !inFrontOf(d, other) {
			continue
		}
		if next < 0 || other.Sequence < deliveries[next].Sequence {
			next = i
		}
	}
	return next
}

// Heads returns the places of the deliveries that stand first, among those given, for their order and endpoint, and of
// all that are about no order. The others cannot go before them.
func Heads(deliveries []Delivery) []int {
	type line struct{ endpoint, order string }
	first := map[line]int{}
	var heads []int
	for i, d := range deliveries {
		at, seen := first[line{d.Endpoint, d.Order}]
		switch {
		case d.Order == "":
			heads = append(heads, i)
		case !seen:
			first[line{d.Endpoint, d.Order}] = len(heads)
			heads = append(heads, i)
		case d.Sequence < deliveries[heads[at]].Sequence:
			heads[at] = i
		}
	}
	return heads
}
