package orders

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/identity"
)

func TestBadOrdersAreRefusedWithEveryFaultAndNothingIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	set := func(name string, v any) func(map[string]any) { return func(o map[string]any) { o[name] = v } }
	item := func(change map[string]any) func(map[string]any) {
		return func(o map[string]any) {
			line := o["items"].([]any)[0].(map[string]any)
			for name, v := range change {
				line[name] = v
			}
		}
	}
	deep := map[string]any{"plu": "X", "name": "X", "quantity": 1, "unitPrice": 0}
	for range 12 {
		deep = map[string]any{"plu": "X", "name": "X", "quantity": 1, "unitPrice": 0, "modifiers": []any{deep}}
	}
	for name, c := range map[string]struct {
		change func(map[string]any)
		status int
		at     string
	}{
		"a negative quantity":           {item(map[string]any{"quantity": -1}), 422, "body.items[0].quantity"},
		"a quantity of nothing":         {item(map[string]any{"quantity": 0}), 422, "body.items[0].quantity"},
		"a price as a fraction":         {item(map[string]any{"unitPrice": 1.5}), 422, "body.items[0].unitPrice"},
		"a huge price":                  {item(map[string]any{"unitPrice": 1e18}), 422, "body.items[0].unitPrice"},
		"another currency":              {set("currency", "EUR"), 422, "body.currency"},
		"no currency at all":            {set("currency", "XXZ"), 422, "body.currency"},
		"an unknown location":           {set("location", "loc_aaaaaaaaaaaaaaaaaaaaaaaaaa"), 422, "body.location"},
		"a location of no form":         {set("location", "../../tenants"), 422, "body.location"},
		"no items":                      {set("items", []any{}), 422, "body.items"},
		"nesting without end":           {item(map[string]any{"modifiers": []any{deep}}), 422, ""},
		"a tenant of its own":           {set("tenant", "ten_other"), 422, "body.tenant"},
		"a time that is none":           {set("placedAt", "yesterday"), 422, "body.placedAt"},
		"a card number in a note":       {set("note", "card 4111 1111 1111 1111"), 422, "body.note"},
		"a card number in an item note": {item(map[string]any{"note": "4111-1111-1111-1111"}), 422, "body.items[0].note"},
	} {
		a := w.post(h, w.order("BAD-1", c.change))
		if a.status != c.status || c.at != "" && !slices.Contains(a.locations(), c.at) {
			t.Errorf("%s is answered %d %s", name, a.status, a.text)
		}
		if a.tells("4111") {
			t.Errorf("%s: the refusal repeats the card number: %s", name, a.text)
		}
	}
	// What the schema finds and what only the rules do, all told together and each once.
	remove := func(name string) func(map[string]any) { return func(o map[string]any) { delete(o, name) } }
	all := w.post(h, w.order("BAD-1", item(map[string]any{"quantity": -1, "unitPrice": "x"}), set("total", nil), remove("displayId"),
		set("currency", "EUR"), set("note", "card 4111 1111 1111 1111"), set("colour", "red")))
	want := []string{"body.colour", "body.currency", "body.displayId", "body.items[0].quantity", "body.items[0].unitPrice", "body.note", "body.total"}
	if diff := cmp.Diff(want, slices.Sorted(slices.Values(all.locations()))); diff != "" {
		t.Errorf("faults (-want +got):\n%s\n%s", diff, all.text)
	}
	w.nothingStored()
}

func TestBadBytesAreRefusedAndNothingIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	good := string(w.order("BAD-1"))
	for name, c := range map[string]struct {
		body   string
		status int
	}{
		"half an order":          {good[:len(good)/2], 400},
		"a name twice":           {strings.Replace(good, `"total":`, `"total":1,"total":`, 1), 400},
		"a name in capitals":     {strings.Replace(good, `"total":`, `"TOTAL":`, 1), 422},
		"invalid UTF-8":          {strings.Replace(good, "ring twice", "ring \xff\xfe", 1), 400},
		"a number beyond all":    {strings.Replace(good, `"total":33700`, `"total":1e400`, 1), 400},
		"two megabytes":          {strings.Replace(good, "ring twice", strings.Repeat("a", 2<<20), 1), 413},
		"a very long note":       {strings.Replace(good, "ring twice", strings.Repeat("a", 20_000), 1), 422},
		"a hundred thousand [":   {strings.Repeat("[", 100_000), 400},
		"another JSON value":     {`"order"`, 422},
		"nothing":                {``, 400},
		"a lone surrogate":       {strings.Replace(good, "ring twice", `\ud800`, 1), 400},
		"an order and some more": {good + "x", 400},
	} {
		if a := w.post(h, []byte(c.body)); a.status != c.status && (a.status < 400 || a.status >= 500) {
			t.Errorf("%s is answered %d %s", name, a.status, a.text)
		} else if a.status != c.status {
			t.Errorf("%s is answered %d instead of %d: %s", name, a.status, c.status, a.text)
		}
	}
	w.nothingStored()
}

func (w *world) nothingStored() {
	w.t.Helper()
	for _, collection := range []string{"orders", "orderKeys", "originals", "events", "idempotency"} {
		if n := w.count(collection); n != 0 {
			w.t.Errorf("%d documents in %s", n, collection)
		}
	}
}

// mistyped has another last letter.
func mistyped(key string) string {
	if start, x := strings.CutSuffix(key, "x"); x {
		return start + "y"
	}
	return key[:len(key)-1] + "x"
}

func TestCredentialsThatDoNotHold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	key := w.shop.APIKey.Reveal()
	for name, bearer := range map[string]string{
		"none":                  "",
		"an empty one":          " ",
		"a key with a typo":     mistyped(key),
		"a key of nobody":       "ryg_live_aaaaaaaaaaaaaaaa_" + strings.Repeat("a", 49),
		"a client secret":       w.shop.ClientSecret.Reveal(),
		"alg none":              "eyJhbGciOiJub25lIiwidHlwIjoiYXQrand0In0.eyJzdWIiOiJjbGlfMSIsInRlbmFudCI6InRlbl8xIn0.",
		"a token of no form":    "a.b.c",
		"a very long token":     strings.Repeat("a", 100_000),
		"a session of nobody's": "rys_" + strings.Repeat("a", 43),
	} {
		if a := call(t, h, http.MethodPost, "/v1/orders", bearer, w.order("A-1")); a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s is answered %d %s", name, a.status, a.text)
		}
	}
	if a := call(t, h, http.MethodPost, "/v1/orders?access_token="+key, "", w.order("A-1")); a.status < 400 || a.status >= 500 || strings.Contains(a.text, key) {
		t.Errorf("a key in the address is answered %d %s", a.status, a.text)
	}
	w.nothingStored()
}

func TestPermissionsOfEveryRoute(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	placed := w.post(h, w.order("A-1"))
	id := placed.body.ID
	nobody := w.client(w.by, identity.Locations{identity.EveryLocation}, identity.AuditRead)
	for _, c := range []struct{ method, path, body string }{
		{http.MethodPost, "/v1/orders", string(w.order("A-2"))},
		{http.MethodGet, "/v1/orders", ""},
		{http.MethodGet, "/v1/orders/" + id, ""},
		{http.MethodGet, "/v1/orders/" + id + "/history", ""},
		{http.MethodPost, "/v1/orders/" + id + "/status", `{"status":"accepted"}`},
	} {
		if a := call(t, h, c.method, c.path, nobody.APIKey.Reveal(), []byte(c.body)); a.status != http.StatusForbidden {
			t.Errorf("%s %s without its permission is answered %d %s", c.method, c.path, a.status, a.text)
		}
		if a := call(t, h, c.method, c.path, "", []byte(c.body)); a.status != http.StatusUnauthorized {
			t.Errorf("%s %s without a credential is answered %d %s", c.method, c.path, a.status, a.text)
		}
	}
	if w.count("orders") != 1 {
		t.Error("an order was placed")
	}
}

func TestAnotherTenantSeesNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	placed := w.post(h, w.order("A-1"))
	by, theirs := w.tenant("Others")
	other := w.client(by, identity.Locations{identity.EveryLocation}, identity.OrdersWrite, identity.OrdersRead, identity.OrdersReadPII, identity.OrdersStatus)
	key := other.APIKey.Reveal()
	for _, c := range []struct{ method, path, body string }{
		{http.MethodGet, "/v1/orders/" + placed.body.ID, ""},
		{http.MethodGet, "/v1/orders/" + placed.body.ID + "/history", ""},
		{http.MethodPost, "/v1/orders/" + placed.body.ID + "/status", `{"status":"cancelled"}`},
		{http.MethodGet, "/v1/orders/ord_aaaaaaaaaaaaaaaaaaaaaaaaaa", ""},
		{http.MethodGet, "/v1/orders/ord_1", ""},
	} {
		if a := call(t, h, c.method, c.path, key, []byte(c.body)); a.status != http.StatusNotFound {
			t.Errorf("%s %s is answered %d %s", c.method, c.path, a.status, a.text)
		}
	}
	if a := call(t, h, http.MethodGet, "/v1/orders", key, nil); a.status != http.StatusOK || len(a.body.Items) != 0 {
		t.Errorf("the list shows %d %s", a.status, a.text)
	}
	if a := call(t, h, http.MethodPost, "/v1/orders", key, w.order("A-1")); a.status != http.StatusUnprocessableEntity || !slices.Contains(a.locations(), "body.location") {
		t.Errorf("an order for another's location is answered %d %s", a.status, a.text)
	}
	same := call(t, h, http.MethodPost, "/v1/orders", key, w.order("A-1", func(o map[string]any) { o["location"] = theirs }))
	if same.status != http.StatusCreated || same.body.ID == placed.body.ID {
		t.Errorf("their own order of the same number is answered %d %s", same.status, same.text)
	}
}

func TestCredentialReachesItsLocationsOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	elsewhere := w.place(w.by)
	here := w.client(w.by, identity.Locations{w.location}, identity.OrdersWrite, identity.OrdersRead, identity.OrdersStatus)
	there := w.post(h, w.order("A-1", func(o map[string]any) { o["location"] = elsewhere }))
	w.post(h, w.order("A-2"))
	key := here.APIKey.Reveal()
	if a := call(t, h, http.MethodGet, "/v1/orders/"+there.body.ID, key, nil); a.status != http.StatusNotFound {
		t.Errorf("an order elsewhere is answered %d %s", a.status, a.text)
	}
	if a := call(t, h, http.MethodPost, "/v1/orders/"+there.body.ID+"/status", key, []byte(`{"status":"accepted"}`)); a.status != http.StatusNotFound {
		t.Errorf("its status is answered %d %s", a.status, a.text)
	}
	if a := call(t, h, http.MethodPost, "/v1/orders", key, w.order("A-3", func(o map[string]any) { o["location"] = elsewhere })); a.status != http.StatusForbidden {
		t.Errorf("an order for elsewhere is answered %d %s", a.status, a.text)
	}
	if a := call(t, h, http.MethodGet, "/v1/orders", key, nil); len(a.body.Items) != 1 {
		t.Errorf("the list shows %s", a.text)
	}
	if a := call(t, h, http.MethodGet, "/v1/orders?location="+elsewhere, key, nil); a.status != http.StatusForbidden {
		t.Errorf("the list of elsewhere is answered %d %s", a.status, a.text)
	}
}

func TestListGoesThroughEveryOrderOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	want := map[string]bool{}
	for i := range 7 {
		want[w.post(h, w.order(fmt.Sprintf("A-%d", i))).body.ID] = true
	}
	cursor, pages := "", 0
	for {
		a := call(t, h, http.MethodGet, "/v1/orders?limit=3&cursor="+cursor, w.shop.APIKey.Reveal(), nil)
		if a.status != http.StatusOK || bytes.Contains([]byte(a.text), []byte("Alva")) {
			t.Fatalf("answered %d %s", a.status, a.text)
		}
		for _, item := range a.body.Items {
			if !want[item.ID] {
				t.Errorf("%s comes twice or from nowhere", item.ID)
			}
			delete(want, item.ID)
		}
		pages++
		if cursor = a.body.Next; cursor == "" {
			break
		}
	}
	if len(want) != 0 || pages != 3 {
		t.Errorf("%d orders are missing after %d pages", len(want), pages)
	}
	for _, query := range []string{"cursor=x", "cursor=MSBhL2I", "limit=0", "limit=201", "limit=x", "status=eaten", "updatedAfter=yesterday", "tenant=ten_1"} {
		if a := call(t, h, http.MethodGet, "/v1/orders?"+query, w.shop.APIKey.Reveal(), nil); a.status != http.StatusUnprocessableEntity {
			t.Errorf("%s is answered %d %s", query, a.status, a.text)
		}
	}
}
