package orders

import (
	"fmt"
	"net/http"
	"testing"
)

func TestAPOSReportsInDeliverectsForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	placed := w.post(h, w.order("P-1"))
	path := "/v1/pos/deliverect/orderStatus/" + placed.body.ID
	report := func(bearer, body string) int {
		t.Helper()
		return call(t, h, http.MethodPost, path, bearer, []byte(body)).status
	}
	pos := w.pos.APIKey.Reveal()
	for i, c := range []struct {
		body   string
		status int
		order  string
	}{
		{`{"orderId":"x","receiptId":"r-1","status":10,"timeStamp":"2026-03-01T17:05:00Z"}`, 200, "received"},
		{`{"orderId":"x","receiptId":"r-1","status":20,"pickupTime":"2026-03-01T17:30:00Z","reason":""}`, 200, "accepted"},
		{`{"status":20}`, 200, "accepted"},
		{`{"status":4711}`, 200, "accepted"},
		{`{"status":70,"more":{"a":1}}`, 200, "ready"},
		{`{"status":50}`, 409, "ready"},
		{`{"status":"ready"}`, 422, "ready"},
		{`{`, 400, "ready"},
	} {
		got := report(pos, c.body)
		seen := call(t, h, http.MethodGet, "/v1/orders/"+placed.body.ID, pos, nil)
		if got != c.status || seen.body.Status != c.order {
			t.Errorf("%d: %s is answered %d, the order is %s; want %d, %s", i, c.body, got, seen.body.Status, c.status, c.order)
		}
	}
	if got := report(w.shop.APIKey.Reveal(), `{"status":90}`); got != http.StatusForbidden {
		t.Errorf("without the permission: %d", got)
	}
	path = fmt.Sprint(path[:len(path)-1], "x")
	if got := report(pos, `{"status":90}`); got != http.StatusNotFound {
		t.Errorf("an order that is not there: %d", got)
	}
}
