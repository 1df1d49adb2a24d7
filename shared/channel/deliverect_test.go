package channel_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

func deliverect(tb testing.TB) channel.Adapter {
	tb.Helper()
	a, ok := channel.Named("deliverect")
	if !ok {
		tb.Fatal("there is no adapter deliverect")
	}
	return a
}

func stockholm() channel.Link {
	return channel.Link{Places: []channel.Place{{Location: "loc_sthlm", Currency: "SEK"}}}
}

func fixture(tb testing.TB, name string) []byte {
	tb.Helper()
	body, err := os.ReadFile(filepath.Join("testdata", "deliverect", name+".json"))
	if err != nil {
		tb.Fatalf("read fixture: %v", err)
	}
	return body
}

// placed reads a payload that must be a new order.
func placed(tb testing.TB, body []byte, link channel.Link) channel.NewOrder {
	tb.Helper()
	message, err := deliverect(tb).Read(channel.Request{Path: "orders", Body: body}, link)
	if err != nil {
		tb.Fatalf("read: %v", err)
	}
	m, ok := message.(channel.NewOrder)
	if !ok {
		tb.Fatalf("read as %T", message)
	}
	return m
}

func codes(warnings []order.Warning) []string {
	var all []string
	for _, w := range warnings {
		all = append(all, w.Code+" "+w.Location)
	}
	return all
}

func TestADeliverectOrder(t *testing.T) {
	t.Parallel()
	m := placed(t, fixture(t, "create"), stockholm())
	want := order.Order{
		ChannelOrderID: "KRN-58120077", DisplayID: "0077", Location: "loc_sthlm", Type: order.Delivery,
		PlacedAt: "2026-03-01T17:04:05Z", Currency: "SEK",
		Items: []order.Item{{
			PLU: "BOWL-03", Name: "Salmon bowl", Quantity: 2, UnitPrice: 890, Note: "dressing on the side",
			Modifiers: []order.Item{
				{PLU: "RICE-B", Name: "Brown rice", Quantity: 1},
				{PLU: "EDAM", Name: "Edamame", Quantity: 2, UnitPrice: 90},
			},
		}},
		Total: 2140, Payment: order.Payment{Method: "card_online", Status: order.Paid},
		DeliveryAddress: &order.Address{Street: "Kungsgatan", StreetNumber: "44", PostalCode: "11135", City: "Stockholm", Country: "SE"},
		Extra:           map[string]jsontext.Value{"courier": jsontext.Value(`"restaurant"`)},
	}
	if diff := cmp.Diff(want, m.Order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"KRN-58120077", "2026-03-01T17:04:05Z"}, m.Identity); diff != "" {
		t.Errorf("identity (-want +got):\n%s", diff)
	}
	if len(m.Warnings) > 0 || string(m.Original) != string(fixture(t, "create")) {
		t.Errorf("warnings %v, original %s", m.Warnings, m.Original)
	}
}

func TestADeliverectOrderWithEverything(t *testing.T) {
	t.Parallel()
	m := placed(t, fixture(t, "delivery"), stockholm())
	want := order.Order{
		ChannelOrderID: "f3b1c7e0-7a52-4d0e-9d3c-0a1b2c3d4e5f", DisplayID: "#4E5F", Location: "loc_sthlm", Type: order.Delivery,
		PlacedAt: "2026-03-01T18:10:00.000Z", RequestedFor: "2026-03-01T19:40:00.000Z", Currency: "SEK",
		Items: []order.Item{
			{PLU: "MENU-1", Name: "Menu for two", Quantity: 1, UnitPrice: 2400, Note: "no nuts please", Modifiers: []order.Item{{
				PLU: "PIZZA-M", Name: "Margherita", Quantity: 2, Note: "well done",
				Modifiers: []order.Item{{PLU: "OLIVE", Name: "Olives", Quantity: 3, UnitPrice: 50}},
			}}},
			{PLU: "COLA", Name: "Cola 33 cl", Quantity: 2, UnitPrice: 250},
		},
		Discounts: []order.Discount{{Name: "Welcome", Amount: 300, FundedBy: "channel"}, {Name: "Discount", Amount: 200, FundedBy: "restaurant"}},
		Fees: []order.Fee{
			{Kind: "delivery", Amount: 390}, {Kind: "service", Amount: 150}, {Kind: "bag", Amount: 30},
			{Kind: "small_order", Amount: 100}, {Kind: "tip", Amount: 200}, {Kind: "driver_tip", Amount: 250},
		},
		Taxes: []order.Tax{
			{Name: "VAT 12%", Amount: 300}, {Name: "VAT 25%", Amount: 120}, {Name: "Tax on delivery", Amount: 47}, {Name: "Tax on service", Amount: 20},
		},
		Total: 4307, Payment: order.Payment{Method: "online", Status: order.Paid},
		Customer: &order.Customer{
			Name: "Märta Quist", Phone: "+46 8 559 210 00", Email: "marta.quist@example.org", Note: "third order this week", PhoneMasked: true,
		},
		DeliveryAddress: &order.Address{
			Street: "Hornsgatan", StreetNumber: "12 B", PostalCode: "118 20", City: "Stockholm", Country: "SE", Extra: "4th floor, code 1945#",
			Coordinates: &order.Coordinates{Latitude: 59.3186, Longitude: 18.0632},
		},
		Note: "Ring at Quist, not at the gate",
		Extra: map[string]jsontext.Value{
			"ageCheck": jsontext.Value(`true`), "by": jsontext.Value(`"app"`), "channel": jsontext.Value(`10011`),
			"courier": jsontext.Value(`{ "deliveryBy": "restaurant" }`), "customer.companyName": jsontext.Value(`"Quist Lots AB"`),
			"customer.phoneAccessCode": jsontext.Value(`"771 204 33"`), "customer.tin": jsontext.Value(`"SE556000016701"`),
			"deliveryAddress.area": jsontext.Value(`"Södermalm"`), "deliveryAddress.verification": jsontext.Value(`{ "pincode": "8812" }`),
			"discounts[0].channelDiscountCode": jsontext.Value(`"HELLO"`), "discounts[0].referenceId": jsontext.Value(`1`),
			"discounts[0].type": jsontext.Value(`"order_flat_off"`), "discounts[0].value": jsontext.Value(`300`),
			"discounts[1].referenceId": jsontext.Value(`2`), "discounts[1].type": jsontext.Value(`"item_flat_off"`), "discounts[1].value": jsontext.Value(`200`),
			"items[0].discountReferenceIds": jsontext.Value(`[2]`), "items[0].productTags": jsontext.Value(`[104, 9]`),
			"items[0].subItems[0].sortOrder": jsontext.Value(`1`), "numberOfCustomers": jsontext.Value(`2`),
			"packaging": jsontext.Value(`{ "includeCutlery": false }`), "payment.commissionType": jsontext.Value(`"regular"`),
			"payment.rebate": jsontext.Value(`0`), "pickupTime": jsontext.Value(`"2026-03-01T19:15:00.000Z"`),
			"status": jsontext.Value(`10`), "table": jsontext.Value(`""`),
			"taxes[0].taxClassId": jsontext.Value(`1`), "taxes[1].taxClassId": jsontext.Value(`2`),
		},
	}
	if diff := cmp.Diff(want, m.Order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	if len(m.Warnings) > 0 {
		t.Errorf("warnings: %v", m.Warnings)
	}
}

func TestADeliverectCancellation(t *testing.T) {
	t.Parallel()
	got, err := deliverect(t).Read(channel.Request{Body: fixture(t, "cancel")}, stockholm())
	want := channel.Cancel{Ref: channel.Ref{ChannelOrderID: "KRN-58120077"}, Reason: "The guest changed their mind"}
	if diff := cmp.Diff(channel.Message(want), got); err != nil || diff != "" {
		t.Errorf("err %v, message (-want +got):\n%s", err, diff)
	}
	if got, err := deliverect(t).Read(channel.Request{Body: []byte(`{"status":100}`)}, stockholm()); !fault.Is(err, fault.Invalid) {
		t.Errorf("a cancellation of nothing is read as %v, %v", got, err)
	}
}

func TestDeliverectTellsOtherThingsToo(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]channel.Event{
		`{"channelOrderId":"A1","courierUpdate":{"status":85}}`:                                             {Ref: channel.Ref{ChannelOrderID: "A1"}, Name: "courier_update"},
		`{"locationId":"l","operations":[]}`:                                                                {Name: "snooze"},
		`{"locationId":"l","status":"BUSY","delay":30}`:                                                     {Name: "busy_mode"},
		`{"channelOrderId":"A1","orderId":"o","status":50,"pickupTime":"2026-03-01T17:04:05Z","reason":""}`: {Ref: channel.Ref{ChannelOrderID: "A1"}, Name: "order_status", Status: order.Preparing, ReadyAt: "2026-03-01T17:04:05Z"},
		`{"orderId":"o","status":77}`:                                                                       {Name: "order_status"},
	} {
		got, err := deliverect(t).Read(channel.Request{Body: []byte(body)}, stockholm())
		if diff := cmp.Diff(channel.Message(want), got); err != nil || diff != "" {
			t.Errorf("%s: err %v, message (-want +got):\n%s", body, err, diff)
		}
	}
}

func TestMoneyWithThreeDigits(t *testing.T) {
	t.Parallel()
	amman := channel.Link{Places: []channel.Place{{Location: "loc_amman", Currency: "JOD"}}}
	m := placed(t, fixture(t, "dinar"), amman)
	o := m.Order
	if o.Total != 7425 || o.Items[0].UnitPrice != 6750 || o.Type != order.DineIn {
		t.Errorf("order: %+v", o)
	}
	if diff := cmp.Diff([]order.Tax{{Name: "GST", Amount: 1080, Included: true}}, o.Taxes); diff != "" {
		t.Errorf("a tax that the total does not need is in the prices (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(order.Payment{Method: "card_at_door", Status: order.Unpaid, Due: 7425}, o.Payment); diff != "" || len(m.Warnings) > 0 {
		t.Errorf("warnings %v, payment (-want +got):\n%s", m.Warnings, diff)
	}
}

func TestAmountsAreScaledToTheCurrency(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		digits   string
		currency order.Currency
		price    string
		want     int64
		rounded  bool
	}{
		"digits as the currency has":     {"2", "EUR", "450", 450, false},
		"fewer digits":                   {"2", "JOD", "450", 4500, false},
		"no digits":                      {"0", "EUR", "4", 400, false},
		"more digits, exact":             {"2", "JPY", "45000", 450, false},
		"more digits, rounded up":        {"2", "JPY", "45050", 451, true},
		"more digits, rounded down":      {"2", "JPY", "45049", 450, true},
		"a negative one, rounded":        {"2", "JPY", "-45050", -451, true},
		"an integer written as a float":  {"2.0", "EUR", "450.0", 450, false},
		"three digits for two, rounded":  {"3", "EUR", "4505", 451, true},
		"as many digits as are possible": {"6", "EUR", "4500000", 450, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := strings.NewReplacer(`"decimalDigits": 2`, `"decimalDigits": `+c.digits, `"price": 1250`, `"price": `+c.price).
				Replace(string(fixture(t, "pickup_cash")))
			m := placed(t, []byte(body), channel.Link{Places: []channel.Place{{Location: "loc_1", Currency: c.currency}}})
			rounded := strings.Contains(strings.Join(codes(m.Warnings), " "), "amount_rounded body.items[0].unitPrice")
			if got := m.Order.Items[0].UnitPrice; got != c.want || rounded != c.rounded {
				t.Errorf("price %d (rounded %t), want %d (%t)", got, rounded, c.want, c.rounded)
			}
		})
	}
}

func TestAPickupPaidInCash(t *testing.T) {
	t.Parallel()
	m := placed(t, fixture(t, "pickup_cash"), stockholm())
	want := order.Order{
		ChannelOrderID: "X7PQRS", DisplayID: "X7PQRS", Location: "loc_sthlm", Type: order.Pickup,
		PlacedAt: "2026-03-01T17:04:05Z", RequestedFor: "2026-03-01T17:45:00Z", Currency: "SEK",
		Items:     []order.Item{{PLU: "LUNCH", Name: "Lunch of the day", Quantity: 1, UnitPrice: 1250}},
		Discounts: []order.Discount{{Name: "Discount", Amount: 100, FundedBy: "restaurant"}},
		Total:     1150, Payment: order.Payment{Method: "cash", Status: order.Unpaid, Due: 1150},
		Customer: &order.Customer{Name: "Bo"},
		Extra:    map[string]jsontext.Value{"courier": jsontext.Value(`"restaurant"`)},
	}
	if diff := cmp.Diff(want, m.Order); diff != "" || len(m.Warnings) > 0 {
		t.Errorf("warnings %v, order (-want +got):\n%s", m.Warnings, diff)
	}
	if m.Identity[1] != "2026-03-01T17:04:05" {
		t.Errorf("the identity has the time as %q, want it as sent", m.Identity[1])
	}
}

func TestOddDeliverectOrdersAreTakenWithAWarning(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		old, new string
		want     []string
	}{
		"an unreadable time":            {`"2026-03-01T17:04:05"`, `"YYYY-MM-DDTHH:mm:ssZ"`, []string{"time_unreadable body.placedAt", "placed_at_missing body.placedAt"}},
		"no time":                       {`"placedTime": "2026-03-01T17:04:05",`, ``, []string{"placed_at_missing body.placedAt"}},
		"a discount with a wrong sign":  {`"discountTotal": -100`, `"discountTotal": 100`, []string{"discount_sign body.discounts[0].amount"}},
		"a listed discount, wrong sign": {`"discountTotal": -100`, `"discountTotal": 100, "discounts":[{"name":"x","amount":-100,"provider":"us!"}]`, []string{"discount_sign body.discounts[0].amount"}},
		"discounts that differ":         {`"discountTotal": -100`, `"discountTotal": -90, "discounts":[{"name":"x","amount":100,"provider":"SHARED"}]`, []string{"discount_mismatch body.discounts"}},
		"a total that does not add up":  {`"amount": 1150`, `"amount": 1151`, []string{"total_mismatch body.total"}},
		"a negative price":              {`"price": 1250`, `"price": -1250`, []string{"total_mismatch body.total", "negative_amount body.items[0].unitPrice"}},
		"taxes of another shape":        {`"discountTotal"`, `"taxes": "none", "discountTotal"`, []string{"taxes_unreadable body.taxes"}},
		"an unknown kind of payment":    {`"type": 1`, `"type": 77, "due": 0`, nil},
		"no due on what is unpaid":      {`"type": 1`, `"type": 9, "due": 0`, nil},
		"unpaid and nothing due":        {`"type": 1 }`, `"type": 9, "due": 0 }, "orderIsAlreadyPaid": false`, []string{"unpaid_but_not_due body.payment.due"}},
		"a note without end":            {`"discountTotal"`, `"note": "` + strings.Repeat("x", 5001) + `", "discountTotal"`, []string{"text_cut body.note"}},
		"an item without a PLU":         {`"plu": "LUNCH",`, ``, []string{"plu_missing body.items[0].plu"}},
		"unknown members":               {`"discountTotal"`, `"Items": [], "a.b": {"c":1}, "discountTotal"`, nil},
		"null wherever it may be":       {`"customer": { "name": "Bo" }`, `"customer": null, "deliveryAddress": null, "taxes": null, "discounts": null, "note": null, "tip": null, "table": null`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := strings.Replace(string(fixture(t, "pickup_cash")), c.old, c.new, 1)
			if body == string(fixture(t, "pickup_cash")) {
				t.Fatal("the case changes nothing")
			}
			if diff := cmp.Diff(c.want, codes(placed(t, []byte(body), stockholm()).Warnings)); diff != "" {
				t.Errorf("warnings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatMakesNoDeliverectOrderIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		old, new string
		kind     fault.Kind
		at       []string
	}{
		"cut off":                     {`"discountTotal": -100`, `"discountTotal"`, fault.Malformed, []string{"body.discountTotal"}},
		"a member twice":              {`"orderType": 1`, `"orderType": 1, "orderType": 2`, fault.Malformed, []string{"body.orderType"}},
		"a member of an item twice":   {`"plu": "LUNCH"`, `"plu": "LUNCH", "plu": "X"`, fault.Malformed, []string{"body.items[0].plu"}},
		"bytes that are no text":      {`Lunch of`, "Lunch\xff of", fault.Malformed, []string{"body.items[0].name"}},
		"a fraction of a unit":        {`"price": 1250`, `"price": 12.5`, fault.Invalid, []string{"body.items[0].price"}},
		"a price as text":             {`"price": 1250`, `"price": "1250"`, fault.Invalid, []string{"body.items[0].price"}},
		"a huge price":                {`"price": 1250`, `"price": 1e400`, fault.Invalid, []string{"body.items[0].price"}},
		"a price beyond bounds":       {`"price": 1250`, `"price": 9223372036854775807`, fault.Invalid, []string{"body.items[0].price"}},
		"a negative quantity":         {`"quantity": 1`, `"quantity": -1`, fault.Invalid, []string{"body.items[0].quantity"}},
		"items that are no list":      {`"items": [`, `"items": {}, "other": [`, fault.Invalid, []string{"body.items"}},
		"an item that is no object":   {`"items": [ {`, `"items": [ "x", {`, fault.Invalid, []string{"body.items[0]"}},
		"a list":                      {`{`, `[{}]`, fault.Invalid, []string{"body"}},
		"a card number that is cut":   {`"Lunch of the day"`, `"4111111111111111`, fault.Malformed, nil},
		"several faults, all of them": {`"orderType": 1`, `"orderType": 9`, fault.Invalid, []string{"body.orderType"}},
		"digits that no money has":    {`"decimalDigits": 2`, `"decimalDigits": 7`, fault.Invalid, []string{"body.decimalDigits"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := strings.Replace(string(fixture(t, "pickup_cash")), c.old, c.new, 1)
			got, err := deliverect(t).Read(channel.Request{Body: []byte(body)}, stockholm())
			if !fault.Is(err, c.kind) {
				t.Fatalf("read as %v, %v; want a fault %s", got, err, c.kind)
			}
			if at := detailsOf(t, err); c.at != nil && !cmp.Equal(c.at, at) {
				t.Errorf("faults at %v, want %v", at, c.at)
			}
			if strings.Contains(err.Error(), "1250") || strings.Contains(err.Error(), "Lunch") {
				t.Errorf("the fault tells values: %v", err)
			}
		})
	}
}

func TestEveryFaultOfADeliverectOrderIsTold(t *testing.T) {
	t.Parallel()
	_, err := deliverect(t).Read(channel.Request{Body: []byte(`{"items":[{"price":1,"subItems":[{"name":"x","quantity":0}]}],"currency":"nope"}`)}, stockholm())
	want := []string{
		"body.decimalDigits", "body.payment.amount", "body.channelOrderId", "body.orderType", "body.currency",
		"body.items[0]", "body.items[0].quantity", "body.items[0].subItems[0].quantity",
	}
	got := detailsOf(t, err)
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestEstimatesOfAnOrderAsSoonAsPossibleAreNoWishes(t *testing.T) {
	t.Parallel()
	body := strings.Replace(string(fixture(t, "delivery")), `"deliveryIsAsap": false`, `"deliveryIsAsap": true`, 1)
	o := placed(t, []byte(body), stockholm()).Order
	if o.RequestedFor != "" || string(o.Extra["deliveryTime"]) != `"2026-03-01T19:40:00.000Z"` || string(o.Extra["pickupTime"]) != `"2026-03-01T19:15:00.000Z"` {
		t.Errorf("wanted %q, extra %v", o.RequestedFor, o.Extra)
	}
}

func TestAnUnknownPaymentIsKeptAsSent(t *testing.T) {
	t.Parallel()
	body := strings.Replace(string(fixture(t, "pickup_cash")), `"type": 1`, `"type": 77`, 1)
	o := placed(t, []byte(body), stockholm()).Order
	if o.Payment.Method != "other" || o.Payment.Status != order.PaymentUnknown || string(o.Extra["payment.type"]) != "77" {
		t.Errorf("payment %+v, kept type %s", o.Payment, o.Extra["payment.type"])
	}
}

func TestCardNumbersAreMaskedEverywhere(t *testing.T) {
	t.Parallel()
	const card = "4111 1111 1111 1111"
	body := strings.NewReplacer(`"Lunch of the day"`, `"Lunch `+card+`"`, `"X7PQRS"`, `"4111111111111111"`,
		`"discountTotal"`, `"note":"`+card+`", "hint":{"text":"`+card+`"}, "discountTotal"`).Replace(string(fixture(t, "pickup_cash")))
	m := placed(t, []byte(body), stockholm())
	if strings.Contains(string(m.Original), card) || len(m.Order.CardNumbers()) > 0 || strings.Contains(string(m.Order.Extra["hint"]), card) {
		t.Errorf("a card number is still there:\n%s\n%+v", m.Original, m.Order)
	}
	if m.Order.ChannelOrderID != "4111111111111111" || m.Identity[0] != "4111111111111111" {
		t.Error("an id was masked")
	}
	want := []string{"card_number_masked body.items[0].name", "card_number_masked body.note", "card_number_masked body.hint.text"}
	if diff := cmp.Diff(want, codes(m.Warnings)); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

func TestProxyContactsAreMarked(t *testing.T) {
	t.Parallel()
	for customer, want := range map[string][2]bool{
		`{"phoneNumber":"+46 70 123 45 67","email":"a@example.com"}`:                         {false, false},
		`{"phoneNumber":"+46 70 123 45 67","phoneAccessCode":"123","email":"a@example.com"}`: {true, false},
		`{"phoneNumber":"+46 70 *** ** 67","email":"a***@example.com"}`:                      {true, true},
		`{"phoneNumber":"n/a","email":"none"}`:                                               {true, true},
		`{"name":"x"}`:                                                                       {false, false},
	} {
		body := strings.Replace(string(fixture(t, "pickup_cash")), `{ "name": "Bo" }`, customer, 1)
		c := placed(t, []byte(body), stockholm()).Order.Customer
		if got := [2]bool{c.PhoneMasked, c.EmailMasked}; got != want {
			t.Errorf("%s: masked %v, want %v", customer, got, want)
		}
	}
}

func TestCoordinatesInEveryDocumentedShape(t *testing.T) {
	t.Parallel()
	for sent, want := range map[string]*order.Coordinates{
		`{"latitude":59.3,"longitude":18.1}`:   {Latitude: 59.3, Longitude: 18.1},
		`{"coordinates":[18.1,59.3]}`:          {Latitude: 59.3, Longitude: 18.1},
		`{"latitude":159.3,"longitude":18.1}`:  nil,
		`{"latitude":"59.3"}`:                  nil,
		`[18.1,59.3]`:                          nil,
		`{"coordinates":[18.1]}`:               nil,
		`{"latitude":59.3,"longitude":-180.1}`: nil,
	} {
		body := strings.Replace(string(fixture(t, "create")), `"city"`, `"coordinates": `+sent+`, "city"`, 1)
		o := placed(t, []byte(body), stockholm()).Order
		if diff := cmp.Diff(want, o.DeliveryAddress.Coordinates); diff != "" {
			t.Errorf("%s (-want +got):\n%s", sent, diff)
		}
		if kept := string(o.Extra["deliveryAddress.coordinates"]); (kept == sent) != (want == nil) {
			t.Errorf("%s is kept in extra as %q", sent, kept)
		}
	}
}

func TestTheSameWebhookIsTheSameContent(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"create", "delivery", "dinar", "pickup_cash"} {
		a, b := placed(t, fixture(t, name), stockholm()), placed(t, fixture(t, name), stockholm())
		if diff := order.Diff(a.Order, b.Order); len(diff) > 0 {
			t.Errorf("%s differs from itself at %v", name, diff)
		}
	}
}

func BenchmarkDeliverect(b *testing.B) {
	body, a := fixture(b, "delivery"), deliverect(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Read(channel.Request{Body: body}, stockholm()); err != nil {
			b.Fatal(err)
		}
	}
}
