package channel_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

func detailsOf(tb testing.TB, err error) []string {
	tb.Helper()
	var f *fault.Error
	if !errors.As(err, &f) {
		return nil
	}
	var at []string
	for _, d := range f.Details {
		at = append(at, d.Location)
	}
	return at
}

func TestEveryAdapterIsComplete(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, a := range channel.Adapters() {
		if a.Name == "" || a.Name != strings.ToLower(a.Name) || seen[a.Name] {
			t.Errorf("adapter %q has no name of its own", a.Name)
		}
		seen[a.Name] = true
		if a.Carries != channel.CarriesOrder && a.Carries != channel.CarriesReference || len(a.Paths) == 0 {
			t.Errorf("%s lacks what it carries or its paths", a.Name)
		}
		if a.RetryLater < 400 {
			t.Errorf("%s takes %d for an acknowledgement", a.Name, a.RetryLater)
		}
		for _, s := range []order.Status{order.Received, order.Accepted, order.Cancelled} {
			if code, ok := a.CodeOf(s); !ok || code == "" {
				t.Errorf("%s has no code for %s", a.Name, s)
			}
		}
		for _, o := range []channel.Outcome{channel.Taken, channel.Repeated, channel.Noted} {
			r := a.Answer(o, "ord_1")
			refused := a.Name == "jet" && o == channel.Repeated && r.Status == 409 // as its documents want it
			if !refused && (r.Status < 200 || r.Status > 299) {
				t.Errorf("%s answers %d to %s", a.Name, r.Status, o)
			}
		}
		if _, err := a.Read(channel.Request{Path: a.Paths[0], Body: []byte(`{}`)}, channel.Link{}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s reads an empty payload with %v", a.Name, err)
		}
	}
	if _, ok := channel.Named("nobody"); ok {
		t.Error("there is an adapter of no platform")
	}
}

func header(values map[string][]string) func(string) []string {
	return func(name string) []string { return values[name] }
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	const name = "X-Server-Authorization-HMAC-SHA256"
	body := []byte("what do ya want for nothing?")
	// RFC 4231, test case 2.
	const vector = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
	a := deliverect(t)
	s := a.Signature
	if got := s.Sign(body, []byte("Jefe")); got != vector {
		t.Fatalf("signature %s, want %s", got, vector)
	}
	one, two := [][]byte{[]byte("Jefe")}, [][]byte{[]byte("new"), []byte("Jefe")}
	for title, c := range map[string]struct {
		headers map[string][]string
		body    string
		secrets [][]byte
		want    string // in the fault's detail; "" when the signature holds
	}{
		"right":                     {map[string][]string{name: {vector}}, string(body), one, ""},
		"right in capitals":         {map[string][]string{name: {strings.ToUpper(vector)}}, string(body), one, ""},
		"under the older secret":    {map[string][]string{name: {vector}}, string(body), two, ""},
		"under the newer secret":    {map[string][]string{name: {s.Sign(body, []byte("new"))}}, string(body), two, ""},
		"missing":                   {nil, string(body), one, "is missing"},
		"twice":                     {map[string][]string{name: {vector, vector}}, string(body), one, "more than once"},
		"empty":                     {map[string][]string{name: {""}}, string(body), one, "64 hexadecimal digits"},
		"cut":                       {map[string][]string{name: {vector[:62]}}, string(body), one, "64 hexadecimal digits"},
		"base64":                    {map[string][]string{name: {"W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="}}, string(body), one, "64 hexadecimal digits"},
		"of another body":           {map[string][]string{name: {vector}}, string(body) + " ", one, "does not match"},
		"under another secret":      {map[string][]string{name: {s.Sign(body, []byte("jefe"))}}, string(body), two, "does not match"},
		"when there is no secret":   {map[string][]string{name: {s.Sign(body, nil)}}, string(body), nil, "does not match"},
		"under an empty secret":     {map[string][]string{name: {s.Sign(body, nil)}}, string(body), [][]byte{nil, {}}, "does not match"},
		"of an empty body, rightly": {map[string][]string{name: {s.Sign(nil, one[0])}}, "", one, ""},
	} {
		err := a.Verify(channel.Request{Header: header(c.headers), Body: []byte(c.body)}, channel.Proof{Secrets: c.secrets})
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", title, err)
			}
			continue
		}
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Unauthenticated || len(f.Details) == 0 ||
			f.Details[0].Location != "header."+name || !strings.Contains(f.Details[0].Message, c.want) {
			t.Errorf("%s: fault %+v, want one saying %q", title, f, c.want)
		}
	}
}

func TestRepliesToDeliverect(t *testing.T) {
	t.Parallel()
	a := deliverect(t)
	const id = `{"orderId":"ord_1"}`
	const again = `{"message":"the hub cannot take this now; please send it again"}`
	invalid := fault.New(fault.Invalid, "no order").With(fault.Detail{Location: "body.items", Message: "is empty"}).Because(io.EOF)
	type reply struct {
		Status int
		Body   string
		Wait   time.Duration
	}
	for name, c := range map[string]struct {
		got  channel.Reply
		want reply
	}{
		"taken":                   {a.Answer(channel.Taken, "ord_1"), reply{201, id, 0}},
		"repeated":                {a.Answer(channel.Repeated, "ord_1"), reply{200, id, 0}},
		"noted":                   {a.Answer(channel.Noted, ""), reply{200, `{}`, 0}},
		"invalid":                 {a.Refuse(invalid), reply{422, `{"message":"no order","errors":[{"location":"body.items","message":"is empty"}]}`, 0}},
		"malformed":               {a.Refuse(fault.New(fault.Malformed, "no JSON")), reply{400, `{"message":"no JSON"}`, 0}},
		"unauthenticated":         {a.Refuse(fault.New(fault.Unauthenticated, "no")), reply{401, `{"message":"no"}`, 0}},
		"another link":            {a.Refuse(fault.New(fault.NotFound, "no")), reply{404, `{"message":"no"}`, 0}},
		"conflict":                {a.Refuse(fault.New(fault.Conflict, "no")), reply{409, `{"message":"no"}`, 0}},
		"too large":               {a.Refuse(fault.New(fault.TooLarge, "no")), reply{413, `{"message":"no"}`, 0}},
		"throttled":               {a.Refuse(fault.New(fault.Limited, "slow down").After(time.Second)), reply{503, again, time.Second}},
		"a dependency is down":    {a.Refuse(fault.New(fault.Unavailable, "down")), reply{503, again, 0}},
		"our own mistake":         {a.Refuse(errors.New("nil map of Anna")), reply{503, again, 0}},
		"a mistake that is named": {a.Refuse(fault.New(fault.Internal, "oops")), reply{503, again, 0}},
	} {
		if diff := cmp.Diff(c.want, reply{c.got.Status, string(c.got.Body), c.got.RetryAfter}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestStatusesOfDeliverect(t *testing.T) {
	t.Parallel()
	a := deliverect(t)
	for theirs, want := range map[string]order.Status{
		"1": order.Received, "10": order.Received, "20": order.Accepted, "35": order.Rejected, "40": order.Accepted, "50": order.Preparing,
		"60": order.Ready, "70": order.Ready, "80": order.InDelivery, "90": order.Completed, "95": order.Completed,
		"110": order.Cancelled, "120": order.Failed, "121": order.Failed, "124": order.Failed, "30": "", "100": "", "": "",
	} {
		if got, ok := a.StatusOf(theirs); got != want || ok != (want != "") {
			t.Errorf("%s means %q (%t), want %q", theirs, got, ok, want)
		}
	}
	for ours, want := range map[order.Status]string{
		order.Accepted: "20", order.Ready: "70", order.Completed: "90", order.Cancelled: "110", order.Failed: "120", order.Expired: "120",
	} {
		if got, _ := a.CodeOf(ours); got != want {
			t.Errorf("%s is sent as %s, want %s", ours, got, want)
		}
	}
}

func TestTheLocationThatThePlatformMeans(t *testing.T) {
	t.Parallel()
	two := channel.Link{Places: []channel.Place{{Location: "loc_a", Theirs: "A"}, {Location: "loc_b", Theirs: "B"}, {Location: "loc_c"}}}
	for theirs, want := range map[string]string{"A": "loc_a", "B": "loc_b", "C": "", "": ""} {
		got, err := two.Place(theirs)
		if got.Location != want || (want == "") != fault.Is(err, fault.Invalid) {
			t.Errorf("%q is %q, %v; want %q", theirs, got.Location, err, want)
		}
	}
	if got, err := stockholm().Place("whatever"); err != nil || got.Location != "loc_sthlm" {
		t.Errorf("the only location is %q, %v", got.Location, err)
	}
}

func TestDeepPayloadsAreRefusedQuickly(t *testing.T) {
	t.Parallel()
	const levels = 3000
	body := `{"channelOrderId":"A","orderType":1,"decimalDigits":2,"payment":{"amount":1},"items":[` +
		strings.Repeat(`{"plu":"x","quantity":1,"subItems":[`, levels) + strings.Repeat(`]}`, levels) + `]}`
	_, err := deliverect(t).Read(channel.Request{Body: []byte(body)}, stockholm())
	want := []string{"body.items[0]" + strings.Repeat(".subItems[0]", 8) + ".subItems"}
	if diff := cmp.Diff(want, detailsOf(t, err)); diff != "" || !fault.Is(err, fault.Invalid) {
		t.Errorf("err %v, faults (-want +got):\n%s", err, diff)
	}
}

// FuzzDeliverect feeds bytes to the adapter. It may refuse, with a fault; what it takes must keep every rule of an order
// and be stable.
func FuzzDeliverect(f *testing.F) {
	for _, name := range []string{"create", "delivery", "cancel", "dinar", "pickup_cash"} {
		f.Add(fixture(f, name))
	}
	for _, seed := range []string{
		`{}`, `[]`, `null`, `{"status":100}`, `{"status":"BUSY"}`, `{"items":[{"subItems":[{}]}]}`, `{"taxes":[],"decimalDigits":-1}`,
		`{"channelOrderId":"1","orderType":1,"decimalDigits":0,"payment":{"amount":-9223372036854775808},"discountTotal":-9223372036854775808,"items":[{"plu":"x","quantity":1}]}`,
	} {
		f.Add([]byte(seed))
	}
	link := channel.Link{Places: []channel.Place{{Location: "loc", Currency: "JPY"}}}
	f.Fuzz(func(t *testing.T, body []byte) {
		message, err := deliverect(t).Read(channel.Request{Body: body}, link)
		if kind := fault.KindOf(err); err != nil && kind != fault.Malformed && kind != fault.Invalid {
			t.Fatalf("refused with %s: %v", kind, err)
		}
		m, ok := message.(channel.NewOrder)
		if !ok {
			return
		}
		if faults := m.Order.Check(); len(faults) > 0 || len(m.Order.CardNumbers()) > 0 {
			t.Fatalf("taken with faults %v", faults)
		}
		if !jsontext.Value(m.Original).IsValid() {
			t.Fatalf("the original is no JSON: %q", m.Original)
		}
		again, err := deliverect(t).Read(channel.Request{Body: m.Original}, link)
		repeated, ok := again.(channel.NewOrder)
		if err != nil || !ok || len(order.Diff(m.Order, repeated.Order)) > 0 {
			t.Fatalf("the original reads as another order: %v, %v", err, order.Diff(m.Order, repeated.Order))
		}
	})
}
