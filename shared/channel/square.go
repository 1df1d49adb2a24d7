package channel

import (
	"strings"

	"ryggrad.internal/hub/shared/order"
)

// square is Square (developer.squareup.com, "Orders API" and webhooks).
//
// A webhook names the order, at times with a part of it, so the order is fetched unless all of it is there. The
// signature covers the address that Square was given and the body, so the link may say that address. Anything but 2xx
// within ten seconds is sent again for a day. Order ids are unique for good.
//
// Amounts are `{"amount": 1599, "currency": "USD"}`, integers in minor units. A base_price_money is without modifiers.
// An order that is neither picked up nor delivered says nothing of how it reaches the guest, and is taken as a pickup.
func square() Adapter {
	return Adapter{
		Carries: CarriesReference,
		Paths:   []string{"events"},
		signature: func(o Options) Signature {
			return Signature{Header: "X-Square-Hmacsha256-Signature", Encoding: Base64, signed: func(r Request) [][]byte {
				return [][]byte{append([]byte(either(o["notificationUrl"], r.URL)), r.Body...)}
			}}
		},
		Options: []Option{{
			Name: "notificationUrl", Doc: "The webhook's address exactly as it was entered at Square, which signs it; by default the address of the request.",
		}},
		RetryLater: 503,
		API:        squareAPI(),
		Unreadable: 200,
		Codes: []Code{
			{"PROPOSED", order.Received}, {"OPEN", order.Received}, {"RESERVED", order.Accepted}, {"PREPARED", order.Ready}, {"COMPLETED", order.Completed},
			{"CANCELED", order.Cancelled}, {"FAILED", order.Failed},
		},
		read:    tree(readSquare),
		fetched: squareFetched,
		answers: always(200),
	}
}

func readSquare(root *node, _ Request, link Link) (Message, error) {
	if entries := root.get("order_entries"); entries.says() { // what a search gives
		var batch Batch
		for _, n := range entries.list() {
			batch = append(batch, Reference{Ref: refer(n.get("order_id").text()), Event: "search", Place: n.get("location_id").text()})
		}
		return batch, nil
	}
	kind, object := root.get("type").text(), root.get("data", "object")
	if kind == "" {
		return nil, missing("body.type")
	}
	at, _ := readTime(root.get("created_at").text())
	mark := Mark{EventID: root.get("event_id").text(), At: at}
	in := object.any("order_created", "order_updated", "order_fulfillment_updated", "order")
	id := firstSaid(in.any("order_id", "id"), root.get("data", "id")).text()
	status, _ := square().StatusOf(in.get("state").peek())
	from := Reference{Ref: refer(id), Mark: mark, Event: kind, Place: in.get("location_id").peek()}
	switch {
	case !strings.HasPrefix(kind, "order."):
		return Event{Mark: mark, Name: word(kind)}, nil
	case id == "":
		return nil, missing("body.data.id")
	case kind == "order.created" && in.get("line_items").says():
		return squareOrder(in.alone(), link, from)
	case kind == "order.created":
		return from, nil
	case status == order.Cancelled:
		return Cancel{Ref: refer(id), Mark: mark}, nil
	}
	return Event{Ref: refer(id), Mark: mark, Name: word(kind), Status: status}, nil
}

// squareFetched finds the order in what Square answers: one, or a list of them.
func squareFetched(root *node, link Link, from Reference) (Message, error) {
	if in := root.get("order"); in.says() {
		return squareOrder(in.alone(), link, from)
	}
	for _, in := range root.get("orders").maybeList() {
		if in.get("id").peek() == from.ChannelOrderID {
			return squareOrder(in.alone(), link, from)
		}
	}
	return nil, missing("body.order")
}

func squareOrder(root *node, link Link, from Reference) (Message, error) {
	total := root.get("total_money")
	d, err := begin(root, link, either(root.get("location_id").peek(), from.Place), total.get("currency").peek())
	if err != nil {
		return nil, err
	}
	o := &d.Order
	id := root.any("id", "order_id").text()
	d.identify(id, root.get("reference_id").text()) // not ticket_name: it is often the guest's
	for _, state := range []string{"state", "version", "updated_at", "closed_at"} {
		root.get(state).take() // state, not content
	}
	o.PlacedAt = d.time(root.get("created_at"))
	o.Items = d.items(root.get("line_items"), squareItem(), 0)
	for _, charge := range root.get("service_charges").maybeList() {
		d.fee(feeKind(charge.get("name").peek()), d.squareMoney(charge.any("total_money", "applied_money", "amount_money")))
	}
	d.fee("tip", d.squareMoney(root.get("total_tip_money")))
	for _, off := range root.get("discounts").maybeList() {
		d.discount(off, off.get("name").text(), "restaurant", d.squareMoney(off.any("applied_money", "amount_money")))
	}
	for _, tax := range root.get("taxes").maybeList() {
		d.tax(tax.get("name").text(), d.squareMoney(tax.get("applied_money")), tax.get("type").peek() == "INCLUSIVE")
	}
	d.need(total, "body.order.total_money")
	o.Total = d.squareMoney(total)
	d.squareFulfilment(root.get("fulfillments").child())
	d.squarePayment(root)
	return d.message()
}

// squareMoney reads `{"amount": 1599, "currency": "USD"}`.
func (d *draft) squareMoney(n *node) int64 {
	if n.get("currency").peek() == string(d.Order.Currency) {
		n.get("currency").take()
	}
	return d.minor(n.get("amount"))
}

func squareItem() itemForm {
	return itemForm{
		plu: []string{"catalog_object_id"}, name: []string{"name"}, size: []string{"variation_name"}, note: []string{"note"},
		quantity: []string{"quantity"}, price: []string{"base_price_money"}, money: (*draft).squareMoney, under: []string{"modifiers"},
	}
}

// squareFulfilment reads how the order reaches the guest.
func (d *draft) squareFulfilment(in *node) {
	in.get("state").take() // state, not content
	details := in.any("pickup_details", "delivery_details", "dine_in_details", "shipment_details")
	d.kind(in.get("type"), map[string]order.Type{
		"pickup": order.Pickup, "delivery": order.Delivery, "shipment": order.Delivery, "dine_in": order.DineIn,
	})
	if details.get("curbside_pickup_details").says() || details.get("is_curbside_pickup").peek() == "true" {
		d.Order.Type = order.Curbside
	}
	if details.get("schedule_type").peek() != "ASAP" {
		d.Order.RequestedFor = d.time(details.any("pickup_at", "deliver_at", "expected_shipped_at"))
	}
	d.Order.Note = details.get("note").text()
	who := details.get("recipient")
	d.guest(order.Customer{Name: who.get("display_name").text(), Phone: who.get("phone_number").text(), Email: who.get("email_address").text()}, nil)
	to := who.get("address")
	d.address(order.Address{
		Street: to.get("address_line_1").text(), Extra: lines(to.get("address_line_2").text(), to.get("address_line_3").text()),
		PostalCode: to.get("postal_code").text(), City: to.get("locality").text(), Country: to.get("country").text(),
	})
}

// squarePayment: what is due says net_amount_due_money; else what the tenders have not paid.
func (d *draft) squarePayment(root *node) {
	method, paid := "", int64(0)
	tenders := root.get("tenders").maybeList()
	for _, tender := range tenders {
		method = tender.get("type").peek()
		if amount, ok := parseDecimal(tender.get("amount_money", "amount").peek()); ok {
			n, _ := amount.scaled(0)
			paid += n
		}
	}
	due := max(0, d.Order.Total-paid)
	if open := root.get("net_amount_due_money"); open.says() {
		due = d.squareMoney(open)
	}
	d.pay(method, due)
}
