package delivery

import (
	"context"
	"fmt"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/webhook"
)

// parcel is a message ready to be sent, and what may be kept of it.
type parcel struct {
	send   func(context.Context) (webhook.Result, error)
	logged []byte   // the message without the guest
	whole  *content // the order that it tells all of, if it does
}

// pack makes a delivery's message. A [fault.NotFound] means that what it tells of is not kept any more; a reason, that
// whom it is for does not want it any more.
func (c *courier) pack(ctx context.Context, d delivery.Delivery, ev *delivery.Event) (parcel, delivery.Reason, error) {
	if ev == nil {
		stored, err := c.store.Event(ctx, d.Tenant, d.Event)
		if err != nil {
			return parcel{}, "", err
		}
		ev = &stored.Event
	}
	if toPlatform(d) {
		return c.report(ctx, d, *ev)
	}
	e, err := c.store.KnownEndpoint(ctx, d.Tenant, d.Endpoint)
	switch {
	case fault.Is(err, fault.NotFound):
		return parcel{}, delivery.Removed, nil
	case err != nil:
		return parcel{}, "", err
	case e.Disabled:
		return parcel{}, e.Reason, nil
	}
	p, body, err := c.message(ctx, e, *ev)
	if err != nil {
		return parcel{}, "", err
	}
	call, err := c.sign(ctx, e, d.Event, body)
	p.send = func(ctx context.Context) (webhook.Result, error) { return c.client.Do(ctx, call), nil }
	return p, "", err
}

// message makes the body for an endpoint.
func (c *courier) message(ctx context.Context, e delivery.Endpoint, ev delivery.Event) (p parcel, text []byte, err error) {
	if e.Payload != delivery.Full || ev.Order == "" {
		text, err = delivery.Body(ev, nil)
		return parcel{logged: text}, text, err
	}
	whole, err := c.content(ctx, ev.Tenant, ev.Order)
	if err != nil {
		return parcel{}, nil, err
	}
	masked := whole
	masked.Order = whole.Order.Masked()
	p.whole = &whole
	if p.logged, err = body(e.Format, ev, masked); err != nil {
		return parcel{}, nil, err
	}
	text, err = body(e.Format, ev, whole)
	return p, text, err
}

func body(format delivery.Format, ev delivery.Event, whole content) ([]byte, error) {
	if format == delivery.Deliverect {
		return channel.DeliverectForPOS(whole.Order, channel.POSOrder{
			ID: ev.Order, Cancelled: ev.Type == delivery.OrderCancelled, Reason: whole.Reason,
		})
	}
	return delivery.Body(ev, whole)
}

// words are what of an order's guest could be told apart in a text.
func words(o order.Order) []string {
	var all []string
	if c := o.Customer; c != nil {
		all = append(all, c.Name, c.Phone, c.Email, c.Note)
		all = append(all, strings.Fields(c.Name)...)
	}
	if a := o.DeliveryAddress; a != nil {
		all = append(all, a.Street, a.PostalCode, a.Extra)
	}
	return append(append(all, o.Note), notes(o.Items)...)
}

func notes(items []order.Item) []string {
	var all []string
	for _, i := range items {
		all = append(append(all, i.Note), notes(i.Modifiers)...)
	}
	return all
}

// masked returns the result with no more of the answer than the log may keep. Whoever is told of an order may answer with
// what they know of its guest, whatever they were sent. Where the hub does not know the guest's words any more, or cannot
// look at them now, nothing of the answer is kept.
func (c *courier) masked(ctx context.Context, d delivery.Delivery, p parcel, r webhook.Result) webhook.Result {
	if d.Order == "" || r.BodyPrefix == "" {
		return delivery.MaskAnswer(r, nil)
	}
	if p.whole == nil {
		whole, err := c.content(ctx, d.Tenant, d.Order)
		if err != nil {
			r.BodyPrefix = ""
			return r
		}
		p.whole = &whole
	}
	if p.whole.Erased {
		r.BodyPrefix = ""
		return r
	}
	return delivery.MaskAnswer(r, words(p.whole.Order))
}

// sign makes the call that brings a body to an endpoint, signed with all of its secrets.
func (c *courier) sign(ctx context.Context, e delivery.Endpoint, id string, body []byte) (webhook.Call, error) {
	secrets, err := c.store.Secrets(ctx, e)
	if err != nil {
		return webhook.Call{}, err
	}
	h, err := webhook.Sign(secrets, id, c.now(), body)
	if err != nil {
		return webhook.Call{}, fmt.Errorf("endpoint %s: %w", e.ID, err)
	}
	call := webhook.Call{Method: "POST", URL: e.URL, Body: body, Header: map[string]string{
		"Content-Type": "application/json", webhook.HeaderID: h.ID, webhook.HeaderTimestamp: h.Timestamp, webhook.HeaderSignature: h.Signature,
	}}
	if e.Format == delivery.Deliverect {
		call.Header[channel.DeliverectSignature] = secrets[0].HexMAC(body)
	}
	return call, nil
}

// send signs a message and posts it, whatever the endpoint's breaker says. An error means that it was not sent, or that
// the hub itself broke the attempt off.
func (c *courier) send(ctx context.Context, e delivery.Endpoint, id string, body []byte) (webhook.Result, error) {
	call, err := c.sign(ctx, e, id, body)
	if err != nil {
		return webhook.Result{}, err
	}
	result := c.client.Do(ctx, call)
	if result.Failure == webhook.Interrupted {
		return result, brokenOff()
	}
	return result, nil
}

// content is the order of a full payload as it stands now, with the guest while that is not erased.
type content struct {
	Status     order.Status `json:"status"`
	Version    int64        `json:"version"`
	Reason     string       `json:"reason,omitzero"`
	ReadyAt    order.Time   `json:"readyAt,omitzero"`
	ReceivedAt time.Time    `json:"receivedAt"`
	Erased     bool         `json:"erased"`
	Order      order.Order  `json:"order"`
}

func (c *courier) content(ctx context.Context, tenant, id string) (content, error) {
	stored, err := c.orders.Load(ctx, tenant, id)
	if err != nil {
		return content{}, err
	}
	whole, err := c.orders.Whole(ctx, stored)
	if err != nil {
		return content{}, err
	}
	return content{
		Status: stored.Status, Version: stored.Version, Reason: stored.Reason, ReadyAt: stored.ReadyAt,
		ReceivedAt: stored.Received, Erased: stored.Erased(c.now()), Order: whole,
	}, nil
}
