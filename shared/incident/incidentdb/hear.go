package incidentdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/incident"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// job is who acts when Monitoring does.
const job = "alerts"

func machine() ledgerdb.Act {
	return ledgerdb.Act{Tenant: identity.Hub, Actor: identity.Actor{Kind: identity.KindSystem, ID: job}}
}

// signal reads a signal; one of which nothing was heard is without alerts.
func (s *Store) signal(ctx context.Context, key string) (ledgerdb.Object, incident.Signal, error) {
	found, err := s.opts.Ledger.GetAll(ctx, identity.Hub, ref(collectionSignals, key))
	if err != nil {
		return ledgerdb.Object{}, incident.Signal{}, err
	}
	signal, err := incident.ParseSignal(key, found[0].Fields)
	return found[0], signal, err
}

// keep writes a signal, if nobody has since it was read.
func keep(o ledgerdb.Object, signal incident.Signal) ledgerdb.Write {
	if !o.Exists() {
		return ledgerdb.Add(ref(collectionSignals, signal.Key), signal.Document())
	}
	return ledgerdb.Patch(o, signal.Document())
}

// Hear does what a notification of Monitoring asks for. It may come twice and out of order.
func (s *Store) Hear(ctx context.Context, n incident.Notification) error {
	for range attempts {
		o, signal, err := s.signal(ctx, n.Group)
		if err != nil {
			return err
		}
		next, step := signal.Hear(n, s.now())
		err = s.perform(ctx, n, o, next, step)
		if !errors.Is(err, ledgerdb.ErrStale) && !errors.Is(err, ledgerdb.ErrExists) {
			return err
		}
	}
	return fault.New(fault.Unavailable, "others hear the same; try again").Because(ledgerdb.ErrStale)
}

func (s *Store) perform(ctx context.Context, n incident.Notification, o ledgerdb.Object, next incident.Signal, step incident.Step) error {
	switch step {
	case incident.Begin:
		return s.first(ctx, n, o, next)
	case incident.Join:
		err := s.join(ctx, n, o, next)
		if fault.Is(err, fault.NotFound) { // it is gone: a restore brought back a time before it
			return s.first(ctx, n, o, next)
		}
		return err
	case incident.Note:
		return s.opts.Ledger.Bookkeep(ctx, identity.Hub, keep(o, next))
	case incident.Nothing, incident.End:
	}
	return nil
}

// first begins the incident of a signal.
func (s *Store) first(ctx context.Context, n incident.Notification, o ledgerdb.Object, next incident.Signal) error {
	i := s.automatic(n)
	next.Incident = i.ID
	return s.create(ctx, machine(), i, keep(o, next))
}

// automatic is the incident that an alert begins.
func (s *Store) automatic(n incident.Notification) incident.Incident {
	i := incident.Incident{
		ID: made(incident.Prefix, "alert", n.Group, n.ID), Title: n.Title(), Impact: n.Impact, State: incident.Investigating,
		OpenedAt: s.now(), Signal: n.Group,
	}
	if n.Function != "" {
		i.Functions = []string{n.Function}
	}
	if n.Region != "" {
		i.Regions = []string{n.Region}
	}
	i.Updates = []incident.Update{{
		ID: made(updatePrefix, i.ID, "open"), At: i.OpenedAt, State: i.State,
		Message: "Our monitoring noticed this by itself and has alerted our operators.",
	}}
	return i
}

// join lets an alert be part of an incident that is open, and makes it wider where it must be.
func (s *Store) join(ctx context.Context, n incident.Notification, o ledgerdb.Object, next incident.Signal) error {
	found, err := s.opts.Ledger.Get(ctx, identity.Hub, ref(collectionIncidents, next.Incident))
	if err != nil {
		return fmt.Errorf("join the incident of %s: %w", next.Key, err)
	}
	before, err := incident.Parse(found.ID, found.Fields)
	if err != nil {
		return err
	}
	after, wider := before.Widen(n)
	if !wider {
		return s.opts.Ledger.Bookkeep(ctx, identity.Hub, keep(o, next))
	}
	if after.Impact.Beyond(before.Impact) {
		worse := incident.Update{
			ID: made(updatePrefix, n.ID, "worse"), At: s.now(), State: before.State, Message: "It has become worse. " + after.Impact.Words() + ".",
		}
		if after, _, err = after.Take(worse); err != nil {
			return err
		}
		if before.Impact == incident.None {
			after.Title = n.Title()
		}
	}
	return s.replace(ctx, machine(), found, before, after, keep(o, next))
}

// Settle ends the incidents whose alerts have been closed for long enough, and forgets old alerts.
func (s *Store) Settle(ctx context.Context) error {
	found, err := s.opts.Ledger.List(ctx, s.opts.Ledger.QueryAllTenants(collectionSignals))
	if err != nil {
		return fmt.Errorf("list signals: %w", err)
	}
	var faults []error
	for _, o := range found {
		faults = append(faults, s.settle(ctx, o))
	}
	return errors.Join(faults...)
}

func (s *Store) settle(ctx context.Context, o ledgerdb.Object) error {
	signal, err := incident.ParseSignal(o.ID, o.Fields)
	if err != nil {
		return err
	}
	next, step := signal.Settle(s.now())
	switch step {
	case incident.Note:
		err = s.opts.Ledger.Bookkeep(ctx, identity.Hub, ledgerdb.Patch(o, next.Document()))
	case incident.End:
		err = s.end(ctx, o, next)
	case incident.Nothing, incident.Begin, incident.Join:
	}
	if errors.Is(err, ledgerdb.ErrStale) {
		return nil // something was heard just now; the next look decides
	}
	return err
}

func (s *Store) end(ctx context.Context, o ledgerdb.Object, next incident.Signal) error {
	found, err := s.opts.Ledger.Get(ctx, identity.Hub, ref(collectionIncidents, next.Incident))
	if fault.Is(err, fault.NotFound) { // there is nothing to end
		next.Incident = ""
		return s.opts.Ledger.Bookkeep(ctx, identity.Hub, ledgerdb.Patch(o, next.Document()))
	}
	if err != nil {
		return err
	}
	before, err := incident.Parse(found.ID, found.Fields)
	if err != nil {
		return err
	}
	over := incident.Update{
		ID: made(updatePrefix, before.ID, "over"), At: s.now(), State: incident.Resolved,
		Message: fmt.Sprintf("Everything that we measure has been well for %d minutes.", incident.QuietFor/time.Minute),
	}
	after, changed, err := before.Take(over)
	next.Incident = ""
	if err != nil || !changed { // an operator ended it
		return s.opts.Ledger.Bookkeep(ctx, identity.Hub, ledgerdb.Patch(o, next.Document()))
	}
	return s.replace(ctx, machine(), found, before, after, ledgerdb.Patch(o, next.Document()))
}
