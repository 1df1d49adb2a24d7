package channel

import (
	"time"

	"ryggrad.internal/hub/shared/order"
)

// iFood is iFood (developer.ifood.com.br, "Order" and "Events": webhook, and `GET /order/v1.0/orders/{id}`).
//
// An event names the order; it may come twice and in any order, so it is told by its id and placed by its createdAt. It
// is to be acknowledged with 202. Order ids are UUIDs, unique for good.
//
// Amounts are decimal numbers in BRL. An item's unitPrice is without its options. The phone is a number of iFood's own
// and takes a localizer; both have an end. The older form of the order (reference, deliveryFee, subItems) is read too.
func iFood() Adapter {
	return Adapter{
		Carries:      CarriesReference,
		Paths:        []string{"events"},
		Signature:    Signature{Header: "X-IFood-Signature"},
		AcceptWithin: 8 * time.Minute,
		RetryLater:   503,
		API:          iFoodAPI(),
		Unreadable:   202,
		Codes: []Code{
			{"PLACED", order.Received}, {"CONFIRMED", order.Accepted}, {"PREPARATION_STARTED", order.Preparing},
			{"READY_TO_PICKUP", order.Ready}, {"DISPATCHED", order.InDelivery}, {"CONCLUDED", order.Completed}, {"CANCELLED", order.Cancelled},
		},
		read:    tree(readIFood),
		fetched: iFoodOrder,
		answers: always(202),
	}
}

// readIFood reads an event, or the list of events that polling gives.
func readIFood(root *node, _ Request, _ Link) (Message, error) {
	if root.kind != '[' {
		return iFoodEvent(root)
	}
	var batch Batch
	for _, n := range root.list() {
		message, err := iFoodEvent(n)
		if err != nil {
			return nil, err
		}
		batch = append(batch, message)
	}
	return batch, nil
}

func iFoodEvent(n *node) (Message, error) {
	code := n.any("fullCode", "code").text()
	ref := refer(n.any("orderId", "correlationId").text())
	at, _ := readTime(n.get("createdAt").text())
	mark := Mark{EventID: n.get("id").text(), At: at}
	if code == "" {
		return nil, missing(n.location() + ".code")
	}
	if ref.ChannelOrderID == "" { // KEEPALIVE and others that are about no order
		return Event{Mark: mark, Name: word(code)}, nil
	}
	switch code {
	case "PLACED", "PLC":
		return Reference{Ref: ref, Mark: mark, Event: code, Place: n.get("merchantId").text()}, nil
	case "CANCELLED", "CAN":
		return Cancel{Ref: ref, Mark: mark, Reason: reason(n.get("metadata").any("CANCEL_REASON", "reason_code", "CANCEL_CODE").text())}, nil
	}
	status, _ := iFood().StatusOf(code)
	return Event{Ref: ref, Mark: mark, Name: word(code), Status: status}, nil
}

func iFoodOrder(root *node, link Link, _ Reference) (Message, error) {
	d, err := begin(root, link, root.get("merchant", "id").peek(), "BRL")
	if err != nil {
		return nil, err
	}
	o := &d.Order
	d.identify(root.get("id").text(), root.any("displayId", "shortReference").text())
	d.iFoodType(root)
	o.PlacedAt = d.time(root.get("createdAt"))
	if root.any("scheduled").peek() == "true" || root.get("orderTiming").peek() == "SCHEDULED" {
		o.RequestedFor = d.time(firstSaid(root.get("schedule", "deliveryDateTimeStart"), root.get("delivery", "deliveryDateTime"),
			root.get("takeout", "takeoutDateTime"), root.get("deliveryDateTime")))
	}
	o.Items = d.items(root.get("items"), iFoodItem(), 0)
	total := root.get("total")
	d.fee("delivery", d.major(firstSaid(total.get("deliveryFee"), root.get("deliveryFee"))))
	for _, fee := range root.get("additionalFees").maybeList() {
		d.fee(feeKind(fee.get("type").peek()), d.major(firstSaid(fee.get("value"), fee.get("amount"))))
	}
	d.iFoodBenefits(root.get("benefits"))
	amount := firstSaid(total.get("orderAmount"), root.get("totalPrice"))
	d.need(amount, "body.total.orderAmount")
	o.Total = d.major(amount)
	if total.get("orderAmount") == nil { // the older form tells what everything cost before its benefits
		for _, taken := range o.Discounts {
			o.Total -= taken.Amount
		}
	}
	d.iFoodPayments(root.get("payments"))
	d.iFoodGuest(root)
	return d.message()
}

// iFoodType: the older form has a delivery method instead of a type.
func (d *draft) iFoodType(root *node) {
	n := firstSaid(root.get("orderType"), root.get("deliveryMethod", "mode"), root.get("type"))
	d.kind(n, map[string]order.Type{
		"delivery": order.Delivery, "takeout": order.Pickup, "dine_in": order.DineIn, "indoor": order.DineIn,
	})
}

func iFoodItem() itemForm {
	return itemForm{
		plu: []string{"externalCode"}, name: []string{"name"}, note: []string{"observations"}, quantity: []string{"quantity"},
		price: []string{"unitPrice", "price"}, money: (*draft).major, under: []string{"options", "customizations", "subItems"},
	}
}

// iFoodBenefits: each tells how much of it iFood, the restaurant or a chain bears.
func (d *draft) iFoodBenefits(list *node) {
	for _, benefit := range list.maybeList() {
		shares := benefit.get("sponsorshipValues")
		name := lines(benefit.get("target").peek())
		var told bool
		for share := shares.child(); share != nil; share = share.next {
			sponsor, amount := share.name, share
			if shares.kind == '[' { // the newer form: a list of name and value
				sponsor, amount = share.get("name").text(), share.get("value")
			}
			worth := d.major(amount)
			d.discount(amount, name, sponsored(sponsor), worth)
			told = told || worth != 0
		}
		if !told {
			d.discount(benefit, name, "unknown", d.major(benefit.get("value")))
		}
	}
}

// sponsored names who bears a discount, by the words that Brazilian platforms use.
func sponsored(by string) string {
	switch by {
	case "MERCHANT":
		return "restaurant"
	case "IFOOD", "MARKETPLACE":
		return "channel"
	case "":
		return "unknown"
	default:
		return word(by)
	}
}

func (d *draft) iFoodPayments(payments *node) {
	methods := payments
	if payments.says() && payments.kind == '{' {
		methods = payments.get("methods")
	}
	method, due, kinds := "", int64(0), 0
	for _, m := range methods.maybeList() {
		how := firstSaid(m.get("method"), m.get("name"), m.get("code")).peek()
		if how != "VOUCHER" { // a voucher is the other side of a benefit
			method, kinds = how, kinds+1
		}
		if m.get("type").peek() == "OFFLINE" || m.get("prepaid").peek() == "false" {
			due += d.majorKept(m.get("value"))
		}
	}
	if pending := payments.get("pending"); pending.says() {
		due = d.major(pending)
	}
	d.pay(method, due)
	if kinds > 1 {
		d.Order.Payment.Method = "mixed"
	}
}

func (d *draft) iFoodGuest(root *node) {
	customer := root.get("customer")
	phone := customer.get("phone")
	number := phone
	if phone.says() && phone.kind == '{' {
		number = phone.get("number")
	}
	d.guest(order.Customer{Name: customer.get("name").text(), Phone: number.text(), Email: customer.get("email").text()},
		firstSaid(phone.get("localizer"), root.get("localizer", "id")))
	d.Order.Note = lines(root.get("extraInfo").text(), root.get("delivery", "observations").text(), root.get("takeout", "observations").text())
	to := firstSaid(root.get("delivery", "deliveryAddress"), root.get("deliveryAddress"))
	if !to.says() {
		return
	}
	d.address(order.Address{
		Street: to.get("streetName").text(), StreetNumber: to.get("streetNumber").text(), PostalCode: to.get("postalCode").text(),
		City: to.get("city").text(), Country: to.get("country").text(),
		Extra:       lines(to.get("complement").text(), to.get("neighborhood").text(), to.get("reference").text()),
		Coordinates: d.point(to.get("coordinates", "latitude"), to.get("coordinates", "longitude")),
	})
}
