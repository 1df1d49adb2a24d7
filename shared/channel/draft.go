package channel

import (
	"strings"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

// A draft is an order in the making: what every translation of a payload needs. An adapter reads values off the tree,
// gives them to the draft, and ends with [draft.message].
type draft struct {
	NewOrder

	root  *node
	extra extras
}

// begin starts an order at the location that the platform means, in the currency that the payload names or else the
// location's.
func begin(root *node, link Link, theirs, currency string) (*draft, error) {
	place, err := link.Place(theirs)
	if err != nil {
		return nil, err
	}
	d := &draft{root: root, extra: extras{}}
	d.Order.Location, d.Order.Currency = place.Location, place.Currency
	if currency != "" {
		d.Order.Currency = order.Currency(strings.ToUpper(currency))
	}
	d.Order.Payment = order.Payment{Method: "other", Status: order.PaymentUnknown}
	return d, nil
}

// identify sets the order's ids; the id alone is its identity.
func (d *draft) identify(id, display string) {
	d.Identity = []string{id}
	d.Order.ChannelOrderID, d.Order.DisplayID = id, display
	if display == "" {
		d.Order.DisplayID = id
	}
}

// message ends the translation: what was not used becomes extra, what was of an unexpected kind a warning.
func (d *draft) message() (Message, error) {
	d.settleType()
	d.root.leftovers(d.extra)
	if len(d.extra) > 0 {
		d.Order.Extra = d.extra
	}
	for _, n := range d.root.in.mistyped {
		d.warn("unexpected_type", n.location(), "is not of the documented type; what was sent is in the original")
	}
	d.faults = append(d.faults, d.root.in.strange...)
	return d.NewOrder, nil
}

// minor reads an amount that is written as an integer in minor units.
func (d *draft) minor(n *node) int64 {
	if !n.says() {
		n.take()
		return 0
	}
	amount, ok := n.whole()
	if !ok {
		n.wrong("is not an amount: it takes an integer in minor units")
	}
	return amount
}

// major reads an amount that is written as a decimal number, in units of the currency.
func (d *draft) major(n *node) int64 {
	if !n.says() {
		n.take()
		return 0
	}
	value, ok := parseDecimal(n.text())
	if !ok {
		n.wrong("is not an amount: it takes a decimal number")
		return 0
	}
	return d.rounded(n, value)
}

// rounded turns units of the currency into minor units and warns where they had to be rounded. For an unknown currency,
// which the order's check refuses, it changes nothing.
func (d *draft) rounded(n *node, value decimal) int64 {
	digits, _ := d.Order.Currency.Exponent()
	amount, exact := value.scaled(digits)
	if !exact {
		d.warn("amount_rounded", n.location(), "has more digits than the currency; the exact amount is in the original")
	}
	return amount
}

// quantity reads how many units there are: 1 when the platform does not say. An item holds whole units, so of a fraction
// (350 g at a price per kilogram) the line becomes one unit at the price of the whole line.
func (d *draft) quantity(n *node, unitPrice int64) (units, price int64) {
	if !n.says() {
		n.take()
		return 1, unitPrice
	}
	sent := n.peek()
	amount, ok := parseDecimal(sent)
	if !ok {
		n.wrong("is not a quantity")
		return 1, unitPrice
	}
	if units, exact := amount.scaled(0); exact {
		n.take()
		return units, unitPrice
	}
	d.warn("quantity_fraction", n.location(), "is no whole number of units; the line is one unit at the price of the whole")
	minor := decimal{negative: unitPrice < 0, digits: digitsOf(unitPrice)}
	if line, ok := minor.times(amount); ok {
		unitPrice, _ = line.scaled(0)
	}
	return 1, unitPrice
}

// time reads a point in time; one that cannot be read is told and stays for extra.
func (d *draft) time(n *node) order.Time {
	sent := n.peek()
	if sent == "" {
		n.take()
		return ""
	}
	at, ok := readTime(sent)
	if !ok {
		d.warn("time_unreadable", n.location(), "is not a time; what was sent is in the original")
		return ""
	}
	n.take()
	return at
}

// kind reads the type of an order. The platform's word stays for extra where it says more than our type does.
func (d *draft) kind(n *node, types map[string]order.Type) {
	sent := strings.ToLower(n.peek())
	d.Order.Type = types[sent]
	if string(d.Order.Type) == sent {
		n.take()
	}
}

// settleType gives an order a type whose platform's word for it is unknown, so that it reaches the kitchen all the same.
func (d *draft) settleType() {
	if d.Order.Type != "" {
		return
	}
	d.Order.Type = order.Pickup
	if d.Order.DeliveryAddress != nil {
		d.Order.Type = order.Delivery
	}
	d.warn("type_unknown", "body.type", "is no type of order that is known; it is taken from whether there is an address")
}

func (d *draft) fee(kind string, amount int64) {
	if amount != 0 {
		d.Order.Fees = append(d.Order.Fees, order.Fee{Kind: kind, Amount: amount})
	}
}

// tax adds a tax, in the prices or on top of them; see [draft.settleTaxes] for platforms that do not say.
func (d *draft) tax(name string, amount int64, included bool) {
	if amount != 0 {
		d.Order.Taxes = append(d.Order.Taxes, order.Tax{Name: either(name, "Tax"), Amount: amount, Included: included})
	}
}

// settleTaxes decides whether the prices include the taxes, for platforms that do not say: taxes that are needed to
// reach the total are on top, and if the total is reached without them, they are in the prices.
func (d *draft) settleTaxes() {
	if sum, ok := d.Order.Sum(); ok && sum == d.Order.Total {
		return
	}
	without := d.Order
	without.Taxes = nil
	if sum, ok := without.Sum(); ok && sum == d.Order.Total {
		for i := range d.Order.Taxes {
			d.Order.Taxes[i].Included = true
		}
	}
}

// discount takes an amount off. A wrong sign is put right and told.
func (d *draft) discount(n *node, name, funder string, amount int64) {
	switch {
	case amount == 0:
		return
	case amount < 0:
		d.warn("discount_sign", n.location(), "was sent with the other sign")
		amount = -amount
	}
	d.Order.Discounts = append(d.Order.Discounts, order.Discount{Name: either(name, "Discount"), Amount: amount, FundedBy: either(funder, "unknown")})
}

// pay says how the order is paid: what is due decides whether it is.
func (d *draft) pay(method string, due int64) {
	d.Order.Payment = order.Payment{Method: word(method), Status: order.Paid, Due: due}
	if due > 0 {
		d.Order.Payment.Status = order.Unpaid
	}
}

// guest sets the customer, if there is anything to say. With an access code the phone number is the platform's own; the
// code stays for extra.
func (d *draft) guest(c order.Customer, code *node) {
	c.Phone, c.Email, c.Name = strings.TrimSpace(c.Phone), strings.TrimSpace(c.Email), strings.TrimSpace(c.Name)
	if c == (order.Customer{}) {
		return
	}
	c.PhoneMasked, c.EmailMasked = proxyPhone(c.Phone, code.peek()), proxyEmail(c.Email)
	d.Order.Customer = &c
}

// address sets where to bring the order, if there is anything to say.
func (d *draft) address(a order.Address) {
	if a != (order.Address{}) {
		d.Order.DeliveryAddress = &a
	}
}

// point reads a place on the map; one that is not on it stays for extra.
func (d *draft) point(latitude, longitude *node) *order.Coordinates {
	var at order.Coordinates
	if json.Unmarshal([]byte(latitude.peek()), &at.Latitude) != nil || json.Unmarshal([]byte(longitude.peek()), &at.Longitude) != nil ||
		at.Latitude < -90 || at.Latitude > 90 || at.Longitude < -180 || at.Longitude > 180 {
		return nil
	}
	latitude.take()
	longitude.take()
	return &at
}

// need reports a value without which there is no order.
func (d *draft) need(n *node, location string) {
	if !n.says() {
		d.faults = append(d.faults, fault.Detail{Location: location, Message: "is missing"})
	}
}

// either returns the first text that says something.
func either(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// word makes a word of our vocabulary of a platform's: `CREDIT_CARD` and `CreditCard` become `credit_card`.
func word(theirs string) string {
	var w strings.Builder
	small := false
	for _, r := range theirs {
		switch {
		case 'a' <= r && r <= 'z':
			w.WriteRune(r)
		case 'A' <= r && r <= 'Z':
			if small {
				w.WriteByte('_')
			}
			w.WriteRune(r + 'a' - 'A')
		case w.Len() > 0 && !strings.HasSuffix(w.String(), "_"):
			w.WriteByte('_')
		}
		small = 'a' <= r && r <= 'z'
	}
	made := strings.Trim(w.String(), "_")
	if made == "" || len(made) > 40 {
		return "other"
	}
	return made
}

// feeKind makes a kind of fee of a platform's word: `DELIVERY_FEE` becomes `delivery`.
func feeKind(theirs string) string { return word(strings.TrimSuffix(word(theirs), "_fee")) }

// lines joins the parts of a text that say something.
func lines(parts ...string) string {
	var said []string
	for _, part := range parts {
		if part = strings.TrimSpace(part); part != "" {
			said = append(said, part)
		}
	}
	return strings.Join(said, "\n")
}

// majorKept is [draft.major] of an amount that stays for extra as well.
func (d *draft) majorKept(n *node) int64 {
	value, ok := parseDecimal(n.peek())
	if !ok {
		return 0
	}
	return d.rounded(n, value)
}
