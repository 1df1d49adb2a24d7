package identitydb

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"ryggrad.internal/hub/shared/fault"
)

const (
	// Usual is how long something that was found is used without being read again.
	Usual = time.Minute
	// Recent is how long nothing that was found stays nothing, and how old something may be that a refusal rests on.
	Recent = 5 * time.Second

	loadTimeout = 10 * time.Second
	mostFound   = 4096 // of one kind, in one instance
	mostMissing = 4096
)

// cache keeps what was read, and for a short while that there was nothing to read. Failures are not kept.
type cache[T any] struct {
	load func(ctx context.Context, id string) (T, error) // [fault.NotFound] when there is nothing
	now  func() time.Time
	// outage is how old something may be that is used while nothing can be read.
	outage time.Duration

	flights singleflight.Group
	mu      sync.Mutex
	found   map[string]found[T]
	missing map[string]time.Time
}

type found[T any] struct {
	value T
	read  time.Time
	pause time.Time // until when an outage is not asked about again
}

// errMissing answers from memory.
var errMissing = errors.New("there was nothing by this id a moment ago")

func newCache[T any](now func() time.Time, load func(context.Context, string) (T, error)) *cache[T] {
	return &cache[T]{load: load, now: now, found: map[string]found[T]{}, missing: map[string]time.Time{}}
}

// get returns what has the id, as read at most `age` ago. Many callers at once share one read, which goes on when the
// caller who began it leaves.
func (c *cache[T]) get(ctx context.Context, id string, age time.Duration) (T, error) {
	if value, err, known := c.remembered(id, age); known {
		return value, err
	}
	var none T
	select {
	case <-ctx.Done():
		return none, fault.New(fault.Unavailable, "the answer did not come in time").Because(ctx.Err())
	case result := <-c.fetch(ctx, id, age):
		value, ok := result.Val.(T)
		if !ok {
			return none, result.Err
		}
		return value, result.Err
	}
}

// ahead begins to read what somebody is about to ask for, unless it is remembered.
func (c *cache[T]) ahead(ctx context.Context, id string) {
	if _, _, known := c.remembered(id, Usual); !known {
		c.fetch(ctx, id, Usual)
	}
}

func (c *cache[T]) fetch(ctx context.Context, id string, age time.Duration) <-chan singleflight.Result {
	return c.flights.DoChan(id, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
		defer cancel()
		if value, err, known := c.remembered(id, age); known {
			return value, err // by a read that ended after this caller had looked
		}
		return c.read(ctx, id)
	})
}

func (c *cache[T]) remembered(id string, age time.Duration) (value T, err error, known bool) {
	now := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if f, ok := c.found[id]; ok && (now.Sub(f.read) < age || now.Before(f.pause)) {
		return f.value, nil, true
	}
	if at, ok := c.missing[id]; ok && now.Sub(at) < Recent {
		return value, fault.New(fault.NotFound, "there is nothing by this id").Because(errMissing), true
	}
	return value, nil, false
}

func (c *cache[T]) read(ctx context.Context, id string) (T, error) {
	began := c.now()
	value, err := c.load(ctx, id)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		delete(c.missing, id)
		makeRoom(c.found, mostFound, func(f found[T]) bool { return began.Sub(f.read) >= max(Usual, c.outage) })
		c.found[id] = found[T]{value: value, read: began}
	case fault.Is(err, fault.NotFound):
		delete(c.found, id)
		makeRoom(c.missing, mostMissing, func(at time.Time) bool { return began.Sub(at) >= Recent })
		c.missing[id] = began
	case fault.Is(err, fault.Unavailable):
		if f, ok := c.found[id]; ok && began.Sub(f.read) < c.outage {
			f.pause = began.Add(Recent)
			c.found[id] = f
			return f.value, nil
		}
	}
	return value, err
}

// forget makes the next get read.
func (c *cache[T]) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.found, id)
	delete(c.missing, id)
}

// makeRoom keeps a map below its limit: what is stale goes, and if that is little, a quarter of all.
func makeRoom[V any](m map[string]V, limit int, stale func(V) bool) {
	if len(m) < limit {
		return
	}
	for id, v := range m {
		if stale(v) {
			delete(m, id)
		}
	}
	for id := range m {
		if len(m) <= limit*3/4 {
			return
		}
		delete(m, id)
	}
}
