package channel

import (
	"strings"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

// uberEats is Uber Eats (developer.uber.com, "Marketplace APIs": webhooks, and `GET /v2/eats/order/{id}`).
//
// A webhook says what happened to which order, and where the order can be fetched. It is sent up to seven times, waiting
// 1, 2, 4 … seconds, until it is answered with 200 and no body, and carries an event_id that stays the same. Order ids are
// UUIDs, unique for good.
//
// Amounts are integers in minor units. A unit_price contains the modifiers, the base_unit_price does not. The phone
// number is Uber's own and takes a code.
func uberEats() Adapter {
	return Adapter{
		Carries:      CarriesReference,
		Paths:        []string{"events"},
		Signature:    Signature{Header: "X-Uber-Signature"},
		AcceptWithin: 11*time.Minute + 30*time.Second,
		RetryLater:   503,
		API:          uberEatsAPI(),
		Unreadable:   200,
		Codes: []Code{
			{"CREATED", order.Received}, {"ACCEPTED", order.Accepted}, {"FINISHED", order.Completed},
			{"DENIED", order.Rejected}, {"CANCELED", order.Cancelled},
		},
		read:    tree(readUberEats),
		fetched: uberEatsOrder,
		answers: always(200),
	}
}

func readUberEats(root *node, _ Request, _ Link) (Message, error) {
	meta, kind := root.get("meta"), root.get("event_type").text()
	mark := Mark{EventID: root.get("event_id").text(), At: unixTime(root.get("event_time"))}
	ref := refer(meta.any("resource_id", "order_id").text())
	if ref.ChannelOrderID == "" {
		ref = Ref{}
	}
	switch kind {
	case "orders.notification", "orders.scheduled.notification":
		if ref.ChannelOrderID == "" {
			return nil, missing("body.meta.resource_id")
		}
		return Reference{Ref: ref, Mark: mark, Event: kind, Resource: root.get("resource_href").text(), Place: meta.any("user_id", "store_id").text()}, nil
	case "orders.cancel", "orders.failure":
		if ref.ChannelOrderID == "" {
			return nil, missing("body.meta.resource_id")
		}
		return Cancel{Ref: ref, Mark: mark, Reason: reason(meta.any("status", "reason", "cancellation_reason").text())}, nil
	case "":
		return nil, missing("body.event_type")
	}
	return Event{Ref: ref, Mark: mark, Name: word(kind)}, nil
}

func uberEatsOrder(root *node, link Link, _ Reference) (Message, error) {
	cart, charges := root.get("cart"), root.get("payment", "charges")
	d, err := begin(root, link, root.get("store", "id").peek(), charges.get("total", "currency_code").text())
	if err != nil {
		return nil, err
	}
	o := &d.Order
	d.identify(root.get("id").text(), root.get("display_id").text())
	root.get("current_state").take() // state, not content
	d.kind(root.get("type"), map[string]order.Type{
		"pick_up": order.Pickup, "dine_in": order.DineIn, "delivery_by_uber": order.Delivery, "delivery_by_restaurant": order.Delivery,
	})
	o.PlacedAt = d.time(root.get("placed_at"))
	o.Items = d.uberItems(cart.get("items"), 0)
	o.Note = cart.get("special_instructions").text()
	for _, fee := range []struct{ member, kind string }{
		{"delivery_fee", "delivery"}, {"bag_fee", "bag"}, {"small_order_fee", "small_order"}, {"pick_and_pack_fee", "packing"}, {"tip", "tip"},
	} {
		d.fee(fee.kind, d.uberMoney(charges.get(fee.member)))
	}
	d.need(charges.get("total"), "body.payment.charges.total")
	o.Total = d.uberMoney(charges.get("total"))
	d.tax("Tax", d.uberMoney(charges.get("tax")), false)
	d.uberPromotions(charges)
	d.settleTaxes()
	d.pay("online", d.uberMoney(charges.get("cash_amount_due")))
	if o.Payment.Due > 0 {
		o.Payment.Method = "cash"
	}
	d.uberGuest(root.get("eater"))
	return d.message()
}

// uberMoney reads `{"amount": 350, "currency_code": "USD", "formatted_amount": "$3.50"}`.
func (d *draft) uberMoney(n *node) int64 {
	n.get("formatted_amount").take()
	n.get("currency_code").take()
	return d.minor(n.get("amount"))
}

func (d *draft) uberItems(list *node, depth int) []order.Item {
	var items []order.Item
	if depth > order.MaxDepth+1 || !list.says() {
		return nil
	}
	for _, in := range list.list() {
		price := in.get("price", "base_unit_price")
		if !price.says() {
			price = in.get("price", "unit_price")
		}
		item := order.Item{PLU: either(in.get("external_data").text(), in.get("id").peek()), Name: in.get("title").text(), Note: in.get("special_instructions").text()}
		if item.PLU == in.get("id").peek() {
			in.get("id").take()
		}
		item.Quantity, item.UnitPrice = d.quantity(in.get("quantity"), d.uberMoney(price))
		allergy := in.get("special_requests", "allergy")
		item.Note = lines(item.Note, allergens(allergy.get("allergens_to_exclude")), allergy.get("allergy_instructions").text())
		if groups := in.get("selected_modifier_groups"); groups.says() {
			for _, group := range groups.list() {
				item.Modifiers = append(item.Modifiers, d.uberItems(group.get("selected_items"), depth+1)...)
			}
		}
		items = append(items, item)
	}
	return items
}

// allergens spells what a dish must not contain, for the kitchen: it must not be left to extra.
func allergens(list *node) string {
	if !list.says() {
		return ""
	}
	var all []string
	for _, a := range list.list() {
		if name := either(a.get("freeform_text").text(), a.get("type").text()); name != "" {
			all = append(all, name)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "Allergens to exclude: " + strings.Join(all, ", ")
}

// uberPromotions: what was taken off is told as one negative amount; who bears it is not told there.
func (d *draft) uberPromotions(charges *node) {
	n := charges.get("total_promo_applied")
	amount := d.uberMoney(n)
	d.discount(n, "Promotion", "unknown", max(amount, -amount))
}

func (d *draft) uberGuest(eater *node) {
	d.guest(order.Customer{
		Name:  strings.TrimSpace(eater.get("first_name").text() + " " + eater.get("last_name").text()),
		Phone: eater.get("phone").text(), Email: eater.get("email").text(),
	}, eater.get("phone_code"))
	to := eater.get("delivery", "location")
	if !to.says() {
		return
	}
	d.address(order.Address{
		Street:      to.get("street_address").text(),
		Extra:       lines(to.get("unit_number").text(), to.get("business_name").text(), eater.get("delivery", "notes").text()),
		Coordinates: d.point(to.get("latitude"), to.get("longitude")),
	})
}

// missing is the fault for a webhook that does not say what it must.
func missing(location string) error {
	return fault.New(fault.Invalid, "the payload lacks what it must say").With(fault.Detail{Location: location, Message: "is missing"})
}

// reason cuts a reason to what is kept of it.
func reason(text string) string { return order.Shorten(strings.TrimSpace(text), order.MaxReason) }
