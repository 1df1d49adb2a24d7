package delivery

import "time"

// waits returns the time between each attempt and the next, before jitter: seven retries in the first hour, then for
// three days in all.
func waits() []time.Duration {
	const m, h = time.Minute, time.Hour
	return []time.Duration{
		15 * time.Second, m, 2 * m, 5 * m, 10 * m, 15 * m, 25 * m, // the first hour
		1 * h, 2 * h, 3 * h, 4 * h, 6 * h, 8 * h, 10 * h, 12 * h, 12 * h, 13 * h, // 72 hours
	}
}

const (
	jitter        = 0.2            // either way of every wait
	longestWait   = 24 * time.Hour // that an endpoint can ask for with Retry-After
	lastAttemptBy = 4 * 24 * time.Hour
)

// MaxAttempts is how many attempts a delivery gets by itself.
func MaxAttempts() int { return len(waits()) + 1 }

// Wait returns how long to wait after the attempt of this number, from 1, given a random number in [0, 1). It reports
// false after the last.
func Wait(attempt int, random float64) (time.Duration, bool) {
	all := waits()
	if attempt < 1 || attempt > len(all) {
		return 0, false
	}
	spread := 1 + jitter*(2*random-1)
	return time.Duration(float64(all[attempt-1]) * spread), true
}
