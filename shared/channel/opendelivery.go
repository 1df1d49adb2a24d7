package channel

import (
	"ryggrad.internal/hub/shared/order"
)

// openDelivery is the Brazilian protocol Open Delivery (abrasel-nacional.github.io, versions 1 and 2): every platform
// that speaks it. The restaurant is named by a header.
//
// An event names the order and where it is; it must be recognised by its eventId when it comes twice. Order ids are
// unique for good. Some platforms write the signature in base64 instead of the documented hexadecimal.
//
// Amounts are decimal numbers with their currency, at most four digits after the point. In version 2 prices stand under
// pricing; what version 1 has at the root stands under fulfillment and timing.
func openDelivery() Adapter {
	return Adapter{
		Carries:    CarriesReference,
		Paths:      []string{"events", "newEvent", "orderEvent"},
		Signature:  Signature{Header: "X-App-Signature", Encoding: HexOrBase64},
		RetryLater: 503,
		API:        openDeliveryAPI(),
		Unreadable: 200,
		Codes: []Code{
			{"CREATED", order.Received}, {"CONFIRMED", order.Accepted}, {"PREPARING", order.Preparing},
			{"READY_FOR_PICKUP", order.Ready}, {"READY", order.Ready}, {"DISPATCHED", order.InDelivery}, {"IN_DELIVERY", order.InDelivery},
			{"DELIVERED", order.Completed}, {"CONCLUDED", order.Completed}, {"CANCELLED", order.Cancelled},
		},
		read:    tree(readOpenDelivery),
		fetched: openDeliveryOrder,
		answers: always(200),
	}
}

// readOpenDelivery reads an event, or the list of events that polling gives.
func readOpenDelivery(root *node, r Request, _ Link) (Message, error) {
	merchant := r.header("X-App-MerchantId")
	if root.kind != '[' {
		return openDeliveryEvent(root, merchant)
	}
	var batch Batch
	for _, n := range root.list() {
		message, err := openDeliveryEvent(n, merchant)
		if err != nil {
			return nil, err
		}
		batch = append(batch, message)
	}
	return batch, nil
}

func openDeliveryEvent(n *node, merchant string) (Message, error) {
	kind := n.get("eventType").text()
	ref := refer(n.get("orderId").text())
	at, _ := readTime(n.get("createdAt").text())
	mark := Mark{EventID: n.get("eventId").text(), At: at}
	switch {
	case kind == "":
		return nil, missing(n.location() + ".eventType")
	case ref.ChannelOrderID == "":
		return nil, missing(n.location() + ".orderId")
	case kind == "CREATED":
		return Reference{Ref: ref, Mark: mark, Event: kind, Resource: n.get("orderURL").text(), Place: merchant}, nil
	case kind == "CANCELLED":
		return Cancel{Ref: ref, Mark: mark, Reason: reason(n.get("metadata").any("reason", "code").text())}, nil
	}
	status, _ := openDelivery().StatusOf(kind)
	return Event{Ref: ref, Mark: mark, Name: word(kind), Status: status}, nil
}

func openDeliveryOrder(root *node, link Link, from Reference) (Message, error) {
	total := root.get("total", "orderAmount")
	d, err := begin(root, link, either(from.Place, root.get("merchant", "id").peek()), total.get("currency").peek())
	if err != nil {
		return nil, err
	}
	o := &d.Order
	d.identify(root.get("id").text(), root.get("displayId").text())
	root.get("status").take() // state, not content
	root.get("lastEvent").take()
	d.kind(firstSaid(root.get("fulfillment", "orderType"), root.get("type")), map[string]order.Type{
		"delivery": order.Delivery, "takeout": order.Pickup, "indoor": order.DineIn,
	})
	o.PlacedAt = d.time(root.get("createdAt"))
	o.RequestedFor = d.openDeliverySchedule(root)
	o.Items = d.openDeliveryItems(root.get("items"), 0)
	for _, fee := range root.get("otherFees").maybeList() {
		d.fee(feeKind(fee.get("type").peek()), d.openDeliveryMoney(fee.get("price")))
	}
	for _, discount := range root.get("discounts").maybeList() {
		d.openDeliveryDiscount(discount)
	}
	d.need(total, "body.total.orderAmount")
	o.Total = d.openDeliveryMoney(total)
	d.openDeliveryPayments(root.get("payments"))
	d.openDeliveryGuest(root)
	return d.message()
}

// openDeliveryMoney reads `{"value": 9.5, "currency": "BRL"}`.
func (d *draft) openDeliveryMoney(n *node) int64 {
	if n.get("currency").peek() == string(d.Order.Currency) {
		n.get("currency").take()
	}
	return d.major(n.get("value"))
}

func (d *draft) openDeliverySchedule(root *node) order.Time {
	timing := firstSaid(root.get("timing", "orderTiming"), root.get("orderTiming"))
	if timing.peek() != "SCHEDULED" {
		return ""
	}
	schedule := firstSaid(root.get("timing", "schedule"), root.get("schedule"))
	return d.time(schedule.any("scheduledDateTimeStart", "scheduledDateTimeEnd"))
}

// openDeliveryItems: an option's price contains the options under it with some platforms, and not with others; the
// documents leave it open. The item's own total tells which it is.
func (d *draft) openDeliveryItems(list *node, depth int) []order.Item {
	var items []order.Item
	if depth > order.MaxDepth+1 {
		return nil
	}
	for _, in := range list.maybeList() {
		item := order.Item{PLU: in.get("externalCode").text(), Name: in.get("name").text(), Note: in.any("observations", "specialInstructions").text()}
		price := firstSaid(in.get("pricing", "unitPrice"), in.get("unitPrice"))
		item.Quantity, item.UnitPrice = d.quantity(in.get("quantity"), d.openDeliveryMoney(price))
		item.Modifiers = d.openDeliveryItems(in.get("options"), depth+1)
		if total := firstSaid(in.get("pricing", "totalPrice"), in.get("totalPrice")).get("value"); depth == 0 && total.says() {
			item = reconciled(item, d.majorKept(total))
		}
		items = append(items, item)
	}
	return items
}

// reconciled returns the item with its options' prices without what is under them, if that is what adds up to the total.
func reconciled(item order.Item, total int64) order.Item {
	if sum, ok := (order.Order{Items: []order.Item{item}}).Sum(); ok && sum == total {
		return item
	}
	other := item
	other.Modifiers = nil
	for _, m := range item.Modifiers {
		other.Modifiers = append(other.Modifiers, exclusive(m))
	}
	if sum, ok := (order.Order{Items: []order.Item{other}}).Sum(); ok && sum == total {
		return other
	}
	return item
}

// exclusive takes out of a modifier's price what is under it.
func exclusive(m order.Item) order.Item {
	under := append([]order.Item(nil), m.Modifiers...)
	for i := range under {
		m.UnitPrice -= under[i].UnitPrice * under[i].Quantity
		under[i] = exclusive(under[i])
	}
	m.Modifiers = under
	return m
}

// openDeliveryDiscount: each tells how much of it the platform, the restaurant or a chain bears.
func (d *draft) openDeliveryDiscount(n *node) {
	shares := n.get("sponsorshipValues").maybeList()
	if len(shares) == 0 {
		d.discount(n, "", "unknown", d.openDeliveryMoney(n.get("amount")))
	}
	for _, share := range shares {
		d.discount(share, share.get("discountCode").text(), sponsored(share.get("name").text()), d.openDeliveryMoney(share.get("amount")))
	}
}

func (d *draft) openDeliveryPayments(payments *node) {
	method, methods := "", payments.get("methods").maybeList()
	for _, m := range methods {
		method = m.get("method").peek()
	}
	if len(methods) > 1 {
		method = "mixed"
	}
	d.pay(method, d.major(payments.get("pending")))
}

func (d *draft) openDeliveryGuest(root *node) {
	customer := root.get("customer")
	delivery := firstSaid(root.get("fulfillment", "delivery"), root.get("delivery"))
	d.guest(order.Customer{Name: customer.get("name").text(), Phone: customer.get("phone", "number").text(), Email: customer.get("email").text()},
		customer.get("phone", "extension"))
	d.Order.Note = lines(root.get("observations").text(), root.get("extraInfo").text(), delivery.get("observations").text())
	to := delivery.any("address", "deliveryAddress")
	if !to.says() {
		return
	}
	d.address(order.Address{
		Street: to.get("street").text(), StreetNumber: to.get("number").text(), PostalCode: to.get("postalCode").text(),
		City: to.get("city").text(), Country: to.get("country").text(),
		Extra:       lines(to.get("complement").text(), to.any("neighborhood", "district").text(), to.get("reference").text()),
		Coordinates: d.point(to.get("coordinates", "latitude"), to.get("coordinates", "longitude")),
	})
}
