package orders

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"
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

func TestAPOSMovesTheTimeToBeReadyAt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	id := w.post(h, w.order("P-1")).body.ID
	pos := w.pos.APIKey.Reveal()
	report := func(bearer, body string) answer {
		t.Helper()
		return call(t, h, http.MethodPost, "/v1/pos/deliverect/updatePreparationTime", bearer, []byte(body))
	}
	before := len(w.Published(t, "events"))
	start := time.Now()
	if a := report(pos, fmt.Sprintf(`{"order":%q,"minutes":20}`, id)); a.status != http.StatusOK {
		t.Fatalf("answered %d %s", a.status, a.text)
	}
	seen := call(t, h, http.MethodGet, "/v1/orders/"+id, pos, nil)
	readyAt := readyAtOf(t, seen)
	if late := readyAt.Sub(start.Add(20 * time.Minute)); seen.body.Status != "received" || seen.body.Version != 2 || late < -time.Second || late > time.Minute {
		t.Errorf("the order reads %s", seen.text)
	}
	if n := len(w.Published(t, "events")); n != before+1 || w.count("events") != 2 {
		t.Errorf("%d events are announced, %d are there", n-before, w.count("events"))
	}
	history := call(t, h, http.MethodGet, "/v1/orders/"+id+"/history", pos, nil)
	if got := len(history.body.Items); got != 2 || history.body.Items[1].Status != "received" {
		t.Errorf("its history is %s", history.text)
	}
	for name, c := range map[string]struct {
		bearer, body string
		status       int
	}{
		"without the permission": {w.shop.APIKey.Reveal(), fmt.Sprintf(`{"order":%q,"minutes":5}`, id), 403},
		"no order of ours":       {pos, `{"order":"ord_aaaaaaaaaaaaaaaaaaaaaaaaaa","minutes":5}`, 404},
		"a path for an order":    {pos, `{"order":"../orders","minutes":5}`, 404},
		"no minutes":             {pos, fmt.Sprintf(`{"order":%q}`, id), 422},
		"no JSON":                {pos, `{`, 400},
	} {
		if a := report(c.bearer, c.body); a.status != c.status {
			t.Errorf("%s: answered %d %s", name, a.status, a.text)
		}
	}
	call(t, h, http.MethodPost, "/v1/orders/"+id+"/status", pos, []byte(`{"status":"completed"}`))
	if a := report(pos, fmt.Sprintf(`{"order":%q,"minutes":5}`, id)); a.status != http.StatusConflict {
		t.Errorf("of an order that the guest has: %d %s", a.status, a.text)
	}
}

// readyAtOf returns when an order that was answered is expected to be ready.
func readyAtOf(t *testing.T, a answer) time.Time {
	t.Helper()
	var o struct {
		ReadyAt time.Time `json:"readyAt"`
	}
	if err := json.Unmarshal([]byte(a.text), &o); err != nil {
		t.Fatal(err)
	}
	return o.ReadyAt
}
