package order

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"ryggrad.internal/hub/shared/fault"
)

const (
	maxLines = 2000 // items and modifiers of one order together
	maxFault = 100  // faults reported of one order
)

// Check returns every rule that the order breaks, at most 100, and nothing when the hub can take it. Faults carry
// locations such as `body.items[0].quantity` and never the offending value.
//
// It asks for what the hub cannot do without: an id, a location, a known type and currency, at least one item with a
// name or a PLU, quantities and amounts within bounds, texts that fit. What merely looks odd is a [Warning].
func (o Order) Check() []fault.Detail {
	c := checker{}
	body := bodyLocation()
	c.id(body.field("channelOrderId"), o.ChannelOrderID, true)
	c.id(body.field("displayId"), o.DisplayID, false)
	c.id(body.field("location"), o.Location, true)
	c.that(o.Type.known(), body.field("type"), "is not one of delivery, pickup, dine_in, curbside")
	c.time(body.field("placedAt"), o.PlacedAt)
	c.time(body.field("requestedFor"), o.RequestedFor)
	_, known := o.Currency.Exponent()
	c.that(known, body.field("currency"), "is not an ISO 4217 code of a currency in use")
	c.items(body.field("items"), o.Items)
	c.adjustments(body, o)
	c.amount(body.field("total"), o.Total)
	c.payment(body.field("payment"), o.Payment)
	c.guest(body, o)
	o.eachText(c.text)
	return c.found
}

func (t Type) known() bool { return t == Delivery || t == Pickup || t == DineIn || t == Curbside }

// A checker collects faults.
type checker struct {
	found []fault.Detail
	lines int
}

func (c *checker) that(ok bool, at location, format string, args ...any) {
	if !ok && len(c.found) < maxFault {
		c.found = append(c.found, fault.Detail{Location: at.String(), Message: fmt.Sprintf(format, args...)})
	}
}

func (c *checker) items(at location, items []Item) {
	c.that(len(items) > 0, at, "needs at least one item")
	c.that(len(items) <= maxItems, at, "has more than %d items", maxItems)
	walk(at, items, 0, func(at location, depth int, item *Item) bool {
		c.lines++
		if c.lines > maxLines {
			c.that(c.lines != maxLines+1, bodyLocation().field("items"), "has more than %d items and modifiers together", maxLines)
			return false
		}
		c.item(at, item)
		deeper := depth < MaxDepth || len(item.Modifiers) == 0
		c.that(deeper, at.field("modifiers"), "is more than %d levels deep", MaxDepth)
		return deeper
	})
}

func (c *checker) item(at location, item *Item) {
	c.id(at.field("plu"), item.PLU, false)
	c.that(item.PLU != "" || item.Name != "", at, "needs a name or a plu")
	c.that(1 <= item.Quantity && item.Quantity <= maxQuantity, at.field("quantity"), "is not between 1 and %d", maxQuantity)
	c.amount(at.field("unitPrice"), item.UnitPrice)
	c.that(len(item.Modifiers) <= maxModifiers, at.field("modifiers"), "has more than %d modifiers", maxModifiers)
}

func (c *checker) adjustments(body location, o Order) {
	at := body.field("discounts")
	c.that(len(o.Discounts) <= maxAdjusts, at, "has more than %d entries", maxAdjusts)
	for i, d := range o.Discounts {
		c.amount(at.index(i).field("amount"), d.Amount)
		c.token(at.index(i).field("fundedBy"), d.FundedBy)
	}
	at = body.field("fees")
	c.that(len(o.Fees) <= maxAdjusts, at, "has more than %d entries", maxAdjusts)
	for i, f := range o.Fees {
		c.amount(at.index(i).field("amount"), f.Amount)
		c.token(at.index(i).field("kind"), f.Kind)
	}
	at = body.field("taxes")
	c.that(len(o.Taxes) <= maxAdjusts, at, "has more than %d entries", maxAdjusts)
	for i, t := range o.Taxes {
		c.amount(at.index(i).field("amount"), t.Amount)
	}
}

func (c *checker) payment(at location, p Payment) {
	c.token(at.field("method"), p.Method)
	c.token(at.field("status"), p.Status)
	c.amount(at.field("due"), p.Due)
}

// guest checks what eachText does not visit.
func (c *checker) guest(body location, o Order) {
	if o.Customer != nil {
		c.text(body.field("customer").field("phone"), &o.Customer.Phone, maxContact)
		c.text(body.field("customer").field("email"), &o.Customer.Email, maxContact)
	}
	if o.DeliveryAddress == nil || o.DeliveryAddress.Coordinates == nil {
		return
	}
	at, on := body.field("deliveryAddress").field("coordinates"), o.DeliveryAddress.Coordinates
	c.that(on.Latitude >= -90 && on.Latitude <= 90, at.field("latitude"), "is not between -90 and 90")
	c.that(on.Longitude >= -180 && on.Longitude <= 180, at.field("longitude"), "is not between -180 and 180")
}

func (c *checker) text(at location, text *string, limit int) {
	c.that(len(*text) <= limit || utf8.RuneCountInString(*text) <= limit, at, "is longer than %d characters", limit)
	c.that(utf8.ValidString(*text), at, "is not valid UTF-8")
}

func (c *checker) id(at location, id string, required bool) {
	c.that(id != "" || !required, at, "is missing")
	c.that(strings.IndexFunc(id, unicode.IsControl) < 0, at, "contains a control character")
	c.text(at, &id, maxID)
}

func (c *checker) token(at location, word string) {
	c.that(isToken(word), at, "is not a word of letters, `_` and `-`")
	c.that(len(word) <= maxToken, at, "is longer than %d characters", maxToken)
}

// isToken tells whether word is letters, possibly with `_` and `-` between them.
func isToken(word string) bool {
	letter := func(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
	for i := range len(word) {
		if c := word[i]; !letter(c) && c != '_' && c != '-' {
			return false
		}
	}
	return word != "" && letter(word[0]) && letter(word[len(word)-1])
}

func (c *checker) amount(at location, amount int64) {
	c.that(-MaxAmount <= amount && amount <= MaxAmount, at, "is not an amount that the hub takes")
}

func (c *checker) time(at location, t Time) {
	_, ok := t.Instant()
	c.that(ok || t == "", at, "is not an RFC 3339 time")
}
