package order

import "time"

// How long before an order must be decided something is done about it. The job that looks runs once a minute, and what it
// decides takes seconds to reach the channel.
const (
	warnBefore   = 3 * time.Minute
	decideBefore = 90 * time.Second
)

// Lapse says how near the end of an order's time to be decided is.
type Lapse int

// The lapses, in the order in which they come.
const (
	InTime Lapse = iota // or decided, or without such a time
	Near                // the people who must decide should be told
	Last                // whoever decides for them must do it now, so that the channel still hears of it
	Over                // the channel has given the order up
)

// Lapse tells how near the end of the order's time is.
func (r Record) Lapse(now time.Time) Lapse {
	if r.Status != Received || r.AcceptBy.IsZero() {
		return InTime
	}
	switch left := r.AcceptBy.Sub(now); {
	case left <= 0:
		return Over
	case left <= decideBefore:
		return Last
	case left <= warnBefore:
		return Near
	default:
		return InTime
	}
}

// LapseFrom returns the AcceptBy up to which orders are to be looked at now.
func LapseFrom(now time.Time) time.Time { return now.Add(warnBefore) }

// DecideBy returns until when an order must be decided that a channel wants decided within a time of its placing, or of
// its arrival where it was placed longer ago or does not say when. It is the zero time where the channel wants nothing.
func DecideBy(placed Time, arrived time.Time, within time.Duration) time.Time {
	if within <= 0 {
		return time.Time{}
	}
	arrived = arrived.UTC().Truncate(time.Microsecond)
	if at, ok := placed.Instant(); ok && at.Before(arrived) && arrived.Sub(at) < within/2 {
		return at.UTC().Truncate(time.Microsecond).Add(within)
	}
	return arrived.Add(within)
}
