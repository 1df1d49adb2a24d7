package orders

import (
	"context"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/channel/fetchdb"
	"ryggrad.internal/hub/shared/event"
)

// refer takes in that there is an order to fetch, and answers: the platform has told, and need not tell again. Getting the
// order is the fetch function's.
func (s *server) refer(ctx context.Context, a arrival, m channel.Reference) (channel.Reply, error) {
	f := a.adapter.Fetch(a.link.Tenant, a.link.ID, m, s.now())
	fresh, err := s.fetches.Refer(ctx, a.act(fetchdb.ActionRefer), f)
	if err != nil {
		return channel.Reply{}, err
	}
	if fresh {
		s.referrals.Announce(ctx, event.Announcement{Tenant: f.Tenant, Event: f.ID})
	}
	return a.adapter.Answer(channel.Noted, ""), nil
}
