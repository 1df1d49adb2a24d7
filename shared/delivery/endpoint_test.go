package delivery_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/webhook"
)

func settings() delivery.Settings {
	return delivery.Settings{URL: "https://pos.example.com/hook", Events: []delivery.Type{delivery.OrderStatusChanged},
		Locations: []string{}, Payload: delivery.Thin, Format: delivery.Ryggrad}
}

func endpoint() delivery.Endpoint {
	return delivery.Endpoint{ID: "ep_1", Tenant: "ten_1", Settings: settings(), CreatedAt: noon(), Secrets: []delivery.Secret{
		{ID: "sec_1", Sealed: []byte{1}, CreatedAt: noon()},
	}}
}

func TestEveryFaultOfSettingsIsTold(t *testing.T) {
	t.Parallel()
	if found := settings().Check(webhook.Policy{}); len(found) > 0 {
		t.Errorf("good settings: %v", found)
	}
	bad := delivery.Settings{URL: "http://127.0.0.1/", Payload: "half", Format: "xml", Locations: make([]string, 501),
		Events: []delivery.Type{delivery.OrderReceived, "order.eaten", delivery.OrderReceived}}
	var at []string
	for _, f := range bad.Check(webhook.Policy{}) {
		at = append(at, f.Location)
	}
	want := []string{"body.url", "body.events[1]", "body.events[2]", "body.locations", "body.payload", "body.format"}
	if diff := cmp.Diff(want, at); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	none := settings()
	none.Events = nil
	if found := none.Check(webhook.Policy{}); len(found) != 1 || found[0].Location != "body.events" {
		t.Errorf("no events: %v", found)
	}
}

func TestAnEndpointGetsWhatItAskedFor(t *testing.T) {
	t.Parallel()
	with := func(change func(*delivery.Endpoint)) delivery.Endpoint {
		e := endpoint()
		change(&e)
		return e
	}
	global := event(1)
	global.Location = ""
	for name, c := range map[string]struct {
		endpoint delivery.Endpoint
		event    delivery.Event
		want     bool
	}{
		"its type":               {endpoint(), event(1), true},
		"another type":           {with(func(e *delivery.Endpoint) { e.Events = []delivery.Type{delivery.OrderReceived} }), event(1), false},
		"another tenant":         {with(func(e *delivery.Endpoint) { e.Tenant = "ten_2" }), event(1), false},
		"switched off":           {with(func(e *delivery.Endpoint) { e.Disabled = true }), event(1), false},
		"its location":           {with(func(e *delivery.Endpoint) { e.Locations = []string{"loc_2", "loc_1"} }), event(1), true},
		"another location":       {with(func(e *delivery.Endpoint) { e.Locations = []string{"loc_2"} }), event(1), false},
		"of the tenant as whole": {with(func(e *delivery.Endpoint) { e.Locations = []string{"loc_2"} }), global, true},
	} {
		if got := c.endpoint.Wants(c.event); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestRotationOverlaps(t *testing.T) {
	t.Parallel()
	e := endpoint().Rotate(delivery.Secret{ID: "sec_2", CreatedAt: noon()}, noon())
	for after, want := range map[time.Duration][]string{
		0: {"sec_2", "sec_1"}, delivery.Overlap - 1: {"sec_2", "sec_1"}, delivery.Overlap: {"sec_2"}, 1000 * time.Hour: {"sec_2"},
	} {
		if diff := cmp.Diff(want, ids(e.Live(noon().Add(after)))); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", after, diff)
		}
	}
	e = e.Rotate(delivery.Secret{ID: "sec_3"}, noon().Add(time.Hour)).Rotate(delivery.Secret{ID: "sec_4"}, noon().Add(2*time.Hour))
	if diff := cmp.Diff([]string{"sec_4", "sec_3", "sec_2"}, ids(e.Secrets)); diff != "" {
		t.Errorf("three rotations in a row (-want +got):\n%s", diff)
	}
	if first := e.Secrets[2].ExpiresAt; !first.Equal(noon().Add(time.Hour + delivery.Overlap)) {
		t.Errorf("a later rotation moved the end of an older secret to %s", first)
	}
	if e = e.Rotate(delivery.Secret{ID: "sec_5"}, noon().Add(1000*time.Hour)); len(e.Secrets) != 2 {
		t.Errorf("expired secrets stay: %v", ids(e.Secrets))
	}
}

func ids(secrets []delivery.Secret) []string {
	list := make([]string, len(secrets))
	for i, s := range secrets {
		list[i] = s.ID
	}
	return list
}

func TestWhyAnEndpointIsOff(t *testing.T) {
	t.Parallel()
	on, off := settings(), settings()
	off.Disabled = true
	gone := endpoint().Disable(delivery.Gone)
	if !gone.Disabled || gone.Change(off).Reason != delivery.Gone {
		t.Error("a change that leaves it off forgets why it is")
	}
	if gone.Change(on).Reason != "" || gone.Change(on).Disabled {
		t.Error("switching it on keeps the reason")
	}
	if endpoint().Change(off).Reason != delivery.ByOwner {
		t.Error("its owner is not the reason")
	}
}

func TestTheHostOfAnEndpointTellsNothingMore(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://pos.example.com/secret?token=1": "pos.example.com",
		"https://pos.example.com?token=1":        "pos.example.com",
		"https://pos.example.com:8443/":          "pos.example.com:8443",
		"":                                       "",
	} {
		e := endpoint()
		e.URL = url
		if got := e.Host(); got != want {
			t.Errorf("%q: %q", url, got)
		}
	}
}

func TestEndpointsReadBackAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	for name, e := range map[string]delivery.Endpoint{
		"plain": endpoint(), "off": endpoint().Disable(delivery.Gone),
		"rotated": endpoint().Rotate(delivery.Secret{ID: "sec_2", Sealed: []byte{2}, CreatedAt: noon()}, noon()),
	} {
		got, err := delivery.ParseEndpoint(e.ID, e.Tenant, e.Document())
		if diff := cmp.Diff(e, got); diff != "" || err != nil {
			t.Errorf("%s, %v (-wrote +read):\n%s", name, err, diff)
		}
	}
	if _, err := delivery.ParseEndpoint("ep_1", "ten_1", map[string]any{"events": []any{int64(1)}}); err == nil {
		t.Error("a type that is a number is read")
	}
}
