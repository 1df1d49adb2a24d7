package channel

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

// deliverect is the platform that aggregates others (developers.deliverect.com, "Channel API").
//
// An order and its cancellation come by the same path; a cancellation has status 100. Its ids are promised to be unique
// only for 48 hours after pickup, so an order's identity is its channelOrderId and its placedTime as sent ("" if none). A
// cancellation carries the channelOrderId alone: it means the order received last under it.
//
// Amounts are integers with decimalDigits digits after the point, whatever the currency has. The payload names no
// currency; it is the location's.
func deliverect() Adapter {
	return Adapter{
		Carries:    CarriesOrder,
		Paths:      []string{"orders"},
		Signature:  Signature{Header: "X-Server-Authorization-HMAC-SHA256"},
		RetryLater: 503,
		API:        deliverectAPI(),
		Codes: []Code{
			{"2", order.Received}, {"1", order.Received}, {"10", order.Received},
			{"20", order.Accepted}, {"40", order.Accepted},
			{"50", order.Preparing},
			{"70", order.Ready}, {"60", order.Ready},
			{"80", order.InDelivery},
			{"90", order.Completed}, {"95", order.Completed},
			{"35", order.Rejected},
			{"110", order.Cancelled},
			{"120", order.Failed}, {"121", order.Failed}, {"124", order.Failed},
			{"120", order.Expired},
		},
		read: readDeliverect,
		names: strings.NewReplacer("body.displayId", "body.channelOrderDisplayId", "body.type", "body.orderType",
			"body.total", "body.payment.amount", ".modifiers", ".subItems", ".unitPrice", ".price", "].note", "].remark",
			"body.customer.phone", "body.customer.phoneNumber"),
		answers: answerDeliverect,
	}
}

// answerDeliverect: 201 says that the order is well formed, not that anybody accepted it; a repeat gets 200.
func answerDeliverect(outcome Outcome, id string) Reply {
	body := struct {
		OrderID string `json:"orderId,omitzero"`
	}{id}
	if outcome == Taken {
		return jsonReply(201, body)
	}
	return jsonReply(200, body)
}

// deliverectCancelRequested is the status that makes an order webhook a cancellation.
const deliverectCancelRequested = "100"

func readDeliverect(r Request, link Link) (Message, error) {
	var in deliverectOrder
	if err := decode(r.Body, &in); err != nil {
		return nil, err
	}
	if string(in.Status) == deliverectCancelRequested {
		if in.ChannelOrderID == "" {
			return nil, fault.New(fault.Invalid, "the cancellation names no order").
				With(fault.Detail{Location: "body.channelOrderId", Message: "is missing"})
		}
		return Cancel{Ref: Ref{ChannelOrderID: in.ChannelOrderID}, Reason: order.Shorten(in.CancellationReason, order.MaxReason)}, nil
	}
	if event, ok := in.event(); ok {
		return event, nil
	}
	place, err := link.Place(in.Location)
	if err != nil {
		return nil, err
	}
	d := deliverectReading{in: in, extra: extras{}}
	return d.order(place), nil
}

// event tells what else may come: status and courier updates, busy mode, snoozes. None of them has items.
func (in *deliverectOrder) event() (Event, bool) {
	e := Event{Ref: Ref{ChannelOrderID: in.ChannelOrderID}}
	has := func(name string) bool { return len(in.Rest[name]) > 0 }
	switch {
	case len(in.Items) > 0:
		return e, false
	case has("courierUpdate"):
		e.Name = "courier_update"
	case has("operations"):
		e.Name = "snooze"
	case in.Status.Kind() == '"':
		e.Name = "busy_mode"
	case has("orderId"):
		e.Name = "order_status"
		e.Status, _ = deliverect().StatusOf(string(in.Status))
		e.ReadyAt, _ = readTime(in.PickupTime)
	}
	return e, e.Name != ""
}

// deliverectReading turns one payload into an order.
type deliverectReading struct {
	NewOrder

	in    deliverectOrder
	extra extras
	scale scale
}

func (d *deliverectReading) order(place Place) NewOrder {
	in, o := &d.in, &d.Order
	d.Identity = []string{in.ChannelOrderID, in.PlacedTime}
	o.ChannelOrderID, o.DisplayID, o.Location = in.ChannelOrderID, in.DisplayID, place.Location
	if o.DisplayID == "" {
		o.DisplayID = in.ChannelOrderID
	}
	if o.Currency = order.Currency(in.Currency); in.Currency == "" {
		o.Currency = place.Currency
	}
	d.digits()
	o.Type = deliverectType(in.OrderType)
	d.times()
	o.Items = d.items("items", in.Items, 0)
	d.fees()
	d.discounts()
	d.payment()
	d.taxes()
	d.guest()
	d.extra.all("", in.Rest)
	if len(in.Status) > 0 {
		d.extra.add("status", in.Status)
	}
	d.extra.text("cancellationReason", in.CancellationReason)
	if o.Location != in.Location {
		d.extra.text("location", in.Location)
	}
	if len(d.extra) > 0 {
		o.Extra = d.extra
	}
	return d.NewOrder
}

func (d *deliverectReading) fault(at, message string) {
	d.faults = append(d.faults, fault.Detail{Location: at, Message: message})
}

// digits finds the scale of the amounts. An order that does not tell it could be ten times too cheap.
func (d *deliverectReading) digits() {
	d.scale = scale{1, 1}
	if d.in.DecimalDigits == nil {
		d.fault("body.decimalDigits", "is missing")
		return
	}
	s, ok := newScale(*d.in.DecimalDigits, d.Order.Currency)
	if !ok {
		d.fault("body.decimalDigits", "is not a number of digits that money has")
	}
	d.scale = s
}

// money scales an amount and warns where it had to be rounded.
func (d *deliverectReading) money(at string, wire integer) int64 {
	amount, exact := d.scale.minor(wire)
	if !exact {
		d.warn("amount_rounded", at, "has more digits than the currency; the exact amount is in the original")
	}
	return amount
}

// times: an order as soon as possible has estimates where a pre-order has the time that the guest asked for.
func (d *deliverectReading) times() {
	in, o := &d.in, &d.Order
	o.PlacedAt = d.time("placedTime", "body.placedAt", in.PlacedTime)
	wanted, other, sent, rest := "pickupTime", "deliveryTime", in.PickupTime, in.DeliveryTime
	if o.Type == order.Delivery && in.DeliveryTime != "" || in.PickupTime == "" {
		wanted, other, sent, rest = other, wanted, rest, sent
	}
	d.extra.text(other, rest)
	if in.DeliveryIsAsap {
		d.extra.text(wanted, sent)
		return
	}
	o.RequestedFor = d.time(wanted, "body.requestedFor", sent)
}

func (d *deliverectReading) time(path, at, sent string) order.Time {
	read, ok := readTime(sent)
	if !ok && sent != "" {
		d.warn("time_unreadable", at, "is not a time; what was sent is in the original")
		d.extra.text(path, sent)
	}
	return read
}

// items stops one level below what an order may have, which its check then refuses.
func (d *deliverectReading) items(path string, in []deliverectItem, depth int) []order.Item {
	var items []order.Item
	if depth > order.MaxDepth+1 {
		return nil
	}
	for i, item := range in {
		here := index(path, i)
		items = append(items, order.Item{
			PLU: item.PLU, Name: item.Name, Quantity: int64(item.Quantity), Note: item.Remark,
			UnitPrice: d.money("body."+strings.ReplaceAll(here, ".subItems", ".modifiers")+".unitPrice", item.Price),
			Modifiers: d.items(here+".subItems", item.SubItems, depth+1),
		})
		d.extra.all(here, item.Rest)
	}
	return items
}

func (d *deliverectReading) fees() {
	for _, fee := range []struct {
		kind string
		wire integer
	}{
		{"delivery", d.in.DeliveryCost}, {"service", d.in.ServiceCharge}, {"bag", d.in.BagFee},
		{"small_order", d.in.SmallOrderFee}, {"tip", d.in.Tip}, {"driver_tip", d.in.DriverTip},
	} {
		if fee.wire != 0 {
			at := index("body.fees", len(d.Order.Fees))
			d.Order.Fees = append(d.Order.Fees, order.Fee{Kind: fee.kind, Amount: d.money(at+".amount", fee.wire)})
		}
	}
}

// discounts: discountTotal is negative and may stand alone; then the restaurant bears it. The list, where there is one,
// has positive amounts. A wrong sign is put right and told.
func (d *deliverectReading) discounts() {
	listed := integer(0)
	for i, in := range d.in.Discounts {
		listed += in.Amount
		d.discount(i, order.Discount{Name: in.Name, FundedBy: strings.ToLower(in.Provider)}, in.Amount)
		d.extra.all(index("discounts", i), in.Rest)
	}
	total := d.in.DiscountTotal
	switch {
	case len(d.in.Discounts) == 0 && total != 0:
		d.discount(0, order.Discount{Name: "Discount", FundedBy: "restaurant"}, -total)
	case len(d.in.Discounts) > 0 && listed != -total:
		d.warn("discount_mismatch", "body.discounts", "the discounts do not add up to the payload's discountTotal")
		d.extra.integer("discountTotal", total)
	}
}

func (d *deliverectReading) discount(i int, discount order.Discount, wire integer) {
	at := index("body.discounts", i)
	if wire < 0 {
		d.warn("discount_sign", at+".amount", "was sent with the other sign")
		wire = -wire
	}
	switch discount.FundedBy {
	case "restaurant", "channel", "shared", "loyalty":
	default:
		d.extra.text(index("discounts", i)+".provider", discount.FundedBy)
		discount.FundedBy = "unknown"
	}
	if discount.Name == "" {
		discount.Name = "Discount"
	}
	discount.Amount = d.money(at+".amount", wire)
	d.Order.Discounts = append(d.Order.Discounts, discount)
}

// payment: the amount is what the guest pays for everything. Whether it is paid already says orderIsAlreadyPaid, else
// the kind of payment; what is due says due, else that.
func (d *deliverectReading) payment() {
	in, o := d.in.Payment, &d.Order
	if in == nil || in.Amount == nil {
		d.fault("body.payment.amount", "is missing")
		o.Payment = order.Payment{Method: "other", Status: order.PaymentUnknown}
		return
	}
	o.Total = d.money("body.total", *in.Amount)
	method, status := deliverectMethod(in.Type)
	if d.in.AlreadyPaid != nil {
		status = order.Unpaid
		if *d.in.AlreadyPaid {
			status = order.Paid
		}
	}
	o.Payment = order.Payment{Method: method, Status: status}
	switch {
	case in.Due != nil:
		o.Payment.Due = d.money("body.payment.due", *in.Due)
	case status == order.Unpaid:
		o.Payment.Due = o.Total
	}
	d.extra.all("payment", in.Rest)
	if method == "other" {
		d.extra.integer("payment.type", in.Type)
	}
}

// taxes come as a list or as one total. Nothing says whether the prices include them: where prices are without tax the
// payment includes it, so taxes that are needed to reach the total are on top, and others are in the prices.
func (d *deliverectReading) taxes() {
	var list []deliverectTax
	err := json.Unmarshal(d.in.Taxes, &list)
	if d.in.Taxes.Kind() == '{' {
		var one deliverectTax
		err = json.Unmarshal(d.in.Taxes, &one)
		list = []deliverectTax{one}
	}
	if err != nil {
		list = nil
		d.extra.add("taxes", d.in.Taxes)
		if d.in.Taxes.Kind() != 'n' && len(d.in.Taxes) > 0 {
			d.warn("taxes_unreadable", "body.taxes", "are not of the documented shape")
		}
	}
	for i, tax := range list {
		d.extra.all(index("taxes", i), tax.Rest)
	}
	list = append(list, deliverectTax{Name: "Tax on delivery", Total: d.in.DeliveryCostTax}, deliverectTax{Name: "Tax on service", Total: d.in.ServiceChargeTax})
	for _, tax := range list {
		d.tax(tax)
	}
	if sum, ok := d.Order.Sum(); ok && sum == d.Order.Total {
		return
	}
	within := d.Order
	within.Taxes = nil
	if sum, ok := within.Sum(); ok && sum == d.Order.Total {
		for i := range d.Order.Taxes {
			d.Order.Taxes[i].Included = true
		}
	}
}

func (d *deliverectReading) tax(in deliverectTax) {
	if in.Total == 0 {
		return
	}
	if in.Name == "" {
		in.Name = "Tax"
	}
	at := index("body.taxes", len(d.Order.Taxes)) + ".amount"
	d.Order.Taxes = append(d.Order.Taxes, order.Tax{Name: in.Name, Amount: d.money(at, in.Total)})
}

func (d *deliverectReading) guest() {
	o, c, a := &d.Order, d.in.Customer, d.in.DeliveryAddress
	o.Note = d.in.Note
	customer := order.Customer{Name: c.Name, Phone: c.Phone, Email: c.Email, Note: c.Note}
	if customer != (order.Customer{}) {
		customer.PhoneMasked, customer.EmailMasked = proxyPhone(c.Phone, c.AccessCode), proxyEmail(c.Email)
		o.Customer = &customer
	}
	d.extra.text("customer.phoneAccessCode", c.AccessCode)
	d.extra.all("customer", c.Rest)
	address := order.Address{
		Street: a.Street, StreetNumber: a.StreetNumber, PostalCode: a.PostalCode, City: a.City, Country: a.Country, Extra: a.Extra,
	}
	address.Coordinates = d.coordinates(a.Coordinates)
	if address != (order.Address{}) {
		o.DeliveryAddress = &address
	}
	d.extra.all("deliveryAddress", a.Rest)
}

// coordinates are documented in two shapes: named degrees, and GeoJSON's pair of longitude and latitude.
func (d *deliverectReading) coordinates(sent jsontext.Value) *order.Coordinates {
	var in struct {
		Latitude    *float64  `json:"latitude"`
		Longitude   *float64  `json:"longitude"`
		Coordinates []float64 `json:"coordinates"`
	}
	if sent.Kind() != '{' || json.Unmarshal(sent, &in) != nil {
		d.extra.add("deliveryAddress.coordinates", sent)
		return nil
	}
	if len(in.Coordinates) == 2 {
		in.Longitude, in.Latitude = &in.Coordinates[0], &in.Coordinates[1]
	}
	if in.Latitude == nil || in.Longitude == nil || *in.Latitude < -90 || *in.Latitude > 90 || *in.Longitude < -180 || *in.Longitude > 180 {
		d.extra.add("deliveryAddress.coordinates", sent)
		return nil
	}
	return &order.Coordinates{Latitude: *in.Latitude, Longitude: *in.Longitude}
}
