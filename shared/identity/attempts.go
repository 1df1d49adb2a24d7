package identity

import "time"

// How guessing is slowed down. After [freeAttempts] failures in a row every further attempt must wait, twice as long each
// time, so that somebody who tries without pause has about a hundred attempts a day (NIST SP 800-63B, section 3.2.2).
const (
	freeAttempts      = 5
	firstWait         = 5 * time.Second
	longestWait       = 15 * time.Minute
	attemptsForgotten = 24 * time.Hour // without a failure
)

// Attempts are the failures in a row of one account from one side: from everybody, or from a device that it trusts. They
// are kept for accounts that don't exist as well.
type Attempts struct {
	Failures int
	LastAt   time.Time // of the last failure
}

// Wait returns how long nothing is tried any more, or 0.
func (a Attempts) Wait(now time.Time) time.Duration {
	if a.Failures < freeAttempts || !now.Before(a.LastAt.Add(attemptsForgotten)) {
		return 0
	}
	wait := firstWait
	for range min(a.Failures-freeAttempts, 16) {
		wait = min(2*wait, longestWait)
	}
	return max(0, a.LastAt.Add(wait).Sub(now))
}

// Failed counts one more.
func (a Attempts) Failed(now time.Time) Attempts {
	if !now.Before(a.LastAt.Add(attemptsForgotten)) {
		a.Failures = 0
	}
	return Attempts{Failures: a.Failures + 1, LastAt: now}
}
