package identity

import (
	"crypto/sha256"
	"fmt"
	"time"
)

// Document gives the tenant's fields for the store.
func (t Tenant) Document() map[string]any {
	return map[string]any{
		"tenant": t.ID, "name": t.Name, "suspended": t.Suspended, "operator": t.Operator, "createdAt": stored(t.CreatedAt),
		"retention": t.Retention.document(),
	}
}

// ParseTenant reads what [Tenant.Document] wrote under the id.
func ParseTenant(id string, fields map[string]any) (Tenant, error) {
	d := readDocument("tenant", fields)
	t := Tenant{
		ID:        id,
		Name:      need[string](d, "name"),
		Suspended: field[bool](d, "suspended"),
		Operator:  field[bool](d, "operator"),
		CreatedAt: field[time.Time](d, "createdAt"),
		Retention: retentionOf(d),
	}
	return t, d.err()
}

// Document gives the location's fields for the store.
func (l Location) Document() map[string]any {
	return map[string]any{
		"tenant": l.Tenant, "name": l.Name, "timezone": l.Timezone, "currency": l.Currency, "country": l.Country,
		"createdAt": stored(l.CreatedAt),
	}
}

// ParseLocation reads what [Location.Document] wrote under the id.
func ParseLocation(id string, fields map[string]any) (Location, error) {
	d := readDocument("location", fields)
	l := Location{
		ID:        id,
		Tenant:    need[string](d, "tenant"),
		Name:      need[string](d, "name"),
		Timezone:  need[string](d, "timezone"),
		Currency:  need[string](d, "currency"),
		Country:   need[string](d, "country"),
		CreatedAt: field[time.Time](d, "createdAt"),
	}
	return l, d.err()
}

// Document gives the link's fields for the store.
func (l Link) Document() map[string]any {
	locations := make([]any, len(l.Locations))
	for i, at := range l.Locations {
		locations[i] = map[string]any{"external": at.External, "location": at.Location}
	}
	options := map[string]any{}
	for name, value := range l.Options {
		options[name] = value
	}
	return map[string]any{
		"tenant": l.Tenant, "adapter": l.Adapter, "locations": locations, "enabled": l.Enabled, "sealed": l.Sealed,
		"options":   options,
		"policy":    map[string]any{"onDeadline": string(l.Policy.OnDeadline)},
		"createdAt": stored(l.CreatedAt),
	}
}

// ParseLink reads what [Link.Document] wrote under the id.
func ParseLink(id string, fields map[string]any) (Link, error) {
	d := readDocument("link", fields)
	policy := document{fields: field[map[string]any](d, "policy"), at: "link.policy", errs: d.errs}
	l := Link{
		ID:        id,
		Tenant:    need[string](d, "tenant"),
		Adapter:   need[string](d, "adapter"),
		Policy:    Policy{OnDeadline: DeadlineAction(need[string](policy, "onDeadline"))},
		Enabled:   field[bool](d, "enabled"),
		Sealed:    field[[]byte](d, "sealed"),
		CreatedAt: field[time.Time](d, "createdAt"),
	}
	d.each("locations", func(at document) {
		l.Locations = append(l.Locations, LinkedLocation{
			External: field[string](at, "external"), Location: need[string](at, "location"),
		})
	})
	options := document{fields: field[map[string]any](d, "options"), at: "link.options", errs: d.errs}
	for name := range options.fields {
		if l.Options == nil {
			l.Options = map[string]string{}
		}
		l.Options[name] = field[string](options, name)
	}
	return l, d.err()
}

// Document gives the client's fields for the store. It holds hashes, no secrets.
func (c Client) Document() map[string]any {
	return map[string]any{
		"tenant": c.Tenant, "name": c.Name, "scopes": list(c.Scopes), "locations": list(c.Locations),
		"channel": c.Channel, "createdAt": stored(c.CreatedAt), "expiresAt": stored(c.ExpiresAt),
		"disabled": c.Disabled, "secrets": c.Secrets.list(), "keys": c.Keys.list(),
		"public": c.Public.list(), "signing": c.Signing.list(),
	}
}

// ParseClient reads what [Client.Document] wrote under the id.
func ParseClient(id string, fields map[string]any) (Client, error) {
	d := readDocument("client", fields)
	c := Client{
		ID:        id,
		Tenant:    need[string](d, "tenant"),
		Name:      need[string](d, "name"),
		Scopes:    NewScopes(texts[Permission](d, "scopes")...),
		Locations: texts[string](d, "locations"),
		Channel:   field[string](d, "channel"),
		CreatedAt: field[time.Time](d, "createdAt"),
		ExpiresAt: need[time.Time](d, "expiresAt"),
		Disabled:  field[bool](d, "disabled"),
		Secrets:   readCredentials(d, "secrets"),
		Keys:      readCredentials(d, "keys"),
		Public:    readCredentials(d, "public"),
		Signing:   readCredentials(d, "signing"),
	}
	return c, d.err()
}

func (c Credentials) list() []any {
	out := make([]any, len(c))
	for i, one := range c {
		fields := map[string]any{
			"id": one.ID, "hash": one.Hash[:], "createdAt": stored(one.CreatedAt), "expiresAt": stored(one.ExpiresAt),
		}
		if one.Public != "" {
			fields["public"] = one.Public
		}
		if one.Sealed != nil {
			fields["sealed"] = one.Sealed
		}
		out[i] = fields
	}
	return out
}

func readCredentials(d document, name string) Credentials {
	var c Credentials
	d.each(name, func(at document) {
		hash := field[[]byte](at, "hash")
		if len(hash) != sha256.Size {
			*d.errs = append(*d.errs, fmt.Errorf("%s.hash has %d bytes", at.at, len(hash)))
			return
		}
		c = append(c, Credential{
			ID:        need[string](at, "id"),
			Hash:      [sha256.Size]byte(hash),
			Public:    field[string](at, "public"),
			Sealed:    field[[]byte](at, "sealed"),
			CreatedAt: field[time.Time](at, "createdAt"),
			ExpiresAt: field[time.Time](at, "expiresAt"),
		})
	})
	return c
}
