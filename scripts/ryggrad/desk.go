package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"

	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud"
)

// desk is what a command works at: the terminal, and the hub that it works on, opened when first asked for.
type desk struct {
	terminal

	ctx   context.Context //nolint:containedctx // a command's own, for as long as it runs
	local string
	as    string
	open  *hub.Hub

	closers []func() error // in the order of their opening
}

// hub opens the hub.
func (d *desk) hub() (*hub.Hub, error) {
	if d.open != nil {
		return d.open, nil
	}
	env, err := d.environment()
	if err != nil {
		return nil, err
	}
	cfg, err := gcp.Load[gcp.Config](env)
	if err != nil {
		return nil, fmt.Errorf("%w\nset these to name the hub's project, or use --local", err)
	}
	d.open, err = hub.Open(d.ctx, cfg, slog.New(slog.NewTextHandler(d.err, nil)))
	return d.open, err
}

// environment is the terminal's, or that of the hub that scripts/local runs.
func (d *desk) environment() (gcp.Env, error) {
	if d.local == "" {
		return d.env, nil
	}
	raw, err := os.ReadFile(d.local)
	if err != nil {
		return nil, err
	}
	var there struct {
		BaseURL   string            `json:"baseUrl"`
		Endpoints map[string]string `json:"endpoints"`
	}
	if err := json.Unmarshal(raw, &there); err != nil || there.BaseURL == "" {
		return nil, fmt.Errorf("%s is no credentials file of scripts/local: %w", d.local, err)
	}
	env := gcp.Env(localcloud.EnvAt(there.Endpoints, localcloud.DefaultProject))
	env["RYGGRAD_BASE_URL"] = there.BaseURL
	return env, nil
}

var operatorID = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// act says who changes something of a tenant. Whoever does must be named, except on one's own machine.
func (d *desk) act(tenant string) (ledgerdb.Act, error) {
	as := d.as
	if as == "" {
		as = d.env["RYGGRAD_OPERATOR"]
	}
	if as == "" && d.local != "" {
		as = "local"
	}
	if !operatorID.MatchString(as) {
		return ledgerdb.Act{}, errors.New("say who you are with --as ID or RYGGRAD_OPERATOR: up to 64 of a-z, 0-9, dot, hyphen, underscore")
	}
	if tenant != "" && tenant != identity.Hub && !identity.WellFormed(identity.TenantPrefix, tenant) {
		return ledgerdb.Act{}, fmt.Errorf("%q is not a tenant's id, which begins with %s", tenant, identity.TenantPrefix)
	}
	return ledgerdb.Act{Tenant: tenant, Actor: identity.Actor{Kind: identity.KindOperator, ID: as}}, nil
}

// tenant refuses one that does not exist, of which there would be nothing to list.
func (d *desk) tenant(id string) error {
	h, err := d.hub()
	if err != nil {
		return err
	}
	_, err = h.Identities().Tenant(d.ctx, id)
	return err
}

// print answers.
func (d *desk) print(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(d.out, string(text))
	return err
}

// closeWithDesk closes something when the command ends.
func (d *desk) closeWithDesk(one func() error) { d.closers = append(d.closers, one) }

func (d *desk) close() error {
	var faults []error
	for i := range d.closers {
		faults = append(faults, d.closers[len(d.closers)-1-i]())
	}
	if d.open != nil {
		faults = append(faults, d.open.Close())
	}
	return errors.Join(faults...)
}
