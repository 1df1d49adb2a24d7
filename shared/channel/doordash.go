package channel

import (
	"strings"

	"ryggrad.internal/hub/shared/order"
)

// doorDash is DoorDash Marketplace (developer.doordash.com, "Marketplace: orders"). What it sends is documented, how it
// proves it is not.
//
// A webhook brings the order, in an envelope or alone. Ids are unique for good. Amounts are integers in minor units of the
// location's currency; there is no total, so it is added up: subtotal, tax, fees and tips. Items stand in categories, an
// item's extras have options, which may have extras in turn.
func doorDash() Adapter {
	return undocumented(Adapter{
		Unreadable: 200,
		Codes: []Code{
			{"new", order.Received}, {"success", order.Accepted}, {"ready_for_pickup", order.Ready}, {"fail", order.Rejected}, {"cancelled", order.Cancelled},
		},
		read:    tree(readDoorDash),
		answers: always(200),
	})
}

func readDoorDash(root *node, r Request, link Link) (Message, error) {
	event := firstSaid(root.get("event", "type"), root.get("event_type")).text()
	in := root
	if inner := root.get("order"); inner.says() {
		in = inner.alone()
	}
	id := in.any("id", "order_id", "external_order_id").text()
	says := said{
		id: id, at: "body.id", called: strings.Contains(strings.ToLower(event), "cancel"), reason: in.any("cancel_reason", "reason"),
		isOrder: in.get("categories").says() || in.get("items").says(), event: word(event),
	}
	if m, done, err := says.message(r); done {
		return m, err
	}
	d, err := begin(in, link, in.get("store", "merchant_supplied_id").peek(), in.get("currency").text())
	if err != nil {
		return nil, err
	}
	d.doorDashOrder(in, id)
	return d.message()
}

func (d *draft) doorDashOrder(in *node, id string) {
	o := &d.Order
	d.identify(id, in.any("delivery_short_code", "display_id").text())
	o.Type = order.Delivery
	if in.get("is_pickup").peek() == "true" {
		o.Type = order.Pickup
	}
	o.PlacedAt = d.time(in.any("created_at", "placed_at", "order_submitted_at"))
	for _, category := range in.get("categories").maybeList() {
		o.Items = append(o.Items, d.items(category.get("items"), doorDashItem(), 0)...)
	}
	o.Items = append(o.Items, d.items(in.get("items"), doorDashItem(), 0)...)
	d.need(in.get("subtotal"), "body.subtotal")
	o.Total = d.minor(in.get("subtotal"))
	for _, fee := range []struct{ member, kind string }{
		{"delivery_fee", "delivery"}, {"taxes_on_fees", "tax_on_fees"}, {"extra_cart_order_fee", "extra_cart"}, {"bag_fee", "bag"},
		{"merchant_tip_amount", "tip"}, {"tip_amount", "driver_tip"},
	} {
		amount := d.minor(in.get(fee.member))
		d.fee(fee.kind, amount)
		o.Total += amount
	}
	tax := d.minor(in.get("tax"))
	d.tax("Tax", tax, false)
	o.Total += tax
	d.pay("online", 0)
	c, to := in.get("consumer"), in.get("delivery_address")
	d.guest(order.Customer{
		Name:  lines(c.get("first_name").text() + " " + c.get("last_name").text()),
		Phone: c.any("phone", "phone_number").text(), Email: c.get("email").text(),
	}, c.get("phone_code"))
	o.Note = in.get("order_special_instructions").text()
	d.address(order.Address{
		Street: to.get("street").text(), PostalCode: to.get("zip_code").text(), City: to.get("city").text(), Country: to.get("country_code").text(),
		Extra: lines(to.get("subpremise").text(), to.get("address_instructions").text()), Coordinates: d.point(to.get("lat"), to.get("lng")),
	})
}

func doorDashItem() itemForm {
	return itemForm{
		plu: []string{"merchant_supplied_id"}, name: []string{"name"}, note: []string{"special_instructions"}, quantity: []string{"quantity"},
		price: []string{"price"}, money: (*draft).minor, groups: []string{"extras", "extra"}, under: []string{"options"},
	}
}
