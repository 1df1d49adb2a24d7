package delivery

import (
	"context"
	"sync"
	"time"
)

const (
	laneWidth = 16              // requests at once to one endpoint, of one instance
	laneWait  = 2 * time.Second // that a delivery waits for its place; then the retry job takes it
)

// lanes keep an endpoint that is slow to answer from taking all that an instance can do at once. It is safe for concurrent
// use.
type lanes struct {
	mu   sync.Mutex
	open map[string]*lane
}

type lane struct {
	places chan struct{}
	users  int // who hold a place or wait for one
}

func newLanes() *lanes { return &lanes{open: map[string]*lane{}} }

// enter waits for a place at the endpoint. Whoever gets one must leave.
func (l *lanes) enter(ctx context.Context, endpoint string) (leave func(), ok bool) {
	here := l.join(endpoint)
	select {
	case here.places <- struct{}{}:
		return func() { <-here.places; l.part(endpoint) }, true
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, laneWait)
	defer cancel()
	select {
	case here.places <- struct{}{}:
		return func() { <-here.places; l.part(endpoint) }, true
	case <-ctx.Done():
		l.part(endpoint)
		return nil, false
	}
}

func (l *lanes) join(endpoint string) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	here, ok := l.open[endpoint]
	if !ok {
		here = &lane{places: make(chan struct{}, laneWidth)}
		l.open[endpoint] = here
	}
	here.users++
	return here
}

func (l *lanes) part(endpoint string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	here := l.open[endpoint]
	if here.users--; here.users == 0 {
		delete(l.open, endpoint)
	}
}
