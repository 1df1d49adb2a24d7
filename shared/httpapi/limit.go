package httpapi

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"ryggrad.internal/hub/shared/fault"
)

// Limit is how much one caller may ask of one instance: a token bucket. The zero Limit lets everything through.
type Limit struct {
	PerSecond float64 // refilled
	Burst     int     // at once
}

// mostLimiters bounds the memory of limits: past it, the ones that have been full longest are forgotten, which changes
// nothing for their callers.
const mostLimiters = 10_000

// quota is what is left for a caller, for the RateLimit headers (draft-ietf-httpapi-ratelimit-headers).
type quota struct {
	limit     Limit
	remaining int
	reset     time.Duration
}

type limiters struct {
	limit Limit
	now   func() time.Time
	mu    sync.Mutex
	byKey map[string]*rate.Limiter
}

func newLimiters(limit Limit, now func() time.Time) *limiters {
	return &limiters{limit: limit, now: now, byKey: map[string]*rate.Limiter{}}
}

// take takes one token of the key's bucket and tells what is left, and whether there was one.
func (l *limiters) take(key string) (quota, bool) {
	now := l.now()
	bucket := l.bucket(key, now)
	ok := bucket.AllowN(now, 1)
	tokens := math.Max(bucket.TokensAt(now), 0)
	q := quota{limit: l.limit, remaining: int(tokens), reset: l.refill(float64(l.limit.Burst) - tokens)}
	if !ok {
		q.reset = l.refill(1 - tokens)
	}
	return q, ok
}

func (l *limiters) refill(tokens float64) time.Duration {
	return time.Duration(tokens / l.limit.PerSecond * float64(time.Second))
}

func (l *limiters) bucket(key string, now time.Time) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if b, ok := l.byKey[key]; ok {
		return b
	}
	if len(l.byKey) >= mostLimiters {
		l.forgetFull(now)
	}
	b := rate.NewLimiter(rate.Limit(l.limit.PerSecond), l.limit.Burst)
	l.byKey[key] = b
	return b
}

// forgetFull drops full buckets; when none is full, some of the others, since memory must stay bounded under a flood of
// addresses.
func (l *limiters) forgetFull(now time.Time) {
	for key, b := range l.byKey {
		if b.TokensAt(now) >= float64(l.limit.Burst) {
			delete(l.byKey, key)
		}
	}
	for key := range l.byKey {
		if len(l.byKey) < mostLimiters {
			return
		}
		delete(l.byKey, key)
	}
}

// Meter counts a request of an unmetered route against whatever the handler names, and refuses it with [fault.Limited]
// once that has had its share.
func (a *API) Meter(r *http.Request, key string) error {
	return a.charge(recordOf(r.Context()), "metered "+key)
}

// charge takes one request from the key's bucket.
func (a *API) charge(rec *record, key string) error {
	if a.opts.Limit == (Limit{}) {
		return nil
	}
	q, ok := a.limiters.take(key)
	rec.quota = q
	if !ok {
		return fault.New(fault.Limited, "too many requests; wait as long as Retry-After says").After(max(q.reset, time.Second))
	}
	return nil
}

func limitHeaders(h http.Header, q quota) { setLimitHeaders(h.Set, q) }

func setLimitHeaders(set func(name, value string), q quota) {
	if q.limit == (Limit{}) {
		return
	}
	window := strconv.Itoa(max(1, int(math.Ceil(float64(q.limit.Burst)/q.limit.PerSecond))))
	set("RateLimit-Policy", fmt.Sprintf(`"default";q=%d;w=%s`, q.limit.Burst, window))
	set("RateLimit", fmt.Sprintf(`"default";r=%d;t=%d`, q.remaining, seconds(q.reset)))
}

// Limits is how a function's configuration names its [Limit]. Embed it.
type Limits struct {
	PerSecond float64 `env:"RYGGRAD_RATE_PER_SECOND" envDefault:"50"`
	Burst     int     `env:"RYGGRAD_RATE_BURST" envDefault:"200"`
}

// Limit returns the configured limit.
func (l Limits) Limit() Limit { return Limit(l) }
