package channel

import (
	"strings"

	"ryggrad.internal/hub/shared/order"
)

// hubRise is HubRise (hubrise.com/developers, "Callbacks" and "Orders"), which connects ordering solutions.
//
// A callback says what happened to an order and, when it is configured so, brings it as new_state; else the order is to
// be fetched. Answers from 200 to 499 within 20 seconds count as taken; else it is sent six times within half an hour, and
// after that it can only be polled. Order ids are unique for good.
//
// Amounts are texts such as "9.00 EUR". An option's quantity counts per unit of its item. Whether prices include tax is
// for the country; the payload has rates, which stay for extra.
func hubRise() Adapter {
	return Adapter{
		Carries:    CarriesOrder,
		Paths:      []string{"orders"},
		Signature:  Signature{Header: "X-HubRise-Hmac-SHA256"},
		RetryLater: 503,
		API:        hubRiseAPI(),
		Codes: []Code{
			{"received", order.Received}, {"new", order.Received}, {"accepted", order.Accepted}, {"in_preparation", order.Preparing},
			{"awaiting_collection", order.Ready}, {"awaiting_shipment", order.Ready}, {"in_delivery", order.InDelivery}, {"completed", order.Completed},
			{"rejected", order.Rejected}, {"cancelled", order.Cancelled}, {"delivery_failed", order.Failed},
		},
		read:    tree(readHubRise),
		fetched: hubRiseOrder,
		answers: always(200),
	}
}

func readHubRise(root *node, _ Request, link Link) (Message, error) {
	state, event := root.get("new_state"), root.get("event_type").text()
	at, _ := readTime(root.get("created_at").text())
	mark := Mark{EventID: root.get("id").text(), At: at}
	id := firstSaid(root.get("order_id"), state.get("id")).peek()
	switch {
	case event == "":
		return nil, missing("body.event_type")
	case root.get("resource_type").text() != "order":
		return Event{Mark: mark, Name: word(root.get("resource_type").peek() + "_" + event)}, nil
	case id == "":
		return nil, missing("body.order_id")
	}
	from := Reference{Ref: refer(id), Mark: mark, Event: event, Place: root.get("location_id").text()}
	status, _ := hubRise().StatusOf(state.get("status").peek())
	switch {
	case event != "create" && status == order.Cancelled:
		return Cancel{Ref: refer(id), Mark: mark}, nil
	case event != "create":
		ready, _ := readTime(state.get("confirmed_time").peek())
		return Event{Ref: refer(id), Mark: mark, Name: "order_" + word(event), Status: status, ReadyAt: ready}, nil
	case !state.says():
		return from, nil
	}
	return hubRiseOrder(state.alone(), link, from)
}

func hubRiseOrder(root *node, link Link, from Reference) (Message, error) {
	_, currency, _ := strings.Cut(hubRisePrice(root), " ")
	d, err := begin(root, link, either(from.Place, root.get("location_id").peek()), currency)
	if err != nil {
		return nil, err
	}
	o := &d.Order
	d.identify(root.any("id", "ref").text(), either(root.get("collection_code").text(), root.get("ref").peek()))
	root.get("status").take() // state, not content, as is where the courier is
	root.get("delivery").take()
	d.kind(root.get("service_type"), map[string]order.Type{
		"delivery": order.Delivery, "collection": order.Pickup, "eat_in": order.DineIn,
	})
	o.PlacedAt = d.time(root.get("created_at"))
	if root.get("asap").peek() != "true" {
		o.RequestedFor = d.time(root.get("expected_time"))
	}
	o.Items = d.hubRiseItems(root.get("items"), 0)
	for _, charge := range root.get("charges").maybeList() {
		if charge.get("deleted").peek() != "true" {
			d.fee(hubRiseFee(charge), d.priced(charge.get("price")))
		}
	}
	for _, off := range root.get("discounts").maybeList() {
		if off.get("deleted").peek() != "true" {
			d.discount(off, off.get("name").text(), "unknown", d.priced(off.get("price_off")))
		}
	}
	d.hubRisePayments(root)
	d.hubRiseGuest(root)
	return d.message()
}

// hubRisePrice returns any price of the order, for its currency.
func hubRisePrice(root *node) string {
	for _, list := range []string{"items", "payments", "charges"} {
		if first := root.get(list).child(); root.get("total").peek() == "" && first != nil {
			return first.any("price", "amount").peek()
		}
	}
	return root.get("total").peek()
}

// priced reads "9.00 EUR".
func (d *draft) priced(n *node) int64 {
	amount, _, _ := strings.Cut(n.peek(), " ")
	value, ok := parseDecimal(amount)
	if !ok {
		if n.says() {
			n.wrong("is not an amount: it takes a decimal number and a currency")
		}
		return 0
	}
	n.take()
	return d.rounded(n, value)
}

func (d *draft) hubRiseItems(list *node, depth int) []order.Item {
	var items []order.Item
	if depth > order.MaxDepth+1 {
		return nil
	}
	for _, in := range list.maybeList() {
		if in.get("deleted").take().peek() == "true" || in.get("removed").peek() == "true" {
			continue
		}
		name := either(in.get("product_name").text(), in.get("name").text())
		if sku := in.get("sku_name").text(); sku != "" {
			name += " " + sku
		}
		item := order.Item{PLU: in.any("sku_ref", "ref").text(), Name: name, Note: in.get("customer_notes").text()}
		item.Quantity, item.UnitPrice = d.quantity(in.get("quantity"), d.priced(in.get("price")))
		item.Modifiers = d.hubRiseItems(in.get("options"), depth+1)
		items = append(items, item)
	}
	return items
}

// hubRiseFee names a charge: `delivery`, `tip`, or, of those of type other, what it is for.
func hubRiseFee(charge *node) string {
	switch kind := charge.any("type", "charge_type").peek(); kind {
	case "other", "":
		if made := word(charge.get("name").peek()); made != "other" {
			return made
		}
		return "other"
	default:
		return word(kind)
	}
}

// hubRisePayments: what is paid in cash is due. A payload without a total has payments that add up to it.
func (d *draft) hubRisePayments(root *node) {
	method, due, sum := "", int64(0), int64(0)
	payments := root.get("payments").maybeList()
	for _, p := range payments {
		if p.get("deleted").peek() == "true" {
			continue
		}
		amount := d.priced(p.get("amount"))
		method = either(p.get("type").peek(), p.get("name").peek())
		sum += amount
		if p.get("type").peek() == "cash" {
			due += amount
		}
	}
	d.Order.Total = d.priced(root.get("total"))
	if !root.get("total").says() {
		d.Order.Total = sum
		d.warn("total_missing", "body.total", "is missing; the payments were added up")
	}
	if len(payments) > 1 {
		method = "mixed"
	}
	if len(payments) == 0 { // nobody has paid
		due = d.Order.Total
	}
	d.pay(method, due)
}

func (d *draft) hubRiseGuest(root *node) {
	c := root.get("customer")
	d.guest(order.Customer{
		Name:  lines(c.get("first_name").text() + " " + c.get("last_name").text()),
		Phone: c.get("phone").text(), Email: c.get("email").text(),
	}, c.get("phone_access_code"))
	d.Order.Note = root.get("customer_notes").text()
	if d.Order.Type != order.Delivery {
		return
	}
	d.address(order.Address{
		Street: c.get("address_1").text(), PostalCode: c.get("postal_code").text(), City: c.get("city").text(), Country: c.get("country").text(),
		Extra:       lines(c.get("address_2").text(), c.get("delivery_notes").text()),
		Coordinates: d.point(c.get("latitude"), c.get("longitude")),
	})
}
