package orders

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"testing"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
)

// deliverectOrder returns a webhook in the shape that Deliverect documents for channels.
func (w *world) deliverectOrder(number string) []byte {
	w.t.Helper()
	text, err := json.Marshal(map[string]any{
		"channelOrderId": number, "channelOrderDisplayId": "42", "orderType": 2, "courier": "restaurant", "placedTime": "2026-03-01T17:04:05Z",
		"payment": map[string]any{"amount": 21800, "type": 3}, "orderIsAlreadyPaid": true, "deliveryIsAsap": true, "decimalDigits": 2, "deliveryCost": 4900,
		"customer": map[string]any{"name": "Nils Ekdahl", "phoneNumber": "+46701740611"},
		"items": []any{map[string]any{"plu": "BOWL-2", "name": "Salmon bowl", "price": 14900, "quantity": 1,
			"subItems": []any{map[string]any{"plu": "X-AVO", "name": "Avocado", "price": 2000, "quantity": 1}}}},
	})
	w.must(err)
	return text
}

func sign(body []byte, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

func (w *world) deliverect(h http.Handler, body []byte) answer {
	w.t.Helper()
	return call(w.t, h, http.MethodPost, "/v1/channels/deliverect/"+w.link+"/orders", "", body, "X-Server-Authorization-HMAC-SHA256", sign(body, webhookSecret))
}

func TestDeliverectOrderIsTakenInWithItsOriginal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	body := w.deliverectOrder("D-1")
	if a := w.deliverect(h, body); a.status != http.StatusCreated {
		t.Fatalf("answered %d %s", a.status, a.text)
	}
	if a := w.deliverect(h, body); a.status != http.StatusOK {
		t.Errorf("again it is answered %d %s", a.status, a.text)
	}
	list := call(t, h, http.MethodGet, "/v1/orders", w.pos.APIKey.Reveal(), nil)
	if len(list.body.Items) != 1 || w.count("originals") != 1 {
		t.Fatalf("%d originals, listed %s", w.count("originals"), list.text)
	}
	seen := call(t, h, http.MethodGet, "/v1/orders/"+list.body.Items[0].ID, w.pos.APIKey.Reveal(), nil)
	customer, _ := seen.body.Order["customer"].(map[string]any)
	if seen.body.Order["total"] != 21800.0 || customer["name"] != "Nils Ekdahl" || seen.body.Order["currency"] != "SEK" {
		t.Errorf("it reads %s", seen.text)
	}
}

func TestDeliverectCancelFindsItsOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	cancel := []byte(`{"channelOrderId":"D-1","channelOrderDisplayId":"42","status":100,"cancellationReason":"Changed their mind"}`)
	w.deliverect(h, w.deliverectOrder("D-1"))
	for range 2 {
		if a := w.deliverect(h, cancel); a.status != http.StatusOK {
			t.Errorf("a cancel is answered %d %s", a.status, a.text)
		}
	}
	list := call(t, h, http.MethodGet, "/v1/orders?status=cancelled", w.pos.APIKey.Reveal(), nil)
	if len(list.body.Items) != 1 || w.count("events") != 2 {
		t.Errorf("%d events, listed %s", w.count("events"), list.text)
	}
}

func TestWebhooksThatProveNothingAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	body := w.deliverectOrder("D-1")
	path := "/v1/channels/deliverect/" + w.link + "/orders"
	const header = "X-Server-Authorization-HMAC-SHA256"
	for name, c := range map[string]struct {
		path    string
		headers []string
		status  int
	}{
		"no signature":        {path, nil, 401},
		"another secret":      {path, []string{header, sign(body, "guessed")}, 401},
		"another body":        {path, []string{header, sign([]byte("{}"), webhookSecret)}, 401},
		"two signatures":      {path, []string{header, sign(body, "guessed"), header, sign(body, webhookSecret)}, 401},
		"nonsense":            {path, []string{header, "<script>"}, 401},
		"an unknown link":     {"/v1/channels/deliverect/lnk_aaaaaaaaaaaaaaaaaaaaaaaaaa/orders", []string{header, sign(body, webhookSecret)}, 404},
		"no link at all":      {"/v1/channels/deliverect/x/orders", []string{header, sign(body, webhookSecret)}, 404},
		"an unknown adapter":  {"/v1/channels/unknown/" + w.link + "/orders", []string{header, sign(body, webhookSecret)}, 404},
		"an API key for one":  {path, []string{"Authorization", "Bearer " + w.shop.APIKey.Reveal()}, 401},
		"an unknown sub-path": {"/v1/channels/deliverect/" + w.link + "/nothing", []string{header, sign(body, webhookSecret)}, 404},
	} {
		if a := call(t, h, http.MethodPost, c.path, "", body, c.headers...); a.status != c.status {
			t.Errorf("%s is answered %d %s", name, a.status, a.text)
		}
	}
	if w.count("orders") != 0 || w.count("originals") != 0 {
		t.Error("something was stored")
	}
}

func TestWebhooksThatProveNothingAreInTheAuditLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	body, before := w.deliverectOrder("D-1"), w.count("audit")
	for range 20 {
		call(t, h, http.MethodPost, "/v1/channels/deliverect/"+w.link+"/orders", "", body, "X-Server-Authorization-HMAC-SHA256", sign(body, "guessed"))
	}
	docs, err := w.db.Collection("audit").Documents(t.Context()).GetAll()
	w.must(err)
	var found []ledger.Entry
	for _, d := range docs {
		raw, _ := d.Data()["bytes"].([]byte)
		entry, err := ledger.Parse(raw)
		w.must(err)
		if entry.Action == "receive-channel-orders" && entry.Outcome == ledger.Refused {
			found = append(found, entry)
		}
	}
	if len(found) < 1 || len(docs)-before > 3 { // the first of a minute and the number of the rest, and the minute may turn
		t.Fatalf("20 refusals left %d entries, %d of them for the route", len(docs)-before, len(found))
	}
	if e := found[0]; e.Reason != "the webhook's signature does not hold" || e.Tenant != identity.Hub {
		t.Errorf("the entry says %+v", e)
	}
}

func TestUnreadableWebhooksAreRefusedInThePlatformsWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	for _, body := range []string{`{`, `[]`, `{"channelOrderId":"a","channelOrderId":"b"}`, `{"channelOrderId":""}`, "\xff", `{"channelOrderId":1e999}`} {
		if a := w.deliverect(h, []byte(body)); a.status < 400 || a.status >= 500 {
			t.Errorf("%q is answered %d %s", body, a.status, a.text)
		}
	}
	if w.count("orders") != 0 {
		t.Error("something was stored")
	}
}
