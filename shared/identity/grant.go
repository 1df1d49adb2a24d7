package identity

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// GrantPrefix begins the id of a grant of support access.
const GrantPrefix = "grt_"

const (
	// MaxGrantLife is the longest that the hub's support is let in.
	MaxGrantLife = 24 * time.Hour
	// maxReason is the longest reason, in code points.
	maxReason = 500
)

// Grant lets one person of the hub's own support into a tenant: for a reason, for some permissions, for a day at most. It
// is given by the tenant's owner, under whose authority the person then acts.
type Grant struct {
	ID        string // `grt_…`
	Tenant    string
	Person    string // `usr_…`, of the tenant that runs the hub
	Scopes    Scopes
	Reason    string // for people
	GrantedBy string // `usr_…`, of the tenant
	CreatedAt time.Time
	ExpiresAt time.Time
	EndedAt   time.Time // zero unless it was ended before its time
}

// ForSupport tells whether the hub's support may be granted the permission. Credentials, keys, exports and people stay
// out of reach, and so does what would make or show one: a webhook endpoint's secret, a client, a user, another grant.
func (p Permission) ForSupport() bool {
	return slices.Contains([]Permission{
		OrdersRead, OrdersReadPII, OrdersStatus, EndpointsRead, DeliveriesRead, DeliveriesRetry, EventsRead,
		LocationsRead, ChannelsRead, NoticesRead,
	}, p)
}

// Check tells everything that is wrong with a grant that is about to be given at now.
func (g Grant) Check(now time.Time) error {
	var f faults
	if !WellFormed(UserPrefix, g.Person) {
		f.add("body.person", "is not a person's id")
	}
	if len(g.Scopes) == 0 {
		f.add("body.scope", "is empty")
	}
	for i, p := range g.Scopes {
		if !p.ForSupport() {
			f.add(fmt.Sprintf("body.scope[%d]", i), "is not a permission that support may have")
		}
	}
	if strings.TrimSpace(g.Reason) == "" || utf8.RuneCountInString(g.Reason) > maxReason || !utf8.ValidString(g.Reason) {
		f.add("body.reason", fmt.Sprintf("must have 1 to %d characters", maxReason))
	}
	if !g.ExpiresAt.After(now) || g.ExpiresAt.After(now.Add(MaxGrantLife)) {
		f.add("body.expiresAt", "must lie ahead, by at most 24 hours")
	}
	return f.fault("the grant")
}

// ActiveAt tells whether the grant holds.
func (g Grant) ActiveAt(now time.Time) bool { return g.EndedAt.IsZero() && now.Before(g.ExpiresAt) }

// Allows tells whether the person may now do all this under the grant.
func (g Grant) Allows(person string, scopes Scopes, now time.Time) bool {
	return g.ActiveAt(now) && g.Person == person && len(scopes) > 0 && len(scopes.Beyond(g.Scopes)) == 0
}

// Document gives the grant's fields for the store.
func (g Grant) Document() map[string]any {
	return map[string]any{
		"tenant": g.Tenant, "person": g.Person, "scopes": list(g.Scopes), "reason": g.Reason, "grantedBy": g.GrantedBy,
		"createdAt": stored(g.CreatedAt), "expiresAt": stored(g.ExpiresAt), "endedAt": stored(g.EndedAt),
	}
}

// ParseGrant reads what [Grant.Document] wrote under the id.
func ParseGrant(id string, fields map[string]any) (Grant, error) {
	d := readDocument("grant", fields)
	g := Grant{
		ID:        id,
		Tenant:    need[string](d, "tenant"),
		Person:    need[string](d, "person"),
		Scopes:    NewScopes(texts[Permission](d, "scopes")...),
		Reason:    need[string](d, "reason"),
		GrantedBy: need[string](d, "grantedBy"),
		CreatedAt: need[time.Time](d, "createdAt"),
		ExpiresAt: need[time.Time](d, "expiresAt"),
		EndedAt:   field[time.Time](d, "endedAt"),
	}
	return g, d.err()
}
