package outbound

import (
	"net/http"
	"strconv"
	"time"
)

// maxRetryAfter bounds what an answer can ask for, so that no arithmetic on it overflows.
const maxRetryAfter = 365 * 24 * time.Hour

// retryAfter reads the header of RFC 9110, section 10.2.3: seconds, or a date. Anything else, the past and more than a
// year count as nothing asked.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	if wait < 0 || wait > maxRetryAfter {
		return 0
	}
	return wait
}
