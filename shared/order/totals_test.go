package order_test

import (
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/order"
)

func TestWarnings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*order.Order)
		want   []string
	}{
		"none for an order that adds up":       {func(*order.Order) {}, nil},
		"a total that is off by one":           {func(o *order.Order) { o.Total++ }, []string{"total_mismatch body.total"}},
		"a tax on top counts":                  {func(o *order.Order) { o.Taxes[0].Included = false; o.Total += 187 }, nil},
		"a tax on top that the total misses":   {func(o *order.Order) { o.Taxes[0].Included = false }, []string{"total_mismatch body.total"}},
		"modifiers count per unit of the item": {func(o *order.Order) { o.Items[0].Quantity = 3; o.Total += 975 }, nil},
		"modifiers of modifiers count": {func(o *order.Order) {
			o.Items[0].Modifiers[0].Quantity = 3
			o.Items[0].Modifiers[0].Modifiers = []order.Item{{PLU: "X", Name: "x", Quantity: 5, UnitPrice: 7}}
			o.Total = 2*(875+3*(100+5*7)) - 200 + 300
		}, nil},
		"a modifier may take off":       {func(o *order.Order) { o.Items[0].Modifiers[0].UnitPrice = -100; o.Total -= 400 }, nil},
		"a negative item":               {func(o *order.Order) { o.Items[0].UnitPrice = -875; o.Total -= 3500 }, []string{"due_exceeds_total body.payment.due", "negative_amount body.items[0].unitPrice", "negative_amount body.total"}},
		"a negative discount":           {func(o *order.Order) { o.Discounts[0].Amount = -200; o.Total += 400 }, []string{"negative_amount body.discounts[0].amount"}},
		"a negative fee":                {func(o *order.Order) { o.Fees[0].Amount = -300; o.Total -= 600 }, []string{"negative_amount body.fees[0].amount"}},
		"a negative tax":                {func(o *order.Order) { o.Taxes[0].Amount = -1 }, []string{"negative_amount body.taxes[0].amount"}},
		"paid and due":                  {func(o *order.Order) { o.Payment.Due = 50 }, []string{"paid_but_due body.payment.due"}},
		"unpaid and nothing due":        {func(o *order.Order) { o.Payment.Status = order.Unpaid }, []string{"unpaid_but_not_due body.payment.due"}},
		"more due than the order costs": {func(o *order.Order) { o.Payment = order.Payment{Method: "cash", Status: order.Unpaid, Due: 2051} }, []string{"due_exceeds_total body.payment.due"}},
		"less than nothing due":         {func(o *order.Order) { o.Payment.Due = -1 }, []string{"negative_amount body.payment.due"}},
		"wanted before it was placed":   {func(o *order.Order) { o.RequestedFor = "2026-03-01T17:04:04Z" }, []string{"requested_before_placed body.requestedFor"}},
		"wanted when it was placed":     {func(o *order.Order) { o.RequestedFor = "2026-03-01T17:04:05Z" }, nil},
		"never placed":                  {func(o *order.Order) { o.PlacedAt = "" }, []string{"placed_at_missing body.placedAt"}},
		"a delivery to nowhere":         {func(o *order.Order) { o.DeliveryAddress = nil }, []string{"address_missing body.deliveryAddress"}},
		"an item without a PLU":         {func(o *order.Order) { o.Items[0].Modifiers[0].PLU = "" }, []string{"plu_missing body.items[0].modifiers[0].plu"}},
		"a product beyond 64 bits":      {func(o *order.Order) { o.Items[0].UnitPrice = math.MaxInt64 / 2; o.Items[0].Quantity = 3 }, []string{"total_overflow body.total"}},
		"a product that wraps to nothing": {func(o *order.Order) {
			o.Items[0].UnitPrice, o.Items[0].Modifiers = 1<<33, nil
			o.Items[0].Quantity = 1 << 31
		}, []string{"total_overflow body.total"}},
		"a sum beyond 64 bits":             {func(o *order.Order) { o.Fees[0].Amount = math.MaxInt64 }, []string{"total_overflow body.total"}},
		"a difference beyond 64 bits":      {func(o *order.Order) { o.Discounts[0].Amount = math.MinInt64 }, []string{"negative_amount body.discounts[0].amount", "total_overflow body.total"}},
		"quantities that multiply too far": {func(o *order.Order) { o.Items = manyOfMany() }, []string{"total_overflow body.total"}},
		"a zero price times the most units": {func(o *order.Order) {
			o.Items[0].Quantity = math.MaxInt64
			o.Items[0].UnitPrice = 0
			o.Items[0].Modifiers = nil
			o.Total = 100
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := sample()
			c.change(&o)
			var got []string
			for _, w := range o.Warnings() {
				got = append(got, w.Code+" "+w.Location)
			}
			slices.Sort(got)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

// manyOfMany keeps every rule of Check and still costs more than 64 bits can say.
func manyOfMany() []order.Item {
	items := []order.Item{{PLU: "X", Name: "x", Quantity: 9999, UnitPrice: order.MaxAmount}}
	for range 8 {
		items = []order.Item{{PLU: "X", Name: "x", Quantity: 9999, Modifiers: items}}
	}
	return items
}
