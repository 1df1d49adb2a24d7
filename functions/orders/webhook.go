package orders

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/order/orderdb"
)

const (
	actionReceiveFromChannel = "order.receive"
	actionCancelByChannel    = "order.cancel"
)

// arrival is a webhook on its way through the checks.
type arrival struct {
	adapter channel.Adapter
	link    identitydb.OpenLink
	request channel.Request
	call    httpapi.Call // of the platform; or, when a kept message is replayed, of who does that
}

// webhook receives a platform's own webhook and answers in the platform's own way.
func (s *server) webhook(w http.ResponseWriter, r *http.Request, call httpapi.Call) error {
	adapter, ok := channel.Named(r.PathValue("adapter"))
	path := lastSegment(r.URL.Path)
	if !ok || !slices.Contains(pathsOf(adapter, r.Method), path) {
		return fault.New(fault.NotFound, "there is nothing at this path")
	}
	reply, err := s.receive(r, call, adapter, path)
	if err != nil {
		s.note(r.Context(), adapter, err)
		reply = adapter.Refuse(err)
	}
	if reply.ContentType != "" {
		w.Header().Set("Content-Type", reply.ContentType)
	}
	if reply.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(reply.RetryAfter.Seconds()+0.999)))
	}
	w.WriteHeader(reply.Status)
	_, _ = w.Write(reply.Body) // the platform may have left; it will send again
	return nil
}

// note logs what we must know of and the platform is not told.
func (s *server) note(ctx context.Context, a channel.Adapter, err error) {
	switch fault.KindOf(err) {
	case fault.Internal:
		s.api.Log.ErrorContext(ctx, "channel webhook failed", "adapter", a.Name, "error", err)
	case fault.Unavailable:
		s.api.Log.WarnContext(ctx, "channel webhook could not be served now", "adapter", a.Name, "error", err)
	default:
		s.api.Log.WarnContext(ctx, "channel webhook was refused", "adapter", a.Name, "kind", string(fault.KindOf(err)))
	}
}

// receive proves who sent the webhook before it looks at what it says.
func (s *server) receive(r *http.Request, call httpapi.Call, adapter channel.Adapter, path string) (channel.Reply, error) {
	link, err := s.link(r, adapter)
	if err != nil {
		return channel.Reply{}, err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return channel.Reply{}, err
	}
	a := arrival{adapter: adapter, link: link, call: call, request: channel.Request{
		Path: path, URL: "https://" + r.Host + r.URL.RequestURI(), Header: r.Header.Values, Body: body, At: s.now(),
	}}
	if err := s.prove(r.Context(), a); err != nil {
		if fault.Is(err, fault.Unauthenticated) {
			s.refuse(r.Context(), call, identity.Caller{}, "the webhook's signature does not hold")
		}
		return channel.Reply{}, err
	}
	places, err := s.places(r.Context(), link.Link)
	if err != nil {
		return channel.Reply{}, err
	}
	message, err := adapter.Read(a.request, channel.Link{Places: places, Options: link.Options})
	switch fault.KindOf(err) {
	case "":
		return s.carryOut(r.Context(), a, message)
	case fault.Malformed, fault.Invalid:
		return s.keepUnreadable(r.Context(), a, channel.Reference{}, err)
	default:
		return channel.Reply{}, err
	}
}

// link finds the channel link that the address names, and counts the request against the link's share.
func (s *server) link(r *http.Request, adapter channel.Adapter) (identitydb.OpenLink, error) {
	link, err := s.directory.Link(r.Context(), r.PathValue("link"))
	if err != nil {
		return link, err
	}
	if link.Adapter != adapter.Name || adapter.Off(link.Options) {
		return link, fault.New(fault.NotFound, "there is no such channel link")
	}
	return link, s.meter(r, "link "+link.ID)
}

// prove checks the signature. One that does not hold is checked again with what is stored, since the secret may have
// been rotated a moment ago.
func (s *server) prove(ctx context.Context, a arrival) error {
	refusal := a.adapter.Verify(a.request, channel.Proof{Secrets: a.link.Secrets, Options: a.link.Options})
	if refusal == nil {
		return nil
	}
	fresh, err := s.directory.LinkAgain(ctx, a.link.ID)
	if err != nil {
		return err
	}
	return a.adapter.Verify(a.request, channel.Proof{Secrets: fresh.Secrets, Options: fresh.Options})
}

// places tells an adapter which locations the link serves.
func (s *server) places(ctx context.Context, link identity.Link) ([]channel.Place, error) {
	places := make([]channel.Place, 0, len(link.Locations))
	for _, at := range link.Locations {
		location, err := s.directory.Location(ctx, link.Tenant, at.Location)
		if err != nil {
			return nil, err
		}
		places = append(places, channel.Place{Location: location.ID, Theirs: at.External, Currency: order.Currency(location.Currency)})
	}
	return places, nil
}

func (s *server) carryOut(ctx context.Context, a arrival, message channel.Message) (channel.Reply, error) {
	switch m := message.(type) {
	case channel.NewOrder:
		return s.takeFromChannel(ctx, a, m)
	case channel.Cancel:
		return s.cancelFromChannel(ctx, a, m)
	case channel.Reference:
		return s.refer(ctx, a, m)
	case channel.Batch:
		return s.carryOutAll(ctx, a, m)
	case channel.Event:
		return s.noteEvent(ctx, a, m)
	default:
		return channel.Reply{}, fmt.Errorf("an adapter read %T", message)
	}
}

// carryOutAll carries out what came together, in its order. The platform hears the last answer; after a message that
// cannot be carried out it hears that, and what it sends again is recognised.
func (s *server) carryOutAll(ctx context.Context, a arrival, batch channel.Batch) (channel.Reply, error) {
	reply := a.adapter.Answer(channel.Noted, "")
	for _, message := range batch {
		var err error
		if reply, err = s.carryOut(ctx, a, message); err != nil {
			return channel.Reply{}, err
		}
	}
	return reply, nil
}

func (s *server) takeFromChannel(ctx context.Context, a arrival, m channel.NewOrder) (channel.Reply, error) {
	placed, err := s.placeFromChannel(ctx, a, m)
	switch {
	case fault.Is(err, fault.TooLarge): // it would be so every time
		return s.keepUnreadable(ctx, a, channel.Reference{}, err)
	case err != nil:
		return channel.Reply{}, err
	}
	outcome := channel.Taken
	if placed.Replayed {
		outcome = channel.Repeated
	}
	return a.adapter.Answer(outcome, placed.Record.ID), nil
}

func (s *server) placeFromChannel(ctx context.Context, a arrival, m channel.NewOrder) (orderdb.Placed, error) {
	location, err := s.directory.Location(ctx, a.link.Tenant, m.Order.Location)
	if err != nil {
		return orderdb.Placed{}, err
	}
	placed, err := s.take(ctx, orderdb.Placement{
		Order: m.Order,
		Origin: order.Origin{
			Tenant: a.link.Tenant, Link: a.link.ID, Adapter: a.adapter.Name, Identity: m.Identity,
			AcceptBy: order.DecideBy(m.Order.PlacedAt, a.request.At, a.adapter.AcceptWithin),
		},
		Act:      a.act(actionReceiveFromChannel),
		Region:   location.Country,
		Original: m.Original,
		Callback: m.Callback,
	})
	if err != nil {
		return orderdb.Placed{}, err
	}
	for _, warning := range m.Warnings {
		s.api.Log.InfoContext(ctx, "order looks odd", "order", placed.Record.ID, "code", warning.Code, "location", warning.Location)
	}
	return placed, nil
}

// cancelFromChannel calls off the order that the platform means. For one that is not here yet the cancellation waits.
// One that comes when the order is at another end is only kept. Of the reason only a code stands in plain; all of it is in the
// message that is kept.
func (s *server) cancelFromChannel(ctx context.Context, a arrival, m channel.Cancel) (channel.Reply, error) {
	k := a.kept(channel.KeptNoted, "cancel", m.Ref, m.Mark)
	k.Reason = channel.ReasonCode(m.Reason)
	id, err := s.orders.Find(ctx, a.link.Tenant, a.link.ID, m.ChannelOrderID, m.Identity)
	if fault.Is(err, fault.NotFound) {
		return s.waitForOrder(ctx, a, k)
	}
	if err != nil {
		return channel.Reply{}, err
	}
	anyOrder := func(order.Record) error { return nil } // the link's own: Find looks nowhere else
	_, err = s.move(ctx, a.act(actionCancelByChannel), id, order.Change{Status: order.Cancelled, Reason: k.Reason}, anyOrder)
	switch {
	case fault.Is(err, fault.Conflict): // the order came to another end; sent again, it would be so every time
		s.api.Log.WarnContext(ctx, "a cancellation came too late", "kept", k.ID, "order", id)
	case err != nil:
		return channel.Reply{}, err
	}
	k.Order = id
	if err := s.messages.Note(ctx, k, channel.Keepable(a.request.Body)); err != nil {
		return channel.Reply{}, err
	}
	return a.adapter.Answer(channel.Noted, id), nil
}

func (a arrival) act(action string) ledgerdb.Act {
	if a.call.Caller.Tenant != "" {
		return ledgerdb.ActOf(a.call.Caller, action, a.call.RequestID)
	}
	return ledgerdb.Act{
		Tenant: a.link.Tenant, Actor: identity.Actor{Kind: identity.KindChannel, ID: a.link.ID}, Action: action, RequestID: a.call.RequestID,
	}
}
