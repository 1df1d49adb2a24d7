package identity

import "slices"

// Role is what a person is in the tenant. Which permissions it carries is the right half of the table in [Permissions].
type Role string

// The roles, from the most powerful to the least.
const (
	Owner   Role = "owner"   // answers for the account: people, keys, consents
	Admin   Role = "admin"   // runs it for the owner, without granting support access
	Manager Role = "manager" // runs restaurants: orders, guests, deliveries
	Support Role = "support" // looks into what went wrong, never at a guest
	Auditor Role = "auditor" // reads how things are set up and what was done
	Viewer  Role = "viewer"  // watches orders
)

// Roles returns every role, in the order of the table's columns.
func Roles() []Role { return []Role{Owner, Admin, Manager, Support, Auditor, Viewer} }

// Known tells whether the role is one of [Roles].
func (r Role) Known() bool { return slices.Contains(Roles(), r) }

// NeedsSecondFactor tells whether people of the role must have a second factor: those who reach people, keys, or what a
// stranger could do most harm with.
func (r Role) NeedsSecondFactor() bool { return r == Owner || r == Admin || r == Support }

// Permissions returns what the role carries. An unknown role carries nothing.
func (r Role) Permissions() Scopes {
	var held []Permission
	for _, d := range Permissions() {
		if d.HeldBy(r) {
			held = append(held, d.Permission)
		}
	}
	return NewScopes(held...)
}

// HeldBy tells whether people of the role hold the permission.
func (d Description) HeldBy(r Role) bool {
	column := slices.Index(Roles(), r)
	return column >= 0 && column < len(d.roles) && d.roles[column] == 'x'
}

// MayManage tells whether somebody of role r may create, change or disable somebody of the role other: nobody makes
// or unmakes one who is more powerful than themselves.
func (r Role) MayManage(other Role) bool {
	return r == Owner || r == Admin && other != Owner
}
