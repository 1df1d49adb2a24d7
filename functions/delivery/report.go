package delivery

import (
	"context"
	"strings"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/channel/platformapi"
	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/webhook"
)

// maxReply bounds what is read of a platform's answer to a report.
const maxReply = 64 << 10

// toPlatform tells whether a delivery is for the platform that an order came from, and not for an endpoint.
func toPlatform(d delivery.Delivery) bool { return strings.HasPrefix(d.Endpoint, identity.LinkPrefix) }

// platformOf returns the channel link whose platform wants to hear of an event: the one that the order came by, unless the
// platform itself is what moved it.
func (c *courier) platformOf(ctx context.Context, ev delivery.Event) (link string, ok bool, err error) {
	id, _ := ev.Data["channel"].(string)
	if ev.Order == "" || !identity.WellFormed(identity.LinkPrefix, id) || ev.Data["by"] == string(identity.KindChannel) {
		return "", false, nil
	}
	open, to, err := c.open(ctx, ev.Tenant, id)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Forbidden) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	r := reportOf(ev)
	if to.Adapter.CallsBack() && !r.Retimed {
		stored, err := c.orders.Load(ctx, ev.Tenant, ev.Order)
		if fault.Is(err, fault.NotFound) || err == nil && !stored.CalledBack() {
			return "", false, nil
		}
		if err != nil {
			return "", false, err
		}
		r.First, r.Callback = !stored.DecidedBefore(ev.Sequence), "the order has one"
	}
	return open.ID, to.Adapter.Reports(to.Account, r), nil
}

// reportOf returns what an event says of its order.
func reportOf(ev delivery.Event) channel.Report {
	status, _ := ev.Data["status"].(string)
	retimed, _ := ev.Data["retimed"].(bool)
	return channel.Report{Order: ev.Order, Status: order.Status(status), Retimed: retimed, At: ev.OccurredAt}
}

func (c *courier) open(ctx context.Context, tenant, id string) (identitydb.OpenLink, platformapi.Link, error) {
	link, err := c.directory.Link(ctx, id)
	if err != nil {
		return link, platformapi.Link{}, err
	}
	if link.Tenant != tenant {
		return link, platformapi.Link{}, fault.New(fault.NotFound, "there is no such channel link")
	}
	to, err := platformapi.Of(link, c.now())
	return link, to, err
}

// report makes the message that tells a platform of an order's status.
func (c *courier) report(ctx context.Context, d delivery.Delivery, ev delivery.Event) (parcel, delivery.Reason, error) {
	link, to, err := c.open(ctx, d.Tenant, d.Endpoint)
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Forbidden) {
		return parcel{}, delivery.Removed, nil
	}
	if err != nil {
		return parcel{}, "", err
	}
	r, err := c.reported(ctx, link.Link, to.Adapter, ev)
	if err != nil {
		return parcel{}, "", err
	}
	shown, ok := to.Adapter.ReportCall(to.Account, "", r)
	switch {
	case !ok:
		return parcel{}, delivery.Removed, nil
	case to.Adapter.CallsBack() && !to.Adapter.Allows(to.Account, shown.URL):
		return parcel{}, delivery.Refused, nil
	}
	return parcel{logged: append([]byte(shown.Method+" "+where(to.Adapter, shown)+" "), shown.Body...), send: func(ctx context.Context) (webhook.Result, error) {
		result, _, err := c.platforms.Call(ctx, to, maxReply, func(token string) (webhook.Call, error) {
			call, _ := to.Adapter.ReportCall(to.Account, token, r)
			if !to.Adapter.Allows(to.Account, call.URL) {
				return call, fault.New(fault.Invalid, "the channel link does not say where its platform is")
			}
			return call, nil
		})
		return result, err
	}}, "", nil
}

// reported completes what an event says of its order by what the order is now.
func (c *courier) reported(ctx context.Context, link identity.Link, a channel.Adapter, ev delivery.Event) (channel.Report, error) {
	stored, err := c.orders.Load(ctx, ev.Tenant, ev.Order)
	if err != nil {
		return channel.Report{}, err
	}
	r := reportOf(ev)
	r.ChannelOrderID, r.Place = stored.Order.ChannelOrderID, theirs(link, stored.Order.Location)
	r.ReadyAt, r.First = stored.ReadyAt, !stored.DecidedBefore(ev.Sequence)
	if stored.Status == r.Status {
		r.Reason = stored.Reason
	}
	if a.CallsBack() {
		r.Callback, err = c.orders.Callback(ctx, stored)
	}
	return r, err
}

// theirs is what the platform calls a location.
func theirs(link identity.Link, location string) string {
	for _, at := range link.Locations {
		if at.Location == location {
			return at.External
		}
	}
	return ""
}

// where is what may be kept of where a report went. An address that a webhook named may be a secret as a whole.
func where(a channel.Adapter, call webhook.Call) string {
	if a.CallsBack() {
		return "the order's callback"
	}
	return path(call.URL)
}

// path is an address without its host and what follows a question mark, which may hold a secret.
func path(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	_, rest, _ = strings.Cut(rest, "/")
	rest, _, _ = strings.Cut(rest, "?")
	return "/" + rest
}
