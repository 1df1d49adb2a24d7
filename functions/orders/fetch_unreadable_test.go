package orders

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

// toldOfFailure checks what is there of one order that could not be read: its message, its event, and one alert.
func (f *fetching) toldOfFailure(what string) {
	f.t.Helper()
	failed := 0
	docs, err := f.db.Collection("events").Documents(f.t.Context()).GetAll()
	f.must(err)
	for _, d := range docs {
		if d.Data()["type"] == "order.failed" {
			failed++
		}
	}
	kept, announced := len(f.platform().messages(channel.KeptFailed).body.Items), len(f.Published(f.t, event.TopicEvents))
	alerts := f.log.times("channel order could not be read")
	if kept != 1 || failed != 1 || announced != 1 || alerts != 1 || f.count("orders") != 0 {
		f.t.Errorf("%s: %d kept, %d events, %d announced, %d alerts, %d orders", what, kept, failed, announced, alerts, f.count("orders"))
	}
}

// failedMessage shows the only failed message to who may see guests.
func (f *fetching) failedMessage() (id string, shown answer) {
	f.t.Helper()
	kept := f.platform().messages(channel.KeptFailed).body.Items
	if len(kept) == 0 {
		f.t.Fatal("no message is kept as failed")
	}
	id = kept[0].ID
	return id, call(f.t, f.handler, http.MethodGet, "/v1/channel-messages/"+id, f.pos.APIKey.Reveal(), nil)
}

func TestAFetchedOrderThatCannotBeReadIsKept(t *testing.T) {
	t.Parallel()
	for _, c := range vendorCases() {
		t.Run(c.adapter, func(t *testing.T) {
			t.Parallel()
			f := newFetching(t, c)
			f.vendor.order = []byte(`{"guest": "Alva Lindqvist", `)
			f.tell()
			f.must(f.run(t.Context()))
			f.expect("kept", 0, 0, 0)
			f.toldOfFailure("kept")
			_, shown := f.failedMessage()
			var body messageBody
			f.must(json.Unmarshal([]byte(shown.text), &body))
			if body.Payload != string(f.vendor.order) || body.OrderID == "" || body.Problem != "malformed" {
				t.Errorf("it is shown as %s", shown.text)
			}
			if f.log.times("Lindqvist") != 0 {
				t.Error("the log says whose order it was")
			}
		})
	}
}

func TestAFetchedOrderThatIsAnotherIsKept(t *testing.T) {
	t.Parallel()
	f := newFetching(t, vendorCases()[2])
	other := bytes.ReplaceAll(f.vendor.order, []byte("od-5001"), []byte("od-9999"))
	if bytes.Equal(other, f.vendor.order) {
		t.Fatal("the order is not another")
	}
	f.vendor.order = other
	f.tell()
	f.must(f.run(t.Context()))
	f.expect("kept", 0, 0, 0)
	f.toldOfFailure("kept")
}

// TestAnUnreadableFetchThatIsRepeatedIsToldOfOnce: who dies before the fetch is done with leaves it to be fetched again.
func TestAnUnreadableFetchThatIsRepeatedIsToldOfOnce(t *testing.T) {
	t.Parallel()
	f := newFetching(t, vendorCases()[0])
	f.vendor.order = []byte(`{`)
	f.tell()
	const done = 3 // after the claim and the message
	f.Faults.Set(wire.Nth(commitCall, done, wire.Fault{Before: status.Error(codes.Aborted, "wire: broken")}))
	if err := f.run(t.Context()); err == nil {
		t.Fatal("the fetch is done with")
	}
	f.Faults.Set(nil)
	f.toldOfFailure("before it is repeated")
	f.clock = f.clock.Add(5 * time.Minute)
	f.announceLeft()
	f.must(f.run(t.Context()))
	if _, asked := f.vendor.counts(); asked != 2 {
		t.Errorf("asked %d times", asked)
	}
	f.expect("repeated", 0, 0, 0)
	f.toldOfFailure("repeated")
}

func TestAnUnreadableWebhookThatIsRepeatedIsToldOfOnce(t *testing.T) {
	t.Parallel()
	f := newFetching(t, vendorCases()[0])
	f.notice = []byte(`{`)
	for range 3 {
		if a := f.tell(); a.status != http.StatusOK {
			t.Errorf("answered %d %s", a.status, a.text)
		}
		f.toldOfFailure("told")
	}
}

// TestAFetchedOrderIsReplayed: what failed for the link's want of a location is taken in once the link has it. Which
// restaurant is meant only the webhook said, not the order.
func TestAFetchedOrderIsReplayed(t *testing.T) {
	t.Parallel()
	f := newFetching(t, vendorCases()[4])
	elsewhere := f.place(f.by)
	f.serves(map[string]string{"else-1": f.location, "else-2": elsewhere})
	f.tell()
	f.must(f.run(t.Context()))
	f.toldOfFailure("for a restaurant that is not ours")
	id, _ := f.failedMessage()
	replay := func() answer {
		return call(t, f.handler, http.MethodPost, "/v1/channel-messages/"+id+"/replay", f.shop.APIKey.Reveal(), nil)
	}
	if a := replay(); a.status != http.StatusUnprocessableEntity || f.count("orders") != 0 {
		t.Errorf("while it cannot be read, a replay is answered %d %s", a.status, a.text)
	}
	f.serves(map[string]string{"store-7": f.location, "else-2": elsewhere})
	if a := replay(); a.status != http.StatusOK || f.platform().statuses() != "received" {
		t.Fatalf("answered %d %s; orders %q", a.status, a.text, f.platform().statuses())
	}
	if settled := f.platform().messages(channel.KeptSettled); len(settled.body.Items) != 1 || !strings.Contains(settled.text, `"order":"ord_`) {
		t.Errorf("settled %s", settled.text)
	}
}

// serves changes which restaurants the link serves, for an instance that has not seen it before.
func (f *fetching) serves(places map[string]string) {
	f.t.Helper()
	doc := f.db.Doc("channels/" + f.link)
	snap, err := doc.Get(f.t.Context())
	f.must(err)
	fields, list := snap.Data(), []any{}
	for external, location := range places {
		list = append(list, map[string]any{"external": external, "location": location})
	}
	fields["locations"] = list
	_, err = doc.Set(f.t.Context(), fields)
	f.must(err)
	f.restart()
}

// TestASecondFetchOfAChangedOrderIsDone: what was taken in first stands, and nobody is alarmed.
func TestASecondFetchOfAChangedOrderIsDone(t *testing.T) {
	t.Parallel()
	f := newFetching(t, vendorCases()[0])
	f.tell()
	f.must(f.run(t.Context()))
	first := f.vendor.order
	f.vendor.order = bytes.ReplaceAll(first, []byte(`"quantity": 2`), []byte(`"quantity": 3`))
	if bytes.Equal(first, f.vendor.order) {
		t.Fatal("the order is not changed")
	}
	f.renameEvent("another")
	f.tell()
	f.must(f.run(t.Context()))
	if _, asked := f.vendor.counts(); asked != 2 || f.count("fetches") != 2 || f.count("originals") != 1 {
		t.Errorf("asked %d times, %d fetches, %d originals", asked, f.count("fetches"), f.count("originals"))
	}
	f.expect("twice", 1, 0, 0)
	if len(f.platform().messages(channel.KeptFailed).body.Items) != 0 || f.log.times(`"level":"ERROR"`)+f.log.times(`"level":"WARN"`) != 0 {
		t.Error("somebody is alarmed")
	}
}
