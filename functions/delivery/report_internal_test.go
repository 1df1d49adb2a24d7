package delivery

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/order/orderdb"
)

// vendor is a platform that hears of statuses: it gives tokens, and notes what it is told by who has one.
type vendor struct {
	*httptest.Server

	mu      sync.Mutex
	answers []int // to what it is told, the last one for ever
	given   int
	known   string
	heard   []string
}

func newVendor(t *testing.T, answers ...int) *vendor {
	t.Helper()
	v := &vendor{answers: append(answers, http.StatusNoContent)}
	v.Server = httptest.NewServer(v)
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	body, _ := io.ReadAll(r.Body) // what does not arrive is not compared
	if strings.HasSuffix(r.URL.Path, "/token") {
		v.given++
		v.known = fmt.Sprint("token-", v.given)
		fmt.Fprintf(w, `{"access_token":%q,"accessToken":%q,"expires_in":3600}`, v.known, v.known)
		return
	}
	static := r.Header.Get("X-Access-Token") == "for-good" || r.Header.Get("X-Server-Authorization-HMAC-SHA256") == hmacHex("s", string(body))
	if !static && r.Header.Get("Authorization") != "Bearer "+v.known {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	v.heard = append(v.heard, r.Method+" "+r.URL.Path+" "+string(body))
	status := v.answers[0]
	if len(v.answers) > 1 {
		v.answers = v.answers[1:]
	}
	w.WriteHeader(status)
}

func (v *vendor) got() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	return append([]string(nil), v.heard...)
}

func (w *world) linkTo(v *vendor, adapter, path string) identity.Link {
	w.t.Helper()
	return w.link(adapter, identity.DeadlineExpire, map[string]string{"api": v.URL + path},
		identity.LinkSecret{Name: "clientId", Value: "us"}, identity.LinkSecret{Name: "clientSecret", Value: "hush"},
		identity.LinkSecret{Name: "token", Value: "for-good"})
}

// move announces an order's next statuses.
func (w *world) move(id string, to ...order.Status) {
	w.t.Helper()
	for _, s := range to {
		w.announce(w.t.Context(), w.advance(id, s))
	}
}

func TestPlatformsHearOfStatusesInTheirOwnForm(t *testing.T) {
	t.Parallel()
	for adapter, c := range map[string]struct {
		path string
		to   []order.Status
		want []string // method, path and a part of the body
	}{
		"ubereats": {"", []order.Status{order.Accepted, order.Ready, order.Cancelled}, []string{
			"POST /v1/eats/orders/A-1/accept_pos_order |\"reason\":\"accepted\"", "POST /v1/eats/orders/A-1/cancel |\"cancelling_party\":\"MERCHANT\"",
		}},
		"ifood": {"", []order.Status{order.Accepted, order.Preparing, order.Ready, order.InDelivery}, []string{
			"POST /order/v1.0/orders/A-1/confirm |", "POST /order/v1.0/orders/A-1/startPreparation |",
			"POST /order/v1.0/orders/A-1/readyToPickup |", "POST /order/v1.0/orders/A-1/dispatch |",
		}},
		"opendelivery": {"", []order.Status{order.Accepted, order.Ready, order.Cancelled}, []string{
			"POST /v1/orders/A-1/confirm |\"orderExternalCode\":\"ord_", "POST /v1/orders/A-1/readyForPickup |",
			"POST /v1/orders/A-1/requestCancellation |\"mode\":\"AUTO\"",
		}},
		"hubrise": {"", []order.Status{order.Accepted, order.Completed}, []string{
			"PATCH /v1/locations//orders/A-1 |{\"status\":\"accepted\"}", "PATCH /v1/locations//orders/A-1 |{\"status\":\"completed\"}",
		}},
		"deliveroo": {"", []order.Status{order.Accepted, order.Preparing, order.Failed}, []string{
			"POST /order/v1/orders/A-1/sync_status |\"status\":\"succeeded\"", "POST /order/v1/orders/A-1/prep_stage |\"stage\":\"in_kitchen\"",
			"POST /order/v1/orders/A-1/sync_status |\"status\":\"failed\"",
		}},
		"deliverect": {"/hear", []order.Status{order.Accepted, order.Ready, order.Completed}, []string{
			"POST /hear |\"status\":20", "POST /hear |\"status\":70", "POST /hear |\"status\":90",
		}},
		"otter": {"", []order.Status{order.Accepted}, nil}, // not documented: the tenant's endpoints hear of it
	} {
		t.Run(adapter, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := newVendor(t)
			id, received := w.placeBy(w.linkTo(v, adapter, c.path), adapter, "A-1", 0)
			w.announce(t.Context(), received)
			w.move(id, c.to...)
			got := v.got()
			if len(got) != len(c.want) {
				t.Fatalf("heard %q", got)
			}
			for i, want := range c.want {
				call, part, _ := strings.Cut(want, "|")
				if !strings.HasPrefix(got[i], call) || !strings.Contains(got[i], part) {
					t.Errorf("%d: heard %q, want %q", i, got[i], want)
				}
			}
			if v.given > 1 {
				t.Errorf("%d tokens for one order", v.given)
			}
		})
	}
}

func TestAPlatformIsNotToldWhatItSaidItself(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := newVendor(t)
	l := w.linkTo(v, "ifood", "")
	id, received := w.placeBy(l, "ifood", "A-1", 0)
	w.announce(t.Context(), received)
	by := act("order.cancel")
	by.Actor = identity.Actor{Kind: identity.KindChannel, ID: l.ID}
	done, err := w.orders.Advance(t.Context(), by, id, order.Change{Status: order.Cancelled}, func(order.Record) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	w.announce(t.Context(), done.Event)
	if got := v.got(); len(got) != 0 {
		t.Errorf("heard %q", got)
	}
}

func TestReportsAreRepeatedInOrderUntilThePlatformTakesThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := newVendor(t, 503, 409, 204)
	l := w.linkTo(v, "ifood", "")
	id, received := w.placeBy(l, "ifood", "A-1", 0)
	w.announce(t.Context(), received)
	w.move(id, order.Accepted, order.Ready)
	if got := v.got(); len(got) != 1 {
		t.Fatalf("ready went before the confirmation was taken: %q", got)
	}
	for range 3 {
		w.tick(t.Context())
	}
	var verbs []string
	for _, h := range v.got() {
		verbs = append(verbs, strings.TrimSpace(h[strings.LastIndexByte(h, '/')+1:]))
	}
	if diff := cmp.Diff([]string{"confirm", "confirm", "readyToPickup"}, verbs); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for id, d := range w.stored("deliveries") {
		if d["state"] != "delivered" {
			t.Errorf("%s is %v", id, d["state"])
		}
	}
}

func TestAReportThatMakesNoSenseToThePlatformIsShownToTheTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := newVendor(t, 422, 204)
	l := w.linkTo(v, "ifood", "")
	id, received := w.placeBy(l, "ifood", "A-1", 0)
	w.announce(t.Context(), received)
	w.move(id, order.Accepted, order.Ready)
	if got := v.got(); len(got) != 2 {
		t.Errorf("heard %q: what is refused must hold up nothing", got)
	}
	failed, notices := w.count("deliveries", "reason", string(delivery.Refused)), w.count("events", "type", "notice.created")
	if failed != 1 || notices != 1 {
		t.Errorf("%d refused, %d notices", failed, notices)
	}
	if off := w.count("audit", "action", "endpoint.disable"); off != 0 {
		t.Error("the link was taken for an endpoint that is gone")
	}
}

func TestATokenThatThePlatformForgotIsReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := newVendor(t)
	id, received := w.placeBy(w.linkTo(v, "ifood", ""), "ifood", "A-1", 0)
	w.announce(t.Context(), received)
	w.move(id, order.Accepted)
	v.mu.Lock()
	v.known = "revoked"
	v.mu.Unlock()
	w.move(id, order.Ready)
	if got := v.got(); len(got) != 2 || v.given != 2 {
		t.Errorf("heard %q with %d tokens", got, v.given)
	}
}

func TestAPolicysDecisionReachesThePlatform(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := newVendor(t)
	l := w.link("ubereats", identity.DeadlineAccept, map[string]string{"api": v.URL},
		identity.LinkSecret{Name: "clientId", Value: "us"}, identity.LinkSecret{Name: "clientSecret", Value: "hush"})
	_, received := w.placeBy(l, "ubereats", "A-1", 10*time.Minute)
	w.announce(t.Context(), received)
	w.clock.Advance(9 * time.Minute)
	if err := w.look(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.tick(t.Context())
	if got := v.got(); len(got) != 1 || !strings.Contains(got[0], "accept_pos_order") {
		t.Errorf("heard %q", got)
	}
}

// placeCalledBack takes in an order whose webhook named where its platform wants to hear.
func (w *world) placeCalledBack(link identity.Link, number, callback string) (id, eventID string) {
	w.t.Helper()
	placed, err := w.orders.Place(w.t.Context(), orderdb.Placement{
		Order: order.Order{
			ChannelOrderID: number, DisplayID: "931", Location: "loc_1", Type: order.Pickup, Currency: "GBP",
			Items: []order.Item{{PLU: "A", Name: "B", Quantity: 1, UnitPrice: 950}}, Total: 950,
			Payment: order.Payment{Method: "online", Status: order.Paid},
		},
		Act: act("order.receive"), Region: "GB", Callback: callback,
		Origin: order.Origin{Tenant: tenant, Link: link.ID, Adapter: "jet", Identity: []string{number}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return placed.Record.ID, placed.Event
}

// listener hears what it is called back with.
func listener(t *testing.T, answers ...int) (url string, heard func() []string) {
	t.Helper()
	var mu sync.Mutex
	var all []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what does not arrive is not compared
		mu.Lock()
		defer mu.Unlock()
		all = append(all, r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization")+string(body))
		if len(answers) > 0 {
			w.WriteHeader(answers[0])
			answers = answers[1:]
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, func() []string {
		mu.Lock()
		defer mu.Unlock()
		return append([]string(nil), all...)
	}
}

const taken = `{"status":"Success","message":"the restaurant has the order","data":{}}`

func TestAPlatformIsCalledBackOnceWhereItsOrderSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url, heard := listener(t, http.StatusBadGateway)
	l := w.link("jet", identity.DeadlineExpire, nil)
	id, received := w.placeCalledBack(l, "A-1", url+"/back/capability?key=1")
	w.announce(t.Context(), received)
	w.announce(t.Context(), w.retime(id, "2026-03-01T18:30:00Z"))
	w.restart()
	w.move(id, order.Accepted, order.Ready, order.Completed)
	w.tick(t.Context())
	const call = "POST /back/capability?key=1 " + taken
	if diff := cmp.Diff([]string{call, call}, heard()); diff != "" { // the first was answered 502
		t.Errorf("(-want +heard):\n%s", diff)
	}
	if all := w.stored("deliveries"); len(all) != 1 {
		t.Errorf("%d deliveries", len(all))
	}
	for _, collection := range []string{"orders", "deliveries", "events", "audit"} {
		for at, d := range w.stored(collection) {
			if strings.Contains(fmt.Sprintf("%s", d), "capability") {
				t.Errorf("%s/%s tells where in plain", collection, at)
			}
		}
	}
	if strings.Contains(w.log.String(), "capability") {
		t.Error("the log tells where")
	}
}

func TestAPlatformIsCalledBackWhenItsOrderComesToNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url, heard := listener(t)
	l := w.link("jet", identity.DeadlineExpire, nil)
	id, received := w.placeCalledBack(l, "A-1", url+"/back")
	w.announce(t.Context(), received)
	w.move(id, order.Rejected)
	if got := heard(); len(got) != 1 || !strings.Contains(got[0], `"status":"Failure"`) {
		t.Errorf("heard %q", got)
	}
}

// TestACallbackThatMustNotBeCalledHoldsUpNobody: where it leads is whatever a webhook says.
func TestACallbackThatMustNotBeCalledHoldsUpNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url, heard := listener(t)
	l := w.link("jet", identity.DeadlineExpire, nil)
	bad := []string{
		"http://169.254.169.254/computeMetadata/v1/", "https://10.0.0.1/a", "https://metadata.google.internal/a", "http://public.example/a",
		"https://[fd00::1]/a", "file:///etc/passwd", "https://back.example:22/a",
	}
	for i, callback := range bad {
		id, received := w.placeCalledBack(l, fmt.Sprint("B-", i), callback)
		w.announce(t.Context(), received)
		w.move(id, order.Accepted)
	}
	if n := w.count("deliveries", "reason", string(delivery.Refused)); n != len(bad) {
		t.Errorf("%d of %d are given up at once", n, len(bad))
	}
	id, received := w.placeCalledBack(l, "A-1", url+"/back")
	w.announce(t.Context(), received)
	w.move(id, order.Accepted)
	if got := heard(); len(got) != 1 {
		t.Errorf("after them a good one is heard %d times", len(got))
	}
	only := w.link("jet", identity.DeadlineExpire, map[string]string{"callbackHost": "back.example"})
	id, received = w.placeCalledBack(only, "A-2", url+"/back")
	w.announce(t.Context(), received)
	w.move(id, order.Accepted)
	if got := heard(); len(got) != 1 {
		t.Error("a host that the link does not allow is called")
	}
}

func TestAnOrderWithoutACallbackIsReportedToNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	l := w.link("jet", identity.DeadlineExpire, nil)
	id, received := w.placeBy(l, "jet", "A-1", 0)
	w.announce(t.Context(), received)
	w.move(id, order.Accepted)
	if all := w.stored("deliveries"); len(all) != 0 {
		t.Errorf("%d deliveries", len(all))
	}
}

// retime moves the time that an order will be ready at and returns the event's id.
func (w *world) retime(id string, readyAt order.Time) string {
	w.t.Helper()
	done, err := w.orders.Retime(w.t.Context(), act("order.retime"), id, readyAt, func(order.Record) error { return nil })
	if err != nil {
		w.t.Fatal(err)
	}
	return done.Event
}

func TestPlatformsThatWantToHearOfAnotherTime(t *testing.T) {
	t.Parallel()
	const at = "2026-03-01T18:30:00Z"
	for adapter, want := range map[string]string{
		"deliverect": `"pickupTime":"` + at + `"`, "hubrise": `{"confirmed_time":"` + at + `"}`, "ifood": "", "ubereats": "", "deliveroo": "",
	} {
		t.Run(adapter, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			v := newVendor(t)
			to := newReceiver(t)
			w.endpoint(to, delivery.Thin)
			id, received := w.placeBy(w.linkTo(v, adapter, ""), adapter, "A-1", 0)
			w.announce(t.Context(), received)
			w.announce(t.Context(), w.retime(id, at))
			got := v.got()
			if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.Contains(got[0], want)) {
				t.Errorf("heard %q", got)
			}
			if all := to.got(); len(all) != 2 || !strings.Contains(all[1].Body, `"readyAt":"`+at+`"`) || all[1].Sequence != 2 {
				t.Errorf("the POS got %+v", all)
			}
		})
	}
}

// TestRefusalsDoNotMakeAPlatformSick: one that answers is well, whatever it answers.
func TestRefusalsDoNotMakeAPlatformSick(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := newVendor(t, 409, 422, 404, 409, 400, 409, 422, 204)
	l := w.linkTo(v, "ifood", "")
	for i := range 8 {
		id, received := w.placeBy(l, "ifood", fmt.Sprint("A-", i), 0)
		w.announce(t.Context(), received)
		w.move(id, order.Accepted)
	}
	if got := v.got(); len(got) != 8 || w.count("deliveries", "state", "pending") != 0 {
		t.Errorf("heard %d, %d wait", len(got), w.count("deliveries", "state", "pending"))
	}
}
