package password

import (
	"context"
	"time"

	"ryggrad.internal/hub/shared/fault"
)

// comeAgain is how long whoever found no place is asked to wait.
const comeAgain = 3 * time.Second

// Gate bounds how many slow hashes are made at once, and so their memory. It is safe for concurrent use.
type Gate struct {
	places  chan struct{} // hashing
	waiting chan struct{} // hashing or waiting for it
}

// NewGate lets so many hash at once, and so many more wait.
func NewGate(places, queue int) *Gate {
	return &Gate{places: make(chan struct{}, places), waiting: make(chan struct{}, places+queue)}
}

// Pass runs the work once there is a place. When too many wait already, or the caller gives up first, it is
// [fault.Unavailable] and nothing was done.
func (g *Gate) Pass(ctx context.Context, work func()) error {
	select {
	case g.waiting <- struct{}{}:
		defer func() { <-g.waiting }()
	default:
		return fault.New(fault.Unavailable, "too many people log in at once; try again in a moment").After(comeAgain)
	}
	select {
	case g.places <- struct{}{}:
		defer func() { <-g.places }()
	case <-ctx.Done():
		return fault.New(fault.Unavailable, "too many people log in at once; try again in a moment").After(comeAgain).Because(ctx.Err())
	}
	work()
	return nil
}
