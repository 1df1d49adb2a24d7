package order_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/order"
)

// guestMark is in every text that the generators put where a guest's words or name stand.
const guestMark = "⟦guest⟧"

// sample returns a small order that breaks no rule and draws no warning.
func sample() order.Order {
	return order.Order{
		ChannelOrderID: "A-20931", DisplayID: "931", Location: "loc_demo", Type: order.Delivery,
		PlacedAt: "2026-03-01T18:04:05+01:00", Currency: "EUR",
		Items: []order.Item{{
			PLU: "BURG-01", Name: "Cheeseburger", Quantity: 2, UnitPrice: 875, Note: "no onions",
			Modifiers: []order.Item{{PLU: "CHED", Name: "Cheddar", Quantity: 1, UnitPrice: 100}},
		}},
		Discounts: []order.Discount{{Name: "Lunch deal", Amount: 200, FundedBy: "restaurant"}},
		Fees:      []order.Fee{{Kind: "delivery", Amount: 300}},
		Taxes:     []order.Tax{{Name: "VAT", Amount: 187, Included: true}},
		Total:     2050,
		Payment:   order.Payment{Method: "online", Status: order.Paid},
		Customer:  &order.Customer{Name: "Anna Ek", Phone: "+46 70 123 45 67", Email: "anna@example.com", Note: "regular"},
		DeliveryAddress: &order.Address{
			Street: "Storgatan", StreetNumber: "1", PostalCode: "111 51", City: "Stockholm", Country: "SE", Extra: "door 4",
			Coordinates: &order.Coordinates{Latitude: 59.33, Longitude: 18.07},
		},
		Note: "ring twice",
	}
}

// mustParse reads an order's public JSON.
func mustParse(tb testing.TB, text []byte) order.Order {
	tb.Helper()
	var o order.Order
	if err := json.Unmarshal(text, &o); err != nil {
		tb.Fatalf("read order: %v", err)
	}
	return o
}

// anyOrder draws orders of every shape that can be stored, odd ones included.
func anyOrder() *rapid.Generator[order.Order] {
	return rapid.Custom(func(t *rapid.T) order.Order {
		o := order.Order{
			ChannelOrderID: rapid.StringN(1, 20, -1).Draw(t, "channelOrderId"),
			DisplayID:      rapid.StringN(0, 8, -1).Draw(t, "displayId"),
			Location:       rapid.StringN(1, 8, -1).Draw(t, "location"),
			Type:           rapid.SampledFrom([]order.Type{order.Delivery, order.Pickup, order.DineIn, order.Curbside}).Draw(t, "type"),
			PlacedAt:       anyTime().Draw(t, "placedAt"),
			RequestedFor:   anyTime().Draw(t, "requestedFor"),
			Currency:       rapid.SampledFrom([]order.Currency{"EUR", "JPY", "KWD", "SEK"}).Draw(t, "currency"),
			Items:          someItems(t, 1, 3),
			Total:          anyAmount(t, "total"),
			Payment:        order.Payment{Method: word(t, "method"), Status: word(t, "status"), Due: anyAmount(t, "due")},
			Note:           guestText(t, "note"),
			Extra:          anyExtra(t),
		}
		for i := range rapid.IntRange(0, 2).Draw(t, "adjustments") {
			name := fmt.Sprint("n", i)
			o.Discounts = append(o.Discounts, order.Discount{Name: name, Amount: anyAmount(t, "discount"), FundedBy: word(t, "by")})
			o.Fees = append(o.Fees, order.Fee{Kind: word(t, "kind"), Amount: anyAmount(t, "fee")})
			o.Taxes = append(o.Taxes, order.Tax{Name: name, Amount: anyAmount(t, "tax"), Included: rapid.Bool().Draw(t, "included")})
		}
		if rapid.Bool().Draw(t, "has customer") {
			o.Customer = anyCustomer(t)
		}
		if rapid.Bool().Draw(t, "has address") {
			o.DeliveryAddress = anyAddress(t)
		}
		return o
	})
}

func someItems(t *rapid.T, least, levels int) []order.Item {
	most := 3
	if levels == 0 {
		most = 0
	}
	var items []order.Item
	for range rapid.IntRange(least, most).Draw(t, "items") {
		items = append(items, order.Item{
			PLU: rapid.StringN(0, 8, -1).Draw(t, "plu"), Name: rapid.StringN(1, 8, -1).Draw(t, "name"),
			Quantity:  rapid.Int64Range(1, 9999).Draw(t, "quantity"),
			UnitPrice: anyAmount(t, "unitPrice"), Note: guestText(t, "item note"), Modifiers: someItems(t, 0, levels-1),
		})
	}
	return items
}

func anyCustomer(t *rapid.T) *order.Customer {
	return &order.Customer{
		Name: guestText(t, "name"), Phone: guestText(t, "phone"), Email: guestText(t, "email"), Note: guestText(t, "customer note"),
		PhoneMasked: rapid.Bool().Draw(t, "phoneMasked"), EmailMasked: rapid.Bool().Draw(t, "emailMasked"),
	}
}

func anyAddress(t *rapid.T) *order.Address {
	a := &order.Address{
		Street: guestText(t, "street"), StreetNumber: guestText(t, "number"), PostalCode: guestText(t, "postal"),
		City: guestText(t, "city"), Country: guestText(t, "country"), Extra: guestText(t, "extra"),
	}
	if rapid.Bool().Draw(t, "has coordinates") {
		a.Coordinates = &order.Coordinates{
			Latitude: rapid.Float64Range(-90, 90).Draw(t, "latitude"), Longitude: rapid.Float64Range(-180, 180).Draw(t, "longitude"),
		}
	}
	return a
}

func anyExtra(t *rapid.T) map[string]jsontext.Value {
	values := rapid.SampledFrom([]string{`"` + guestMark + `"`, `{"b":1,"a":["` + guestMark + `"]}`, `9007199254740993`, `null`, `1.50`})
	extra := map[string]jsontext.Value{}
	for i := range rapid.IntRange(0, 3).Draw(t, "extras") {
		extra[fmt.Sprintf("customer.x%d%s", i, guestMark)] = jsontext.Value(values.Draw(t, "extra"))
	}
	if len(extra) == 0 {
		return nil
	}
	return extra
}

func guestText(t *rapid.T, label string) string {
	if rapid.Bool().Draw(t, "no "+label) {
		return ""
	}
	return guestMark + rapid.StringN(0, 12, -1).Draw(t, label)
}

func word(t *rapid.T, label string) string {
	return rapid.SampledFrom([]string{"cash", "card_online", "restaurant", "paid", "x"}).Draw(t, label)
}

func anyAmount(t *rapid.T, label string) int64 {
	return rapid.Int64Range(-order.MaxAmount, order.MaxAmount).Draw(t, label)
}

func anyTime() *rapid.Generator[order.Time] {
	return rapid.Custom(func(t *rapid.T) order.Time {
		if rapid.Bool().Draw(t, "no time") {
			return ""
		}
		zone := time.FixedZone("", rapid.IntRange(-12, 14).Draw(t, "zone")*3600)
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "second"), rapid.Int64Range(0, 1e9-1).Draw(t, "nanosecond"))
		return order.Time(at.In(zone).Format(time.RFC3339Nano))
	})
}
