package privacydb

import (
	"context"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/channel/channeldb"
	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/order/orderdb"
	"ryggrad.internal/hub/shared/privacy"
)

// Messages without an index are opened and searched: so many, and so many times [channeldb.Together] of them at once.
const (
	searched = 20_000
	inFlight = 2
)

// Found is what the tenant holds about a guest.
type Found struct {
	Orders   []FoundOrder // in no particular order
	Messages []FoundMessage
	// Partly says that there were more messages without an index than are searched.
	Partly bool
}

// FoundOrder is an order that is, or may be, a guest's.
type FoundOrder struct {
	orderdb.Stored
	Whole   order.Order // with its guest; the face alone where the guest cannot be opened
	Verdict privacy.Verdict
}

// FoundMessage is a kept message that is, or may be, about a guest.
type FoundMessage struct {
	channel.Kept
	Verdict privacy.Verdict
}

// OrderIDs returns the ids of the confirmed orders.
func (f Found) OrderIDs() []string {
	var ids []string
	for _, o := range f.Orders {
		if o.Verdict == privacy.Confirmed {
			ids = append(ids, o.ID)
		}
	}
	return ids
}

// MessageIDs returns the ids of the confirmed messages.
func (f Found) MessageIDs() []string {
	var ids []string
	for _, m := range f.Messages {
		if m.Verdict == privacy.Confirmed {
			ids = append(ids, m.ID)
		}
	}
	return ids
}

// Find returns what the tenant holds about whom is sought. More than one job can take is [fault.Conflict].
func (s *Store) Find(ctx context.Context, tenant string, sought privacy.Sought) (Found, error) {
	var found Found
	var err error
	if found.Orders, err = s.findOrders(ctx, tenant, sought); err != nil {
		return found, err
	}
	if err = s.findMessages(ctx, tenant, sought, &found); err != nil {
		return found, err
	}
	if len(found.Orders)+len(found.Messages) > privacy.MaxErased {
		return found, tooMany()
	}
	return found, nil
}

func tooMany() error {
	return fault.New(fault.Conflict, "more than %d orders and messages match; name a second contact, or ask the hub's operators", privacy.MaxErased)
}

func (s *Store) findOrders(ctx context.Context, tenant string, sought privacy.Sought) ([]FoundOrder, error) {
	byPhone, err := s.contact(ctx, tenant, sought.Phone, s.opts.Orders.ByPhone)
	if err != nil {
		return nil, err
	}
	byEmail, err := s.contact(ctx, tenant, sought.Email, s.opts.Orders.ByEmail)
	if err != nil {
		return nil, err
	}
	both := maps.Clone(byPhone)
	maps.Copy(both, byEmail)
	stored, err := s.opts.Orders.LoadAll(ctx, tenant, slices.Sorted(maps.Keys(both)))
	if err != nil {
		return nil, err
	}
	var found []FoundOrder
	for _, o := range stored {
		whole, err := s.opts.Orders.Whole(ctx, o)
		if fault.Is(err, fault.Unavailable) {
			return nil, err
		}
		if err != nil { // damaged, or its key is destroyed: it can still be erased
			whole = o.Order
		}
		found = append(found, FoundOrder{o, whole, sought.Order(o.ID, whole, byPhone[o.ID], byEmail[o.ID]).Verdict()})
	}
	return found, nil
}

// contact returns the ids of orders with a contact.
func (s *Store) contact(ctx context.Context, tenant string, c envelope.Contact,
	find func(context.Context, string, envelope.Contact, int) ([]string, error)) (map[string]bool, error) {
	all := map[string]bool{}
	if c.Value() == "" {
		return all, nil
	}
	ids, err := find(ctx, tenant, c, privacy.MaxErased+1)
	if err != nil {
		return nil, err
	}
	if len(ids) > privacy.MaxErased {
		return nil, tooMany()
	}
	for _, id := range ids {
		all[id] = true
	}
	return all, nil
}

// findMessages weighs the messages about confirmed orders, those that made no order when they came, and those that were
// named.
func (s *Store) findMessages(ctx context.Context, tenant string, sought privacy.Sought, found *Found) error {
	about, err := s.about(ctx, tenant, found.Orders)
	if err != nil {
		return err
	}
	unread, all, err := s.opts.Messages.Unread(ctx, tenant, searched)
	if err != nil {
		return err
	}
	found.Partly = !all
	ids := slices.Concat(unread, sought.Messages(), slices.Collect(maps.Keys(about)))
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	confirmed := found.OrderIDs()
	parts := make([][]FoundMessage, (len(ids)+channeldb.Together-1)/channeldb.Together)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(inFlight)
	for i := range parts {
		group.Go(func() (err error) {
			some := ids[i*channeldb.Together : min((i+1)*channeldb.Together, len(ids))]
			parts[i], err = s.weigh(ctx, tenant, some, func(m channel.Kept, body []byte) privacy.Verdict {
				evidence := sought.Message(m.ID, body)
				evidence.About = about[m.ID] || slices.Contains(confirmed, m.Order)
				return evidence.Verdict()
			})
			return err
		})
	}
	err = group.Wait()
	found.Messages = slices.Concat(parts...)
	return err
}

// weigh opens messages and returns those that a verdict does not call a stranger's, without what they say.
func (s *Store) weigh(ctx context.Context, tenant string, ids []string, verdict func(channel.Kept, []byte) privacy.Verdict) ([]FoundMessage, error) {
	stored, err := s.opts.Messages.LoadAll(ctx, tenant, ids)
	if err != nil {
		return nil, err
	}
	var found []FoundMessage
	for _, m := range stored {
		body, err := s.opts.Messages.Body(ctx, m)
		if fault.Is(err, fault.Unavailable) {
			return nil, err
		}
		if err != nil { // damaged, or its key is destroyed: nobody reads it any more
			body = nil
		}
		if v := verdict(m.Kept, body); v != privacy.Stranger {
			found = append(found, FoundMessage{m.Kept, v})
		}
	}
	return found, nil
}

// about returns the ids of the messages about confirmed orders.
func (s *Store) about(ctx context.Context, tenant string, orders []FoundOrder) (map[string]bool, error) {
	records, names := map[string][]order.Record{}, map[string][]string{}
	for _, o := range orders {
		if o.Verdict == privacy.Confirmed && o.Adapter != "" {
			records[o.Link] = append(records[o.Link], o.Record)
			names[o.Link] = append(names[o.Link], o.Order.ChannelOrderID)
		}
	}
	all := map[string]bool{}
	for link, ids := range names {
		messages, err := s.opts.Messages.About(ctx, tenant, link, slices.Compact(slices.Sorted(slices.Values(ids))))
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			if slices.ContainsFunc(records[link], func(r order.Record) bool { return privacy.About(m.Kept, r) }) {
				all[m.ID] = true
			}
		}
	}
	return all, nil
}
