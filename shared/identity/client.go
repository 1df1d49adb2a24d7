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
	KindClientSecret SecretKind = "client_secret" // for the token endpoint
	KindAPIKey       SecretKind = "api_key"       // sent with every request
)

// Rotate adds the successor of a secret of that kind; see [Credentials.Rotate].
func (c Client) Rotate(kind SecretKind, successor Credential, overlap time.Duration) (Client, error) {
	var err error
	switch kind {
	case KindClientSecret:
		c.Secrets, err = c.Secrets.Rotate(successor, overlap, successor.CreatedAt)
	case KindAPIKey:
		c.Keys, err = c.Keys.Rotate(successor, overlap, successor.CreatedAt)
	default:
		err = fault.New(fault.Invalid, "there is no such kind of secret")
	}
	return c, err
}

// Without removes the secret with this id, of whatever kind. One that isn't there is [fault.NotFound].
func (c Client) Without(secret string) (Client, error) {
	if rest, err := c.Secrets.Without(secret); err == nil {
		c.Secrets = rest
		return c, nil
	}
	rest, err := c.Keys.Without(secret)
	c.Keys = rest
	return c, err
}
