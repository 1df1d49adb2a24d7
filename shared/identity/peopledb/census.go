package peopledb

import (
	"context"
	"fmt"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// censusPage is how many people are counted at a time.
const censusPage = 300

// Census counts the people of all tenants by what protects them. It names nobody.
type Census struct {
	Privileged int // who must have a second factor
	Without    int // of these, who could log in without one; see [identity.User.Next]
	Initial    int // initial passwords that are still good
	TooLong    int // of these, that are good for longer than they should be
}

// Count takes the census.
func Count(ctx context.Context, ledger *ledgerdb.Store, now time.Time) (Census, error) {
	var c Census
	after := ""
	for {
		q := ledger.QueryAllTenants(collectionUsers).Select("tenant", "role", "disabled", "password", "totp", "passkeys").
			OrderBy(firestore.DocumentID, firestore.Asc).Limit(censusPage)
		if after != "" {
			q = q.StartAfter(after)
		}
		found, err := ledger.List(ctx, q)
		if err != nil {
			return c, fmt.Errorf("count people: %w", err)
		}
		for _, o := range found {
			after = o.ID
			u, err := identity.ParseUser(o.ID, o.Fields)
			if err != nil {
				return c, fmt.Errorf("count people: %w", err)
			}
			c.add(u, now)
		}
		if len(found) < censusPage {
			return c, nil
		}
	}
}

// add counts a person who can log in. Who has no second factor yet is let do nothing but enrol one; they count as
// without one once they have a password of their own, since from then on it is theirs to do.
func (c *Census) add(u identity.User, now time.Time) {
	if u.Disabled {
		return
	}
	if u.Role.NeedsSecondFactor() {
		c.Privileged++
		if !u.HasSecondFactor() && !u.Password.Initial && u.Password.Hash != "" {
			c.Without++
		}
	}
	if u.Password.Initial && u.Password.ExpiresAt.After(now) {
		c.Initial++
		if u.Password.ExpiresAt.After(now.Add(identity.InitialPasswordLife)) {
			c.TooLong++
		}
	}
}
