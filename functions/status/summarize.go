package status

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/incident"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// year is how far back incidents are shown.
const year = 365 * 24 * time.Hour

// summarizer writes what the pages show, every minute.
type summarizer struct {
	deps
	asker *asker
	pages *pages

	mu      sync.Mutex
	counted time.Time // the hour that was counted last
}

func newSummarizer(d deps) (*summarizer, error) {
	p, err := newPages(d.cfg)
	if err != nil {
		return nil, err
	}
	return &summarizer{deps: d, asker: newAsker(d), pages: p}, nil
}

// run does a minute's work. Everything in it may be done twice. What fails does not keep the rest from being done: a
// page that says what it knows is better than none.
func (s *summarizer) run(ctx context.Context, _ event.Message) error {
	now := s.now().UTC().Truncate(time.Microsecond)
	asked := s.asker.round(ctx)
	measured, err := count(ctx, s.ledger, now, asked.Functions)
	if err != nil {
		return err
	}
	settled := s.incidents.Settle(ctx)
	untold, told := s.incidents.Tell(ctx)
	all, err := s.incidents.Since(ctx, now.Add(-year), maxIncidents)
	if err != nil {
		return errors.Join(err, settled, told)
	}
	gathered := s.gather(ctx, now, found{asked, measured, all, untold})
	newest, unreadable, err := s.evidence.Load(ctx)
	if err != nil {
		return errors.Join(err, settled, told, gathered)
	}
	for _, k := range unreadable {
		s.log.WarnContext(ctx, "evidence is not readable and counts as missing", "kind", string(k))
	}
	sum := summarize(now, s.table, found{asked, measured, all, untold})
	for _, k := range evidence.Kinds() {
		if e, there := newest[k]; there {
			sum.Evidence = append(sum.Evidence, e)
		}
	}
	return errors.Join(s.write(ctx, sum), settled, told, gathered)
}

// found is what a minute's look found.
type found struct {
	asked    answers
	measured *measures
	all      []incident.Incident
	untold   int
}

// write puts the summary where pages read it, and the copies where they are served when the hub is down.
func (s *summarizer) write(ctx context.Context, sum summary) error {
	raw, err := sum.encode()
	if err != nil {
		return err
	}
	at := ledgerdb.Ref{Collection: collectionStatus, ID: idSummary}
	err = s.ledger.Bookkeep(ctx, identity.Hub, ledgerdb.Put(at, map[string]any{"json": raw, "builtAt": sum.BuiltAt}))
	if err != nil {
		err = fmt.Errorf("write the summary: %w", err)
	}
	return errors.Join(err, s.copy(ctx, sum, raw))
}

// copy writes the static copies.
func (s *summarizer) copy(ctx context.Context, sum summary, raw []byte) error {
	files, err := s.pages.files(shown{summary: sum, Now: sum.BuiltAt, Copy: true})
	if err != nil {
		return err
	}
	files = append(files, file{copySummary, "application/json", raw})
	var faults []error
	for _, f := range files {
		if err := s.copies.Publish(ctx, f.name, f.kind, f.data); err != nil {
			faults = append(faults, fmt.Errorf("copy a page: %w", err))
		}
	}
	return errors.Join(faults...)
}
