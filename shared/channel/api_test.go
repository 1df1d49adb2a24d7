package channel_test

import (
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

func account(options channel.Options, secrets map[string]string) channel.Account {
	return channel.Account{Options: options, Credential: func(name string) string { return secrets[name] }}
}

func TestOnlyAPlatformsOwnHostsAreCalled(t *testing.T) {
	t.Parallel()
	uber, _ := channel.Named("ubereats")
	open, _ := channel.Named("opendelivery")
	documented, own := account(nil, nil), account(channel.Options{"api": "https://api.platform.example/base"}, nil)
	for address, want := range map[string]bool{
		"https://api.uber.com/v2/x": true, "https://auth.uber.com/oauth/v2/token": true, "http://api.uber.com/": false,
		"https://api.uber.com.evil.example/": false, "https://evil.example/api.uber.com": false, "https://a@api.uber.com/": false,
		"https://api.uber.com:8443/": false, "": false, "://": false,
	} {
		if got := uber.Allows(documented, address); got != want {
			t.Errorf("%q: %t", address, got)
		}
	}
	if !open.Allows(own, "https://api.platform.example/other") || open.Allows(own, "http://api.platform.example/other") || open.Allows(documented, "https://x.example/") {
		t.Error("a link's own host")
	}
	from := channel.Reference{Ref: channel.Ref{ChannelOrderID: "1"}, Resource: "https://evil.example/orders/1"}
	if _, err := open.OrderCall(own, "token", from); !fault.Is(err, fault.Forbidden) {
		t.Errorf("an order at another host: %v", err)
	}
	call, err := uber.OrderCall(documented, "token", channel.Reference{Ref: channel.Ref{ChannelOrderID: "a/../b?c"}})
	if err != nil || call.URL != "https://api.uber.com/v2/eats/order/a%2F..%2Fb%3Fc" || call.Header["Authorization"] != "Bearer token" {
		t.Errorf("%+v, %v", call, err)
	}
}

func TestNothingIsReportedWithoutCredentials(t *testing.T) {
	t.Parallel()
	with := account(channel.Options{"api": "https://p.example"}, map[string]string{"clientId": "a", "clientSecret": "b", "token": "c", "webhook": "d"})
	without := account(channel.Options{"api": "https://p.example"}, nil)
	reporting := 0
	for _, a := range channel.Adapters() {
		if a.Reports(with, channel.Report{Status: order.Received, First: true, Callback: "https://back.example/1"}) {
			t.Errorf("%s is told that it sent an order", a.Name)
		}
		if a.Reports(with, channel.Report{Status: order.Accepted}) {
			reporting++
		}
		if a.Name != "deliverect" && a.Reports(without, channel.Report{Status: order.Accepted}) {
			t.Errorf("%s is called without credentials", a.Name)
		}
	}
	if reporting < 6 {
		t.Errorf("only %d platforms hear of statuses", reporting)
	}
}

func TestTokensAreReadInBothSpellings(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]channel.Token{
		`{"access_token":"a","expires_in":60,"token_type":"Bearer"}`: {Value: "a", For: time.Minute},
		`{"accessToken":"b","expiresIn":21600}`:                      {Value: "b", For: 6 * time.Hour},
		`{"access_token":"c"}`:                                       {Value: "c", For: 10 * time.Minute},
	} {
		if got, err := channel.ParseToken([]byte(body)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
	for _, body := range []string{"", "{}", "<html>secret", `{"access_token":""}`, `{"access_token":1}`} {
		if _, err := channel.ParseToken([]byte(body)); !fault.Is(err, fault.Unavailable) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestAFetchIsTriedUntilItsDeadline(t *testing.T) {
	t.Parallel()
	uber, _ := channel.Named("ubereats")
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	from := channel.Reference{Ref: channel.Ref{ChannelOrderID: "1"}, Mark: channel.Mark{EventID: "e"}}
	f := uber.Fetch("ten_1", "lnk_1", from, now)
	if f.ID != channel.FetchID("ten_1", "lnk_1", from) || f.ID == channel.FetchID("ten_1", "lnk_2", from) || f.ID == channel.FetchID("ten_2", "lnk_1", from) {
		t.Error("the id is not that of the event, link and tenant")
	}
	tries := 0
	for at := now; !f.Late(at); at = f.NextAt {
		taken, ok := f.Take(at)
		if !ok {
			t.Fatalf("not due at %s", at)
		}
		if _, twice := taken.Take(at); twice {
			t.Fatal("claimed twice")
		}
		f, tries = taken.Postpone(at, 0), tries+1
	}
	if !f.NextAt.Equal(now.Add(uber.AcceptWithin)) || tries < 10 {
		t.Errorf("%d tries, the last look at %s", tries, f.NextAt)
	}
	if g := uber.Fetch("ten_1", "lnk_1", from, now).Postpone(now, 5*time.Minute); !g.NextAt.Equal(now.Add(5 * time.Minute)) {
		t.Errorf("asked for five minutes, next at %s", g.NextAt)
	}
	back, err := channel.ParseFetch(f.ID, "ten_1", f.Document(), f.Progress())
	if err != nil || back.From.EventID != "e" || !back.Deadline.Equal(f.Deadline) || back.Tries != f.Tries {
		t.Errorf("%+v, %v", back, err)
	}
}
