package delivery

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/channel/fetchdb"
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
	left      *fetchdb.Store
	fetches   event.Announcer // on the topic of fetches
	now       func() time.Time
	log       *slog.Logger
}

// relay announces again what was not dispatched: because the announcement after its commit failed, or the dispatch did;
// and what is to be fetched and was not. Whatever it cannot announce is found again in a minute.
func (p *relayer) relay(ctx context.Context, _ event.Message) error {
	return errors.Join(p.events(ctx), p.leftFetches(ctx))
}

func (p *relayer) events(ctx context.Context) error {
	forgotten, err := p.store.Forgotten(ctx, p.now().Add(-forgottenAfter), relayPerShard)
	if err != nil {
		return err
	}
	all := make([]event.Announcement, len(forgotten))
	for i, e := range forgotten {
		all[i] = event.Announcement{Tenant: e.Tenant, Event: e.ID}
	}
	if len(all) > 0 {
		p.log.WarnContext(ctx, "events are announced again", "events", len(all))
	}
	return announceAll(ctx, p.announcer, all)
}

// leftFetches announces the fetches whose time has come: those that failed, and those whose first announcement was lost,
// which are due from the beginning.
func (p *relayer) leftFetches(ctx context.Context) error {
	due, err := p.left.Due(ctx, p.now(), relayPerShard)
	if err != nil {
		return err
	}
	all := make([]event.Announcement, len(due))
	for i, f := range due {
		all[i] = event.Announcement{Tenant: f.Tenant, Event: f.ID}
	}
	return announceAll(ctx, p.fetches, all)
}

func announceAll(ctx context.Context, on event.Announcer, all []event.Announcement) error {
	failures := make([]error, len(all))
	var group errgroup.Group
	group.SetLimit(publishAtOnce)
	for i, one := range all {
		group.Go(func() error {
			failures[i] = on.Publish(ctx, one)
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
