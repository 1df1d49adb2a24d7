package incidentdb

import (
	"context"
	"errors"
	"fmt"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/noticedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/incident"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// tenantPage is how many tenants are told at a time.
const tenantPage = 300

// Tell has every affected tenant told of the steps that they were not told of yet. It may be run as often as one likes,
// and goes on where another run broke off. It returns how many steps are left: none, unless it fails.
func (s *Store) Tell(ctx context.Context) (left int, err error) {
	steps, err := s.opts.Ledger.List(ctx, s.opts.Ledger.QueryAllTenants(collectionSteps))
	if err != nil {
		return 0, fmt.Errorf("list what tenants are to be told: %w", err)
	}
	var faults []error
	for _, o := range steps {
		if err := s.tellStep(ctx, o); err != nil {
			left++
			faults = append(faults, err)
		}
	}
	return left, errors.Join(faults...)
}

func (s *Store) tellStep(ctx context.Context, o ledgerdb.Object) error {
	id, _ := o.Fields["incident"].(string)
	i, err := s.Load(ctx, id)
	if fault.Is(err, fault.NotFound) { // there is nothing to tell any more
		return s.opts.Ledger.Bookkeep(ctx, identity.Hub, ledgerdb.Drop(o.Ref))
	}
	if err != nil {
		return fmt.Errorf("tell of the step %s: %w", o.ID, err)
	}
	for _, u := range i.Updates {
		if u.ID == o.ID {
			err = s.tellAll(ctx, i, u)
		}
	}
	if err != nil {
		return err
	}
	return s.opts.Ledger.Bookkeep(ctx, identity.Hub, ledgerdb.Drop(o.Ref))
}

// tellAll tells the tenants whom the incident concerns.
func (s *Store) tellAll(ctx context.Context, i incident.Incident, u incident.Update) error {
	for _, tenant := range i.Tenants {
		if err := s.tell(ctx, tenant, i, u); err != nil {
			return err
		}
	}
	if len(i.Tenants) > 0 {
		return nil
	}
	page := identitydb.Page{Limit: tenantPage}
	for {
		tenants, err := s.opts.Tenants.Tenants(ctx, page)
		if err != nil {
			return err
		}
		for _, t := range tenants {
			page.After = t.ID
			if err := s.tell(ctx, t.ID, i, u); err != nil {
				return err
			}
		}
		if len(tenants) < tenantPage {
			return nil
		}
	}
}

// NoticeIncident is the notice of an incident's step.
const NoticeIncident = "incident"

func (s *Store) tell(ctx context.Context, tenant string, i incident.Incident, u incident.Update) error {
	functions := make([]any, len(i.Functions))
	for n, f := range i.Functions {
		functions[n] = f
	}
	e := delivery.Event{
		ID: made(delivery.EventPrefix, "incident", u.ID, tenant), Tenant: tenant, Type: delivery.NoticeCreated, OccurredAt: u.At, Pending: true,
		Data: map[string]any{
			"notice": NoticeIncident, "incident": i.ID, "title": i.Title, "impact": string(i.Impact), "state": string(u.State),
			"functions": functions, "message": u.Message,
		},
	}
	err := s.opts.Ledger.Bookkeep(ctx, tenant, noticedb.Writes(e)...)
	if err != nil && !errors.Is(err, ledgerdb.ErrExists) {
		return fmt.Errorf("tell %s of an incident: %w", tenant, err)
	}
	return nil
}

// Tenant refuses, with [fault.Invalid], what is no tenant that an incident could concern.
func (s *Store) Tenant(ctx context.Context, id string) error {
	_, err := s.opts.Tenants.Tenant(ctx, id)
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Invalid, "the incident is not right").With(fault.Detail{Location: "body.tenants", Message: "names a tenant that is not there"})
	}
	return err
}
