package delivery

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/event"
)

const (
	forgottenAfter = 30 * time.Second // an event that is not dispatched by then is announced again
	relayPerShard  = 200              // of the 16 parts that events are shared out into, in one run
	publishAtOnce  = 64
)

type relayer struct {
	store     *deliverydb.Store
	announcer event.Announcer
	now       func() time.Time
	log       *slog.Logger
}

// relay announces again what was not dispatched: because the announcement after its commit failed, or the dispatch did.
// Whatever it cannot announce is found again in a minute.
func (p *relayer) relay(ctx context.Context, _ event.Message) error {
	forgotten, err := p.store.Forgotten(ctx, p.now().Add(-forgottenAfter), relayPerShard)
	if err != nil {
		return err
	}
	if len(forgotten) == 0 {
		return nil
	}
	p.log.WarnContext(ctx, "events are announced again", "events", len(forgotten))
	failures := make([]error, len(forgotten))
	var group errgroup.Group
	group.SetLimit(publishAtOnce)
	for i, e := range forgotten {
		group.Go(func() error {
			failures[i] = p.announcer.Publish(ctx, event.Announcement{Tenant: e.Tenant, Event: e.ID})
			return nil
		})
	}
	return errors.Join(group.Wait(), first(failures))
}

// first returns the first error, for a log line that is not as long as the outage.
func first(all []error) error {
	for _, err := range all {
		if err != nil {
			return err
		}
	}
	return nil
}
