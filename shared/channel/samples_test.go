package channel_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/order"
)

// A sample is what one of the platforms' own published examples must be read as.
type sample struct {
	kind     string
	id       string
	total    int64
	currency order.Currency
	lines    string // how many at what price, with what is added to each
	beside   int64  // what fees, tips, taxes and discounts come to
	due      int64
	placed   order.Time
	wanted   order.Time
	customer string
	reached  string // by what the guest can be reached; a star marks what is not their own
	sums     bool   // whether its parts add up to its total; examples often don't
	says     string // what an event, a cancellation or a batch tells
}

// samples are the files of a directory by the name under which the adapter must read them.
func samples() map[string]map[string]sample {
	return map[string]map[string]sample{
		"deliverect": {
			"busy-mode.json":                             {kind: "event", says: "busy_mode"},
			"channel-cancel-order.json":                  {kind: "cancel", id: "CXTDBKMZ-1229", says: "Customer requests order cancellation"},
			"channel-create-order-official-example.json": {kind: "order", id: "TEST16838915628", total: 1750, currency: "EUR", lines: "1×450(1×450)!"},
			"courier-update-channel.json":                {kind: "event", id: "63171d0000000d34b5efe", says: "courier_update"},
			"courier-update.json":                        {kind: "event", id: "609a1b2c3d4e5f6a7b8c9d0e", says: "courier_update"},
			"pos-order-status.json":                      {kind: "event", says: "order_status accepted 2026-03-15T14:30:00Z"},
			"pos-tax-calculation-webhook.json":           {kind: "order", id: "TEST******4206", total: 3811, currency: "EUR", lines: "2×1550(2×50)", beside: 710}, // its times are placeholders
			"prep-time.json":                             {kind: "event", id: "X7CESD", says: "order_status accepted 2021-04-20T16:20:00Z"},
			"snooze.json":                                {kind: "event", says: "snooze"},
		},
		"deliveroo": {
			"order.new-hk-redacted.json": {kind: "order", id: "hk:401e92a9-b75e-464f-9c83-182b873eecf1", total: 1000, currency: "HKD", lines: "1×1000", placed: "2024-12-10T09:14:35Z", customer: "HK", reached: "phone* note", sums: true},
		},
		"hubrise": {
			"create-order.json": {kind: "order", id: "17654321", total: 2350, currency: "EUR", lines: "2×900(1×100) 1×300 1×100 1×400", beside: -350, wanted: "2021-06-24T11:30:00+02:00"}, // what a client sends: no total
			"get-order.json":    {kind: "order", id: "5dpm9", total: 1890, currency: "EUR", lines: "1×1190 2×300(1×50)", placed: "2021-06-24T17:07:53+02:00", wanted: "2021-06-24T19:07:52+02:00", customer: "Charles Moore", reached: "phone* email street code city country map", sums: true},
		},
		"ifood": {
			"event-placed.json":             {kind: "batch", says: "reference 8028267402793088 PLACED"},
			"order-online-voucher.json":     {kind: "order", id: "9c41bf9d-dafb-436b-8728-433a0a13a2e3", total: 1300, currency: "BRL", lines: "1×500", beside: 800, placed: "2020-02-29T01:25:20.983Z", customer: "PEDIDO DE TESTE", reached: "phone* street number code city country more map", sums: true},
			"webhook-signature-vector.json": {kind: "refused"}, // see TestPublishedSignatures
		},
		"jet": {
			"acceptance-requested.json":        {kind: "order", id: "ABCD654321", total: 1925, currency: "GBP", lines: "2×500(1×0 2×0) 1×725", beside: 200, placed: "2018-03-10T14:45:28Z", wanted: "2018-03-10T14:45:28Z", customer: "Bruce Wayne", reached: "phone* street code city map note", sums: true},
			"order-accepted.json":              {kind: "event", id: "123456", says: "order_accepted accepted 2018-03-10T14:45:28Z"},
			"order-cancelled.json":             {kind: "cancel", id: "ijdhpy7bdusgtc28bapspa", says: "system_cancelled_other"},
			"order-ready-for-preparation.json": {kind: "order", id: "XYZ123456", total: 1925, currency: "GBP", lines: "2×500(1×0 2×0) 1×725", beside: 200, due: 1925, placed: "2018-03-10T14:45:28Z", wanted: "2018-03-10T14:45:28Z", customer: "Bruce Wayne", reached: "phone street code city map note", sums: true},
		},
		"opendelivery": {
			"v2-acknowledgeEvents-ack.json":                  {kind: "refused"}, // what we send
			"v2-confirmOrder-cancelled.json":                 {kind: "refused"},
			"v2-confirmOrder-withEta.json":                   {kind: "refused"},
			"v2-getOrder-deliveryCreated.json":               {kind: "order", id: "order-abc123", total: 550000, currency: "BRL", lines: "2×250000(1×0(1×30000))!", beside: -10000, due: 250000, placed: "2026-07-01T14:30:00Z", wanted: "2026-07-01T15:10:00Z", customer: "Ana Silva", reached: "phone* email street code city more map note", sums: true},
			"v2-pollingEvents-createdAndConfirmed.json":      {kind: "batch", says: "reference order-abc123 CREATED, event order-abc123 confirmed accepted"},
			"v2-receiveOrderEvent-cancellationAccepted.json": {kind: "event", id: "order-abc123", says: "cancellation_request_accepted"},
			"v2-receiveOrderEvent-cancellationDenied.json":   {kind: "event", id: "order-abc123", says: "cancellation_request_denied"},
			"v2-receiveOrderEvent-cancelled.json":            {kind: "cancel", id: "order-abc123", says: "Item unavailable"},
			"v2-receiveOrderEvent-created.json":              {kind: "reference", id: "order-abc123", says: "CREATED"},
			"v2-requestCancellation-unavailableItem.json":    {kind: "refused"},
		},
		"otter": {
			"Order.json":            {kind: "order", id: "69f60a06-c335-46d9-b5a1-97f1a211c514", total: 1907, currency: "EUR", lines: "1×590(1×100)!", beside: 710, due: 200, placed: "2007-12-03T10:15:30+01:00", customer: "Jane Doe", reached: "phone* email street code city country more map note"},
			"webhook-envelope.json": {kind: "reference", id: "bf9f1d81-f213-496e-a026-91b6af44996c", says: "orders.new_order"},
		},
		"square": {
			"BatchRetrieveOrdersResponse.json": {kind: "order", id: "CAISEM82RcpmcFBM0TfOyiHV3es", total: 7599, currency: "USD", lines: "1×1599 3×2000", due: 7599, sums: true},
			"CreateOrderRequest.json":          {kind: "refused"}, // what a client sends
			"CreateOrderResponse.json":         {kind: "order", id: "CAISENgvlJ6jLWAzERDzjyHVybY", total: 6176, currency: "USD", lines: "1×1599 2×2200(1×50)", beside: 77, due: 6176, placed: "2020-01-17T20:47:53.293Z", sums: true},
			"PayOrderResponse.json":            {kind: "order", id: "lgwOlEityYPJtcuvKTVKT1pA986YY", total: 2000, currency: "USD", lines: "1×500 2×750", placed: "2019-08-06T02:47:35.693Z", sums: true},
			"SearchOrdersResponse.json":        {kind: "batch", says: "reference CAISEM82RcpmcFBM0TfOyiHV3es search, reference CAISENgvlJ6jLWAzERDzjyHVybY search, reference CAISEM52YcpmcWAzERDOyiWS3ty search"},
			"UpdateOrderResponse.json":         {kind: "order", id: "DREk7wJcyXNHqULq8JJ2iPAsluJZY", total: 900, currency: "USD", lines: "1×500 2×200", due: 900, placed: "2019-08-23T18:26:18.243Z", sums: true},
		},
	}
}

// noSamples are directories of examples that are of no platform, and who reads them.
func noSamples() []string {
	return []string{"standard-webhooks", "rfc9421"} // package webhook; nobody, since no platform signs so
}

// fetchedSample tells which examples are what a platform gives when asked, of which order.
func fetchedSample(file string) (id string, ok bool) {
	id, ok = map[string]string{
		"order-online-voucher.json": "9c41bf9d-dafb-436b-8728-433a0a13a2e3", "v2-getOrder-deliveryCreated.json": "order-abc123",
		"Order.json": "69f60a06-c335-46d9-b5a1-97f1a211c514", "create-order.json": "17654321", "get-order.json": "5dpm9",
		"BatchRetrieveOrdersResponse.json": "CAISEM82RcpmcFBM0TfOyiHV3es", "CreateOrderResponse.json": "CAISENgvlJ6jLWAzERDzjyHVybY",
		"PayOrderResponse.json": "lgwOlEityYPJtcuvKTVKT1pA986YY", "UpdateOrderResponse.json": "DREk7wJcyXNHqULq8JJ2iPAsluJZY",
	}[file]
	return id, ok
}

// The platforms' own examples, which are not ours to copy, must be understood where they are at hand: every one of them.
func TestThePlatformsOwnExamples(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("..", "..", "..", "shared", "samples")
	platforms, err := os.ReadDir(dir)
	if err != nil {
		t.Skipf("no examples at %s", dir)
	}
	for _, platform := range platforms {
		if !platform.IsDir() || slices.Contains(noSamples(), platform.Name()) {
			continue
		}
		files, known := samples()[platform.Name()]
		a, ok := channel.Named(platform.Name())
		if !ok || !known {
			t.Errorf("nobody reads the examples of %s", platform.Name())
			continue
		}
		there, err := os.ReadDir(filepath.Join(dir, a.Name))
		if err != nil {
			t.Fatal(err)
		}
		if len(there) != len(files) {
			t.Errorf("%s has %d examples, the table %d", a.Name, len(there), len(files))
		}
		for _, entry := range there {
			checkSample(t, a, filepath.Join(dir, a.Name, entry.Name()), files[entry.Name()])
		}
	}
}

func checkSample(t *testing.T, a channel.Adapter, path string, want sample) {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Base(path)
	link := anywhere("EUR")
	if file == "acceptance-requested.json" {
		link.Options = channel.Options{"orderFrom": "acceptance-requested"}
	}
	var m channel.Message
	if id, fetched := fetchedSample(file); fetched {
		m, err = a.ReadFetched(body, channel.Reference{Ref: channel.Ref{ChannelOrderID: id}}, link)
	} else {
		m, err = read(a, file, body, link)
	}
	if diff := cmp.Diff(want, sampleOf(m, err), cmp.AllowUnexported(sample{})); diff != "" {
		t.Errorf("%s/%s: %v %v (-want +got):\n%s", a.Name, file, err, detailsOf(t, err), diff)
	}
	if placed, ok := m.(channel.NewOrder); ok {
		t.Logf("%s/%s: warnings %v", a.Name, file, codes(placed.Warnings))
	}
}

func sampleOf(m channel.Message, err error) sample {
	got := sample{kind: readingOf(m, err).Kind}
	switch m := m.(type) {
	case channel.NewOrder:
		return sampleOfOrder(m.Order)
	case channel.Reference:
		got.id, got.says = m.ChannelOrderID, m.Event
	case channel.Cancel:
		got.id, got.says = m.ChannelOrderID, m.Reason
	case channel.Event:
		got.id, got.says = m.ChannelOrderID, strings.TrimSpace(strings.Join([]string{m.Name, string(m.Status), string(m.ReadyAt)}, " "))
	case channel.Batch:
		var all []string
		for _, one := range m {
			s := sampleOf(one, nil)
			all = append(all, strings.TrimSpace(s.kind+" "+s.id+" "+s.says))
		}
		got.says = strings.Join(all, ", ")
	}
	return got
}

func sampleOfOrder(o order.Order) sample {
	got := sample{
		kind: "order", id: o.ChannelOrderID, total: o.Total, currency: o.Currency, lines: spellLines(o.Items), due: o.Payment.Due,
		placed: o.PlacedAt, wanted: o.RequestedFor, reached: spellGuest(o),
	}
	if o.Customer != nil {
		got.customer = o.Customer.Name
	}
	sum, ok := o.Sum()
	got.sums = ok && sum == o.Total
	bare, _ := order.Order{Items: o.Items}.Sum()
	got.beside = sum - bare
	return got
}

func spellLines(items []order.Item) string {
	var all []string
	for _, i := range items {
		line := fmt.Sprintf("%d×%d", i.Quantity, i.UnitPrice)
		if len(i.Modifiers) > 0 {
			line += "(" + spellLines(i.Modifiers) + ")"
		}
		if i.Note != "" {
			line += "!"
		}
		all = append(all, line)
	}
	return strings.Join(all, " ")
}

func spellGuest(o order.Order) string {
	var by []string
	say := func(what, value string, masked bool) {
		if masked {
			what += "*"
		}
		if value != "" {
			by = append(by, what)
		}
	}
	if c := o.Customer; c != nil {
		say("phone", c.Phone, c.PhoneMasked)
		say("email", c.Email, c.EmailMasked)
	}
	if a := o.DeliveryAddress; a != nil {
		say("street", a.Street, false)
		say("number", a.StreetNumber, false)
		say("code", a.PostalCode, false)
		say("city", a.City, false)
		say("country", a.Country, false)
		say("more", a.Extra, false)
		if a.Coordinates != nil {
			by = append(by, "map")
		}
	}
	say("note", o.Note, false)
	return strings.Join(by, " ")
}
