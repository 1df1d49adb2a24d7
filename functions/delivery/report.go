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
	status, _ := ev.Data["status"].(string)
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
	return open.ID, to.Adapter.Reports(to.Account, order.Status(status)), nil
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
	stored, err := c.orders.Load(ctx, d.Tenant, d.Order)
	if err != nil {
		return parcel{}, "", err
	}
	status, _ := ev.Data["status"].(string)
	r := channel.Report{
		Order: stored.ID, ChannelOrderID: stored.Order.ChannelOrderID, Place: theirs(link.Link, stored.Order.Location),
		Status: order.Status(status), ReadyAt: stored.ReadyAt, At: ev.OccurredAt,
	}
	if stored.Status == r.Status {
		r.Reason = stored.Reason
	}
	shown, ok := to.Adapter.ReportCall(to.Account, "", r)
	if !ok {
		return parcel{}, delivery.Removed, nil
	}
	return parcel{logged: append([]byte(shown.Method+" "+path(shown.URL)+" "), shown.Body...), send: func(ctx context.Context) (webhook.Result, error) {
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

// theirs is what the platform calls a location.
func theirs(link identity.Link, location string) string {
	for _, at := range link.Locations {
		if at.Location == location {
			return at.External
		}
	}
	return ""
}

// path is an address without its host and what follows a question mark, which may hold a secret.
func path(address string) string {
	_, rest, _ := strings.Cut(address, "://")
	_, rest, _ = strings.Cut(rest, "/")
	rest, _, _ = strings.Cut(rest, "?")
	return "/" + rest
}
