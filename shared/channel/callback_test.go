package channel_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/order"
)

func TestJETNamesWhereItWantsToHear(t *testing.T) {
	t.Parallel()
	a, _ := channel.Named("jet")
	body, err := os.ReadFile(filepath.Join("testdata", "jet", "order-ready-for-preparation-async.json"))
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"":                              "",
		"?callback=":                    "",
		"?callback=https://back.test/a": "https://back.test/a",
		"?callback=https%3A%2F%2Fback.test%2Fa%3Fkey%3Db%26c%3Dd": "https://back.test/a?key=b&c=d",
		"?callback=nowhere":                                        "",
		"?callback=%3A%2F%2F":                                      "",
		"?callback=https://user:pass@back.test/a":                  "",
		"?callback=https://back.test/" + strings.Repeat("a", 2048): "",
	} {
		m, err := a.Read(channel.Request{
			Path: "order-ready-for-preparation-async", URL: "https://hub.test/v1/channels/jet/lnk_1/order-ready-for-preparation-async" + query,
			Header: http.Header{}.Values, Body: body,
		}, anywhere("GBP"))
		placed, ok := m.(channel.NewOrder)
		if err != nil || !ok || placed.Callback != want {
			t.Fatalf("%.80s: %T %q, %v", query, m, placed.Callback, err)
		}
		warned := strings.Contains(strings.Join(codes(placed.Warnings), " "), "callback_unusable")
		if bad := want == "" && len(query) > len("?callback="); warned != bad {
			t.Errorf("%.80s: warned %t", query, warned)
		}
	}
}

func TestJETIsCalledBackOnceAndGetsToKnowNoSecret(t *testing.T) {
	t.Parallel()
	a, _ := channel.Named("jet")
	link := account(nil, map[string]string{channel.WebhookSecret: "hush", "token": "hush", "clientId": "us", "clientSecret": "hush"})
	for _, c := range []struct {
		name string
		r    channel.Report
		want string // the body; "" when there is no call
	}{
		{"accepted", channel.Report{Status: order.Accepted, First: true}, `{"status":"Success","message":"the restaurant has the order","data":{}}`},
		{"being prepared at once", channel.Report{Status: order.Preparing, First: true}, `{"status":"Success","message":"the restaurant has the order","data":{}}`},
		{"rejected", channel.Report{Status: order.Rejected, First: true, Reason: "closed"}, `{"status":"Failure","message":"closed","data":{}}`},
		{"failed without a word", channel.Report{Status: order.Failed, First: true}, `{"status":"Failure","message":"the restaurant did not take the order","data":{}}`},
		{"expired", channel.Report{Status: order.Expired, First: true, Reason: "nobody"}, `{"status":"Failure","message":"nobody","data":{}}`},
		{"received", channel.Report{Status: order.Received, First: true}, ""},
		{"later", channel.Report{Status: order.Ready}, ""},
		{"another time", channel.Report{Status: order.Received, First: true, Retimed: true, ReadyAt: "2026-03-01T18:04:05Z"}, ""},
	} {
		c.r.Callback = "https://back.test/a?key=b"
		call, ok := a.ReportCall(link, "token", c.r)
		if ok != (c.want != "") || ok && (string(call.Body) != c.want || call.URL != c.r.Callback || call.Method != http.MethodPost) {
			t.Errorf("%s: %t %s %s %s", c.name, ok, call.Method, call.URL, call.Body)
		}
		for name, value := range call.Header {
			if strings.Contains(value, "hush") || name == "Authorization" {
				t.Errorf("%s: the header %s goes to an address that nobody proved", c.name, name)
			}
		}
	}
	if _, ok := a.ReportCall(link, "", channel.Report{Status: order.Accepted, First: true}); ok {
		t.Error("an order that names no callback is reported")
	}
}

func TestALinkMayBoundWhereItsPlatformIsCalledBack(t *testing.T) {
	t.Parallel()
	a, _ := channel.Named("jet")
	options := channel.Options{channel.OptionCallbackHost: "back.test"}
	if err := channel.CheckLink("jet", options, map[string]string{channel.WebhookSecret: "sixteen characters"}); err != nil {
		t.Error(err)
	}
	bounded, free := account(options, nil), account(nil, nil)
	for address, want := range map[string][2]bool{
		"https://back.test/a": {true, true}, "https://back.test:8443/a": {true, true}, "https://back.test.evil.example/a": {false, true},
		"https://other.example/a": {false, true}, "https://a:b@back.test/": {false, false},
	} {
		if got := [2]bool{a.Allows(bounded, address), a.Allows(free, address)}; got != want {
			t.Errorf("%s: %t, want %t", address, got, want)
		}
	}
}
