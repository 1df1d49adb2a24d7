package channel_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

// What is written for a POS is read back by the same platform's adapter: what the form can hold comes back.
func TestAnOrderForAPOSKeepsWhatTheFormCanHold(t *testing.T) {
	t.Parallel()
	sent := order.Order{
		ChannelOrderID: "WEB-1", DisplayID: "1", Location: "loc_1", Type: order.Delivery, PlacedAt: "2026-03-01T18:04:05+01:00",
		RequestedFor: "2026-03-01T19:00:00+01:00", Currency: "KWD",
		Items: []order.Item{{PLU: "A", Name: "Pizza", Quantity: 2, UnitPrice: 11900, Note: "no nuts", Modifiers: []order.Item{
			{PLU: "B", Name: "Cheese", Quantity: 1, UnitPrice: 1500},
		}}},
		Discounts: []order.Discount{{Name: "March", Amount: 1000, FundedBy: "channel"}},
		Fees:      []order.Fee{{Kind: "delivery", Amount: 4900}, {Kind: "service", Amount: 300}, {Kind: "tip", Amount: 2000}},
		Total:     33000, Payment: order.Payment{Method: "cash", Status: order.Unpaid, Due: 33000},
		Customer:        &order.Customer{Name: "Alva Lindqvist", Phone: "+46701740605", Email: "alva@mail.example", Note: "at the back"},
		DeliveryAddress: &order.Address{Street: "Storgatan", StreetNumber: "1", PostalCode: "11122", City: "Stockholm", Country: "SE", Extra: "2 tr"},
		Note:            "ring twice",
	}
	body, err := channel.DeliverectForPOS(sent, channel.POSOrder{ID: "ord_1"})
	if err != nil {
		t.Fatal(err)
	}
	adapter, _ := channel.Named("deliverect")
	places := []channel.Place{{Location: "loc_1", Currency: "KWD"}}
	message, err := adapter.Read(channel.Request{Path: "orders", Body: body}, channel.Link{Places: places})
	if err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	placed, ok := message.(channel.NewOrder)
	if !ok {
		t.Fatalf("it is read as %T", message)
	}
	got := placed.Order
	got.Extra = nil
	if diff := cmp.Diff(sent, got); diff != "" {
		t.Errorf("(-sent +read):\n%s", diff)
	}
}

func TestACancellationForAPOSIsReadAsOne(t *testing.T) {
	t.Parallel()
	o := order.Order{ChannelOrderID: "WEB-1", DisplayID: "1", Currency: "SEK", Type: order.Pickup}
	body, err := channel.DeliverectForPOS(o, channel.POSOrder{ID: "ord_1", Cancelled: true, Reason: "guest left"})
	if err != nil {
		t.Fatal(err)
	}
	adapter, _ := channel.Named("deliverect")
	message, err := adapter.Read(channel.Request{Path: "orders", Body: body}, channel.Link{})
	if c, ok := message.(channel.Cancel); err != nil || !ok || c.ChannelOrderID != "WEB-1" || c.Reason != "guest left" {
		t.Errorf("read as %#v, %v", message, err)
	}
	if !strings.Contains(string(body), `"orderId":"ord_1"`) {
		t.Errorf("the POS cannot tell which order: %s", body)
	}
}

func TestHowMuchLongerAPOSNeeds(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		id    string
		takes time.Duration
		kind  fault.Kind
		at    string // of the first fault
	}{
		`{"order":"ord_1","minutes":20}`:            {"ord_1", 20 * time.Minute, "", ""},
		`{"order":"ord_1","minutes":0,"more":[{}]}`: {"ord_1", 0, "", ""},
		`{"order":"ord_1","minutes":20.0}`:          {"ord_1", 20 * time.Minute, "", ""},
		`{"order":"ord_1"}`:                         {"", 0, fault.Invalid, "body.minutes"},
		`{"minutes":20}`:                            {"", 0, fault.Invalid, "body.order"},
		`{"order":"ord_1","minutes":-1}`:            {"", 0, fault.Invalid, "body.minutes"},
		`{"order":"ord_1","minutes":1441}`:          {"", 0, fault.Invalid, "body.minutes"},
		`{"order":"ord_1","minutes":"soon"}`:        {"", 0, fault.Invalid, "body.minutes"},
		`{"order":1,"minutes":20}`:                  {"", 0, fault.Invalid, "body.order"},
		`{"order":"a","order":"b","minutes":20}`:    {"", 0, fault.Malformed, "body.order"},
		`{`:                                         {"", 0, fault.Malformed, "body"},
	} {
		id, takes, err := channel.ReadDeliverectPreparation([]byte(body))
		if id != want.id || takes != want.takes || fault.KindOf(err) != want.kind {
			t.Errorf("%s: %q %s, %v", body, id, takes, err)
		}
		if at := detailsOf(t, err); want.at != "" && (len(at) == 0 || at[0] != want.at) {
			t.Errorf("%s: the fault is at %v", body, at)
		}
	}
}

// FuzzDeliverectReports feeds bytes to what reads a POS's reports: they may refuse, with a fault; what they take is in bounds.
func FuzzDeliverectReports(f *testing.F) {
	for _, seed := range []string{
		`{"status":20,"pickupTime":"2026-03-01T17:30:00Z","reason":"r"}`, `{"order":"ord_1","minutes":20}`, `{"minutes":1e9,"order":""}`, `[]`, `{"status":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		change, known, err := channel.ReadDeliverectStatus(body)
		if kind := fault.KindOf(err); err != nil && kind != fault.Malformed && kind != fault.Invalid {
			t.Fatalf("a status is refused with %s: %v", kind, err)
		}
		if known && (!change.Status.Known() || change.Status == order.Received) {
			t.Fatalf("a status is read as %+v", change)
		}
		id, takes, err := channel.ReadDeliverectPreparation(body)
		if kind := fault.KindOf(err); err != nil && kind != fault.Malformed && kind != fault.Invalid {
			t.Fatalf("a time is refused with %s: %v", kind, err)
		}
		if err == nil && (id == "" || takes < 0 || takes > 24*time.Hour) {
			t.Fatalf("a time is read as %q, %s", id, takes)
		}
	})
}
