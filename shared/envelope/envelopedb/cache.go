package envelopedb

import (
	"sync"
	"time"

	"ryggrad.internal/hub/shared/envelope"
)

// cache holds keys in memory, the most recently used ones up to a limit.
type cache struct {
	mu      sync.Mutex
	limit   int
	uses    uint64 // counts up with every use, so that the least recently used entry has the lowest number
	entries map[envelope.KeyID]*entry
}

type entry struct {
	key     *envelope.TenantKey
	read    time.Time // when the key was last read from its document
	refresh time.Time // when it is to be read again
	used    uint64
}

func newCache(limit int) *cache {
	return &cache{limit: limit, entries: make(map[envelope.KeyID]*entry)}
}

// get returns the key, or nil when there is none that may still serve. Fresh tells that it need not be read again.
func (c *cache) get(id envelope.KeyID, now time.Time) (key *envelope.TenantKey, fresh bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.servable(id, now)
	if e == nil {
		return nil, false
	}
	c.uses++
	e.used = c.uses
	return e.key, now.Before(e.refresh)
}

// put keeps a key that was read now.
func (c *cache) put(id envelope.KeyID, key *envelope.TenantKey, now, refresh time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.uses++
	if _, known := c.entries[id]; !known && len(c.entries) >= c.limit {
		c.evict()
	}
	c.entries[id] = &entry{key: key, read: now, refresh: refresh, used: c.uses}
}

// postpone puts off the next reading of a key, and returns it, or nil when there is none that may still serve.
func (c *cache) postpone(id envelope.KeyID, now, refresh time.Time) *envelope.TenantKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.servable(id, now)
	if e == nil {
		return nil
	}
	e.refresh = refresh
	return e.key
}

func (c *cache) drop(id envelope.KeyID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.entries, id)
}

// servable returns the entry unless it is too old to serve, and then forgets it.
func (c *cache) servable(id envelope.KeyID, now time.Time) *entry {
	e := c.entries[id]
	if e == nil {
		return nil
	}
	if now.Sub(e.read) >= ServeAtMost {
		delete(c.entries, id)
		return nil
	}
	return e
}

// evict forgets the least recently used key. It looks at all of them, which is little beside the KMS call that led here.
func (c *cache) evict() {
	var oldest envelope.KeyID
	lowest := c.uses + 1
	for id, e := range c.entries {
		if e.used < lowest {
			oldest, lowest = id, e.used
		}
	}
	delete(c.entries, oldest)
}
