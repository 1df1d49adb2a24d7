package orders

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/localcloud/wire"
	"ryggrad.internal/hub/shared/order"
)

// standardSecret is a secret that every scheme takes.
const standardSecret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// platform is one adapter as these tests use it: which of the adapter's fixtures is which, and by which path it comes.
type platform struct {
	order, orderPath   string
	cancel, cancelPath string
	replace            *strings.Replacer // makes the cancellation one of the order
	change             *strings.Replacer // makes the order another under the same id
	taken, repeated    int
	unreadable         int
}

func swap(old, with string) *strings.Replacer { return strings.NewReplacer(old, with) }

// platforms are those whose webhooks carry the order.
func platforms() map[string]platform {
	same := swap("\x00", "")
	return map[string]platform{
		"deliverect":   {"create", "orders", "cancel", "orders", same, swap(`"quantity": 2`, `"quantity": 3`), 201, 200, 400},
		"deliveroo":    {"orders_new", "orders", "orders_canceled", "orders", same, swap(`"quantity":2`, `"quantity":3`), 200, 200, 200},
		"deliveryhero": {"orders", "orders", "cancel", "cancel", same, swap(`"quantity":"2"`, `"quantity":"3"`), 200, 200, 400},
		"doordash":     {"orders", "orders", "cancel", "cancel", same, swap(`"quantity":2`, `"quantity":3`), 200, 200, 200},
		"generic":      {"orders", "orders", "cancel", "cancel", same, swap(`"quantity":2`, `"quantity":3`), 201, 200, 400},
		"glovo":        {"orders", "orders", "cancel", "cancel", same, swap(`"quantity":2`, `"quantity":3`), 200, 200, 200},
		"hubrise":      {"orders_created", "orders", "orders_cancelled", "orders", same, swap(`"quantity": "2.0"`, `"quantity": "3.0"`), 200, 200, 400},
		"jet": {"order-ready-for-preparation-async", "order-ready-for-preparation-async", "order-cancelled", "order-cancelled", same,
			swap(`"Quantity":2`, `"Quantity":3`), 202, 409, 400},
		"otter":    {"carried", "events", "cancel", "events", swap("ot-9001", "ot-9002"), swap(`"quantity":2`, `"quantity":3`), 200, 200, 200},
		"takeaway": {"orders", "orders", "cancel", "cancel", same, swap(`"count":2,"remark"`, `"count":3,"remark"`), 200, 200, 200},
	}
}

// partner plays one platform on one link.
type partner struct {
	*world
	h       http.Handler
	adapter channel.Adapter
	link    string
	options channel.Options
}

// play makes a link of the adapter and who sends by it.
func (w *world) play(h http.Handler, name string) partner {
	w.t.Helper()
	a, ok := channel.Named(name)
	if !ok {
		w.t.Fatalf("there is no adapter %s", name)
	}
	options := channel.Options{}
	if a.Undocumented {
		options[channel.OptionUndocumented] = "accepted"
	}
	w.must(channel.CheckLink(name, options, map[string]string{channel.WebhookSecret: standardSecret}))
	link, err := w.store.CreateLink(w.t.Context(), w.by, identity.Link{
		Adapter: name, Locations: []identity.LinkedLocation{{Location: w.location}}, Options: options,
		Policy: identity.Policy{OnDeadline: identity.DeadlineExpire}, Enabled: true,
	}, identity.LinkSecrets{{Name: identity.WebhookSecret, Value: standardSecret}})
	w.must(err)
	return partner{world: w, h: h, adapter: a, link: link.ID, options: options}
}

// send sends a webhook with the platform's own proof under the secret.
func (s partner) send(path, body, secret string) answer {
	s.t.Helper()
	return s.sendBy(http.MethodPost, path, body, secret)
}

func (s partner) sendBy(method, path, body, secret string) answer {
	s.t.Helper()
	at := "/v1/channels/" + s.adapter.Name + "/" + s.link + "/" + path
	r := httptest.NewRequestWithContext(s.t.Context(), method, at, http.NoBody)
	proof, err := s.adapter.Prove(channel.Request{URL: "https://" + r.Host + at, Body: []byte(body), At: time.Now()}, secret, s.options)
	s.must(err)
	var headers []string
	for name, value := range proof {
		headers = append(headers, name, value)
	}
	return call(s.t, s.h, method, at, "", []byte(body), headers...)
}

func (w *world) fixture(adapter, name string) string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "shared", "channel", "testdata", adapter, name+".json"))
	w.must(err)
	return string(text)
}

// messages lists kept messages of a state.
func (s partner) messages(state channel.KeptState) answer {
	s.t.Helper()
	return call(s.t, s.h, http.MethodGet, "/v1/channel-messages?state="+string(state), s.pos.APIKey.Reveal(), nil)
}

func (s partner) statuses() string {
	s.t.Helper()
	list := call(s.t, s.h, http.MethodGet, "/v1/orders", s.pos.APIKey.Reveal(), nil)
	var all []string
	for _, o := range list.body.Items {
		all = append(all, o.Status)
	}
	return strings.Join(all, " ")
}

func TestOnlyWhatIsPutIsHeardByPut(t *testing.T) {
	t.Parallel()
	for name, p := range platforms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := w.play(w.serve(), name)
			a := s.sendBy(http.MethodPut, p.orderPath, w.fixture(name, p.order), standardSecret)
			if a.status != http.StatusNotFound && a.status != http.StatusMethodNotAllowed || w.count("orders")+w.count("messages") > 0 {
				t.Errorf("an order by PUT is answered %d %s", a.status, a.text)
			}
			for _, path := range s.adapter.Puts {
				event := w.fixture(name, path)
				if a := s.send(path, event, standardSecret); a.status != http.StatusNotFound && a.status != http.StatusMethodNotAllowed {
					t.Errorf("%s by POST is answered %d %s", path, a.status, a.text)
				}
				if a := s.sendBy(http.MethodPut, path, event, strings.Replace(standardSecret, "MDEy", "NDEy", 1)); a.status != http.StatusUnauthorized {
					t.Errorf("%s under another secret is answered %d %s", path, a.status, a.text)
				}
				if a := s.sendBy(http.MethodPut, path, event, standardSecret); a.status >= http.StatusMultipleChoices {
					t.Errorf("%s is answered %d %s", path, a.status, a.text)
				}
			}
			if kept := w.count("messages"); kept != len(s.adapter.Puts) {
				t.Errorf("%d events were kept", kept)
			}
		})
	}
}

func TestEveryPlatformFromItsWebhookToItsCancellation(t *testing.T) {
	t.Parallel()
	for name, p := range platforms() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			s := w.play(w.serve(), name)
			body := w.fixture(name, p.order)
			if a := s.send(p.orderPath, body, strings.Replace(standardSecret, "MDEy", "NDEy", 1)); a.status != http.StatusUnauthorized || w.count("orders")+w.count("messages") > 0 {
				t.Errorf("under another secret it is answered %d %s", a.status, a.text)
			}
			if a := s.send(p.orderPath, body, standardSecret); a.status != p.taken {
				t.Fatalf("answered %d %s", a.status, a.text)
			}
			if a := s.send(p.orderPath, body, standardSecret); a.status != p.repeated {
				t.Errorf("again it is answered %d %s", a.status, a.text)
			}
			other := p.change.Replace(body)
			if a := s.send(p.orderPath, other, standardSecret); a.status != http.StatusConflict || other == body {
				t.Errorf("with other content it is answered %d %s", a.status, a.text)
			}
			if got := s.statuses(); got != "received" || w.count("originals") != 1 {
				t.Errorf("orders %q, %d originals", got, w.count("originals"))
			}
			cancel := p.replace.Replace(w.fixture(name, p.cancel))
			for range 2 {
				if a := s.send(p.cancelPath, cancel, standardSecret); a.status/100 != 2 {
					t.Errorf("its cancellation is answered %d %s", a.status, a.text)
				}
			}
			if got := s.statuses(); got != "cancelled" || w.count("events") != 2 || len(s.messages(channel.KeptNoted).body.Items) != 1 {
				t.Errorf("orders %q, %d events, noted %s", got, w.count("events"), s.messages(channel.KeptNoted).text)
			}
		})
	}
}

func TestWhatNoPlatformCanReadIsKeptAndNotLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	want := map[string]int{"ifood": 202, "opendelivery": 200, "square": 200, "ubereats": 200}
	for name, p := range platforms() {
		want[name] = p.unreadable
	}
	for name, status := range want {
		s := w.play(h, name)
		before, failed := w.count("events"), len(s.messages(channel.KeptFailed).body.Items)
		const body = `{"note": "Alva Lindqvist", `
		for range 2 {
			if a := s.send(s.adapter.Paths[0], body, standardSecret); a.status != status {
				t.Errorf("%s is answered %d %s, want %d", name, a.status, a.text, status)
			}
		}
		if n := len(s.messages(channel.KeptFailed).body.Items); n != failed+1 || w.count("events") != before+1 {
			t.Errorf("%s: %d failed messages, %d events more", name, n-failed, w.count("events")-before)
		}
	}
	if w.count("orders") != 0 {
		t.Error("an order was stored")
	}
	for _, collection := range []string{"messages", "originals", "events", "audit"} {
		docs, err := w.db.Collection(collection).Documents(t.Context()).GetAll()
		w.must(err)
		for _, d := range docs {
			for field, value := range d.Data() {
				text, _ := value.(string)
				raw, _ := value.([]byte)
				if strings.Contains(text+string(raw), "Lindqvist") {
					t.Errorf("%s/%s says in plain whose order it was, in %s", collection, d.Ref.ID, field)
				}
			}
		}
	}
}

func TestAFailedMessageIsShownAndReplayed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.play(w.serve(), "deliverect")
	const broken = `{"channelOrderId":"D-9","orderType":1,"decimalDigits":2,"payment":{"amount":100,"type":3},"items":[{"plu":"A","name":"Soup","price":100,"quantity":0}],"customer":{"name":"Nils Ekdahl"}}`
	if a := s.send("orders", broken, standardSecret); a.status != http.StatusUnprocessableEntity {
		t.Fatalf("answered %d %s", a.status, a.text)
	}
	id := s.messages(channel.KeptFailed).body.Items[0].ID
	get := func(bearer string) answer {
		return call(t, s.h, http.MethodGet, "/v1/channel-messages/"+id, bearer, nil)
	}
	if a := get(w.pos.APIKey.Reveal()); a.status != http.StatusOK || !strings.Contains(a.text, "Nils Ekdahl") {
		t.Errorf("who may see guests is shown %d %s", a.status, a.text)
	}
	if a := get(w.shop.APIKey.Reveal()); a.status != http.StatusOK || strings.Contains(a.text, "Ekdahl") {
		t.Errorf("who may not is shown %d %s", a.status, a.text)
	}
	for _, none := range []string{"a%2Fb", "%2E%2E", "__x__", "%FF"} {
		if a := call(t, s.h, http.MethodGet, "/v1/channel-messages/"+none, w.pos.APIKey.Reveal(), nil); a.status != http.StatusNotFound {
			t.Errorf("%s is answered %d %s", none, a.status, a.text)
		}
	}
	by, _ := w.tenant("Others")
	stranger := w.client(by, identity.Locations{identity.EveryLocation}, identity.OrdersRead, identity.OrdersWrite)
	if a := get(stranger.APIKey.Reveal()); a.status != http.StatusNotFound {
		t.Errorf("another tenant is shown %d %s", a.status, a.text)
	}
	replay := func(bearer string) answer {
		return call(t, s.h, http.MethodPost, "/v1/channel-messages/"+id+"/replay", bearer, nil)
	}
	if a := replay(stranger.APIKey.Reveal()); a.status != http.StatusNotFound {
		t.Errorf("another tenant replays: %d %s", a.status, a.text)
	}
	if a := replay(w.shop.APIKey.Reveal()); a.status != http.StatusUnprocessableEntity {
		t.Errorf("while it cannot be read, a replay is answered %d %s", a.status, a.text)
	}
}

// TestAReplayTakesTheOrderIn: what failed for the link's want of a location is taken in once the link has it.
func TestAReplayTakesTheOrderIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	two, err := w.store.CreateLink(t.Context(), w.by, identity.Link{
		Adapter: "hubrise", Locations: []identity.LinkedLocation{{External: "else-1", Location: w.location}, {External: "else-2", Location: w.place(w.by)}},
		Policy: identity.Policy{OnDeadline: identity.DeadlineExpire}, Enabled: true,
	}, identity.LinkSecrets{{Name: identity.WebhookSecret, Value: standardSecret}})
	w.must(err)
	a, _ := channel.Named("hubrise")
	s := partner{world: w, h: h, adapter: a, link: two.ID}
	if got := s.send("orders", w.fixture("hubrise", "orders_created"), standardSecret); got.status != http.StatusUnprocessableEntity {
		t.Fatalf("answered %d %s", got.status, got.text)
	}
	id := s.messages(channel.KeptFailed).body.Items[0].ID
	doc := w.db.Doc("channels/" + two.ID)
	snap, err := doc.Get(t.Context())
	w.must(err)
	fields := snap.Data()
	fields["locations"] = []any{map[string]any{"external": "3r4s3-1", "location": w.location}}
	_, err = doc.Set(t.Context(), fields)
	w.must(err)
	s.h = w.serve() // another instance, which has not seen the link as it was
	got := call(t, s.h, http.MethodPost, "/v1/channel-messages/"+id+"/replay", w.shop.APIKey.Reveal(), nil)
	if got.status != http.StatusOK || s.statuses() != "received" || len(s.messages(channel.KeptSettled).body.Items) != 1 {
		t.Fatalf("answered %d %s; orders %q", got.status, got.text, s.statuses())
	}
	if got := call(t, s.h, http.MethodPost, "/v1/channel-messages/"+id+"/replay", w.shop.APIKey.Reveal(), nil); got.status != http.StatusConflict {
		t.Errorf("again it is answered %d %s", got.status, got.text)
	}
}

// TestACancellationThatComesTooLateIsKept: asking for it again would never end.
func TestACancellationThatComesTooLateIsKept(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.play(w.serve(), "deliveroo")
	s.send("orders", w.fixture("deliveroo", "orders_new"), standardSecret)
	list := call(t, s.h, http.MethodGet, "/v1/orders", w.pos.APIKey.Reveal(), nil)
	call(t, s.h, http.MethodPost, "/v1/orders/"+list.body.Items[0].ID+"/status", w.pos.APIKey.Reveal(), []byte(`{"status":"completed"}`))
	for range 2 {
		if a := s.send("orders", w.fixture("deliveroo", "orders_canceled"), standardSecret); a.status != http.StatusOK {
			t.Errorf("answered %d %s", a.status, a.text)
		}
	}
	noted := s.messages(channel.KeptNoted)
	if got := s.statuses(); got != "completed" || len(noted.body.Items) != 1 || !strings.Contains(noted.text, list.body.Items[0].ID) {
		t.Errorf("orders %q, noted %s", got, noted.text)
	}
}

// TestAnOrderThatIsTooLargeIsKeptAndNotAskedForAgain: what no document holds would fail every time.
func TestAnOrderThatIsTooLargeIsKeptAndNotAskedForAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.play(w.serve(), "generic")
	order := func(id string, lines int, more string) string {
		line := `{"plu":"P","name":"Soup","quantity":1,"unitPrice":1,"note":"` + strings.Repeat("no nuts, ", 60) + `"` + more + `},`
		return `{"channelOrderId":"` + id + `","displayId":"1","type":"pickup","placedAt":"2026-03-01T18:04:05+01:00","currency":"SEK","total":` + fmt.Sprint(lines) +
			`,"payment":{"method":"online","status":"paid","due":0},"items":[` + strings.TrimSuffix(strings.Repeat(line, lines), ",") + `]}`
	}
	large := order("L-1", 500, `,"modifiers":[`+strings.TrimSuffix(strings.Repeat(`{"plu":"M","name":"Leek","note":"`+strings.Repeat("x", 400)+`","quantity":1,"unitPrice":0},`, 3), ",")+`]`)
	if len(large) < 900<<10 || len(large) > 1<<20 {
		t.Fatalf("%d bytes prove nothing", len(large))
	}
	for range 2 {
		if a := s.send("orders", large, standardSecret); a.status != http.StatusRequestEntityTooLarge {
			t.Fatalf("answered %d %.200s", a.status, a.text)
		}
	}
	if n := len(s.messages(channel.KeptFailed).body.Items); n != 1 || w.count("orders") != 0 {
		t.Errorf("%d failed messages, %d orders", n, w.count("orders"))
	}
	var baggage strings.Builder
	for i := range 90 {
		fmt.Fprintf(&baggage, `,"zz%d":1`, i)
	}
	laden := order("L-2", 500, baggage.String())
	if a := s.send("orders", laden, standardSecret); a.status != http.StatusCreated || len(laden) < 500<<10 {
		t.Errorf("with %d bytes of much else it is answered %d %.200s", len(laden), a.status, a.text)
	}
	if a := s.send("orders", laden, standardSecret); a.status != http.StatusOK {
		t.Errorf("again it is answered %d %.200s", a.status, a.text)
	}
}

// TestBytesThatNoDocumentHoldsAreRefused: sent again, they would be too many every time.
func TestBytesThatNoDocumentHoldsAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.play(w.serve(), "generic")
	noise := make([]byte, 1<<20)
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	if a := s.send("orders", string(noise), standardSecret); a.status != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %d %.200s", a.status, a.text)
	}
	if a := s.send("orders", string(noise[:1<<20-10<<10]), standardSecret); a.status != http.StatusUnprocessableEntity && a.status != http.StatusBadRequest {
		t.Errorf("what can be kept is answered %d %.200s", a.status, a.text)
	}
	if n := len(s.messages(channel.KeptFailed).body.Items); n != 1 {
		t.Errorf("%d messages are kept, want the one that can be", n)
	}
}

func TestUndocumentedPlatformsAreOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.play(w.serve(), "glovo")
	off, err := w.store.CreateLink(t.Context(), w.by, identity.Link{
		Adapter: "glovo", Locations: []identity.LinkedLocation{{Location: w.location}},
		Policy: identity.Policy{OnDeadline: identity.DeadlineExpire}, Enabled: true,
	}, identity.LinkSecrets{{Name: identity.WebhookSecret, Value: standardSecret}})
	w.must(err)
	s.link = off.ID
	if a := s.send("orders", w.fixture("glovo", "orders"), standardSecret); a.status != http.StatusNotFound || w.count("orders") != 0 {
		t.Errorf("before an operator turned it on it is answered %d %s", a.status, a.text)
	}
}

func TestWhatElseAPlatformTellsIsRecordedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.play(w.serve(), "deliverect")
	for _, body := range []string{
		`{"locationId":"l","status":"BUSY","delay":30}`, `{"locationId":"l","operations":[{"action":"snooze"}]}`,
		`{"channelOrderId":"D-1","courierUpdate":{"status":85,"courier":{"firstName":"Jo"}}}`, `{"channelOrderId":"D-1","orderId":"o","status":50,"pickupTime":"2026-03-01T17:04:05Z"}`,
	} {
		for range 2 {
			if a := s.send("orders", body, standardSecret); a.status != http.StatusOK {
				t.Errorf("%s is answered %d %s", body, a.status, a.text)
			}
		}
	}
	noted := s.messages(channel.KeptNoted)
	if len(noted.body.Items) != 4 || w.count("originals") != 4 || w.count("orders") != 0 {
		t.Errorf("noted %s", noted.text)
	}
	for _, what := range []string{"busy_mode", "snooze", "courier_update", "order_status"} {
		if !strings.Contains(noted.text, `"what":"`+what+`"`) {
			t.Errorf("%s is not among %s", what, noted.text)
		}
	}
}

// TestAGuestsWordsInAReasonAreNotKeptInPlain: of a reason only a code stands in the order.
func TestAGuestsWordsInAReasonAreNotKeptInPlain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.play(w.serve(), "takeaway")
	s.send("orders", w.fixture("takeaway", "orders"), standardSecret)
	s.send("cancel", `{"id":"O1QR7N3X","status":"cancelled","reason":"Sanne de Wit belde af"}`, standardSecret)
	for _, collection := range []string{"orders", "messages", "events", "audit"} {
		docs, err := w.db.Collection(collection).Documents(t.Context()).GetAll()
		w.must(err)
		for _, d := range docs {
			if reason, _ := d.Data()["reason"].(string); strings.Contains(reason, "Sanne") {
				t.Errorf("%s/%s keeps %q in plain", collection, d.Ref.ID, reason)
			}
		}
	}
	id := s.messages(channel.KeptNoted).body.Items[0].ID
	if a := call(t, s.h, http.MethodGet, "/v1/channel-messages/"+id, w.pos.APIKey.Reveal(), nil); !strings.Contains(a.text, "Sanne de Wit belde af") {
		t.Errorf("the whole reason is lost: %s", a.text)
	}
	if channel.ReasonCode("CANCELED_BY_EATER") == "" || channel.ReasonCode("Sanne") != "" || channel.ReasonCode("0701740605") != "" {
		t.Error("codes and words are mistaken for each other")
	}
}

// TestWarmNativeIntakeIsOneCommitAndOnePublish counts at the wire for every platform whose webhooks carry the order.
func TestWarmNativeIntakeIsOneCommitAndOnePublish(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	for name, p := range platforms() {
		s := w.play(h, name)
		body := w.fixture(name, p.order)
		ids := readID(t, s.adapter, p.orderPath, body, s.options)
		warm := strings.ReplaceAll(body, ids, ids+"w")
		if a := s.send(p.orderPath, warm, standardSecret); a.status != p.taken {
			t.Fatalf("%s: answered %d %s", name, a.status, a.text)
		}
		w.Calls.Reset()
		if a := s.send(p.orderPath, body, standardSecret); a.status != p.taken {
			t.Fatalf("%s: answered %d %s", name, a.status, a.text)
		}
		got := w.Calls.Snapshot()
		if len(got) != 2 || got[rpcCommit] != 1 || got[rpcPublish] != 1 {
			t.Errorf("%s: a warm order costs %v", name, got)
		}
	}
}

// readID returns the platform's id of the order in a payload.
func readID(t *testing.T, a channel.Adapter, path, body string, options channel.Options) string {
	t.Helper()
	m, err := a.Read(channel.Request{Path: path, Body: []byte(body)}, channel.Link{
		Places: []channel.Place{{Location: "loc_1", Currency: order.Currency("SEK")}}, Options: options,
	})
	placed, ok := m.(channel.NewOrder)
	if err != nil || !ok {
		t.Fatalf("%s reads %T, %v", a.Name, m, err)
	}
	return placed.Order.ChannelOrderID
}

// TestWhatCannotBeKeptIsAskedForAgain: only what is stored may be answered for good.
func TestWhatCannotBeKeptIsAskedForAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	for _, name := range []string{"deliverect", "square"} {
		p := w.play(h, name)
		p.send(p.adapter.Paths[0], `{`, standardSecret) // fills the caches
		failed := len(p.messages(channel.KeptFailed).body.Items)
		w.Faults.Set(wire.Always(rpcCommit, wire.Fault{Before: status.Error(codes.PermissionDenied, "no")}))
		for _, body := range []string{`{"`, w.fixture("deliverect", "cancel"), `{"type":"payment.updated","locationId":"l","status":"BUSY"}`} {
			if a := p.send(p.adapter.Paths[0], body, standardSecret); a.status != p.adapter.RetryLater {
				t.Errorf("%s: while nothing can be stored, %s is answered %d %s", name, body, a.status, a.text)
			}
		}
		w.Faults.Set(nil)
		if n := len(p.messages(channel.KeptFailed).body.Items); n != failed {
			t.Errorf("%s: %d messages are kept that were not", name, n-failed)
		}
	}
}

// TestAMessageKeptWithoutTellingIsToldOnce: a commit that succeeds and says nothing is repeated, and meets itself.
func TestAMessageKeptWithoutTellingIsToldOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.play(w.serve(), "hubrise")
	p.send("orders", `{`, standardSecret)
	published := len(w.Published(t, "events"))
	w.Faults.Set(wire.Nth(rpcCommit, 1, wire.Fault{After: wire.Unavailable()}))
	if a := p.send("orders", `[`, standardSecret); a.status != http.StatusBadRequest {
		t.Errorf("answered %d %s", a.status, a.text)
	}
	w.Faults.Set(nil)
	if n := len(p.messages(channel.KeptFailed).body.Items); n != 2 || len(w.Published(t, "events")) != published+1 {
		t.Errorf("%d messages failed, %d events are announced more", n, len(w.Published(t, "events"))-published)
	}
}
