package channel

import (
	"strings"

	"ryggrad.internal/hub/shared/order"
)

// otter is Otter (developer.tryotter.com, "Public API": webhooks, and `GET /v1/orders/{id}`), which aggregates others.
//
// A webhook names the order, and for some events brings it as metadata.payload; whether it does is found out by looking.
// Its answer is 200 with no body. The order's id is metadata.resourceId.
//
// Amounts are decimal numbers. Phone numbers may be proxies that take a phoneCode.
func otter() Adapter {
	return Adapter{
		Carries:    CarriesReference,
		Paths:      []string{"events"},
		Signature:  Signature{Header: "X-HMAC-SHA256"},
		RetryLater: 503,
		API:        otterAPI(),
		Unreadable: 200,
		Codes: []Code{
			{"NEW_ORDER", order.Received}, {"CONFIRMED", order.Accepted}, {"PREPARED", order.Ready}, {"PICKED_UP", order.InDelivery},
			{"FULFILLED", order.Completed}, {"REJECTED", order.Rejected}, {"CANCELED", order.Cancelled},
		},
		read:    tree(readOtter),
		fetched: otterOrder,
		answers: always(200),
	}
}

func readOtter(root *node, _ Request, link Link) (Message, error) {
	meta, kind := root.get("metadata"), root.get("eventType").text()
	at, _ := readTime(root.get("eventTime").text())
	mark := Mark{EventID: root.get("eventId").text(), At: at}
	payload := meta.get("payload")
	ref := Ref{ChannelOrderID: firstSaid(meta.get("resourceId"), payload.get("externalIdentifiers", "id"), payload.get("orderId")).text()}
	if ref.ChannelOrderID != "" {
		ref.Identity = []string{ref.ChannelOrderID}
	}
	from := Reference{Ref: ref, Mark: mark, Event: kind, Resource: meta.get("resourceHref").text(), Place: meta.get("storeId").text()}
	verb := kind[strings.LastIndexByte(kind, '.')+1:]
	switch {
	case kind == "":
		return nil, missing("body.eventType")
	case verb != "new_order" && !strings.HasPrefix(verb, "cancel"):
		return Event{Ref: ref, Mark: mark, Name: word(kind)}, nil
	case ref.ChannelOrderID == "":
		return nil, missing("body.metadata.resourceId")
	case verb != "new_order":
		return Cancel{Ref: ref, Mark: mark, Reason: reason(payload.any("cancellationReason", "reason").text())}, nil
	case payload.get("items").says():
		return otterOrder(payload.alone(), link, from)
	}
	return from, nil
}

func otterOrder(root *node, link Link, from Reference) (Message, error) {
	d, err := begin(root, link, from.Place, root.get("currencyCode").text())
	if err != nil {
		return nil, err
	}
	o, how := &d.Order, root.get("fulfillmentInfo")
	d.identify(from.ChannelOrderID, root.get("externalIdentifiers", "friendlyId").text())
	root.get("status").take() // state, not content
	d.kind(how.get("fulfillmentMode"), map[string]order.Type{
		"delivery": order.Delivery, "pickup": order.Pickup, "takeout": order.Pickup, "dine_in": order.DineIn, "curbside": order.Curbside,
		"restaurant_delivery": order.Delivery,
	})
	o.PlacedAt = d.time(root.get("orderedAt"))
	if scheduling := how.get("schedulingType").peek(); scheduling != "" && scheduling != "ASAP" {
		o.RequestedFor = d.time(how.any("deliveryTime", "pickupTime"))
		if o.Type != order.Delivery {
			o.RequestedFor = d.time(how.any("pickupTime", "deliveryTime"))
		}
	}
	o.Items = d.items(root.get("items"), otterItem(), 0)
	d.otterTotals(root)
	d.otterPayments(root.get("customerPayments"))
	d.otterGuest(root)
	return d.message()
}

func otterItem() itemForm {
	return itemForm{
		plu: []string{"skuId"}, name: []string{"name"}, note: []string{"note"}, quantity: []string{"quantity"}, price: []string{"price"},
		money: (*draft).major, under: []string{"modifiers"},
	}
}

func (d *draft) otterTotals(root *node) {
	total := root.get("orderTotal")
	d.fee("delivery", d.major(total.get("deliveryFee")))
	d.fee("tip", d.major(total.get("tip")))
	d.discount(total.get("discount"), total.get("couponCode").text(), "unknown", d.major(total.get("discount")))
	d.tax("Tax", d.major(total.get("tax")), false)
	d.need(total.get("total"), "body.orderTotal.total")
	d.Order.Total = d.major(total.get("total"))
	d.settleTaxes()
}

func (d *draft) otterPayments(list *node) {
	method, due := "", int64(0)
	payments := list.maybeList()
	for _, p := range payments {
		method = p.get("paymentMethod").peek()
		if p.get("processingStatus").peek() == "COLLECTABLE" {
			due += d.majorKept(p.get("value"))
		}
	}
	if len(payments) > 1 {
		method = "mixed"
	}
	if len(payments) > 0 {
		d.pay(method, due)
	}
}

func (d *draft) otterGuest(root *node) {
	customer, to := root.get("customer"), root.get("deliveryInfo", "destination")
	d.guest(order.Customer{Name: customer.get("name").text(), Phone: customer.get("phone").text(), Email: customer.get("email").text()},
		customer.get("phoneCode"))
	d.Order.Note = root.get("customerNote").text()
	if !to.says() {
		return
	}
	var street []string
	for _, line := range to.get("addressLines").maybeList() {
		street = append(street, line.text())
	}
	address := order.Address{
		Street: strings.Join(street, ", "), PostalCode: to.get("postalCode").text(), City: to.get("city").text(), Country: to.get("countryCode").text(),
		Extra:       root.get("deliveryInfo", "note").text(),
		Coordinates: d.point(to.get("location", "latitude"), to.get("location", "longitude")),
	}
	if address.Street == "" {
		address.Street = to.get("fullAddress").text()
	}
	d.address(address)
}
