package status

import (
	"context"
	"errors"
	"sync"
	"time"

	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const (
	// keepSummary is how long an instance shows a summary before it looks for a newer one.
	keepSummary = 5 * time.Second
	// readWithin is how long a page waits for the database before it is served from what there is.
	readWithin = 3 * time.Second
	// staleAfter is how old a summary may be before pages say so. One is written every minute.
	staleAfter = 5 * time.Minute
)

const copySummary = "summary.json"

// shelf keeps the newest summary. It is safe for concurrent use; requests that come while it is read wait for it.
type shelf struct {
	ledger *ledgerdb.Store
	copies objects.Bucket
	now    func() time.Time

	mu     sync.Mutex
	kept   *summary
	at     time.Time // of the last look
	cutOff bool      // the last look failed
}

// shown is a summary as a page is to show it.
type shown struct {
	summary

	Now    time.Time
	Stale  bool // it is old, or the database cannot be reached
	CutOff bool // the database cannot be reached
	Copy   bool // it is shown without the hub, which may be down by then
}

// newest returns the newest summary there is; before anything was measured it is empty. It fails only when the database
// is away and there is none at all.
func (s *shelf) newest(ctx context.Context) (shown, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.now(); s.kept == nil || now.Sub(s.at) >= keepSummary {
		err := s.look(ctx)
		if err != nil && s.kept == nil {
			return shown{}, err
		}
		s.at, s.cutOff = now, err != nil
	}
	now := s.now()
	return shown{summary: *s.kept, Now: now, CutOff: s.cutOff, Stale: s.cutOff || now.Sub(s.kept.BuiltAt).Abs() > staleAfter}, nil
}

// look reads the summary from the database, and from its copy where there is nothing better.
func (s *shelf) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	found, err := loadSummary(ctx, s.ledger)
	if err == nil {
		s.kept = &found
		return nil
	}
	if s.kept != nil {
		return err
	}
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), readWithin)
	defer cancel()
	raw, copyErr := s.copies.Read(ctx, copySummary)
	if copyErr == nil {
		found, copyErr = decodeSummary(raw)
	}
	switch {
	case copyErr == nil:
		s.kept = &found
	case errors.Is(err, errNothing):
		s.kept, err = &summary{}, nil
	}
	return err
}
