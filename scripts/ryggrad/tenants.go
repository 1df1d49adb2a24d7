package main

import (
	"time"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
)

// pageSize is how many things are read at a time.
const pageSize = 300

type tenantCommands struct {
	Create  createTenant  `cmd:"" help:"Make a tenant."`
	List    listTenants   `cmd:"" help:"List tenants."`
	Suspend suspendTenant `cmd:"" help:"Refuse every credential of a tenant: its sessions at once, the others within a minute."`
	Operate operateTenant `cmd:"" help:"Say that a tenant runs the hub: other tenants' owners may let its people of the role support in."`
	Export  exportTenant  `cmd:"" help:"Write a tenant's stored documents into a new directory, as NDJSON with a manifest."`
	Destroy destroyTenant `cmd:"" help:"Delete all that a suspended tenant has, for good."`
	Resume  resumeTenant  `cmd:"" help:"Take a suspended tenant's credentials again."`
	Retain  retainTenant  `cmd:"" help:"Say for how many days a tenant has its guests' data kept; 0 is as long as the hub does."`
}

// tenantAnswer is a tenant as it is printed.
type tenantAnswer struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Suspended bool      `json:"suspended"`
	Operator  bool      `json:"operator,omitempty"`
	CreatedAt time.Time `json:"createdAt"`

	Retention retentionAnswer `json:"retentionDays"`
}

// retentionAnswer is for how many days guests' data is kept, by kind.
type retentionAnswer struct {
	Guests    int64 `json:"guests"`
	Originals int64 `json:"originals"`
	Messages  int64 `json:"messages"`
}

func showTenant(t identity.Tenant) tenantAnswer {
	return tenantAnswer{
		ID: t.ID, Name: t.Name, Suspended: t.Suspended, Operator: t.Operator, CreatedAt: t.CreatedAt,
		Retention: retentionAnswer(t.Retention.Days()),
	}
}

type createTenant struct {
	Name string `arg:"" help:"What people call it."`
}

// Run makes a tenant.
func (c createTenant) Run(d *desk) error {
	by, err := d.act("")
	if err != nil {
		return err
	}
	h, err := d.hub()
	if err != nil {
		return err
	}
	t, err := h.Identities().CreateTenant(d.ctx, by, c.Name)
	if err != nil {
		return err
	}
	return d.print(showTenant(t))
}

type listTenants struct{}

// Run lists tenants.
func (listTenants) Run(d *desk) error {
	h, err := d.hub()
	if err != nil {
		return err
	}
	all := []tenantAnswer{}
	page := identitydb.Page{Limit: pageSize}
	for {
		found, err := h.Identities().Tenants(d.ctx, page)
		if err != nil {
			return err
		}
		for _, t := range found {
			all, page.After = append(all, showTenant(t)), t.ID
		}
		if len(found) < pageSize {
			return d.print(all)
		}
	}
}

type suspendTenant struct {
	Tenant string `arg:"" help:"Its id."`
}

// Run suspends a tenant.
func (c suspendTenant) Run(d *desk) error { return d.suspend(c.Tenant, true) }

type resumeTenant struct {
	Tenant string `arg:"" help:"Its id."`
}

// Run resumes a tenant.
func (c resumeTenant) Run(d *desk) error { return d.suspend(c.Tenant, false) }

type retainTenant struct {
	Tenant    string `arg:"" help:"Its id."`
	Guests    int64  `required:"" help:"Who ordered, and what a guest typed: 365 days at most." placeholder:"DAYS"`
	Originals int64  `required:"" help:"What channels sent, byte for byte: 90 days at most." placeholder:"DAYS"`
	Messages  int64  `required:"" help:"What channels sent and what made no order: 30 days at most." placeholder:"DAYS"`
}

// Run sets a tenant's retention.
func (c retainTenant) Run(d *desk) error {
	by, err := d.act(c.Tenant)
	if err != nil {
		return err
	}
	h, err := d.hub()
	if err != nil {
		return err
	}
	if err := h.Identities().SetRetention(d.ctx, by, identity.Retention{Guests: c.Guests, Originals: c.Originals, Messages: c.Messages}); err != nil {
		return err
	}
	t, err := h.Identities().Tenant(d.ctx, c.Tenant)
	if err != nil {
		return err
	}
	return d.print(showTenant(t))
}

type operateTenant struct {
	Tenant string `arg:"" help:"Its id."`
	Not    bool   `help:"Say that it no longer does."`
}

// Run marks the tenant that runs the hub.
func (c operateTenant) Run(d *desk) error {
	by, err := d.act(c.Tenant)
	if err != nil {
		return err
	}
	h, err := d.hub()
	if err != nil {
		return err
	}
	if err := h.Identities().SetOperator(d.ctx, by, !c.Not); err != nil {
		return err
	}
	t, err := h.Identities().Tenant(d.ctx, c.Tenant)
	if err != nil {
		return err
	}
	return d.print(showTenant(t))
}

func (d *desk) suspend(tenant string, suspended bool) error {
	by, err := d.act(tenant)
	if err != nil {
		return err
	}
	h, err := d.hub()
	if err != nil {
		return err
	}
	if err := h.Identities().SuspendTenant(d.ctx, by, suspended); err != nil {
		return err
	}
	t, err := h.Identities().Tenant(d.ctx, tenant)
	if err != nil {
		return err
	}
	return d.print(showTenant(t))
}
