package identity

import "strings"

// Kind says what sort of party acted.
type Kind string

// The kinds of actors.
const (
	KindClient   Kind = "client"   // an integration: a POS, a web shop, a script of the tenant
	KindUser     Kind = "user"     // a person of the tenant
	KindStaff    Kind = "staff"    // a person of the hub's own support, under a grant
	KindOperator Kind = "operator" // whoever runs the hub, through its command line
	KindChannel  Kind = "channel"  // a delivery platform, by its own signature
	KindSystem   Kind = "system"   // the hub itself, on a schedule or an event
	KindUnknown  Kind = "unknown"  // whoever could not prove who it is; see [Nobody]
)

// Actor is a party that does something and is answerable for it. It is comparable, and holds no personal data: the
// id is the hub's own.
type Actor struct {
	Kind Kind
	ID   string // as in `cli_…` for a client, `lnk_…` for a channel, a job's name for the system
}

// Nobody is the actor of an attempt whose credential did not hold. It can do nothing but be refused.
func Nobody() Actor { return Actor{Kind: KindUnknown, ID: "nobody"} }

// String gives `kind:id`, the form of logs and audit entries. [ParseActor] reads it back.
func (a Actor) String() string {
	if a == (Actor{}) {
		return ""
	}
	return string(a.Kind) + ":" + a.ID
}

// ParseActor reads what [Actor.String] wrote. It reports false for an unknown kind or an empty id.
func ParseActor(s string) (Actor, bool) {
	kind, id, found := strings.Cut(s, ":")
	a := Actor{Kind: Kind(kind), ID: id}
	return a, found && id != "" && a.Kind.known()
}

func (k Kind) known() bool {
	switch k {
	case KindClient, KindUser, KindStaff, KindOperator, KindChannel, KindSystem, KindUnknown:
		return true
	}
	return false
}

// Hub stands in the place of a tenant's id for what belongs to the hub itself, such as its signing keys. No tenant has
// this id, and no credential reaches it.
const Hub = "hub"
