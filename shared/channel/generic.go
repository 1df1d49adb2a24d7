package channel

import (
	"strings"

	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/webhook"
)

// generic is for a platform of one's own: anybody who can send the hub's own form of an order (the body of
// `POST /v1/orders`) as a webhook that is signed, by Standard Webhooks or by an HMAC of a describable kind.
//
// The order stands alone or, as Standard Webhooks advises, as `data` beside a `type`; a type that says `cancel`, and the
// path `cancel`, call an order off: `{"channelOrderId": "…", "reason": "…"}`. The webhook-id tells what comes twice.
//
// An order's location is the platform's own id of it. Amounts are integers in minor units.
func generic() Adapter {
	return Adapter{
		Carries:   CarriesOrder,
		Paths:     []string{"orders", "cancel"},
		signature: genericSignature,
		Options: []Option{
			{Name: optionScheme, Values: []string{string(StandardWebhooks), "hmac"}, Doc: "How webhooks are proven; by default by Standard Webhooks. The rest is for hmac."},
			{Name: "header", Doc: "The header with the signature; by default X-Signature."},
			{Name: "encoding", Values: []string{"hex", "base64"}, Doc: "How the HMAC-SHA256 is written; by default in hexadecimal."},
			{Name: "prefix", Doc: "What stands before it in the header, such as \"sha256=\"."},
			{Name: "timeHeader", Doc: "The header with the time that is signed before the body; without it the body alone is signed, and a recorded webhook can be sent again."},
			{Name: "timeFormat", Values: []string{"s", string(Millis), string(RFC3339)}, Doc: "How that time is written; by default in seconds since 1970."},
			{Name: "separator", Doc: "What stands between time and body in what is signed; by default a full stop."},
		},
		RetryLater: 503,
		Codes: []Code{
			{"received", order.Received}, {"accepted", order.Accepted}, {"preparing", order.Preparing}, {"ready", order.Ready}, {"in_delivery", order.InDelivery},
			{"completed", order.Completed}, {"rejected", order.Rejected}, {"cancelled", order.Cancelled}, {"failed", order.Failed}, {"expired", order.Expired},
		},
		read: tree(readGeneric),
		answers: func(outcome Outcome, id string) Reply {
			switch {
			case outcome == Taken:
				return jsonReply(201, map[string]string{"id": id})
			case id != "":
				return jsonReply(200, map[string]string{"id": id})
			default:
				return Reply{Status: 200}
			}
		},
	}
}

func genericSignature(o Options) Signature {
	if o[optionScheme] != "hmac" {
		return Signature{Scheme: StandardWebhooks}
	}
	s := Signature{Header: either(o["header"], "X-Signature"), Prefix: o["prefix"], TimeHeader: o["timeHeader"]}
	if o["encoding"] == "base64" {
		s.Encoding = Base64
	}
	if format := TimeFormat(o["timeFormat"]); format != "s" {
		s.TimeFormat = format
	}
	if s.TimeHeader != "" {
		between := either(o["separator"], ".")
		s.signed = func(r Request) [][]byte {
			return [][]byte{append([]byte(r.header(s.TimeHeader)+between), r.Body...)}
		}
	}
	return s
}

func readGeneric(root *node, r Request, link Link) (Message, error) {
	event, in := "", root
	if data := root.get("data"); data.says() && data.kind == '{' {
		event, in = root.get("type").text(), data.alone()
	}
	at, _ := readTime(root.get("timestamp").text())
	mark := Mark{EventID: r.header(webhook.HeaderID), At: at}
	id := in.get("channelOrderId").text()
	switch {
	case id == "":
		return nil, missing("body.channelOrderId")
	case r.Path == "cancel" || strings.Contains(event, "cancel"):
		return Cancel{Ref: refer(id), Mark: mark, Reason: reason(in.get("reason").text())}, nil
	case !in.get("items").says():
		return Event{Ref: refer(id), Mark: mark, Name: word(event)}, nil
	}
	d, err := begin(in, link, in.get("location").peek(), in.get("currency").text())
	if err != nil {
		return nil, err
	}
	d.genericOrder(in, id)
	return d.message()
}

func (d *draft) genericOrder(in *node, id string) {
	o := &d.Order
	d.identify(id, in.get("displayId").text())
	d.kind(in.get("type"), map[string]order.Type{
		"delivery": order.Delivery, "pickup": order.Pickup, "dine_in": order.DineIn, "curbside": order.Curbside,
	})
	o.PlacedAt, o.RequestedFor = d.time(in.get("placedAt")), d.time(in.get("requestedFor"))
	o.Items = d.items(in.get("items"), genericItem(), 0)
	for _, off := range in.get("discounts").maybeList() {
		d.discount(off, off.get("name").text(), word(off.get("fundedBy").text()), d.minor(off.get("amount")))
	}
	for _, fee := range in.get("fees").maybeList() {
		d.fee(word(fee.get("kind").text()), d.minor(fee.get("amount")))
	}
	for _, tax := range in.get("taxes").maybeList() {
		d.tax(tax.get("name").text(), d.minor(tax.get("amount")), tax.get("included").text() == "true")
	}
	d.need(in.get("total"), "body.total")
	o.Total = d.minor(in.get("total"))
	if pay := in.get("payment"); pay.says() {
		o.Payment = order.Payment{Method: word(pay.get("method").text()), Status: word(pay.get("status").text()), Due: d.minor(pay.get("due"))}
	}
	c, to := in.get("customer"), in.get("deliveryAddress")
	d.guest(order.Customer{Name: c.get("name").text(), Phone: c.get("phone").text(), Email: c.get("email").text(), Note: c.get("note").text()}, nil)
	d.address(order.Address{
		Street: to.get("street").text(), StreetNumber: to.get("streetNumber").text(), PostalCode: to.get("postalCode").text(),
		City: to.get("city").text(), Country: to.get("country").text(), Extra: to.get("extra").text(),
		Coordinates: d.point(to.get("coordinates", "latitude"), to.get("coordinates", "longitude")),
	})
	o.Note = in.get("note").text()
}

func genericItem() itemForm {
	return itemForm{
		plu: []string{"plu"}, name: []string{"name"}, note: []string{"note"}, quantity: []string{"quantity"}, price: []string{"unitPrice"},
		money: (*draft).minor, under: []string{"modifiers"},
	}
}
