package orders

import (
	"context"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order"
)

const (
	actionKeepUnreadable = "message.fail"
	actionKeepWaiting    = "message.wait"
)

// kept is what is kept of a message that makes no order.
func (a arrival) kept(state channel.KeptState, what string, ref channel.Ref, mark channel.Mark) channel.Kept {
	var secret []byte
	if len(a.link.Secrets) > 0 {
		secret = a.link.Secrets[0]
	}
	k := channel.Kept{
		ID:     channel.KeptID(a.link.ID, a.request.Path, mark, a.request.Body, secret),
		Tenant: a.link.Tenant, Link: a.link.ID, Adapter: a.adapter.Name, Path: a.request.Path, State: state, What: what, Ref: ref,
		ReceivedAt: a.request.At.UTC().Truncate(time.Microsecond),
	}
	if len(a.link.Locations) == 1 {
		k.Location = a.link.Locations[0].Location
	}
	return k
}

// keepUnreadable keeps an order that cannot be read, tells those who listen, and raises an alert, once however often it
// is sent. What is known of it besides its bytes is what its reference told, if it was fetched. The platform hears what
// makes it stop; only if the message cannot be kept it is asked to send it again.
func (s *server) keepUnreadable(ctx context.Context, a arrival, from channel.Reference, cause error) (channel.Reply, error) {
	k := a.kept(channel.KeptFailed, "unreadable", from.Ref, from.Mark)
	k.Place = from.Place
	k.Problem = fault.KindOf(cause)
	write, id := announceFailed(k)
	fresh, err := s.messages.Keep(ctx, a.act(actionKeepUnreadable), k, channel.Keepable(a.request.Body), write)
	if err != nil {
		return channel.Reply{}, err
	}
	if fresh {
		// An alert matches this very text.
		s.api.Log.ErrorContext(ctx, "channel order could not be read", "kept", k.ID, "link", k.Link, "adapter", k.Adapter, "problem", string(k.Problem))
		s.announcer.Announce(ctx, event.Announcement{Tenant: k.Tenant, Event: id})
	}
	if a.adapter.Unreadable != 0 {
		return channel.Reply{Status: a.adapter.Unreadable}, nil
	}
	return a.adapter.Refuse(cause), nil
}

// announceFailed makes the event of an order that could not be read. It is about no order of ours: there is none.
func announceFailed(k channel.Kept) (write ledgerdb.Write, id string) {
	id = delivery.EventPrefix + strings.TrimPrefix(k.ID, channel.KeptPrefix)
	e := delivery.Event{
		ID: id, Tenant: k.Tenant, Type: delivery.OrderFailed, Location: k.Location, OccurredAt: k.ReceivedAt, Pending: true,
		Data: map[string]any{"message": k.ID, "channel": k.Link, "adapter": k.Adapter, "reason": "unreadable"},
	}
	return ledgerdb.Add(ledgerdb.Ref{Collection: "events", ID: id}, e.Document()), id
}

// waitForOrder keeps a cancellation until its order comes; see reconcile.
func (s *server) waitForOrder(ctx context.Context, a arrival, k channel.Kept) (channel.Reply, error) {
	k.State = channel.KeptWaiting
	fresh, err := s.messages.Keep(ctx, a.act(actionKeepWaiting), k, channel.Keepable(a.request.Body))
	if err != nil {
		return channel.Reply{}, err
	}
	if fresh {
		s.api.Log.InfoContext(ctx, "a cancellation waits for its order", "kept", k.ID, "link", k.Link, "adapter", k.Adapter)
	}
	return a.adapter.Answer(channel.Noted, ""), nil
}

// noteEvent records what else a platform tells.
func (s *server) noteEvent(ctx context.Context, a arrival, m channel.Event) (channel.Reply, error) {
	k := a.kept(channel.KeptNoted, m.Name, m.Ref, m.Mark)
	if len(m.Identity) > 0 {
		k.Order = order.ID(k.Tenant, k.Link, m.Identity...)
	}
	if err := s.messages.Note(ctx, k, channel.Keepable(a.request.Body)); err != nil {
		return channel.Reply{}, err
	}
	return a.adapter.Answer(channel.Noted, ""), nil
}
