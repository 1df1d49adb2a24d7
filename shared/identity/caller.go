package identity

import "slices"

// HeaderClient is the header by which a signed request names its client.
const HeaderClient = "Ryggrad-Client"

// Caller is an authenticated party at the moment of its request: who, of which tenant, with what it may do. It is
// made by whoever checked the credential and never changed afterwards.
type Caller struct {
	Tenant     string    // the only tenant whose data the request sees; "" for a caller of no tenant
	Actor      Actor     // whose authority is used
	Act        *Actor    // who really acts, when it is somebody else (RFC 8693's `act`): staff under a grant
	Grant      string    // the grant of support access that lets Act in
	Role       Role      // what a person is in the tenant; "" for programs
	Scopes     Scopes    // what the credential allows
	Locations  Locations // where it allows it
	Channel    string    // the one channel link that the client stands for, or "" when it stands for none
	Credential string    // the id of the key, secret, token or session; for rate limits and audit entries, no secret
	SteppedUp  bool      // whether a person has just proved who they are, see [Caller.MustStepUp]
}

// Can tells whether the caller holds the permission.
func (c Caller) Can(p Permission) bool { return c.Scopes.Has(p) }

// MustStepUp tells whether the caller must first prove again who they are, with the strongest factor they have, before
// something dangerous. Programs never must: whoever gave them the permission has done so.
func (c Caller) MustStepUp() bool { return c.Actor.Kind == KindUser && !c.SteppedUp }

// MayUse tells whether the caller may see and change what belongs to the location (`loc_…`).
func (c Caller) MayUse(location string) bool { return c.Locations.Has(location) }

// EveryLocation as the only member of [Locations] stands for all locations of the tenant, those to come included.
const EveryLocation = "*"

// Locations are the locations that a credential reaches. None means none; see [EveryLocation].
type Locations []string

// Has tells whether the location is one of them. The empty id never is.
func (l Locations) Has(location string) bool {
	if location == "" || location == EveryLocation {
		return false
	}
	return l.Every() || slices.Contains(l, location)
}

// Every tells whether they are all locations of the tenant, so that a list needs no filter.
func (l Locations) Every() bool { return len(l) == 1 && l[0] == EveryLocation }
