package order_test

import (
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/order"
)

func TestCardNumbersAreFound(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"Visa":                        "4111111111111111",
		"Visa of 13 digits":           "4222222222222",
		"Visa of 19 digits":           "4000000000000000006",
		"Mastercard":                  "5555 5555 5555 4444",
		"Mastercard of the 2 series":  "2223003122003222",
		"American Express":            "3782-822463-10005",
		"Discover":                    "6011 1111 1111 1117",
		"Diners Club":                 "3056 930902 5904",
		"Diners Club of 36":           "36227206271667",
		"JCB":                         "3530.1113.3330.0000",
		"UnionPay":                    "6200 0000 0000 0005",
		"Maestro":                     "6759649826438453",
		"Maestro of 12 digits":        "501800000009",
		"among words":                 "card: 4111111111111111, exp 12/27",
		"right after a letter":        "nr4111111111111111",
		"no-break spaces":             "4111\u00a01111\u00a01111\u00a01111",
		"narrow spaces and dashes":    "4111\u202f1111\u20131111\u20141111",
		"two separators":              "4111 - 1111 - 1111 - 1111",
		"line breaks":                 "4111\n1111\n1111\n1111",
		"zero width joiners":          "4111\u200b1111\u200b1111\u200b1111",
		"digit by digit":              "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
		"full width":                  "４１１１ １１１１ １１１１ １１１１",
		"Arabic-Indic":                "٤١١١١١١١١١١١١١١١",
		"Devanagari and ASCII mixed":  "४१११111111111111",
		"mathematical digits":         "𝟒𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏𝟏",
		"after another number":        "table 12 4111 1111 1111 1111",
		"before another number":       "4111 1111 1111 1111 123",
		"after a plus too long to be": "+4111111111111111",
	} {
		if !order.CardNumber(text) {
			t.Errorf("%s: not found in %q", name, text)
		}
	}
}

func TestWhatIsNoCardNumberIsLeftAlone(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing":                         "",
		"a wrong check digit":             "4111111111111112",
		"no card's prefix":                "9111111111111111",
		"a wrong length for Visa":         "411111111111116",
		"a wrong length for Mastercard":   "55555555555544440",
		"part of a longer number":         "94111111111111111",
		"part of a longer number, behind": "41111111111111111111",
		"apart":                           "4111 1111 1111 and 1111",
		"far apart":                       "4111 1111 1111     1111",
		"a time":                          "2026-03-01 18:04:05.000",
		"an international phone number":   "call +49 1512 3456787 please",
		"the same, joined":                "call +4915123456787 please",
		"a number of 13 digits in groups": "call 49 1512 3456787 please",
		"an IBAN":                         "SE45 5000 0000 0583 9825 7466",
		"an id of hex digits":             "5f0c3e9b7a1d24680bdf9e13",
		"zeros":                           "0000000000000000",
	} {
		if order.CardNumber(text) {
			t.Errorf("%s: found in %q", name, text)
		}
		if masked, changed := order.MaskCardsIn(text); changed || masked != text {
			t.Errorf("%s: %q became %q", name, text, masked)
		}
	}
}

func TestMaskingKeepsTheLastFourDigits(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"card 4111 1111 1111 1111!":                        "card **** **** **** 1111!",
		"4111111111111111 or 5555-5555-5555-4444":          "************1111 or ****-****-****-4444",
		"４１１１１１１１１１１１１１１１":                                 "************１１１１",
		"pin 12, 378282246310005, table 4":                 "pin 12, ***********0005, table 4",
		"4111 1111 1111 1111 4111 1111 1111 1111 no words": "**** **** **** 1111 **** **** **** 1111 no words",
	} {
		got, changed := order.MaskCardsIn(text)
		if got != want || !changed {
			t.Errorf("%q became %q (%t), want %q", text, got, changed, want)
		}
	}
}

func TestMaskedTextHasNoCardNumber(t *testing.T) {
	t.Parallel()
	pieces := []string{"4111111111111111", "4111 1111 1111 1111", "5555555555554444", "378282246310005", " ", "1", "-", "x", "é", "４"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 1, 8).Draw(t, "pieces"), "")
		masked, changed := order.MaskCardsIn(text)
		if order.CardNumber(masked) || changed != order.CardNumber(text) {
			t.Fatalf("%q became %q (%t)", text, masked, changed)
		}
	})
}

func TestOnlyFreeTextOfAnOrderIsSearched(t *testing.T) {
	t.Parallel()
	const card = "4111 1111 1111 1111"
	o := sample()
	o.ChannelOrderID, o.DisplayID, o.Location, o.Customer.Phone, o.Customer.Email, o.Items[0].PLU = card, card, card, card, card, card
	if found := o.CardNumbers(); len(found) > 0 {
		t.Errorf("found in ids and contacts: %v", found)
	}
	o.Items[0].Modifiers[0].Note, o.Items[0].Name, o.Discounts[0].Name, o.Taxes[0].Name = card, card, card, card
	o.Customer.Name, o.Customer.Note, o.Note = card, card, card
	o.DeliveryAddress = &order.Address{Street: card, StreetNumber: card, PostalCode: card, City: card, Country: card, Extra: card}
	o.Extra = map[string]jsontext.Value{
		"items[0].tags": jsontext.Value(`["` + card + `",4111111111111111]`), "courier.id": jsontext.Value(`"` + card + `"`),
	}
	want := []string{
		"body.items[0].name", "body.items[0].modifiers[0].note", "body.discounts[0].name", "body.taxes[0].name",
		"body.customer.name", "body.customer.note", "body.deliveryAddress.street", "body.deliveryAddress.streetNumber",
		"body.deliveryAddress.postalCode", "body.deliveryAddress.city", "body.deliveryAddress.country", "body.deliveryAddress.extra",
		"body.note",
	}
	if diff := cmp.Diff(want, o.CardNumbers()); diff != "" {
		t.Errorf("locations (-want +got):\n%s", diff)
	}
	masked := o.MaskCards()
	if found := masked.CardNumbers(); len(found) > 0 || masked.Note != "**** **** **** 1111" {
		t.Errorf("after masking: %v, note %q", found, masked.Note)
	}
	if masked.ChannelOrderID != card || masked.Customer.Phone != card {
		t.Error("an id or a phone number was masked")
	}
	if got := string(masked.Extra["items[0].tags"]); got != `["**** **** **** 1111",4111111111111111]` {
		t.Errorf("extra text became %s", got)
	}
	if got := string(masked.Extra["courier.id"]); got != `"`+card+`"` {
		t.Errorf("an id in extra became %s", got)
	}
}

func TestMaskingJSONTouchesNothingElse(t *testing.T) {
	t.Parallel()
	const card = "4111111111111111"
	raw := `{ "note" : "pay ` + card + ` \u00e9\/", "channelOrderId":"` + card + `","n":` + card + `,
  "items":[{"plu":"` + card + `","remark":"\u0034111111111111111","tags":["` + card + `"],"ids":["` + card + `"]}],
  "customer":{"phoneNumber":"` + card + `","name":"` + card + `"}, "` + card + `":true, "pickup_time":"` + card + `" }` + "\n"
	want := `{ "note" : "pay ************1111 é/", "channelOrderId":"` + card + `","n":` + card + `,
  "items":[{"plu":"` + card + `","remark":"************1111","tags":["************1111"],"ids":["` + card + `"]}],
  "customer":{"phoneNumber":"` + card + `","name":"************1111"}, "` + card + `":true, "pickup_time":"` + card + `" }` + "\n"
	got, at, err := order.MaskCardsInJSON([]byte(raw))
	if err != nil {
		t.Fatalf("mask: %v", err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("masked (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]jsontext.Pointer{"/note", "/items/0/remark", "/items/0/tags/0", "/customer/name"}, at); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
}

func TestDigitsBehindEscapesAreMasked(t *testing.T) {
	t.Parallel()
	got, _, err := order.MaskCardsInJSON([]byte(`{"note":"\u00341111\u00311111111111"}`))
	if want := `{"note":"************1111"}`; err != nil || string(got) != want {
		t.Errorf("masked %s, %v; want %s", got, err, want)
	}
}

func TestMaskingWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	const card = "4111111111111111"
	for _, raw := range []string{``, `{"note":"no card`, `[1,`, "\xff"} {
		if got, _, err := order.MaskCardsInJSON([]byte(raw)); err != nil || string(got) != raw {
			t.Errorf("%q without a card became %q, %v", raw, got, err)
		}
	}
	for _, raw := range []string{`{"note":"` + card + `"`, card + `{`, `{"note":"` + card + `"} x`, `{"a":1,"a":"` + card + `"}`, `"` + card + "\xff\""} {
		if got, _, err := order.MaskCardsInJSON([]byte(raw)); err == nil {
			t.Errorf("%q became %q without an error", raw, got)
		}
	}
	if got, _, err := order.MaskCardsInJSON([]byte(`{"note":"` + card + `"} {"note":"` + card + `"}`)); err != nil || strings.Contains(string(got), card) {
		t.Errorf("of two values in a row remains %q, %v", got, err)
	}
}

// The false alarms among texts of documented shapes that are no cards. The bounds are what this guard is meant to hold;
// run with -v to see the rates.
func TestFalseAlarmsAreRare(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2)) // #nosec G404 -- repeatable, not secret
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte('0' + r.IntN(10)) // #nosec G115
		}
		return string(b)
	}
	hexes := func(n int) string {
		b := make([]byte, n/2)
		for i := range b {
			b[i] = byte(r.IntN(256)) // #nosec G115
		}
		return hex.EncodeToString(b)
	}
	country := func() string {
		return []string{"1", "31", "33", "44", "45", "46", "47", "49", "61", "62", "86", "351", "971"}[r.IntN(13)]
	}
	shapes := []struct {
		name string
		draw func() string
		most float64 // false alarms in a hundred texts
	}{
		{"phone, international, spaced", func() string { return "+" + country() + " " + digits(3) + " " + digits(3) + " " + digits(4) }, 0},
		{"phone, international, joined", func() string { return "+" + country() + digits(9+r.IntN(2)) }, 0},
		{"phone, 00 before the country", func() string { return "00" + country() + " " + digits(3) + " " + digits(6) }, 0.2},
		{"phone, country without a plus", func() string { return country() + digits(9+r.IntN(2)) }, 1.5},
		{"phone, German mobile, no plus", func() string { return "4915" + digits(9) }, 11},
		{"phone, national", func() string { return "0" + digits(2) + "-" + digits(3) + " " + digits(2) + " " + digits(2) }, 0},
		{"two national phones", func() string { return "0" + digits(9) + " / 0" + digits(9) }, 0},
		{"order id, 24 hex digits", func() string { return hexes(24) }, 0.05},
		{"order id, UUID", func() string { return hexes(8) + "-" + hexes(4) + "-" + hexes(4) + "-" + hexes(4) + "-" + hexes(12) }, 0.05},
		{"order id, letters and dash", func() string { return "QWRTZPLM-" + digits(4) }, 0},
		{"order id, letters and number", func() string { return "TEST" + digits(11) }, 0},
		{"order id, 10 digits", func() string { return digits(10) }, 0},
		{"order id, 16 digits", func() string { return digits(16) }, 3.5},
		{"time in milliseconds", func() string { return "17" + digits(11) }, 0},
		{"date and time", func() string { return "2026-03-" + digits(2) + " " + digits(2) + ":" + digits(2) + ":" + digits(2) }, 0},
		{"address", func() string {
			return "Storgatan " + digits(2) + ", " + digits(3) + " " + digits(2) + " Stockholm, code " + digits(4)
		}, 0},
	}
	for _, shape := range shapes {
		const n = 20000
		alarms := 0
		for range n {
			if order.CardNumber("note: " + shape.draw() + " thanks") {
				alarms++
			}
		}
		rate := 100 * float64(alarms) / n
		t.Logf("%-32s %.3f %%", shape.name, rate)
		if rate > shape.most {
			t.Errorf("%s: %.3f %% false alarms, at most %.3f %% are meant", shape.name, rate, shape.most)
		}
	}
}

// FuzzMaskCardsInJSON checks that masked JSON is still JSON of the same shape, and free of card numbers in free text.
func FuzzMaskCardsInJSON(f *testing.F) {
	for _, seed := range []string{
		`{"note":"4111111111111111"}`, `["\u0034111111111111111",{"id":"4111111111111111"}]`, `"4111 1111 1111 1111"`,
		`{"a":{"b":[[["5555555555554444"]]]}}`, `{"note":"4111111111111111"`, `4111111111111111`, "\xff", `{"":"4111111111111111"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		masked, at, err := order.MaskCardsInJSON(raw)
		if err != nil {
			return
		}
		if len(at) == 0 && string(masked) != string(raw) {
			t.Fatalf("%q became %q though nothing was found", raw, masked)
		}
		if jsontext.Value(raw).IsValid() && !jsontext.Value(masked).IsValid() {
			t.Fatalf("%q became %q, which is no JSON", raw, masked)
		}
		if again, at, err := order.MaskCardsInJSON(masked); err != nil || len(at) > 0 || string(again) != string(masked) {
			t.Fatalf("%q, masked %q, masked again %q, %v", raw, masked, again, err)
		}
	})
}
