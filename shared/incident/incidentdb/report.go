package incidentdb

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/incident"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// How many reports are taken in an hour: of one tenant, and of weaknesses from all the world. What is refused is told
// when to come again.
const (
	reportsAnHour    = 20
	weaknessesAnHour = 60
)

// Report keeps what a tenant reports, sealed under the tenant's key. Too many are [fault.Limited].
func (s *Store) Report(ctx context.Context, by ledgerdb.Act, severity incident.Severity, text string) (incident.Report, error) {
	if err := severity.Check(text); err != nil {
		return incident.Report{}, err
	}
	by.Action = "incident.report"
	r := incident.Report{Tenant: by.Tenant, Severity: severity, Media: "text/plain"}
	return s.take(ctx, by, intake{incident.ReportPrefix, reportsAnHour}, r, []byte(text))
}

// Weakness keeps a weakness that somebody reports, who need not say who they are. What is sent is sealed as it is, also
// where it was encrypted before.
func (s *Store) Weakness(ctx context.Context, requestID, media string, body []byte) (incident.Report, error) {
	by := ledgerdb.Act{Tenant: identity.Hub, Actor: identity.Nobody(), Action: "vulnerability.report", RequestID: requestID}
	return s.take(ctx, by, intake{incident.WeaknessPrefix, weaknessesAnHour}, incident.Report{Tenant: identity.Hub, Media: media}, body)
}

// intake is a way for reports: how their ids begin, and how many it takes in an hour.
type intake struct {
	prefix string
	anHour int
}

func (s *Store) take(ctx context.Context, by ledgerdb.Act, in intake, r incident.Report, text []byte) (incident.Report, error) {
	r.At = s.now()
	if err := s.room(ctx, by.Tenant, in.anHour); err != nil {
		return r, err
	}
	var err error
	if r.ID, err = identity.NewID(in.prefix, s.opts.Random); err != nil {
		return r, err
	}
	sum := sha256.Sum256(text)
	r.Digest = hex.EncodeToString(sum[:])
	key, err := s.opts.Keys.Current(ctx, by.Tenant)
	if err != nil {
		return r, err
	}
	if r.Sealed, err = key.Seal(text, place(r)); err != nil {
		return r, fmt.Errorf("seal a report: %w", err)
	}
	change := ledgerdb.Create(ref(collectionReports, r.ID), r.Document())
	if _, err := s.opts.Ledger.Commit(ctx, by, []ledgerdb.Change{change}); err != nil {
		return r, fmt.Errorf("keep a report: %w", err)
	}
	return r, nil
}

// room refuses a report when as many as are allowed came within an hour.
func (s *Store) room(ctx context.Context, tenant string, anHour int) error {
	found, err := s.opts.Ledger.List(ctx, s.opts.Ledger.Query(tenant, collectionReports).
		OrderBy("at", firestore.Desc).Limit(anHour).Select("tenant", "at"))
	if err != nil {
		return err
	}
	if len(found) < anHour {
		return nil
	}
	oldest, _ := found[len(found)-1].Fields["at"].(time.Time)
	if wait := oldest.Add(time.Hour).Sub(s.now()); wait > 0 {
		return fault.New(fault.Limited, "too many reports within an hour; wait as long as Retry-After says").After(wait)
	}
	return nil
}

func place(r incident.Report) envelope.Binding {
	return envelope.Binding{Tenant: r.Tenant, Collection: collectionReports, Document: r.ID, Field: "sealed"}
}

// Reports lists what was reported, the newest first; the tenant is [identity.Hub] for weaknesses.
func (s *Store) Reports(ctx context.Context, tenant string, most int) ([]incident.Report, error) {
	found, err := s.opts.Ledger.List(ctx, s.opts.Ledger.Query(tenant, collectionReports).OrderBy("at", firestore.Desc).Limit(most))
	if err != nil {
		return nil, fmt.Errorf("list reports: %w", err)
	}
	all := make([]incident.Report, len(found))
	for i, o := range found {
		if all[i], err = incident.ParseReport(o.ID, o.Tenant, o.Fields); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Read opens a report's text.
func (s *Store) Read(ctx context.Context, tenant, id string) (incident.Report, []byte, error) {
	o, err := s.opts.Ledger.Get(ctx, tenant, ref(collectionReports, id))
	if err != nil {
		return incident.Report{}, nil, err
	}
	r, err := incident.ParseReport(o.ID, o.Tenant, o.Fields)
	if err != nil {
		return r, nil, err
	}
	text, err := s.opts.Keys.Open(ctx, r.Sealed, place(r))
	if err != nil {
		return r, nil, fmt.Errorf("open the report %s: %w", id, err)
	}
	return r, text, nil
}
