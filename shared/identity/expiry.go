package identity

import (
	"slices"
	"time"
)

const day = 24 * time.Hour

// Expiry is the notice that something of a client ends soon.
type Expiry struct {
	Client     string
	Kind       string // `client`, or the [SecretKind] of a credential
	Credential string // its id, or "" when it is the client that ends
	ExpiresAt  time.Time
	Days       int // which notice it is: of 30, 7 or 1
}

// ExpiryNotices returns how many days before an end it is told of.
func ExpiryNotices() []int { return []int{30, 7, 1} }

// Expiring returns the notices that are due now: for the client, and for each credential that ends before it, the one
// of the nearest day that has come. A life that was shorter than the notice from the beginning gives none.
func (c Client) Expiring(now time.Time) []Expiry {
	var due []Expiry
	if days := noticeDue(c.CreatedAt, c.ExpiresAt, now); days > 0 && !c.Disabled {
		due = append(due, Expiry{Client: c.ID, Kind: "client", ExpiresAt: c.ExpiresAt, Days: days})
	}
	for _, kind := range SecretKinds() {
		for _, one := range c.Credentials(kind) {
			ends := !one.ExpiresAt.IsZero() && one.ExpiresAt.Before(c.ExpiresAt)
			if days := noticeDue(one.CreatedAt, one.ExpiresAt, now); ends && days > 0 && !c.Disabled {
				due = append(due, Expiry{Client: c.ID, Kind: string(kind), Credential: one.ID, ExpiresAt: one.ExpiresAt, Days: days})
			}
		}
	}
	return due
}

// noticeDue returns the days of the notice that is due, or 0.
func noticeDue(from, to, now time.Time) int {
	if !now.Before(to) {
		return 0
	}
	for _, days := range slices.Backward(ExpiryNotices()) {
		before := time.Duration(days) * day
		if to.Sub(now) <= before && to.Sub(from) > before {
			return days
		}
	}
	return 0
}
