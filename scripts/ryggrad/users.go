package main

import (
	"errors"
	"fmt"
	"time"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/identity/password"
	"ryggrad.internal/hub/shared/identity/peopledb"
)

// people opens the people of all tenants.
func (d *desk) people() (*peopledb.People, error) {
	h, err := d.hub()
	if err != nil {
		return nil, err
	}
	return peopledb.New(peopledb.Options{
		Ledger: h.Ledger, Keys: h.Keys, Directory: h.Directory, Now: h.Now, Random: h.Random, Log: h.Log,
		BaseURL: h.Config.BaseURL, Gate: password.NewGate(1, 1), Cost: password.Recommended(),
	}), nil
}

// manager is the operator as somebody who manages people: as an owner does.
func (d *desk) manager(tenant string) (by peopledb.By, p *peopledb.People, err error) {
	if by.Act, err = d.act(tenant); err != nil {
		return by, nil, err
	}
	by.Role = identity.Owner
	p, err = d.people()
	return by, p, err
}

type bootstrap struct {
	Tenant string `arg:"" help:"What people call the first tenant."`
	Email  string `required:"" help:"The owner's address."`
	Name   string `required:"" help:"The owner's name."`
}

// bootstrapped is the first tenant and its owner.
type bootstrapped struct {
	Tenant string `json:"tenant"`
	createdUser
}

// Run makes the first tenant and its owner. There is no default password: the owner's initial one is printed once. It can
// be repeated after a failure, until there is somebody.
func (c bootstrap) Run(d *desk) error {
	by, p, err := d.manager("")
	if err != nil {
		return err
	}
	if by.Tenant, err = d.firstTenant(c.Tenant); err != nil {
		return err
	}
	there, err := p.Persons(d.ctx, by.Tenant, identitydb.Page{Limit: 1})
	if err != nil {
		return err
	}
	if len(there) > 0 {
		return errNotEmpty
	}
	u, initial, err := p.CreateUser(d.ctx, by, identity.Profile{Email: c.Email, Name: c.Name}, identity.Owner)
	if err != nil {
		return err
	}
	return d.print(bootstrapped{by.Tenant, newUser(u, initial)})
}

// errNotEmpty says that a project has people already.
var errNotEmpty = errors.New("the project has people already; create further ones with `ryggrad users create`")

// firstTenant makes the first tenant, or finds the one that an earlier attempt made.
func (d *desk) firstTenant(name string) (string, error) {
	h, err := d.hub()
	if err != nil {
		return "", err
	}
	there, err := h.Identities().Tenants(d.ctx, identitydb.Page{Limit: 2})
	switch {
	case err != nil:
		return "", err
	case len(there) > 1:
		return "", errNotEmpty
	case len(there) == 1 && there[0].Name != name:
		return "", fmt.Errorf("there is a tenant already, %s (%q): name it so to make its first person", there[0].ID, there[0].Name)
	case len(there) == 1:
		return there[0].ID, nil
	}
	by, err := d.act("")
	if err != nil {
		return "", err
	}
	t, err := h.Identities().CreateTenant(d.ctx, by, name)
	return t.ID, err
}

type userCommands struct {
	Create       createUser    `cmd:"" help:"Make a person of a tenant; the initial password is printed once."`
	List         listUsers     `cmd:"" help:"List the people of a tenant."`
	Password     resetPassword `cmd:"" help:"Replace a person's password by an initial one, printed once."`
	Change       changeUser    `cmd:"" help:"Give a person another role, or disable or enable them. Ends their sessions."`
	EndSessions  endSessions   `cmd:"" help:"End all sessions of a person."`
	SecondFactor secondFactor  `cmd:"" help:"Take away the second factors of a person whom no other owner can help: ask, another operator agrees, a day later it is done."`
	RotatePepper rotatePepper  `cmd:"" help:"Make a new pepper for password hashes; people's hashes change at their next login."`
}

// userAnswer is a person as they are printed.
type userAnswer struct {
	ID           string        `json:"id"`
	Email        string        `json:"email"`
	Name         string        `json:"name"`
	Role         identity.Role `json:"role"`
	Disabled     bool          `json:"disabled"`
	SecondFactor bool          `json:"secondFactor"`
	CreatedAt    time.Time     `json:"createdAt"`
}

func showUser(p peopledb.Person) userAnswer {
	return userAnswer{
		ID: p.ID, Email: p.Email, Name: p.Name, Role: p.Role, Disabled: p.Disabled, SecondFactor: p.HasSecondFactor(), CreatedAt: p.CreatedAt,
	}
}

// createdUser is a new person with what they log in by at first.
type createdUser struct {
	ID              string    `json:"id"`
	InitialPassword string    `json:"initialPassword"`
	ExpiresAt       time.Time `json:"expiresAt"`
}

func newUser(u identity.User, initial string) createdUser {
	return createdUser{u.ID, initial, u.Password.ExpiresAt}
}

type createUser struct {
	Tenant string        `arg:"" help:"The tenant's id."`
	Email  string        `required:"" help:"Their address."`
	Name   string        `required:"" help:"Their name."`
	Role   identity.Role `required:"" enum:"owner,admin,manager,support,auditor,viewer" help:"owner, admin, manager, support, auditor or viewer."`
}

// Run makes a person.
func (c createUser) Run(d *desk) error {
	by, p, err := d.manager(c.Tenant)
	if err != nil {
		return err
	}
	u, initial, err := p.CreateUser(d.ctx, by, identity.Profile{Email: c.Email, Name: c.Name}, c.Role)
	if err != nil {
		return err
	}
	return d.print(newUser(u, initial))
}

type listUsers struct {
	Tenant string `arg:"" help:"The tenant's id."`
}

// Run lists people.
func (c listUsers) Run(d *desk) error {
	if err := d.tenant(c.Tenant); err != nil {
		return err
	}
	p, err := d.people()
	if err != nil {
		return err
	}
	all, page := []userAnswer{}, identitydb.Page{Limit: pageSize}
	for {
		found, err := p.Persons(d.ctx, c.Tenant, page)
		if err != nil {
			return err
		}
		for _, one := range found {
			all, page.After = append(all, showUser(one)), one.ID
		}
		if len(found) < pageSize {
			return d.print(all)
		}
	}
}

// whom names a person.
type whom struct {
	Tenant string `arg:"" help:"The tenant's id."`
	User   string `arg:"" help:"The person's id."`
}

type resetPassword struct{ whom }

// Run replaces a password.
func (c resetPassword) Run(d *desk) error {
	by, p, err := d.manager(c.Tenant)
	if err != nil {
		return err
	}
	initial, err := p.ResetPassword(d.ctx, by, c.User)
	if err != nil {
		return err
	}
	return d.print(map[string]string{"initialPassword": initial})
}

type changeUser struct {
	whom
	Role    identity.Role `help:"Another role."`
	Disable bool          `xor:"state" help:"Let them do nothing any more."`
	Enable  bool          `xor:"state" help:"Let them log in again."`
}

// Run changes a person.
func (c changeUser) Run(d *desk) error {
	by, p, err := d.manager(c.Tenant)
	if err != nil {
		return err
	}
	change := peopledb.UserChange{}
	if c.Role != "" {
		change.Role = &c.Role
	}
	if c.Disable || c.Enable {
		change.Disabled = &c.Disable
	}
	who, err := p.ChangeUser(d.ctx, by, c.User, change)
	if err != nil {
		return err
	}
	return d.print(showUser(who))
}

type endSessions struct{ whom }

// Run ends sessions.
func (c endSessions) Run(d *desk) error {
	by, p, err := d.manager(c.Tenant)
	if err != nil {
		return err
	}
	return p.EndSessions(d.ctx, by, c.User)
}

type secondFactor struct {
	Ask    askReset    `cmd:"" help:"Ask for it; the person is told."`
	Agree  agreeReset  `cmd:"" help:"Agree, as another operator than the one who asked."`
	Do     doReset     `cmd:"" help:"Do it, a day after somebody agreed."`
	Cancel cancelReset `cmd:"" help:"Forget that it was asked."`
}

type askReset struct{ whom }

// Run asks.
func (c askReset) Run(d *desk) error {
	by, p, err := d.manager(c.Tenant)
	if err != nil {
		return err
	}
	return p.AskReset(d.ctx, by.Act, c.User)
}

type agreeReset struct{ whom }

// Run agrees.
func (c agreeReset) Run(d *desk) error {
	by, p, err := d.manager(c.Tenant)
	if err != nil {
		return err
	}
	return p.AgreeReset(d.ctx, by.Act, c.User)
}

type doReset struct{ whom }

// Run takes the second factors away.
func (c doReset) Run(d *desk) error {
	by, p, err := d.manager(c.Tenant)
	if err != nil {
		return err
	}
	return p.DoReset(d.ctx, by, c.User)
}

type cancelReset struct{ whom }

// Run cancels.
func (c cancelReset) Run(d *desk) error {
	by, p, err := d.manager(c.Tenant)
	if err != nil {
		return err
	}
	return p.CancelReset(d.ctx, by.Act, c.User)
}

type rotatePepper struct{}

// Run makes a new pepper.
func (rotatePepper) Run(d *desk) error {
	by, p, err := d.manager("")
	if err != nil {
		return err
	}
	return p.RotatePepper(d.ctx, by.Act)
}
