package orders

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/channel/fetchdb"
	"ryggrad.internal/hub/shared/channel/platformapi"
	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/webhook"
)

// maxOrder bounds what is read of a platform's order, in bytes: what a webhook may bring.
const maxOrder = httpapi.MaxBody

// fetcher gets orders that platforms only told of.
type fetcher struct {
	server    *server
	platforms *platformapi.Client
	notices   *deliverydb.Store
	pause     func(ctx context.Context, d time.Duration) // between attempts in one run
	log       *slog.Logger
}

// pauses are the waits between attempts in one run. Platforms tell of an order a moment before they hand it out, and most
// outages are over in seconds; what takes longer is put off.
func pauses() []time.Duration { return []time.Duration{time.Second, 4 * time.Second} }

// fetch handles the announcement of a fetch. It is safe to come twice: who comes second finds the fetch claimed or done.
func (p *fetcher) fetch(ctx context.Context, m event.Message) error {
	announced, err := event.ParseAnnouncement(m)
	if err != nil {
		return err
	}
	f, err := p.server.fetches.Load(ctx, announced.Tenant, announced.Event)
	if fault.Is(err, fault.NotFound) {
		p.log.WarnContext(ctx, "announced fetch is not there", "fetch", announced.Event, "tenant", announced.Tenant)
		return nil
	}
	if err != nil {
		return err
	}
	taken, ok, err := p.server.fetches.Take(ctx, f)
	if err != nil || !ok {
		return err
	}
	return p.carryOut(ctx, taken)
}

// carryOut tries a claimed fetch, a few times while the platform asks for no more patience than that, and records what
// became of it.
func (p *fetcher) carryOut(ctx context.Context, f fetchdb.Fetch) error {
	if f.Late(p.server.now()) {
		return p.giveUp(ctx, f, "the platform did not hand the order out in time")
	}
	err := p.try(ctx, f)
	for _, pause := range pauses() {
		if err == nil || final(err) || asked(err) > pause || p.server.now().Add(pause).After(f.Deadline) {
			break
		}
		p.pause(ctx, pause)
		err = p.try(ctx, f)
	}
	switch {
	case err == nil:
		return p.server.fetches.Done(context.WithoutCancel(ctx), f) // the order is here, whatever time it is
	case ctx.Err() == nil && final(err):
		return p.giveUp(ctx, f, "the order cannot be taken in")
	}
	p.log.WarnContext(ctx, "order could not be fetched; it is tried again", "fetch", f.ID, "tenant", f.Tenant, "adapter", f.Adapter, "tries", f.Tries, "error", err)
	return p.server.fetches.Postpone(context.WithoutCancel(ctx), f, asked(err)) // also when the time is over
}

// final tells whether trying again would not help.
func final(err error) bool {
	return !fault.KindOf(err).Retryable() || fault.Is(err, fault.Internal)
}

// asked is how long the platform wants to be left in peace.
func asked(err error) time.Duration {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.RetryAfter
	}
	return 0
}

// try asks the platform for the order and takes it in, exactly as if its webhook had brought it.
func (p *fetcher) try(ctx context.Context, f fetchdb.Fetch) error {
	link, err := p.server.directory.Link(ctx, f.Link)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Forbidden) {
		return fault.New(fault.Unavailable, "the channel link is switched off").Because(err)
	}
	if err != nil {
		return err
	}
	to, err := platformapi.Of(link, p.server.now())
	if err != nil {
		return err
	}
	result, body, err := p.platforms.Call(ctx, to, maxOrder, func(token string) (webhook.Call, error) {
		return to.Adapter.OrderCall(to.Account, token, f.From)
	})
	if err != nil {
		return err
	}
	if result.Status != http.StatusOK {
		return fault.New(fault.Unavailable, "the platform answered %d %s", result.Status, result.Failure).After(result.RetryAfter)
	}
	return p.take(ctx, f, link, to.Adapter, body)
}

// take takes in what the platform gave. What cannot be read is kept as a webhook's would be, for somebody to look at; an
// order that is here already is left as it is: what became of it since is told by other events.
func (p *fetcher) take(ctx context.Context, f fetchdb.Fetch, link identitydb.OpenLink, adapter channel.Adapter, body []byte) error {
	places, err := p.server.places(ctx, link.Link)
	if err != nil {
		return err
	}
	a := arrival{
		adapter: adapter, link: link, call: httpapi.Call{RequestID: f.ID},
		request: channel.Request{Path: channel.PathFetched, Body: body, At: f.ArrivedAt},
	}
	message, err := adapter.ReadFetched(body, f.From, channel.Link{Places: places, Options: link.Options})
	switch fault.KindOf(err) {
	case "":
	case fault.Malformed, fault.Invalid:
		_, err = p.server.keepUnreadable(ctx, a, f.From, err)
		return err
	default:
		return err
	}
	_, err = p.server.carryOut(ctx, a, message)
	if fault.Is(err, fault.Conflict) {
		p.log.InfoContext(ctx, "fetched order is here already with other content", "fetch", f.ID, "tenant", f.Tenant)
		return nil
	}
	return err
}

// giveUp says for good that an order was not got, and alerts: the guest may be waiting.
func (p *fetcher) giveUp(ctx context.Context, f fetchdb.Fetch, why string) error {
	p.log.ErrorContext(ctx, "order could not be fetched; it is given up", "fetch", f.ID, "tenant", f.Tenant, "adapter", f.Adapter, "tries", f.Tries)
	id, err := p.notices.Notify(ctx, f.Tenant, delivery.Notice{
		Kind: delivery.OrderNotFetched, Subject: f.ID, Order: f.From.ChannelOrderID,
		Message: "An order was announced by " + f.Adapter + " and is not here: " + why + ". Look for it at the platform.",
	})
	if err != nil {
		return err
	}
	if err := p.server.fetches.GiveUp(ctx, f, why); err != nil {
		return err
	}
	if id != "" {
		p.server.announcer.Announce(ctx, event.Announcement{Tenant: f.Tenant, Event: id})
	}
	return nil
}

// wait waits, or less when there is no time.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
