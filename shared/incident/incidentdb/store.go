// Package incidentdb keeps incidents, hears Monitoring, and has tenants told.
//
//	incidents/{id}          what happened; changed by acts only, under the tenant `hub`
//	incidentSignals/{key}   the alerts about one thing, and the incident that they made; bookkeeping, in the same commit
//	incidentSteps/{update}  that tenants are still to be told of an update; written with it, gone when all were told
//	incidentReports/{id}    what tenants and finders of weaknesses wrote, sealed
//
// # Commits
//
// Every step of an incident is ONE commit: the incident with its audit entry, the signal that it came from, and the
// order to tell tenants. Two alerts at once meet at the signal's document; the slower one reads again and joins. So a
// trouble has one incident, and no step is forgotten or told twice: a notice's id is made of the update's and the
// tenant's.
package incidentdb

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/incident"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const (
	collectionIncidents = "incidents"
	collectionSignals   = "incidentSignals"
	collectionSteps     = "incidentSteps"
	collectionReports   = "incidentReports"
)

const updatePrefix = "upd_"

// attempts is how often a change is decided anew when others are faster.
const attempts = 8

// Options are what a Store needs; every field is required.
type Options struct {
	Ledger  *ledgerdb.Store
	Keys    *envelopedb.Keyring
	Tenants *identitydb.Store
	Now     func() time.Time
	Random  io.Reader
}

// Store keeps incidents. It is safe for concurrent use.
type Store struct{ opts Options }

// New returns a store of incidents.
func New(opts Options) *Store { return &Store{opts} }

func (s *Store) now() time.Time { return s.opts.Now().UTC().Truncate(time.Microsecond) }

// made returns the id of what something told of: the same for the same, so that hearing twice makes one.
func made(prefix string, of ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(of, "\x00")))
	id, _ := identity.NewID(prefix, bytes.NewReader(sum[:])) // 32 bytes are enough for it
	return id
}

// Said is what an operator says: about an incident, or, without one, what begins another. ID makes it the same when it
// comes twice; empty, it is drawn.
type Said struct {
	ID       string
	Incident string
	State    incident.State
	Message  string

	// Of an incident that begins with it.
	Title              string
	Impact             incident.Impact
	Functions, Regions []string
	Tenants            []string
}

// Say begins an incident or adds an update to one. Said again it changes nothing.
func (s *Store) Say(ctx context.Context, by ledgerdb.Act, said Said) (incident.Incident, error) {
	by.Tenant = identity.Hub
	if said.ID == "" {
		id, err := identity.NewID(updatePrefix, s.opts.Random)
		if err != nil {
			return incident.Incident{}, err
		}
		said.ID = id
	} else {
		said.ID = made(updatePrefix, said.ID)
	}
	if said.Incident == "" {
		return s.begin(ctx, by, said)
	}
	return s.change(ctx, by, said.Incident, func(i incident.Incident) (incident.Incident, bool, error) {
		return i.Take(incident.Update{ID: said.ID, At: s.now(), State: said.State, Message: said.Message})
	})
}

func (s *Store) begin(ctx context.Context, by ledgerdb.Act, said Said) (incident.Incident, error) {
	i := incident.Incident{
		ID: made(incident.Prefix, said.ID), Title: said.Title, Impact: said.Impact, State: said.State, OpenedAt: s.now(),
		Functions: said.Functions, Regions: said.Regions, Tenants: said.Tenants,
		Updates: []incident.Update{{ID: said.ID, At: s.now(), State: said.State, Message: said.Message}},
	}
	if said.State == incident.Resolved {
		i.ResolvedAt = i.OpenedAt
	}
	if err := i.Check(); err != nil {
		return i, err
	}
	err := s.create(ctx, by, i)
	if errors.Is(err, ledgerdb.ErrExists) {
		return s.Load(ctx, i.ID)
	}
	return i, err
}

func (s *Store) create(ctx context.Context, by ledgerdb.Act, i incident.Incident, with ...ledgerdb.Write) error {
	by.Action = "incident.open"
	change := ledgerdb.Create(ref(collectionIncidents, i.ID), i.Document())
	_, err := s.opts.Ledger.Commit(ctx, by, []ledgerdb.Change{change}, append(with, tell(i)...)...)
	if err != nil {
		return fmt.Errorf("open an incident: %w", err)
	}
	return nil
}

// tell orders that tenants are told of an incident's newest update.
func tell(i incident.Incident) []ledgerdb.Write {
	if !i.Told() {
		return nil
	}
	newest := i.Updates[len(i.Updates)-1]
	return []ledgerdb.Write{ledgerdb.Put(ref(collectionSteps, newest.ID), map[string]any{"incident": i.ID, "at": newest.At})}
}

// change decides what becomes of an incident until nobody came between, and performs it.
func (s *Store) change(ctx context.Context, by ledgerdb.Act, id string, decide func(incident.Incident) (incident.Incident, bool, error)) (incident.Incident, error) {
	for range attempts {
		o, err := s.opts.Ledger.Get(ctx, identity.Hub, ref(collectionIncidents, id))
		if err != nil {
			return incident.Incident{}, err
		}
		before, err := incident.Parse(o.ID, o.Fields)
		if err != nil {
			return before, err
		}
		after, changed, err := decide(before)
		if err != nil || !changed {
			return after, err
		}
		released, err := s.release(ctx, before, after)
		if err == nil {
			err = s.replace(ctx, by, o, before, after, released...)
		}
		if !errors.Is(err, ledgerdb.ErrStale) {
			return after, err
		}
	}
	return incident.Incident{}, fault.New(fault.Unavailable, "others change this incident; try again").Because(ledgerdb.ErrStale)
}

func (s *Store) replace(ctx context.Context, by ledgerdb.Act, o ledgerdb.Object, before, after incident.Incident, with ...ledgerdb.Write) error {
	by.Action = "incident.update"
	if before.Open() && !after.Open() {
		by.Action = "incident.resolve"
	}
	if len(after.Updates) > len(before.Updates) {
		with = append(with, tell(after)...)
	}
	if _, err := s.opts.Ledger.Commit(ctx, by, []ledgerdb.Change{ledgerdb.Replace(o, after.Document())}, with...); err != nil {
		return fmt.Errorf("update an incident: %w", err)
	}
	return nil
}

// release takes an incident that is over from its signal, so that the next alert begins another.
func (s *Store) release(ctx context.Context, before, after incident.Incident) ([]ledgerdb.Write, error) {
	if before.Signal == "" || !before.Open() || after.Open() {
		return nil, nil
	}
	o, signal, err := s.signal(ctx, before.Signal)
	if err != nil || signal.Incident != before.ID {
		return nil, err
	}
	signal.Incident, signal.QuietSince = "", time.Time{}
	return []ledgerdb.Write{ledgerdb.Patch(o, signal.Document())}, nil
}

// Load reads an incident; there being none is [fault.NotFound].
func (s *Store) Load(ctx context.Context, id string) (incident.Incident, error) {
	o, err := s.opts.Ledger.Get(ctx, identity.Hub, ref(collectionIncidents, id))
	if err != nil {
		return incident.Incident{}, err
	}
	return incident.Parse(o.ID, o.Fields)
}

// Since lists the incidents that were opened since a time, the newest first, at most so many.
func (s *Store) Since(ctx context.Context, from time.Time, most int) ([]incident.Incident, error) {
	found, err := s.opts.Ledger.List(ctx, s.opts.Ledger.Query(identity.Hub, collectionIncidents).
		Where("openedAt", ">=", from).OrderBy("openedAt", firestore.Desc).Limit(most))
	if err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	all := make([]incident.Incident, len(found))
	for n, o := range found {
		if all[n], err = incident.Parse(o.ID, o.Fields); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func ref(collection, id string) ledgerdb.Ref { return ledgerdb.Ref{Collection: collection, ID: id} }
