package identity

import (
	"fmt"
	"time"

	"ryggrad.internal/hub/shared/fault"
)

// MaxClientLife is how far ahead a client may expire. Whoever wants to go on makes a decision again.
const MaxClientLife = 2 * 366 * 24 * time.Hour

// Client is an integration: a program of the tenant or of its partner that uses the hub with credentials of its own.
type Client struct {
	ID        string // `cli_…`
	Tenant    string
	Name      string // for people
	Scopes    Scopes
	Locations Locations
	Channel   string // the channel link that its orders come through, or "" when they come through none
	CreatedAt time.Time
	ExpiresAt time.Time // always set
	Disabled  bool
	Secrets   Credentials // for the token endpoint
	Keys      Credentials // API keys
	Public    Credentials // public keys, whose private halves sign assertions for the token endpoint
	Signing   Credentials // secrets that sign requests
}

// Check tells everything that is wrong with a client that is about to be created at now, as one [fault.Invalid] with
// a detail for each fault.
func (c Client) Check(now time.Time) error {
	var f faults
	f.name(c.Name)
	if len(c.Scopes) == 0 {
		f.add("body.scopes", "is empty")
	}
	for i, p := range c.Scopes {
		if !p.ForIntegration() {
			f.add(fmt.Sprintf("body.scopes[%d]", i), "is not a scope that a client may hold")
		}
	}
	f.locations(c.Locations)
	if c.Channel != "" && !WellFormed(LinkPrefix, c.Channel) {
		f.add("body.channel", "is not a channel link's id")
	}
	if !c.ExpiresAt.After(now) || c.ExpiresAt.After(now.Add(MaxClientLife)) {
		f.add("body.expiresAt", "must lie ahead, by at most two years")
	}
	return f.fault("the client")
}

// ActiveAt tells whether the client may be used, whatever its credentials say.
func (c Client) ActiveAt(now time.Time) bool { return !c.Disabled && now.Before(c.ExpiresAt) }

// CallerWith returns the caller that the client is when it presents the credential with this id.
func (c Client) CallerWith(credential string) Caller {
	return Caller{
		Tenant:     c.Tenant,
		Actor:      Actor{KindClient, c.ID},
		Scopes:     c.Scopes,
		Locations:  c.Locations,
		Channel:    c.Channel,
		Credential: credential,
	}
}

// Narrow returns the scopes of a token: those asked for, or all the client has when it asks for none. Asking for what
// the client does not have is refused with [fault.Invalid], every such scope named.
func (c Client) Narrow(asked Scopes) (Scopes, error) {
	if len(asked) == 0 {
		return c.Scopes, nil
	}
	if beyond := asked.Beyond(c.Scopes); len(beyond) > 0 {
		return nil, fault.New(fault.Invalid, "this client may not ask for: %s", beyond)
	}
	return asked, nil
}

// SecretKind says what a client proves itself with.
type SecretKind string

// The kinds of secrets.
const (
	KindClientSecret  SecretKind = "client_secret"  // for the token endpoint
	KindAPIKey        SecretKind = "api_key"        // sent with every request
	KindPublicKey     SecretKind = "public_key"     // its private half signs assertions for the token endpoint
	KindSigningSecret SecretKind = "signing_secret" // signs requests
)

// SecretKinds returns every kind.
func SecretKinds() []SecretKind {
	return []SecretKind{KindClientSecret, KindAPIKey, KindPublicKey, KindSigningSecret}
}

// Credentials returns the client's credentials of a kind.
func (c Client) Credentials(kind SecretKind) Credentials {
	if list := c.list(kind); list != nil {
		return *list
	}
	return nil
}

func (c *Client) list(kind SecretKind) *Credentials {
	switch kind {
	case KindClientSecret:
		return &c.Secrets
	case KindAPIKey:
		return &c.Keys
	case KindPublicKey:
		return &c.Public
	case KindSigningSecret:
		return &c.Signing
	default:
		return nil
	}
}

// Rotate adds the successor of a secret of that kind; see [Credentials.Rotate].
func (c Client) Rotate(kind SecretKind, successor Credential, overlap time.Duration) (Client, error) {
	list := c.list(kind)
	if list == nil {
		return c, fault.New(fault.Invalid, "there is no such kind of secret")
	}
	rotated, err := list.Rotate(successor, overlap, successor.CreatedAt)
	*list = rotated
	return c, err
}

// Without removes the secret with this id, of whatever kind. One that isn't there is [fault.NotFound].
func (c Client) Without(secret string) (Client, error) {
	for _, kind := range SecretKinds() {
		list := c.list(kind)
		if rest, err := list.Without(secret); err == nil {
			*list = rest
			return c, nil
		}
	}
	return c, fault.New(fault.NotFound, "there is no such secret")
}
