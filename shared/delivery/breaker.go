package delivery

import (
	"fmt"
	"time"

	"ryggrad.internal/hub/shared/webhook"
)

// The bounds of a breaker.
const (
	opensAfter   = 5                // failures in a row
	firstPause   = 15 * time.Second // that it is open for, then twice as long with every probe that fails
	longestPause = 5 * time.Minute
	longestAsked = time.Hour // that an endpoint can keep it open for with Retry-After
)

// Breaker keeps the hub from calling an endpoint that is down: after five failures in a row it is open and nothing is
// sent; when its time is over one message goes as a probe, and a success closes it. What waits meanwhile loses none of
// its attempts. The zero value is closed.
type Breaker struct {
	Failures  int       // in a row
	Since     time.Time // when the first of them was
	OpenUntil time.Time // nothing is sent before that; zero when it is closed
}

// Open tells whether nothing may be sent at the given time, and until when.
func (b Breaker) Open(now time.Time) (until time.Time, open bool) {
	return b.OpenUntil, now.Before(b.OpenUntil)
}

// Tripped tells whether the breaker was opened and no message has succeeded since.
func (b Breaker) Tripped() bool { return !b.OpenUntil.IsZero() }

// Probe lets one message through a breaker whose pause is over, and keeps the others back until it must be decided.
func (b Breaker) Probe(now time.Time) Breaker {
	b.OpenUntil = now.Add(Lease)
	return b
}

// Note decides what an attempt that ended at the given time makes of the breaker. An answer that says 410 closes it: the
// endpoint is well and wants nothing. One that asks for patience with Retry-After opens it at once.
func (b Breaker) Note(r webhook.Result, now time.Time) Breaker {
	if r.Outcome() != webhook.Retry {
		return Breaker{}
	}
	if b.Failures == 0 {
		b.Since = now
	}
	b.Failures++
	asked := min(r.RetryAfter, longestAsked)
	if b.Failures < opensAfter && asked == 0 {
		return b
	}
	pause := longestPause
	if probes := max(b.Failures-opensAfter, 0); probes < 5 {
		pause = min(firstPause<<probes, longestPause)
	}
	b.OpenUntil = now.Add(max(pause, asked))
	return b
}

// Meet joins what this process has seen, b, with what is stored, which other processes have seen too. A breaker that they
// opened is open; one that they closed is closed.
func (b Breaker) Meet(stored Breaker) Breaker {
	switch {
	case stored.OpenUntil.After(b.OpenUntil):
		return stored
	case b.Tripped() && !stored.Tripped():
		return Breaker{}
	default:
		return b
	}
}

// breakerLife is how long a breaker is remembered after its pause.
const breakerLife = 24 * time.Hour

// Document returns the breaker as a database document.
func (b Breaker) Document() map[string]any {
	return map[string]any{
		"failures": int64(b.Failures), "since": b.Since, "openUntil": b.OpenUntil, "expireAt": b.OpenUntil.Add(breakerLife),
	}
}

// ParseBreaker reads what [Breaker.Document] wrote; see [ParseEvent].
func ParseBreaker(doc map[string]any) (Breaker, error) {
	r := reader{}
	b := Breaker{
		Failures:  int(read[int64](&r, doc, "failures")),
		Since:     read[time.Time](&r, doc, "since"),
		OpenUntil: read[time.Time](&r, doc, "openUntil"),
	}
	if r.err != nil {
		return Breaker{}, fmt.Errorf("breaker: %w", r.err)
	}
	return b, nil
}
