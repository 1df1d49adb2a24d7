package channel_test

import (
	"os"
	"path/filepath"
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
	items    int // lines and modifiers
	placed   order.Time
	customer string
	sums     bool // whether its parts add up to its total; examples often don't
}

// samples are the files of a directory by the name under which the adapter must read them.
func samples() map[string]map[string]sample {
	return map[string]map[string]sample{
		"deliveroo": {
			"order.new-hk-redacted.json": {"order", "hk:401e92a9-b75e-464f-9c83-182b873eecf1", 1000, "HKD", 1, "2024-12-10T09:14:35Z", "HK", true},
		},
		"hubrise": {
			"create-order.json": {"order", "17654321", 2350, "EUR", 5, "", "", false}, // what a client sends: no id, no total
			"get-order.json":    {"order", "5dpm9", 1890, "EUR", 3, "2021-06-24T17:07:53+02:00", "Charles Moore", true},
		},
		"jet": {
			"acceptance-requested.json":        {"order", "ABCD654321", 1925, "GBP", 4, "2018-03-10T14:45:28Z", "Bruce Wayne", true},
			"order-accepted.json":              {kind: "event", id: "123456"},
			"order-cancelled.json":             {kind: "cancel", id: "ijdhpy7bdusgtc28bapspa"},
			"order-ready-for-preparation.json": {"order", "XYZ123456", 1925, "GBP", 4, "2018-03-10T14:45:28Z", "Bruce Wayne", true},
		},
		"square": {
			"BatchRetrieveOrdersResponse.json": {"order", "CAISEM82RcpmcFBM0TfOyiHV3es", 7599, "USD", 2, "", "", true},
			"CreateOrderRequest.json":          {kind: "refused"}, // what a client sends
			"CreateOrderResponse.json":         {"order", "CAISENgvlJ6jLWAzERDzjyHVybY", 6176, "USD", 3, "2020-01-17T20:47:53.293Z", "", true},
			"PayOrderResponse.json":            {"order", "lgwOlEityYPJtcuvKTVKT1pA986YY", 2000, "USD", 2, "2019-08-06T02:47:35.693Z", "", true},
			"SearchOrdersResponse.json":        {kind: "batch"},
			"UpdateOrderResponse.json":         {"order", "DREk7wJcyXNHqULq8JJ2iPAsluJZY", 900, "USD", 2, "2019-08-23T18:26:18.243Z", "", true},
		},
		"ifood": {
			"event-placed.json":             {kind: "batch"},
			"order-online-voucher.json":     {"order", "9c41bf9d-dafb-436b-8728-433a0a13a2e3", 1300, "BRL", 1, "2020-02-29T01:25:20.983Z", "PEDIDO DE TESTE", true},
			"webhook-signature-vector.json": {}, // see TestPublishedSignatures
		},
		"opendelivery": {
			"v2-acknowledgeEvents-ack.json":                  {kind: "refused"}, // what we send
			"v2-confirmOrder-cancelled.json":                 {kind: "refused"},
			"v2-confirmOrder-withEta.json":                   {kind: "refused"},
			"v2-getOrder-deliveryCreated.json":               {"order", "order-abc123", 550000, "BRL", 3, "2026-07-01T14:30:00Z", "Ana Silva", true},
			"v2-pollingEvents-createdAndConfirmed.json":      {kind: "batch"},
			"v2-receiveOrderEvent-cancellationAccepted.json": {kind: "event", id: "order-abc123"},
			"v2-receiveOrderEvent-cancellationDenied.json":   {kind: "event", id: "order-abc123"},
			"v2-receiveOrderEvent-cancelled.json":            {kind: "cancel", id: "order-abc123"},
			"v2-receiveOrderEvent-created.json":              {kind: "reference", id: "order-abc123"},
			"v2-requestCancellation-unavailableItem.json":    {kind: "refused"},
		},
		"otter": {
			"Order.json":            {"order", "69f60a06-c335-46d9-b5a1-97f1a211c514", 1907, "EUR", 2, "2007-12-03T10:15:30+01:00", "Jane Doe", false},
			"webhook-envelope.json": {kind: "reference", id: "bf9f1d81-f213-496e-a026-91b6af44996c"},
		},
	}
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
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no examples at %s", dir)
	}
	for name, files := range samples() {
		a, ok := channel.Named(name)
		if !ok {
			t.Fatalf("there is no adapter %s", name)
		}
		there, err := os.ReadDir(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range there {
			want, ok := files[entry.Name()]
			if !ok {
				t.Errorf("%s/%s is not in the table", name, entry.Name())
				continue
			}
			if want == (sample{}) {
				continue
			}
			body, err := os.ReadFile(filepath.Join(dir, name, entry.Name()))
			if err != nil {
				t.Fatal(err)
			}
			checkSample(t, a, entry.Name(), body, want)
		}
	}
}

func checkSample(t *testing.T, a channel.Adapter, file string, body []byte, want sample) {
	t.Helper()
	var m channel.Message
	var err error
	link := anywhere("EUR")
	if file == "acceptance-requested.json" {
		link.Options = channel.Options{"orderFrom": "acceptance-requested"}
	}
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
		o := m.Order
		got.id, got.total, got.currency, got.placed = o.ChannelOrderID, o.Total, o.Currency, o.PlacedAt
		got.items = countItems(o.Items)
		if o.Customer != nil {
			got.customer = o.Customer.Name
		}
		sum, ok := o.Sum()
		got.sums = ok && sum == o.Total
	case channel.Reference:
		got.id = m.ChannelOrderID
	case channel.Cancel:
		got.id = m.ChannelOrderID
	case channel.Event:
		got.id = m.ChannelOrderID
	}
	return got
}

func countItems(items []order.Item) int {
	n := len(items)
	for _, item := range items {
		n += countItems(item.Modifiers)
	}
	return n
}
