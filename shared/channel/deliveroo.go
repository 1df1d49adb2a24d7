package channel

import (
	"time"

	"ryggrad.internal/hub/shared/order"
)

// deliveroo is Deliveroo (api-docs.deliveroo.com, "Order API": order events).
//
// An event brings the order; later events of the same order bring it again with another status. The signature covers the
// event's id, which stays the same when it is sent again, and the body; older events had a line break between the two,
// so both are tried. Anything but 2xx is sent again for half an hour. Order ids are unique for good; the market stands
// before the colon.
//
// Amounts are `{"fractional": 1000, "currency_code": "HKD"}`, integers in minor units. An item's unit_price is without
// its modifiers. What the restaurant is paid for is the partner_order_total. The phone number is a proxy with a code.
func deliveroo() Adapter {
	const id = "X-Deliveroo-Sequence-Guid"
	return Adapter{
		Carries: CarriesOrder,
		Paths:   []string{"orders"},
		Signature: Signature{Header: "X-Deliveroo-Hmac-Sha256", covered: []string{id}, signed: func(r Request) [][]byte {
			return [][]byte{append([]byte(r.header(id)+" "), r.Body...), append([]byte(r.header(id)+" \n "), r.Body...)}
		}},
		AcceptWithin: 10 * time.Minute,
		RetryLater:   503,
		API:          deliverooAPI(),
		Unreadable:   200,
		Codes: []Code{
			{"placed", order.Received}, {"pending", order.Received}, {"accepted", order.Accepted}, {"confirmed", order.Accepted},
			{"in_kitchen", order.Preparing}, {"ready_for_collection", order.Ready}, {"collected", order.InDelivery},
			{"delivered", order.Completed}, {"rejected", order.Rejected}, {"canceled", order.Cancelled}, {"cancelled", order.Cancelled},
		},
		read:    tree(readDeliveroo),
		answers: always(200),
	}
}

func readDeliveroo(root *node, r Request, link Link) (Message, error) {
	event, in := root.get("event").text(), firstSaid(root.get("body", "order"), root.get("order"))
	id := firstSaid(in.get("id"), root.get("body", "order_id"), root.get("order_id"))
	mark := Mark{EventID: r.header("X-Deliveroo-Sequence-Guid")}
	switch {
	case id.peek() == "":
		return nil, missing("body.body.order.id")
	case event == "order.new" || event == "new_order":
		return deliverooOrder(in.alone(), link)
	case event == "cancel_order":
		return Cancel{Ref: refer(id.text()), Mark: mark, Reason: reason(root.get("reason").text())}, nil
	}
	status, _ := deliveroo().StatusOf(firstSaid(in.get("status"), root.get("body", "status")).text())
	if status == order.Cancelled {
		return Cancel{Ref: refer(id.text()), Mark: mark, Reason: reason(in.any("cancellation_reason", "reason").text())}, nil
	}
	return Event{Ref: refer(id.text()), Mark: mark, Name: "order_status", Status: status}, nil
}

func deliverooOrder(root *node, link Link) (Message, error) {
	total := root.any("partner_order_total", "total_price")
	d, err := begin(root, link, root.get("location_id").peek(), total.get("currency_code").peek())
	if err != nil {
		return nil, err
	}
	o := &d.Order
	d.identify(root.get("id").text(), root.any("display_id", "order_number").text())
	root.get("status").take() // state, not content
	d.kind(root.get("fulfillment_type"), map[string]order.Type{
		"deliveroo": order.Delivery, "restaurant": order.Delivery, "customer": order.Pickup, "table_service": order.DineIn,
	})
	for _, step := range root.get("status_log").take().maybeList() {
		if status := step.get("status").peek(); o.PlacedAt == "" && (status == "placed" || status == "pending") {
			o.PlacedAt = d.time(step.get("at"))
		}
	}
	if root.get("asap").peek() == "false" {
		o.RequestedFor = d.time(root.any("confirm_at", "prepare_for"))
	}
	o.Items = d.items(root.get("items"), deliverooItem(), 0)
	d.fee("bag", d.fractional(root.get("bag_fee")))
	d.fee("surcharge", d.fractional(root.get("surcharge")))
	d.fee("delivery", d.fractional(root.get("delivery", "delivery_fee")))
	for _, fee := range root.get("fee_breakdown").maybeList() {
		d.fee(feeKind(fee.get("type").peek()), d.fractional(fee.get("amount")))
	}
	d.discount(root.get("offer_discount"), "Offer", "unknown", d.fractional(root.get("offer_discount")))
	d.need(total, "body.body.order.partner_order_total")
	o.Total = d.fractional(total)
	d.pay("online", d.fractional(root.get("cash_due")))
	if o.Payment.Due > 0 {
		o.Payment.Method = "cash"
	}
	d.deliverooGuest(root)
	return d.message()
}

// fractional reads `{"fractional": 1000, "currency_code": "HKD"}`.
func (d *draft) fractional(n *node) int64 {
	if n.get("currency_code").peek() == string(d.Order.Currency) {
		n.get("currency_code").take()
	}
	return d.minor(n.get("fractional"))
}

func deliverooItem() itemForm {
	return itemForm{
		plu: []string{"pos_item_id"}, name: []string{"operational_name", "name"}, quantity: []string{"quantity"}, price: []string{"unit_price"},
		money: (*draft).fractional, under: []string{"modifiers"},
	}
}

func (d *draft) deliverooGuest(root *node) {
	customer, to := root.get("customer"), root.any("delivery_address", "delivery")
	d.guest(order.Customer{
		Name:  lines(customer.get("first_name").text() + " " + customer.get("last_name").text()),
		Phone: customer.get("contact_number").text(),
	}, customer.get("contact_access_code"))
	d.Order.Note = lines(root.get("order_notes").text(), root.get("cutlery_notes").text())
	d.address(order.Address{
		Street: lines(to.any("line1", "address1").text()), Extra: lines(to.any("line2", "address2").text(), to.get("note").text()),
		PostalCode: to.any("postcode", "post_code").text(), City: to.get("city").text(), Country: to.get("country").text(),
		Coordinates: d.point(to.any("latitude", "lat"), to.any("longitude", "lng")),
	})
}
