package channel

import (
	"ryggrad.internal/hub/shared/order"
)

// takeaway is Takeaway.com's own POS API (version 2; what integrations know of it), beside [jet] for those that have not
// moved. It is undocumented.
//
// A webhook brings the order. Its id is unique for good; the orderKey beside it is for the status. Amounts are decimal
// numbers; a product's price is without its side dishes.
func takeaway() Adapter {
	return Adapter{
		Carries:      CarriesOrder,
		Paths:        []string{"orders", "cancel"},
		Undocumented: true,
		signature:    secretOrBasic,
		Options:      secretOptions(),
		RetryLater:   503,
		Unreadable:   200,
		Codes: []Code{
			{"received", order.Received}, {"printed", order.Received}, {"confirmed", order.Accepted}, {"confirmed_change_delivery_time", order.Accepted},
			{"kitchen", order.Preparing}, {"in_delivery", order.InDelivery}, {"delivered", order.Completed}, {"cancelled", order.Cancelled}, {"error", order.Failed},
		},
		read:    tree(readTakeaway),
		answers: always(200),
	}
}

func readTakeaway(root *node, r Request, link Link) (Message, error) {
	id := root.any("id", "orderId").text()
	status, _ := takeaway().StatusOf(root.get("status").peek())
	switch {
	case id == "":
		return nil, missing("body.id")
	case r.Path == "cancel" || status == order.Cancelled:
		return Cancel{Ref: refer(id), Reason: reason(root.get("reason").text())}, nil
	case !root.get("products").says():
		return Event{Ref: refer(id), Name: "order_status", Status: status}, nil
	}
	d, err := begin(root, link, root.any("restaurantId", "clientId").peek(), root.get("currency").text())
	if err != nil {
		return nil, err
	}
	o := &d.Order
	d.identify(id, root.get("publicReference").text())
	root.get("status").take() // state, not content
	d.kind(root.get("orderType"), map[string]order.Type{
		"delivery": order.Delivery, "pickup": order.Pickup, "dinein": order.DineIn, "dine_in": order.DineIn,
	})
	o.PlacedAt = d.time(root.any("orderDate", "placedDate"))
	if root.get("isAsap").peek() != "true" {
		o.RequestedFor = d.time(root.any("requestedTime", "requestedDeliveryTime"))
	}
	o.Items = d.takeawayItems(root.get("products"), 0)
	d.fee("delivery", d.major(root.any("deliveryCosts", "deliveryFee")))
	d.fee("service", d.major(root.get("serviceFee")))
	d.fee("bag", d.major(root.get("bagFee")))
	d.fee("tip", d.major(root.get("tip")))
	d.discount(root.get("totalDiscount"), "", "unknown", d.major(root.get("totalDiscount")))
	d.need(root.get("totalPrice"), "body.totalPrice")
	o.Total = d.major(root.get("totalPrice"))
	d.pay(root.get("paymentMethod").peek(), 0)
	if root.get("isPaid").peek() == "false" {
		d.pay(root.get("paymentMethod").peek(), o.Total)
	}
	d.takeawayGuest(root)
	return d.message()
}

func (d *draft) takeawayItems(list *node, depth int) []order.Item {
	var items []order.Item
	if depth > order.MaxDepth+1 {
		return nil
	}
	for _, in := range list.maybeList() {
		item := order.Item{PLU: in.any("plu", "id").text(), Name: in.get("name").text(), Note: in.get("remark").text()}
		item.Quantity, item.UnitPrice = d.quantity(in.any("count", "amount", "quantity"), d.major(in.get("price")))
		item.Modifiers = d.takeawayItems(in.get("sideDishes"), depth+1)
		items = append(items, item)
	}
	return items
}

func (d *draft) takeawayGuest(root *node) {
	c := root.get("customer")
	d.guest(order.Customer{Name: c.get("name").text(), Phone: c.any("phoneNumber", "phone").text(), Email: c.any("emailAddress", "email").text()}, c.get("phoneAccessCode"))
	d.Order.Note = root.get("remark").text()
	if d.Order.Type != order.Delivery {
		return
	}
	d.address(order.Address{
		Street: c.any("street", "fullAddress").text(), StreetNumber: c.get("streetNumber").text(), PostalCode: c.any("postalCode", "postcode").text(),
		City: c.get("city").text(), Country: c.any("countryCode", "country").text(), Extra: lines(c.get("companyName").text(), c.any("extraAddressInfo", "addressInfo").text()),
		Coordinates: d.point(c.get("latitude"), c.get("longitude")),
	})
}
