package delivery

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/webhook"
)

// site is the HTTP function with two locations and callers known by their bearer word.
type site struct {
	*world
	api     *httpapi.API
	here    string // a location
	there   string // another
	callers map[string]identity.Caller
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{world: newWorld(t)}
	s.here, s.there = s.location(tenant), s.location(tenant)
	all := identity.NewScopes(identity.EndpointsRead, identity.EndpointsWrite, identity.DeliveriesRead, identity.DeliveriesRetry)
	as := func(tenant string, locations identity.Locations, more ...identity.Permission) identity.Caller {
		return identity.Caller{
			Tenant: tenant, Actor: identity.Actor{Kind: identity.KindUser, ID: "usr_1"},
			Scopes: identity.NewScopes(append(more, all...)...), Locations: locations,
		}
	}
	every := identity.Locations{identity.EveryLocation}
	s.callers = map[string]identity.Caller{
		"owner": as(tenant, every, identity.OrdersReadPII), "blind": as(tenant, every),
		"local": as(tenant, identity.Locations{s.here}, identity.OrdersReadPII), "stranger": as(stranger, every, identity.OrdersReadPII),
		"poller": as(tenant, every, identity.EventsRead),
		"nobody": {Tenant: tenant, Actor: identity.Actor{Kind: identity.KindUser, ID: "usr_2"}, Locations: every},
	}
	s.api = newHandler(deps{
		courier: s.courier, policy: webhook.Policy{AllowLoopback: true}, entropy: rand.Reader,
		directory: identitydb.NewDirectory(identitydb.DirectoryOptions{Ledger: s.ledger, Keys: s.keys, Now: s.clock.Now}),
		api:       httpapi.Options{Authenticate: s.authenticate, Log: slog.New(slog.DiscardHandler), Now: s.clock.Now},
	})
	return s
}

func (s *site) location(of string) string {
	s.t.Helper()
	by := act("")
	by.Tenant = of
	l, err := s.people.CreateLocation(s.t.Context(), by, identity.Location{Name: "Here", Timezone: "Europe/Stockholm", Currency: "SEK", Country: "SE"})
	if err != nil {
		s.t.Fatal(err)
	}
	return l.ID
}

func (s *site) authenticate(_ context.Context, r *http.Request) (identity.Caller, error) {
	c, ok := s.callers[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	if !ok {
		return c, fault.New(fault.Unauthenticated, "who are you?")
	}
	return c, nil
}

// call sends a request and reads the answer into out, if there is one.
func (s *site) call(as, method, path, body string, out any) int {
	s.t.Helper()
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+as)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	s.api.ServeHTTP(w, r)
	if out != nil {
		if err := json.Unmarshal(w.Body.Bytes(), out); err != nil {
			s.t.Fatalf("%s %s: %d %s: %v", method, path, w.Code, w.Body, err)
		}
	}
	return w.Code
}

const minimal = `{"url":"https://pos.example.com/hook","events":["order.received"]}`

func (s *site) create(as, body string) createdBody {
	s.t.Helper()
	var made createdBody
	if status := s.call(as, "POST", "/v1/endpoints", body, &made); status != http.StatusCreated {
		s.t.Fatalf("create: %d", status)
	}
	return made
}

func TestAnEndpointsLife(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	made := s.create("owner", minimal)
	if made.Payload != delivery.Thin || made.Format != delivery.Ryggrad || made.Disabled || len(made.Secrets) != 1 {
		t.Errorf("made %+v", made)
	}
	if _, err := webhook.ParseSecret(made.Secret); err != nil {
		t.Errorf("secret: %v", err)
	}
	path := "/v1/endpoints/" + made.ID
	var raw map[string]any
	if status := s.call("owner", "GET", path, "", &raw); status != http.StatusOK || strings.Contains(text(raw), "whsec_") {
		t.Errorf("shown again: %d %v", status, raw)
	}
	if _, shown := raw["secret"]; shown {
		t.Error("the secret is shown a second time")
	}
	var changed endpointBody
	body := `{"url":"https://pos.example.com/new","events":["order.cancelled"],"locations":["` + s.here + `"],"payload":"full","disabled":true}`
	if status := s.call("owner", "PUT", path, body, &changed); status != http.StatusOK {
		t.Errorf("change: %d", status)
	}
	want := endpointBody{
		ID: made.ID, URL: "https://pos.example.com/new", Events: []delivery.Type{delivery.OrderCancelled}, Locations: []string{s.here},
		Payload: delivery.Full, Format: delivery.Ryggrad, Disabled: true, Reason: delivery.ByOwner, CreatedAt: made.CreatedAt, Secrets: made.Secrets,
	}
	if diff := cmp.Diff(want, changed); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	var rotated createdBody
	if status := s.call("owner", "POST", path+"/secret", "", &rotated); status != http.StatusCreated ||
		rotated.Secret == made.Secret || len(rotated.Secrets) != 2 || !rotated.Secrets[1].ExpiresAt.Equal(s.clock.Now().Add(24*time.Hour)) {
		t.Errorf("rotate: %d %+v", status, rotated.Secrets)
	}
	if status := s.call("owner", "DELETE", path, "", nil); status != http.StatusNoContent {
		t.Errorf("remove: %d", status)
	}
	if status := s.call("owner", "GET", path, "", nil); status != http.StatusNotFound {
		t.Errorf("after that: %d", status)
	}
	actions := map[string]int{}
	for _, entry := range s.stored("audit") {
		action, _ := entry["action"].(string)
		actions[action]++
	}
	delete(actions, "location.create")
	wantActions := map[string]int{"endpoint.create": 1, "endpoint.change": 1, "endpoint.rotate_secret": 1, "endpoint.remove": 1}
	if diff := cmp.Diff(wantActions, actions); diff != "" {
		t.Errorf("audit (-want +got):\n%s", diff)
	}
}

func TestBadSettingsAreRefusedAndNothingIsStored(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	foreign := s.location(stranger)
	for name, c := range map[string]struct {
		body   string
		status int
		at     string
	}{
		"plain http":           {`{"url":"http://pos.example.com/","events":["order.received"]}`, 422, "body.url"},
		"a private address":    {`{"url":"https://10.0.0.1/","events":["order.received"]}`, 422, "body.url"},
		"the metadata service": {`{"url":"https://metadata.google.internal/","events":["order.received"]}`, 422, "body.url"},
		"no events":            {`{"url":"https://pos.example.com/","events":[]}`, 422, "body.events"},
		"an unknown event":     {`{"url":"https://pos.example.com/","events":["order.eaten"]}`, 422, "body.events[0]"},
		"an event twice":       {`{"url":"https://pos.example.com/","events":["order.failed","order.failed"]}`, 422, "body.events[1]"},
		"no URL":               {`{"events":["order.received"]}`, 422, "body"},
		"an unknown location":  {strings.Replace(minimal, "}", `,"locations":["loc_x"]}`, 1), 422, "body.locations[0]"},
		"a foreign location":   {strings.Replace(minimal, "}", `,"locations":["`+foreign+`"]}`, 1), 422, "body.locations[0]"},
		"an unknown payload":   {strings.Replace(minimal, "}", `,"payload":"fat"}`, 1), 422, "body.payload"},
		"an unknown format":    {strings.Replace(minimal, "}", `,"format":"toast"}`, 1), 422, "body.format"},
		"an unknown field":     {strings.Replace(minimal, "}", `,"secret":"mine"}`, 1), 422, "body.secret"},
		"a field twice":        {strings.Replace(minimal, "}", `,"url":"https://b.example.com/"}`, 1), 400, "body.url"},
		"no JSON":              {`{"url"`, 400, "body"},
	} {
		var p httpapi.Problem
		status := s.call("owner", "POST", "/v1/endpoints", c.body, &p)
		located := len(p.Errors) > 0 && strings.HasPrefix(p.Errors[0].Location, c.at)
		if status != c.status || !located {
			t.Errorf("%s: %d %+v", name, status, p)
		}
	}
	if stored := s.stored("endpoints"); len(stored) != 0 {
		t.Errorf("stored: %v", stored)
	}
}

func TestWhoMayDoWhatToEndpoints(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	wide := s.create("owner", minimal)
	narrow := s.create("local", strings.Replace(minimal, "}", `,"locations":["`+s.here+`"],"payload":"full"}`, 1))
	elsewhere := s.create("owner", strings.Replace(minimal, "}", `,"locations":["`+s.here+`","`+s.there+`"]}`, 1))
	at := func(id string) string { return "/v1/endpoints/" + id }
	full := strings.Replace(minimal, "}", `,"payload":"full"}`, 1)
	forThere := strings.Replace(minimal, "}", `,"locations":["`+s.there+`"]}`, 1)
	for name, c := range map[string]struct {
		as, method, path, body string
		want                   int
	}{
		"no credential":                             {"", "GET", "/v1/endpoints", "", 401},
		"no permission to list":                     {"nobody", "GET", "/v1/endpoints", "", 403},
		"no permission to create":                   {"nobody", "POST", "/v1/endpoints", minimal, 403},
		"no permission to list deliveries":          {"nobody", "GET", "/v1/deliveries", "", 403},
		"no permission to retry":                    {"nobody", "POST", "/v1/deliveries/x/retry", "", 403},
		"full payloads without the guest":           {"blind", "POST", "/v1/endpoints", full, 403},
		"making it full without the guest":          {"blind", "PUT", at(wide.ID), full, 403},
		"all locations with a credential for one":   {"local", "POST", "/v1/endpoints", minimal, 422},
		"another location":                          {"local", "POST", "/v1/endpoints", forThere, 422},
		"widening one's own":                        {"local", "PUT", at(narrow.ID), minimal, 422},
		"one's own":                                 {"local", "GET", at(narrow.ID), "", 200},
		"the tenant's":                              {"local", "GET", at(wide.ID), "", 404},
		"one that reaches farther":                  {"local", "GET", at(elsewhere.ID), "", 404},
		"rotating what one cannot see":              {"local", "POST", at(wide.ID) + "/secret", "", 404},
		"testing what one cannot see":               {"local", "POST", at(wide.ID) + "/test", "", 404},
		"removing what one cannot see":              {"local", "DELETE", at(wide.ID), "", 404},
		"another tenant reads":                      {"stranger", "GET", at(wide.ID), "", 404},
		"another tenant changes":                    {"stranger", "PUT", at(wide.ID), minimal, 404},
		"another tenant rotates":                    {"stranger", "POST", at(wide.ID) + "/secret", "", 404},
		"another tenant tests":                      {"stranger", "POST", at(wide.ID) + "/test", "", 404},
		"another tenant removes":                    {"stranger", "DELETE", at(wide.ID), "", 404},
		"an id that is none":                        {"owner", "GET", at("ep_x"), "", 404},
		"a cursor of one's own":                     {"owner", "GET", "/v1/endpoints?cursor=x", "", 422},
		"a delivery's cursor of one's own":          {"owner", "GET", "/v1/deliveries?cursor=x", "", 422},
		"deliveries of what is no order":            {"owner", "GET", "/v1/deliveries?order=x", "", 422},
		"a method that is none":                     {"owner", "PATCH", at(wide.ID), minimal, 405},
		"retrying a delivery that is not there":     {"owner", "POST", "/v1/deliveries/evt_1_ep_1/retry", "", 404},
		"another tenant's location in one's filter": {"stranger", "GET", "/v1/deliveries?endpoint=" + wide.ID, "", 200},
	} {
		if got := s.call(c.as, c.method, c.path, c.body, nil); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	for as, want := range map[string][]string{"owner": {wide.ID, narrow.ID, elsewhere.ID}, "local": {narrow.ID}, "stranger": {}} {
		if got := s.list(as, "/v1/endpoints?limit=2"); !sameSet(got, want) {
			t.Errorf("%s sees %v, want %v", as, got, want)
		}
	}
}

// list walks through all pages of a list and returns the ids.
func (s *site) list(as, path string) []string {
	s.t.Helper()
	ids := []string{}
	for cursor := ""; ; {
		var page struct {
			Items []struct {
				ID string `json:"id"`
			} `json:"items"`
			NextCursor string `json:"nextCursor"`
		}
		if status := s.call(as, "GET", path+cursor, "", &page); status != http.StatusOK {
			s.t.Fatalf("%s: %d", path, status)
		}
		for _, item := range page.Items {
			ids = append(ids, item.ID)
		}
		if page.NextCursor == "" {
			return ids
		}
		cursor = "&cursor=" + page.NextCursor
	}
}

func sameSet(a, b []string) bool {
	seen := map[string]int{}
	for _, one := range a {
		seen[one]++
	}
	for _, one := range b {
		seen[one]--
	}
	for _, n := range seen {
		if n != 0 {
			return false
		}
	}
	return true
}

func TestATestMessageShowsTheAnswer(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	pos := newReceiver(t, http.StatusTeapot, http.StatusOK)
	e := s.endpoint(pos, delivery.Full)
	var first, second trialBody
	path := "/v1/endpoints/" + e.ID + "/test"
	if s.call("owner", "POST", path, "", &first) != http.StatusOK || s.call("owner", "POST", path, "", &second) != http.StatusOK {
		t.Fatal("no answer")
	}
	if first.Delivered || first.Status != http.StatusTeapot || !second.Delivered || second.Status != http.StatusOK {
		t.Errorf("got %+v and %+v", first, second)
	}
	got := pos.got()
	if len(got) != 2 || got[0].Type != "endpoint.test" || got[0].ID == got[1].ID {
		t.Errorf("got %+v", got)
	}
	if len(s.stored("deliveries")) != 0 {
		t.Error("a test message is kept as a delivery")
	}
}

func TestDeliveriesAreShownAndSentAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	pos := newReceiver(t, http.StatusBadRequest)
	e := s.endpoint(pos, delivery.Thin)
	id, ev := s.place("A-1")
	s.announce(t.Context(), ev)
	var page struct {
		Items []deliveryBody `json:"items"`
		Next  string         `json:"nextCursor"`
	}
	if status := s.call("owner", "GET", "/v1/deliveries?state=pending&endpoint="+e.ID, "", &page); status != http.StatusOK || len(page.Items) != 1 {
		t.Fatalf("%d %+v", status, page)
	}
	d := page.Items[0]
	if d.Event != ev || d.Order != id || d.Sequence != 1 || len(d.Attempts) != 1 || d.Attempts[0].Status != 400 || d.NextAttemptAt.IsZero() {
		t.Errorf("got %+v", d)
	}
	if got := s.list("owner", "/v1/deliveries?order="+id); len(got) != 1 {
		t.Errorf("of the order: %v", got)
	}
	if got := s.list("local", "/v1/deliveries?limit=1"); len(got) != 0 {
		t.Errorf("of another location: %v", got)
	}
	if status := s.call("local", "POST", "/v1/deliveries/"+d.ID+"/retry", "", nil); status != http.StatusNotFound {
		t.Errorf("retry at another location: %d", status)
	}
	pos.answer(http.StatusOK)
	if status := s.call("owner", "POST", "/v1/deliveries/"+d.ID+"/retry", "", &d); status != http.StatusAccepted || d.State != delivery.Pending {
		t.Errorf("retry: %d %+v", status, d)
	}
	s.tick(t.Context())
	if got := s.delivery(ev, e); got.State != delivery.Delivered || len(got.Attempts) != 2 {
		t.Errorf("got %+v", got.Delivery)
	}
}

func TestEveryFunctionIsBuiltFromItsEnvironment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	env := gcp.Env(w.cloud.Env())
	env["RYGGRAD_ALLOW_LOOPBACK"] = "true"
	pos := newReceiver(t)
	w.endpoint(pos, delivery.Thin)
	w.place("A-1")
	push := `{"message":{"data":"%","messageId":"1","publishTime":"2026-03-01T12:00:00Z"},"subscription":"s"}`
	for name, build := range map[string]gcp.Build{"delivery": BuildDelivery, "dispatch": BuildDispatch, "relay": BuildRelay, "retry": BuildRetry} {
		h, err := build(t.Context(), env)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		t.Cleanup(func() { _ = h.(io.Closer).Close() })
		if got := request(t, h, "GET", "/health", ""); got != http.StatusOK {
			t.Errorf("%s: health %d", name, got)
		}
		if name == "relay" || name == "retry" {
			if got := request(t, h, "POST", "/", strings.Replace(push, "%", "e30=", 1)); got != http.StatusNoContent {
				t.Errorf("%s: %d", name, got)
			}
		}
		if name == "delivery" {
			if got := request(t, h, "GET", "/v1/endpoints", ""); got != http.StatusUnauthorized {
				t.Errorf("%s: %d", name, got)
			}
		}
	}
	env["RYGGRAD_ENDPOINT_CACHE"] = "2h"
	if _, err := BuildDispatch(t.Context(), env); err == nil {
		t.Error("endpoints are used from memory for two hours")
	}
}

func TestDispatchIsBuiltFromItsEnvironment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	env := gcp.Env(w.cloud.Env())
	pos := newReceiver(t)
	w.endpoint(pos, delivery.Thin)
	_, ev := w.place("A-1")
	data, err := json.Marshal(event.Announcement{Tenant: tenant, Event: ev})
	if err != nil {
		t.Fatal(err)
	}
	push, err := json.Marshal(map[string]any{"message": map[string]any{"data": data, "messageId": "1"}, "subscription": "s"})
	if err != nil {
		t.Fatal(err)
	}
	h, err := BuildDispatch(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.(io.Closer).Close() })
	if got := request(t, h, "POST", "/", string(push)); got != http.StatusNoContent {
		t.Errorf("status %d", got)
	}
	for id, d := range w.stored("deliveries") {
		attempts, _ := d["attempts"].([]any)
		if attempt, _ := attempts[0].(map[string]any); attempt["failure"] != string(webhook.BadURL) {
			t.Errorf("%s reached this very machine without being allowed to: %v", id, d)
		}
	}
	if len(w.stored("deliveries")) != 1 || len(pos.got()) != 0 {
		t.Errorf("%d deliveries, %d messages", len(w.stored("deliveries")), len(pos.got()))
	}
}

func request(t *testing.T, h http.Handler, method, path, body string) int {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	return w.Code
}
