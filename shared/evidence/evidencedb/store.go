// Package evidencedb keeps the newest evidence of each kind, one document a kind.
//
// Recorders run as often as they like, twice, late and out of order: older evidence never takes the place of newer. What
// was of a time still to come when it was recorded, by a clock that was wrong, gives way to whatever comes next.
package evidencedb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const collectionEvidence = "evidence"

// tries is how often evidence is written before others are let have it.
const tries = 3

// Store keeps evidence. It is safe for concurrent use.
type Store struct{ ledger *ledgerdb.Store }

// New returns a store of evidence.
func New(ledger *ledgerdb.Store) *Store { return &Store{ledger} }

// Record keeps evidence, unless there is as new of its kind already. It is bookkeeping: a caller that has done what
// the evidence tells of logs a failure and goes on.
func (s *Store) Record(ctx context.Context, kind evidence.Kind, at time.Time, facts map[string]any) error {
	e, err := evidence.New(kind, at, facts)
	if err != nil {
		return err
	}
	for range tries {
		if err = s.record(ctx, e); !errors.Is(err, ledgerdb.ErrExists) && !errors.Is(err, ledgerdb.ErrStale) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("record the evidence %s: %w", kind, err)
	}
	return nil
}

func (s *Store) record(ctx context.Context, e evidence.Evidence) error {
	ref := refOf(e.Kind)
	found, err := s.ledger.GetAll(ctx, identity.Hub, ref)
	if err != nil {
		return err
	}
	if !found[0].Exists() {
		return s.ledger.Bookkeep(ctx, identity.Hub, ledgerdb.Add(ref, e.Document()))
	}
	there, err := evidence.Parse(found[0].ID, found[0].Fields)
	if err == nil && !e.At.After(there.At) && !there.At.After(found[0].UpdatedAt.Add(evidence.Ahead)) {
		return nil
	}
	return s.ledger.Bookkeep(ctx, identity.Hub, ledgerdb.Patch(found[0], e.Document()))
}

// Load reads the newest evidence of every kind there is any of, in one RPC. What cannot be read counts as missing, and
// unreadable names it.
func (s *Store) Load(ctx context.Context) (newest map[evidence.Kind]evidence.Evidence, unreadable []evidence.Kind, err error) {
	kinds := evidence.Kinds()
	refs := make([]ledgerdb.Ref, len(kinds))
	for i, k := range kinds {
		refs[i] = refOf(k)
	}
	found, err := s.ledger.GetAll(ctx, identity.Hub, refs...)
	if err != nil {
		return nil, nil, fmt.Errorf("load evidence: %w", err)
	}
	newest = map[evidence.Kind]evidence.Evidence{}
	for i, o := range found {
		if !o.Exists() {
			continue
		}
		e, err := evidence.Parse(o.ID, o.Fields)
		if err != nil {
			unreadable = append(unreadable, kinds[i])
			continue
		}
		newest[kinds[i]] = e
	}
	return newest, unreadable, nil
}

func refOf(k evidence.Kind) ledgerdb.Ref {
	return ledgerdb.Ref{Collection: collectionEvidence, ID: string(k)}
}
