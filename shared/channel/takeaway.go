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
	return undocumented(Adapter{
		Unreadable: 200,
		Codes: []Code{
			{"received", order.Received}, {"printed", order.Received}, {"confirmed", order.Accepted}, {"confirmed_change_delivery_time", order.Accepted},
			{"kitchen", order.Preparing}, {"in_delivery", order.InDelivery}, {"delivered", order.Completed}, {"cancelled", order.Cancelled}, {"error", order.Failed},
		},
		read:    tree(readTakeaway),
		answers: always(200),
	})
}

func readTakeaway(root *node, r Request, link Link) (Message, error) {
	id := root.any("id", "orderId").text()
	status, _ := takeaway().StatusOf(root.get("status").peek())
	says := said{
		id: id, at: "body.id", called: status == order.Cancelled, reason: root.get("reason"),
		isOrder: root.get("products").says(), event: "order_status", status: status,
	}
	if m, done, err := says.message(r); done {
		return m, err
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
	o.Items = d.items(root.get("products"), takeawayItem(), 0)
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

func takeawayItem() itemForm {
	return itemForm{
		plu: []string{"plu", "id"}, name: []string{"name"}, note: []string{"remark"}, quantity: []string{"count", "amount", "quantity"},
		price: []string{"price"}, money: (*draft).major, under: []string{"sideDishes"},
	}
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
