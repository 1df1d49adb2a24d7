package token

import (
	"crypto/sha256"
	"sync"
	"time"
)

// RememberedFor is how long a verified token is not verified again. The key of one that lives longer, such as a thief's, may
// have been replaced since.
const RememberedFor = 5 * time.Minute

// cache remembers verified tokens by their SHA-256, at most so many.
type cache struct {
	size int
	mu   sync.Mutex
	byID map[[sha256.Size]byte]remembered
}

type remembered struct {
	claims Claims
	until  time.Time
}

func newCache(size int) *cache {
	return &cache{size: size, byID: map[[sha256.Size]byte]remembered{}}
}

func (c *cache) find(id [sha256.Size]byte, now time.Time) (Claims, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.byID[id]
	return found.claims, ok && now.Before(found.until)
}

// keep remembers a token. When there is no room, those that are not taken any more go, and if those are few, a quarter of all: they will
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
	c.byID[id] = remembered{claims, now.Add(RememberedFor)}
}

func (c *cache) evict(now time.Time) {
	for id, found := range c.byID {
		if !now.Before(found.until) || found.claims.expired(now) {
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
