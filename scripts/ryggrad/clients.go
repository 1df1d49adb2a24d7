package main

import (
	"time"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
)

type clientCommands struct {
	Create createClient `cmd:"" help:"Make a client; its secrets are shown once."`
	List   listClients  `cmd:"" help:"List a tenant's clients."`
	Rotate rotateClient `cmd:"" help:"Give a client a new secret of a kind, shown once; the former one goes on for the overlap."`
	Remove removeClient `cmd:"" help:"End a client with all its credentials."`
}

// clientAnswer is a client as it is printed.
type clientAnswer struct {
	ID        string    `json:"clientId"`
	Name      string    `json:"name"`
	Scopes    []string  `json:"scopes"`
	Locations []string  `json:"locations"`
	ExpiresAt time.Time `json:"expiresAt"`
	Secrets   []string  `json:"secrets"` // ids
	APIKeys   []string  `json:"apiKeys"` // ids
}

func showClient(c identity.Client) clientAnswer {
	a := clientAnswer{
		ID: c.ID, Name: c.Name, Scopes: c.Scopes.Strings(), Locations: c.Locations, ExpiresAt: c.ExpiresAt, Secrets: []string{}, APIKeys: []string{},
	}
	for _, s := range c.Secrets {
		a.Secrets = append(a.Secrets, s.ID)
	}
	for _, k := range c.Keys {
		a.APIKeys = append(a.APIKeys, k.ID)
	}
	return a
}

type createClient struct {
	Tenant    string        `arg:"" help:"The tenant's id."`
	Name      string        `arg:"" help:"What people call it."`
	Scopes    []string      `name:"scope" required:"" help:"What it may do; repeat it, or separate by commas."`
	Locations []string      `name:"location" default:"*" help:"Where it may do it; * is everywhere."`
	Life      time.Duration `default:"8760h" help:"How long it lives; at most two years."`
}

// Run makes a client.
func (c createClient) Run(d *desk) error {
	by, err := d.act(c.Tenant)
	if err != nil {
		return err
	}
	h, err := d.hub()
	if err != nil {
		return err
	}
	wanted := identity.Client{Name: c.Name, Locations: c.Locations, ExpiresAt: h.Now().Add(c.Life).UTC()}
	for _, s := range c.Scopes {
		wanted.Scopes = append(wanted.Scopes, identity.Permission(s))
	}
	issued, err := h.Identities().CreateClient(d.ctx, by, wanted)
	if err != nil {
		return err
	}
	return d.print(struct {
		clientAnswer
		ClientSecret string `json:"clientSecret"`
		APIKey       string `json:"apiKey"`
	}{showClient(issued.Client), issued.ClientSecret.Reveal(), issued.APIKey.Reveal()})
}

type listClients struct {
	Tenant string `arg:"" help:"The tenant's id."`
}

// Run lists a tenant's clients.
func (c listClients) Run(d *desk) error {
	if err := d.tenant(c.Tenant); err != nil {
		return err
	}
	h, err := d.hub()
	if err != nil {
		return err
	}
	all := []clientAnswer{}
	page := identitydb.Page{Limit: pageSize}
	for {
		found, err := h.Identities().Clients(d.ctx, c.Tenant, page)
		if err != nil {
			return err
		}
		for _, one := range found {
			all, page.After = append(all, showClient(one)), one.ID
		}
		if len(found) < pageSize {
			return d.print(all)
		}
	}
}

type rotateClient struct {
	Tenant  string        `arg:"" help:"The tenant's id."`
	Client  string        `arg:"" help:"The client's id."`
	Kind    string        `enum:"client_secret,api_key,signing_secret" default:"api_key" help:"Which kind of secret (${enum})."`
	Overlap time.Duration `default:"24h" help:"How long the former one goes on; 0s ends it within a minute."`
}

// Run rotates a client's secret.
func (c rotateClient) Run(d *desk) error {
	by, err := d.act(c.Tenant)
	if err != nil {
		return err
	}
	h, err := d.hub()
	if err != nil {
		return err
	}
	kind := identity.SecretKind(c.Kind)
	secret, err := h.Identities().RotateSecret(d.ctx, by, identitydb.Rotation{Client: c.Client, Kind: kind, Overlap: c.Overlap})
	if err != nil {
		return err
	}
	return d.print(map[string]string{"id": secret.ID, "kind": c.Kind, "value": secret.Value})
}

type removeClient struct {
	Tenant string `arg:"" help:"The tenant's id."`
	Client string `arg:"" help:"The client's id."`
}

// Run ends a client.
func (c removeClient) Run(d *desk) error {
	by, err := d.act(c.Tenant)
	if err != nil {
		return err
	}
	h, err := d.hub()
	if err != nil {
		return err
	}
	if err := h.Identities().RemoveClient(d.ctx, by, c.Client); err != nil {
		return err
	}
	return d.print(map[string]string{"removed": c.Client})
}
