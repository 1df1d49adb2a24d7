package channel

import (
	"net/url"
	"strings"

	"ryggrad.internal/hub/shared/order"
)

// jet is Just Eat Takeaway's JET Connect (developers.just-eat.com, formerly Flyt).
//
// Each kind of event has a path of its own, and what drivers do comes by PUT. An order comes when acceptance is requested,
// and again when it is ready for preparation; the link's option orderFrom says which of the two it is taken from, the other
// is an event. An order is answered with 202, and what became of it is then posted to the callback that the request's URL
// names; one that is here already with 409. Questions about late orders are kept as events; the restaurant answers them at
// JET. Webhooks carry an API key. Order ids are unique for good.
//
// Amounts are decimal numbers. A UnitPrice is without the items under it. The phone number may be a proxy with a code.
func jet() Adapter {
	return Adapter{
		Carries: CarriesOrder,
		Paths: []string{
			"orders", jetReady, "order-ready-for-preparation-async", "order-ready-for-preparation-sync", jetAcceptance,
			"order-accepted", "order-cancelled", "order-rejected", "send-to-pos-failed", "delivery-status",
			"late-order-query", "late-order-compensation-query", "order-eligible-for-restaurant-compensation",
		},
		Puts: []string{
			"driver-assigned-to-delivery", "driver-at-restaurant", "driver-on-their-way-to-delivery-address", "driver-at-delivery-address",
			"driver-has-delivered-order", "driver-location", "delivery-failed", "attempted-delivery-query-resolved", "redelivery-requested",
		},
		signature: func(o Options) Signature {
			return Signature{Scheme: SharedSecret, Header: either(o["header"], "X-Flyt-Api-Key")}
		},
		Options: []Option{
			{Name: "orderFrom", Values: []string{jetReady, jetAcceptance}, Doc: "Which of JET's two webhooks an order is taken from; by default order-ready-for-preparation."},
			{Name: "header", Doc: "The header with the API key; by default X-Flyt-Api-Key."},
		},
		RetryLater: 503,
		API:        jetAPI(),
		Unreadable: 400,
		Codes: []Code{
			{"OrderReceived", order.Received}, {"OrderAccepted", order.Accepted}, {"OrderRejected", order.Rejected}, {"OrderCancelled", order.Cancelled},
			{"ReadyForCollection", order.Ready}, {"OnItsWay", order.InDelivery}, {"Delivered", order.Completed},
		},
		read: tree(readJET),
		answers: func(outcome Outcome, id string) Reply {
			switch outcome {
			case Taken:
				return jsonReply(202, map[string]string{"orderId": id})
			case Repeated:
				return jsonReply(409, map[string]string{"orderId": id, "message": "the order is here already"})
			default:
				return Reply{Status: 202}
			}
		},
	}
}

const (
	jetReady      = "order-ready-for-preparation"
	jetAcceptance = "acceptance-requested"
)

func readJET(root *node, r Request, link Link) (Message, error) {
	id, event := root.any("OrderId", "OrderReference", "orderId").peek(), root.get("Event").text()
	at, _ := readTime(root.any("Timestamp", "TimeStamp").text())
	mark := Mark{At: at}
	switch {
	case id == "":
		return nil, missing("body.OrderId")
	case event == "OrderCancelled" || r.Path == "order-cancelled":
		return Cancel{Ref: refer(id), Mark: mark, Reason: reason(root.get("Reason").text())}, nil
	case !root.get("Items").says():
		status, _ := jet().StatusOf(event)
		ready, _ := readTime(root.get("AcceptedFor").text())
		return Event{Ref: refer(id), Mark: mark, Name: word(either(event, r.Path)), Status: status, ReadyAt: ready}, nil
	case r.Path != "orders" && !strings.HasPrefix(r.Path, either(link.Options["orderFrom"], jetReady)):
		return Event{Ref: refer(id), Mark: mark, Name: word(r.Path)}, nil
	}
	return jetOrder(root, r, link)
}

func jetOrder(root *node, r Request, link Link) (Message, error) {
	d, err := begin(root, link, root.get("Restaurant", "Id").peek(), root.get("Currency").text())
	if err != nil {
		return nil, err
	}
	d.Callback = d.jetCallback(r.URL)
	o, how, prices := &d.Order, root.get("Fulfilment"), root.get("PriceBreakdown")
	d.identify(root.any("OrderId", "OrderReference").text(), root.get("FriendlyOrderReference").text())
	d.kind(how.get("Method"), map[string]order.Type{
		"delivery": order.Delivery, "collection": order.Pickup, "tableservice": order.DineIn, "dinein": order.DineIn,
	})
	o.PlacedAt = d.time(root.get("PlacedDate"))
	if how.get("CustomerDueAsap").peek() != "true" {
		o.RequestedFor = d.time(how.get("CustomerDueDate"))
	}
	o.Items = d.items(root.get("Items"), jetItem(), 0)
	d.fee("delivery", d.major(prices.get("Fees", "Delivery")))
	d.fee("service", d.major(prices.get("Fees", "ServiceCharge")))
	d.fee("other", d.major(prices.get("Fees", "Other")))
	d.fee("tip", d.major(prices.get("Tips")))
	d.discount(prices.get("Discount"), "", "unknown", d.major(prices.get("Discount")))
	d.tax("Tax", d.major(prices.get("Taxes")), false)
	d.need(root.get("TotalPrice"), "body.TotalPrice")
	o.Total = d.major(root.get("TotalPrice"))
	d.settleTaxes()
	d.jetPayment(root.get("Payment", "Lines"))
	d.jetGuest(root)
	return d.message()
}

// longestCallback bounds the address that JET is called back at, in bytes.
const longestCallback = 2048

// jetCallback reads where JET wants to hear what became of the order. An order with an address that nobody can call is taken
// all the same.
func (d *draft) jetCallback(sent string) string {
	to, err := url.Parse(sent)
	if err != nil {
		return ""
	}
	callback := to.Query().Get("callback")
	at, err := url.Parse(callback)
	if callback != "" && (err != nil || at.Host == "" || at.User != nil || len(callback) > longestCallback) {
		d.warn("callback_unusable", "query.callback", "is no address that can be called; nobody hears there what becomes of the order")
		return ""
	}
	return callback
}

func jetItem() itemForm {
	return itemForm{
		plu: []string{"Reference"}, name: []string{"Name"}, size: []string{"Synonym"}, note: []string{"Notes", "Note"},
		quantity: []string{"Quantity"}, price: []string{"UnitPrice"}, money: (*draft).major, under: []string{"Items"},
	}
}

// jetPayment: what no paid line covers is due.
func (d *draft) jetPayment(list *node) {
	method, paid := "", int64(0)
	for _, line := range list.maybeList() {
		method = either(method, line.get("Type").peek())
		if line.get("Paid").peek() == "true" {
			paid += d.majorKept(line.get("Value"))
			method = line.get("Type").peek()
		}
	}
	if list.says() {
		d.pay(method, max(0, d.Order.Total-paid))
	}
}

func (d *draft) jetGuest(root *node) {
	customer, how := root.get("Customer"), root.get("Fulfilment")
	d.guest(order.Customer{Name: customer.get("Name").text(), Phone: how.get("PhoneNumber").text(), Email: customer.get("Email").text()},
		how.get("PhoneMaskingCode"))
	var notes []string
	for n := root.get("CustomerNotes").child(); n != nil; n = n.next {
		if n.kind == '{' { // one shape of notes is a list of keys and values
			notes = append(notes, lines(n.get("Key").text()+": "+n.get("Value").text()))
			continue
		}
		notes = append(notes, n.text())
	}
	d.Order.Note = lines(notes...)
	to := how.get("Address")
	var street []string
	for _, line := range to.get("Lines").maybeList() {
		street = append(street, line.text())
	}
	if to.says() && d.Order.Type == order.Delivery {
		d.address(order.Address{
			Street: strings.Join(street, ", "), City: to.get("City").text(), PostalCode: to.get("PostalCode").text(), Country: to.get("Country").text(),
			Coordinates: d.point(to.get("Geolocation", "Latitude"), to.get("Geolocation", "Longitude")),
		})
	}
}
