package token

import (
	"crypto/sha256"
	"sync"
	"time"
)

// cache remembers verified tokens by their SHA-256, at most so many.
type cache struct {
	size int
	mu   sync.Mutex
	byID map[[sha256.Size]byte]Claims
}

func newCache(size int) *cache {
	return &cache{size: size, byID: map[[sha256.Size]byte]Claims{}}
}

func (c *cache) find(id [sha256.Size]byte) (Claims, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	claims, ok := c.byID[id]
	return claims, ok
}

// keep remembers a token. When there is no room, the expired ones go, and if those are few, a quarter of all: they will
// be verified again.
func (c *cache) keep(id [sha256.Size]byte, claims Claims, now time.Time) {
	if c.size <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.byID) >= c.size {
		c.evict(now)
	}
	c.byID[id] = claims
}

func (c *cache) evict(now time.Time) {
	for id, claims := range c.byID {
		if claims.expired(now) {
			delete(c.byID, id)
		}
	}
	for id := range c.byID {
		if len(c.byID) <= c.size*3/4 {
			return
		}
		delete(c.byID, id)
	}
}
