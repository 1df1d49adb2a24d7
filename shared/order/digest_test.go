package order_test

import (
	"bytes"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/order"
)

func canonical(tb testing.TB, o order.Order) []byte {
	tb.Helper()
	b, err := o.Canonical()
	if err != nil {
		tb.Fatalf("spell canonically: %v", err)
	}
	return b
}

func TestTheSameContentHasTheSameBytes(t *testing.T) {
	t.Parallel()
	base := sample()
	base.RequestedFor = "2026-03-01T19:00:00+01:00"
	base.Extra = map[string]jsontext.Value{"courier": jsontext.Value(`{"a":1,"b":["x"]}`), "tags": jsontext.Value(`[1]`)}
	for name, change := range map[string]func(*order.Order){
		"nothing changed":               func(*order.Order) {},
		"the same instant, other zone":  func(o *order.Order) { o.PlacedAt = "2026-03-01T17:04:05.000Z" },
		"the same wish, other zone":     func(o *order.Order) { o.RequestedFor = "2026-03-01T18:00:00Z" },
		"an empty list for none":        func(o *order.Order) { o.Items[0].Modifiers[0].Modifiers = []order.Item{} },
		"extra with its members turned": func(o *order.Order) { o.Extra["courier"] = jsontext.Value(`{ "b": ["\u0078"], "a": 1 }`) },
	} {
		o := sample()
		o.RequestedFor = "2026-03-01T19:00:00+01:00"
		o.Extra = map[string]jsontext.Value{"tags": jsontext.Value(`[1]`), "courier": jsontext.Value(`{"a":1,"b":["x"]}`)}
		change(&o)
		if !bytes.Equal(canonical(t, base), canonical(t, o)) || len(order.Diff(base, o)) > 0 {
			t.Errorf("%s: differs at %v", name, order.Diff(base, o))
		}
	}
}

func TestDiffNamesWhatDiffers(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*order.Order){
		"body.displayId":                            func(o *order.Order) { o.DisplayID = "932" },
		"body.placedAt":                             func(o *order.Order) { o.PlacedAt = "2026-03-01T18:04:06+01:00" },
		"body.requestedFor":                         func(o *order.Order) { o.RequestedFor = "2026-03-01T19:00:00+01:00" },
		"body.items[0].quantity":                    func(o *order.Order) { o.Items[0].Quantity = 3 },
		"body.items[0].note":                        func(o *order.Order) { o.Items[0].Note = "" },
		"body.items[0].modifiers[0].unitPrice":      func(o *order.Order) { o.Items[0].Modifiers[0].UnitPrice++ },
		"body.items[0].modifiers":                   func(o *order.Order) { o.Items[0].Modifiers = nil },
		"body.items[1]":                             func(o *order.Order) { o.Items = append(o.Items, o.Items[0]) },
		"body.discounts":                            func(o *order.Order) { o.Discounts = nil },
		"body.taxes[0].included":                    func(o *order.Order) { o.Taxes[0].Included = false },
		"body.customer":                             func(o *order.Order) { o.Customer = nil },
		"body.customer.name":                        func(o *order.Order) { o.Customer.Name = "Bo" },
		"body.phoneMasked":                          func(o *order.Order) { o.Customer.PhoneMasked = true },
		"body.deliveryAddress.coordinates.latitude": func(o *order.Order) { o.DeliveryAddress.Coordinates.Latitude = 59 },
		"body.payment.due":                          func(o *order.Order) { o.Payment.Due = 1 },
		"body.extra":                                func(o *order.Order) { o.Extra = map[string]jsontext.Value{"Anna": jsontext.Value(`1`)} },
		"body.total":                                func(o *order.Order) { o.Total++ },
	} {
		o := sample()
		change(&o)
		if diff := cmp.Diff([]string{want}, order.Diff(sample(), o)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want, diff)
		}
		if bytes.Equal(canonical(t, sample()), canonical(t, o)) {
			t.Errorf("%s makes no difference", want)
		}
	}
}

func TestBigIntegersInExtraAreNotRounded(t *testing.T) {
	t.Parallel()
	a, b := sample(), sample()
	a.Extra = map[string]jsontext.Value{"id": jsontext.Value(`9007199254740993`)}
	b.Extra = map[string]jsontext.Value{"id": jsontext.Value(`9007199254740992`)}
	if diff := cmp.Diff([]string{"body.extra"}, order.Diff(a, b)); diff != "" {
		t.Errorf("differs at (-want +got):\n%s", diff)
	}
}

func TestWhatCannotBeSpelledIsAnError(t *testing.T) {
	t.Parallel()
	broken := sample()
	broken.Note = "\xff"
	if _, err := broken.Canonical(); err == nil {
		t.Error("text that is not UTF-8 has a canonical spelling")
	}
	if diff := cmp.Diff([]string{"body"}, order.Diff(sample(), broken)); diff != "" {
		t.Errorf("differs at (-want +got):\n%s", diff)
	}
	broken = sample()
	broken.Extra = map[string]jsontext.Value{"x": jsontext.Value(`{`)}
	if _, err := broken.Canonical(); err == nil {
		t.Error("extra that is not JSON has a canonical spelling")
	}
}

func TestDiffIsEmptyExactlyForTheSameBytes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := anyOrder().Draw(t, "a")
		b := a
		if rapid.Bool().Draw(t, "another") {
			b = anyOrder().Draw(t, "b")
		}
		left, errA := a.Canonical()
		right, errB := b.Canonical()
		if errA != nil || errB != nil {
			t.Fatalf("spell canonically: %v, %v", errA, errB)
		}
		if same := len(order.Diff(a, b)) == 0; same != bytes.Equal(left, right) {
			t.Fatalf("Diff says %v for\n%s\n%s", order.Diff(a, b), left, right)
		}
	})
}
