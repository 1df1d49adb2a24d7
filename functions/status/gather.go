package status

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/identity/peopledb"
	"ryggrad.internal/hub/shared/order"
)

const (
	// countEvery is how often people and grants are counted, and other things looked at that change slowly.
	countEvery = time.Hour
	// supportWindow is over how long accesses of support are counted.
	supportWindow = 30 * 24 * time.Hour
)

// gather records the evidence that nobody else does: every minute what the round found, every hour what is counted.
func (s *summarizer) gather(ctx context.Context, now time.Time, f found) error {
	every := map[evidence.Kind]map[string]any{
		evidence.Monitoring: {"asked": len(f.asked.Functions), "unanswered": unanswered(f.asked.Functions)},
		evidence.Incidents:  {"opened": opened(f, now), "open": stillOpen(f), "untold": f.untold},
		evidence.Uptime:     uptime(f.measured, now),
	}
	if tls := secured(f.asked.Seen, now); tls != nil {
		every[evidence.TLS] = tls
	}
	if len(f.asked.Regions) > 0 {
		every[evidence.Regions] = regionFacts(f.asked.Regions)
	}
	var faults []error
	for kind, facts := range every {
		faults = append(faults, s.evidence.Record(ctx, kind, now, facts))
	}
	if s.due(now) {
		faults = append(faults, s.census(ctx, now))
	}
	return errors.Join(faults...)
}

// due tells whether the hour's counting is to be done: in the first run of an instance, and at every full hour.
func (s *summarizer) due(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := now.Sub(s.counted) >= countEvery
	if due {
		s.counted = now.Truncate(countEvery)
	}
	return due
}

func opened(f found, now time.Time) (n int) {
	for _, i := range f.all {
		if i.Public() && i.OpenedAt.After(now.AddDate(0, 0, -barDays)) {
			n++
		}
	}
	return n
}

func stillOpen(f found) (n int) {
	for _, i := range f.all {
		if i.Public() && i.Open() {
			n++
		}
	}
	return n
}

func regionFacts(answered map[string]bool) map[string]any {
	facts := map[string]any{"unanswered": unanswered(answered)}
	for name, ok := range answered {
		facts[name] = ok
	}
	return facts
}

// uptime tells the share of good minutes by month; `current` is this month's.
func uptime(m *measures, now time.Time) map[string]any {
	facts := map[string]any{}
	for _, one := range m.months() {
		facts[one.Name] = one.Share
		if one.Name == now.UTC().Format(monthFormat) {
			facts["current"], facts["measuredMinutes"], facts["unmeasuredMinutes"] = one.Share, one.Measured, m.Gaps[one.Name]
		}
	}
	return facts
}

// census counts what takes more than a look.
func (s *summarizer) census(ctx context.Context, now time.Time) error {
	people, err := peopledb.Count(ctx, s.ledger, now)
	if err != nil {
		return err
	}
	given, open, err := s.identities.SupportCensus(ctx, now.Add(-supportWindow))
	if err != nil {
		return err
	}
	facts := map[evidence.Kind]map[string]any{
		evidence.SecondFactor:  {"people": people.Privileged, "without": people.Without},
		evidence.Passwords:     {"open": people.Initial, "tooLong": people.TooLong},
		evidence.SupportAccess: {"grants": given, "open": open},
		evidence.CardRefusal:   {"ok": refusesCards()},
	}
	if c, promised := contactOf(s.cfg); promised {
		facts[evidence.SecurityContact] = map[string]any{"daysLeft": c.DaysLeft(now)}
	}
	for kind, of := range facts {
		if err := s.evidence.Record(ctx, kind, now, of); err != nil {
			return fmt.Errorf("count: %w", err)
		}
	}
	return nil
}

// refusesCards tries this very build with the number of a test card, which belongs to nobody.
func refusesCards() bool {
	return order.CardNumber("card 4111 1111 1111 1111 please") && !order.CardNumber("table 4, 2 guests")
}
