package identity

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"
)

// DeadlineAction is what happens to an order that nobody accepted in the channel's time.
type DeadlineAction string

// The actions on a deadline.
const (
	DeadlineExpire DeadlineAction = "expire" // mark it expired; the channel cancels by itself
	DeadlineAccept DeadlineAction = "accept" // accept it for the restaurant
	DeadlineReject DeadlineAction = "reject" // reject it, so that the guest knows
)

// Policy is what the tenant decided about a channel link.
type Policy struct {
	OnDeadline DeadlineAction
}

// LinkedLocation ties the channel's name for a restaurant to ours.
type LinkedLocation struct {
	External string // the channel's id of it; "" when the link serves one location whatever the channel calls it
	Location string // `loc_…`
}

// Link is one connection of a tenant to a delivery channel: the address that the platform posts to, whose secrets
// verify what it posts.
type Link struct {
	ID        string // `lnk_…`, a part of the webhook's address
	Tenant    string
	Adapter   string // as in `deliverect`
	Locations []LinkedLocation
	Options   map[string]string // what the adapter must know of this platform; which there are is for the adapter
	Policy    Policy
	Enabled   bool
	Sealed    []byte // [LinkSecrets], encrypted under the tenant's key
	CreatedAt time.Time
}

// Check tells everything that is wrong with a link that is about to be stored. Whether its adapter exists is for
// whoever knows the adapters.
func (l Link) Check() error {
	var f faults
	if !regexp.MustCompile(`^[a-z][a-z0-9-]{1,31}$`).MatchString(l.Adapter) {
		f.add("body.adapter", "is not an adapter's name")
	}
	if len(l.Locations) == 0 {
		f.add("body.locations", "is empty")
	}
	seen := map[string]bool{}
	for i, at := range l.Locations {
		if !WellFormed(LocationPrefix, at.Location) {
			f.add(fmt.Sprintf("body.locations[%d].location", i), "is not a location's id")
		}
		if seen[at.External] || at.External == "" && len(l.Locations) > 1 {
			f.add(fmt.Sprintf("body.locations[%d].external", i), "must name one location only")
		}
		seen[at.External] = true
	}
	if !slices.Contains([]DeadlineAction{DeadlineExpire, DeadlineAccept, DeadlineReject}, l.Policy.OnDeadline) {
		f.add("body.policy.onDeadline", "must be expire, accept or reject")
	}
	checkOptions(&f, l.Options)
	return f.fault("the channel link")
}

// The bounds of a link's options.
const (
	maxOptions     = 20
	maxOptionValue = 500
)

func checkOptions(f *faults, options map[string]string) {
	if len(options) > maxOptions {
		f.add("body.options", fmt.Sprintf("has more than %d entries", maxOptions))
	}
	form := regexp.MustCompile(`^[a-z][A-Za-z0-9]{0,39}$`)
	for _, name := range slices.Sorted(maps.Keys(options)) {
		switch {
		case !form.MatchString(name):
			f.add("body.options", "has a name that is none")
		case len(options[name]) > maxOptionValue:
			f.add("body.options."+name, fmt.Sprintf("is longer than %d bytes", maxOptionValue))
		}
	}
}

// Resolve finds our location for the channel's id of it. A link with one location and no channel's id for it sends
// everything there.
func (l Link) Resolve(external string) (location string, ok bool) {
	for _, at := range l.Locations {
		if at.External == external || at.External == "" {
			return at.Location, true
		}
	}
	return "", false
}

// Serves tells whether the link names the location (`loc_…`).
func (l Link) Serves(location string) bool {
	return slices.ContainsFunc(l.Locations, func(at LinkedLocation) bool { return at.Location == location })
}

// Caller returns the caller that the channel is once its signature was verified: it places orders and reports on
// them, for the locations of its link.
func (l Link) Caller() Caller {
	var reach Locations
	for _, at := range l.Locations {
		reach = append(reach, at.Location)
	}
	return Caller{
		Tenant:     l.Tenant,
		Actor:      Actor{KindChannel, l.ID},
		Scopes:     NewScopes(OrdersWrite, OrdersStatus),
		Locations:  reach,
		Channel:    l.ID,
		Credential: l.ID,
	}
}
