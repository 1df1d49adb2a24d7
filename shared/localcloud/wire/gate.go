package wire

import (
	"context"
	"sync"

	"google.golang.org/grpc/status"
)

// Gate holds calls back until it is opened. Make one with [NewGate]. It is safe for concurrent use.
type Gate struct {
	reach, open     sync.Once
	reached, opened chan struct{}
}

// NewGate returns a closed gate.
func NewGate() *Gate {
	return &Gate{reached: make(chan struct{}), opened: make(chan struct{})}
}

// Reached is closed when the first call has arrived at the gate.
func (g *Gate) Reached() <-chan struct{} { return g.reached }

// Open lets all calls pass, those that wait and those to come. Opening it again changes nothing.
func (g *Gate) Open() { g.open.Do(func() { close(g.opened) }) }

// wait returns nil when the gate opens, and the context's end as a gRPC status. A nil gate is open.
func (g *Gate) wait(ctx context.Context) error {
	if g == nil {
		return nil
	}
	g.reach.Do(func() { close(g.reached) })
	select {
	case <-g.opened:
		return nil
	case <-ctx.Done():
		return status.FromContextError(ctx.Err()).Err()
	}
}
