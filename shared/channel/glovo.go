package channel

import (
	"ryggrad.internal/hub/shared/order"
)

// glovo is Glovo (partners' API; what integrations know of it). It is undocumented.
//
// A webhook brings the order; another path has its cancellation. Ids are unique for good. Amounts are integers in minor
// units; a product's price is without its attributes. Times have no zone and are UTC.
func glovo() Adapter {
	return undocumented(Adapter{
		Unreadable: 200,
		Codes: []Code{
			{"RECEIVED", order.Received}, {"ACCEPTED", order.Accepted}, {"READY_FOR_PICKUP", order.Ready}, {"OUT_FOR_DELIVERY", order.InDelivery},
			{"PICKED_UP_BY_CUSTOMER", order.Completed}, {"CANCELLED", order.Cancelled},
		},
		read:    tree(readGlovo),
		answers: always(200),
	})
}

func readGlovo(root *node, r Request, link Link) (Message, error) {
	id := root.get("order_id").text()
	why := root.get("cancel_reason")
	if m, done, err := (said{id: id, at: "body.order_id", called: why.says(), reason: why, isOrder: true}).message(r); done {
		return m, err
	}
	d, err := begin(root, link, root.get("store_id").peek(), root.get("currency").text())
	if err != nil {
		return nil, err
	}
	o := &d.Order
	d.identify(id, root.get("order_code").text())
	o.Type = order.Delivery
	if root.get("is_picked_up_by_customer").peek() == "true" {
		o.Type = order.Pickup
	}
	o.PlacedAt = d.time(root.get("order_time"))
	o.Items = d.items(root.get("products"), glovoItem(), 0)
	d.fee("delivery", d.minor(root.get("delivery_fee")))
	d.fee("service", d.minor(root.get("service_fee")))
	d.fee("small_order", d.minor(root.get("minimum_basket_surcharge")))
	d.discount(root.get("partner_discounts_products"), "Promotion", "restaurant", d.minor(root.get("partner_discounts_products")))
	total := root.any("total_customer_to_pay", "estimated_total_price")
	d.need(total, "body.estimated_total_price")
	o.Total = d.minor(total)
	d.pay("online", 0)
	if root.get("payment_method").peek() == "CASH" {
		d.pay("cash", o.Total)
	}
	customer, to := root.get("customer"), root.get("delivery_address")
	d.guest(order.Customer{Name: customer.get("name").text(), Phone: customer.get("phone_number").text()}, customer.get("phone_code"))
	allergies := root.get("allergy_info").text()
	if allergies != "" {
		allergies = "Allergies: " + allergies
	}
	o.Note = lines(root.get("special_requirements").text(), allergies)
	d.address(order.Address{Street: to.get("label").text(), Extra: to.get("details").text(), Coordinates: d.point(to.get("latitude"), to.get("longitude"))})
	return d.message()
}

func glovoItem() itemForm {
	return itemForm{
		plu: []string{"id"}, name: []string{"name"}, note: []string{"comment"}, quantity: []string{"quantity"}, price: []string{"price"},
		money: (*draft).minor, under: []string{"attributes", "sub_products"},
	}
}
