package privacydb

import (
	"context"
	"maps"
	"slices"

	"ryggrad.internal/hub/shared/channel/channeldb"
	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/order/orderdb"
	"ryggrad.internal/hub/shared/privacy"
)

// searched is how many unsettled messages of each state are opened and searched, the newest.
const searched = 200

// Found is what the tenant holds about a guest.
type Found struct {
	Orders   []FoundOrder // in no particular order
	Messages []FoundMessage
}

// FoundOrder is an order that is, or may be, a guest's.
type FoundOrder struct {
	orderdb.Stored
	Whole   order.Order // with its guest; the face alone where the guest cannot be opened
	Verdict privacy.Verdict
}

// FoundMessage is a kept message that is, or may be, about a guest.
type FoundMessage struct {
	channeldb.Stored
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
	if found.Messages, err = s.findMessages(ctx, tenant, sought, found.Orders); err != nil {
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

// findMessages weighs the messages about confirmed orders, those that are not settled, and those that were named.
func (s *Store) findMessages(ctx context.Context, tenant string, sought privacy.Sought, orders []FoundOrder) ([]FoundMessage, error) {
	about, err := s.about(ctx, tenant, orders)
	if err != nil {
		return nil, err
	}
	ids, err := s.opts.Messages.Unsettled(ctx, tenant, searched)
	if err != nil {
		return nil, err
	}
	ids = append(append(ids, sought.Messages()...), slices.Collect(maps.Keys(about))...)
	stored, err := s.opts.Messages.LoadAll(ctx, tenant, slices.Compact(slices.Sorted(slices.Values(ids))))
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
		evidence := sought.Message(m.ID, body)
		evidence.About = about[m.ID]
		if v := evidence.Verdict(); v != privacy.Stranger {
			found = append(found, FoundMessage{m, v})
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
