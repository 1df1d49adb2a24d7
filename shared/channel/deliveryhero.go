package channel

import (
	"ryggrad.internal/hub/shared/order"
)

// deliveryHero is the POS plugin interface of Delivery Hero's brands (foodora, foodpanda, Yemeksepeti …; what integrations
// know of it). It is undocumented.
//
// A webhook brings the order and is answered with the id that the order has here. Its token is unique for good. Amounts
// are decimal numbers as texts in the location's currency; a product's unitPrice is without its toppings, which may have
// toppings in turn.
func deliveryHero() Adapter {
	return undocumented(Adapter{
		Unreadable: 400,
		Codes: []Code{
			{"order_received", order.Received}, {"order_accepted", order.Accepted}, {"order_prepared", order.Ready}, {"order_picked_up", order.InDelivery},
			{"order_rejected", order.Rejected}, {"ORDER_CANCELLED", order.Cancelled},
		},
		read: tree(readDeliveryHero),
		answers: func(outcome Outcome, id string) Reply {
			if outcome == Noted {
				return Reply{Status: 200}
			}
			return jsonReply(200, map[string]any{"remoteResponse": map[string]string{"remoteOrderId": id}})
		},
	})
}

func readDeliveryHero(root *node, r Request, link Link) (Message, error) {
	id := root.any("token", "orderToken", "orderId").text()
	status, _ := deliveryHero().StatusOf(root.get("status").peek())
	says := said{
		id: id, at: "body.token", called: status == order.Cancelled, reason: root.any("message", "reason"),
		isOrder: root.get("products").says(), event: "order_status", status: status,
	}
	if m, done, err := says.message(r); done {
		return m, err
	}
	d, err := begin(root, link, root.get("platformRestaurant", "id").peek(), root.get("localInfo", "currency").text())
	if err != nil {
		return nil, err
	}
	o, price := &d.Order, root.get("price")
	d.identify(id, root.any("shortCode", "code").text())
	d.kind(root.get("expeditionType"), map[string]order.Type{
		"delivery": order.Delivery, "pickup": order.Pickup, "dine_in": order.DineIn,
	})
	o.PlacedAt = d.time(root.get("createdAt"))
	if root.get("preOrder").peek() == "true" {
		o.RequestedFor = d.time(firstSaid(root.get("delivery", "expectedDeliveryTime"), root.get("pickup", "pickupTime")))
	}
	o.Items = d.items(root.get("products"), deliveryHeroItem(), 0)
	for _, fee := range price.get("deliveryFees").maybeList() {
		d.fee("delivery", d.major(fee.get("value")))
	}
	d.fee("container", d.major(price.get("containerCharge")))
	d.fee("driver_tip", d.major(price.get("riderTip")))
	for _, off := range root.get("discounts").maybeList() {
		amount := d.major(off.get("amount"))
		d.discount(off, off.get("name").text(), "unknown", max(amount, -amount))
	}
	d.tax("VAT", d.major(price.get("vatTotal")), false)
	d.need(price.get("grandTotal"), "body.price.grandTotal")
	o.Total = d.major(price.get("grandTotal"))
	d.settleTaxes()
	d.deliveryHeroPayment(root)
	d.deliveryHeroGuest(root)
	return d.message()
}

func deliveryHeroItem() itemForm {
	return itemForm{
		plu: []string{"remoteCode", "id"}, name: []string{"name"}, size: []string{"variation", "name"}, note: []string{"comment"},
		quantity: []string{"quantity"}, price: []string{"unitPrice", "price"}, money: (*draft).major, under: []string{"selectedToppings", "children"},
	}
}

func (d *draft) deliveryHeroPayment(root *node) {
	due := int64(0)
	if collect := root.get("price", "collectFromCustomer"); collect.says() {
		due = d.major(collect)
	} else if root.get("payment", "status").peek() == "pending" {
		due = d.Order.Total
	}
	d.pay(root.get("payment", "type").peek(), due)
}

func (d *draft) deliveryHeroGuest(root *node) {
	c, to := root.get("customer"), root.get("delivery", "address")
	d.guest(order.Customer{
		Name:  lines(c.get("firstName").text() + " " + c.get("lastName").text()),
		Phone: c.get("mobilePhone").text(), Email: c.get("email").text(),
	}, c.get("phoneCode"))
	d.Order.Note = lines(root.get("comments", "customerComment").text(), root.get("comments", "vendorComment").text())
	d.address(order.Address{
		Street: to.get("street").text(), StreetNumber: to.get("number").text(), PostalCode: to.get("postcode").text(), City: to.get("city").text(),
		Extra: lines(to.get("company").text(), to.get("building").text(), to.get("entrance").text(), to.get("floor").text(), to.get("flatNumber").text(),
			to.get("deliveryInstructions").text()),
		Coordinates: d.point(to.get("latitude"), to.get("longitude")),
	})
}
