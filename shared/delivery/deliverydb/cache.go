package deliverydb

import (
	"context"
	"slices"
	"sync"
	"time"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/fault"
)

// mostCached bounds how many tenants' endpoints are held in memory.
const mostCached = 5000

// cache holds the endpoints of tenants.
type cache struct {
	mu      sync.Mutex
	tenants map[string]cached
}

type cached struct {
	endpoints []delivery.Endpoint
	until     time.Time
}

func (c *cache) load(tenant string, now time.Time) ([]delivery.Endpoint, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.tenants[tenant]
	return found.endpoints, ok && now.Before(found.until)
}

func (c *cache) store(tenant string, endpoints []delivery.Endpoint, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.tenants) >= mostCached {
		clear(c.tenants)
	}
	c.tenants[tenant] = cached{endpoints, until}
}

func (c *cache) forget(tenant string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.tenants, tenant)
}

// Known returns the tenant's endpoints, from memory if they were read a moment ago. Leave the list as it is.
func (s *Store) Known(ctx context.Context, tenant string) ([]delivery.Endpoint, error) {
	now := s.now()
	if endpoints, fresh := s.cache.load(tenant, now); fresh {
		return endpoints, nil
	}
	endpoints, err := s.Endpoints(ctx, tenant)
	if err == nil && len(endpoints) > 0 {
		s.cache.store(tenant, endpoints, now.Add(s.opts.CacheFor))
	}
	return endpoints, err
}

// KnownEndpoint returns one of [Store.Known], and reads it before it says [fault.NotFound].
func (s *Store) KnownEndpoint(ctx context.Context, tenant, id string) (delivery.Endpoint, error) {
	endpoints, err := s.Known(ctx, tenant)
	if err != nil {
		return delivery.Endpoint{}, err
	}
	i := slices.IndexFunc(endpoints, func(e delivery.Endpoint) bool { return e.ID == id })
	if i >= 0 {
		return endpoints[i], nil
	}
	e, err := s.Endpoint(ctx, tenant, id)
	if err == nil || !fault.Is(err, fault.NotFound) {
		s.cache.forget(tenant)
	}
	return e, err
}
