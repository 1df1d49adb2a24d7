package order

import (
	"unicode/utf8"
)

// walk visits items and, under each for which visit returns true, its modifiers. Depth is 0 for a line of the order.
func walk(at location, items []Item, depth int, visit func(at location, depth int, item *Item) bool) {
	for i := range items {
		here := at.index(i)
		if visit(here, depth, &items[i]) {
			walk(here.field("modifiers"), items[i].Modifiers, depth+1, visit)
		}
	}
}

// eachText visits every text that a person may have written into the order (names, notes, addresses; never ids, PLUs,
// contacts or times) with the longest that it may be. Visit may change the text.
func (o *Order) eachText(visit func(at location, text *string, limit int)) {
	body := bodyLocation()
	walk(body.field("items"), o.Items, 0, func(at location, _ int, item *Item) bool {
		visit(at.field("name"), &item.Name, maxName)
		visit(at.field("note"), &item.Note, maxNote)
		return true
	})
	for i := range o.Discounts {
		visit(body.field("discounts").index(i).field("name"), &o.Discounts[i].Name, maxName)
	}
	for i := range o.Taxes {
		visit(body.field("taxes").index(i).field("name"), &o.Taxes[i].Name, maxName)
	}
	o.eachGuestText(body, visit)
}

func (o *Order) eachGuestText(body location, visit func(at location, text *string, limit int)) {
	if c := o.Customer; c != nil {
		visit(body.field("customer").field("name"), &c.Name, maxName)
		visit(body.field("customer").field("note"), &c.Note, maxNote)
	}
	if a := o.DeliveryAddress; a != nil {
		at := body.field("deliveryAddress")
		visit(at.field("street"), &a.Street, maxName)
		visit(at.field("streetNumber"), &a.StreetNumber, maxName)
		visit(at.field("postalCode"), &a.PostalCode, maxName)
		visit(at.field("city"), &a.City, maxName)
		visit(at.field("country"), &a.Country, maxName)
		visit(at.field("extra"), &a.Extra, maxNote)
	}
	visit(body.field("note"), &o.Note, maxNote)
}

// Fit returns the order with every text cut to the longest that the hub keeps, and a warning for each that was cut. It
// is for adapters: a platform's endless note must not cost the kitchen an order, and the whole of it stays in the kept
// original. On our own API the schema refuses such a text instead.
func (o Order) Fit() (Order, []Warning) {
	var warnings []Warning
	o = o.clone()
	o.eachText(func(at location, text *string, limit int) {
		if cut := Shorten(*text, limit); len(cut) < len(*text) {
			*text = cut
			warnings = append(warnings, Warning{"text_cut", at.String(), "was longer than the hub keeps; the end is only in the original"})
		}
	})
	return o, warnings
}

// Shorten returns the text's first n code points.
func Shorten(text string, n int) string {
	if len(text) <= n || utf8.RuneCountInString(text) <= n {
		return text
	}
	for at := range text {
		if n == 0 {
			return text[:at]
		}
		n--
	}
	return text
}

// clone returns a copy that shares nothing that this package changes in place.
func (o Order) clone() Order {
	o.Items = cloneItems(o.Items)
	o.Discounts = append([]Discount(nil), o.Discounts...)
	o.Taxes = append([]Tax(nil), o.Taxes...)
	if o.Customer != nil {
		c := *o.Customer
		o.Customer = &c
	}
	if o.DeliveryAddress != nil {
		a := *o.DeliveryAddress
		o.DeliveryAddress = &a
	}
	return o
}

func cloneItems(items []Item) []Item {
	if len(items) == 0 {
		return nil
	}
	copied := append([]Item(nil), items...)
	for i := range copied {
		copied[i].Modifiers = cloneItems(copied[i].Modifiers)
	}
	return copied
}
