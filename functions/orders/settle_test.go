package orders

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
)

// TestWhatAReplayCannotSettleIsSettledByHand: the order came with other content meanwhile, so every replay is refused.
func TestWhatAReplayCannotSettleIsSettledByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	h := w.serve()
	s := w.play(h, "hubrise")
	doc := w.db.Doc("channels/" + s.link)
	snap, err := doc.Get(t.Context())
	w.must(err)
	right := snap.Data()
	move := func(fields map[string]any) {
		_, err := doc.Set(t.Context(), fields)
		w.must(err)
		s.h = w.serve() // another instance, which has not seen the link as it was
	}
	wrong := maps.Clone(right)
	wrong["locations"] = []any{map[string]any{"external": "else-1", "location": w.location}, map[string]any{"external": "else-2", "location": w.place(w.by)}}
	move(wrong)
	body := w.fixture("hubrise", "orders_created")
	if a := s.send("orders", body, standardSecret); a.status != http.StatusUnprocessableEntity {
		t.Fatalf("answered %d %s", a.status, a.text)
	}
	move(right)
	id := s.messages(channel.KeptFailed).body.Items[0].ID
	s.send("orders", strings.Replace(body, `"quantity": "2.0"`, `"quantity": "3.0"`, 1), standardSecret)
	post := func(act, bearer, body string) answer {
		t.Helper()
		return call(t, s.h, http.MethodPost, "/v1/channel-messages/"+id+"/"+act, bearer, []byte(body))
	}
	shop := w.shop.APIKey.Reveal()
	if a := post("replay", shop, ""); a.status != http.StatusConflict {
		t.Fatalf("a replay is answered %d %s", a.status, a.text)
	}
	by, _ := w.tenant("Others")
	stranger := w.client(by, identity.Locations{identity.EveryLocation}, identity.OrdersRead, identity.OrdersWrite)
	for name, c := range map[string]struct {
		bearer, body string
		status       int
	}{
		"another tenant":         {stranger.APIKey.Reveal(), `{"reason":"mine"}`, 404},
		"without the permission": {w.pos.APIKey.Reveal(), `{"reason":"done"}`, 403},
		"without a reason":       {shop, `{}`, 422},
		"a blank reason":         {shop, `{"reason":"   "}`, 422},
	} {
		if a := post("settle", c.bearer, c.body); a.status != c.status {
			t.Errorf("%s: answered %d %s", name, a.status, a.text)
		}
	}
	const reason = `{"reason":"the restaurant cooked it from the platform's tablet"}`
	for range 2 { // the second time nothing is left to do
		if a := post("settle", shop, reason); a.status != http.StatusOK || !strings.Contains(a.text, `"state":"settled"`) || !strings.Contains(a.text, "tablet") {
			t.Errorf("answered %d %s", a.status, a.text)
		}
	}
	if a := post("replay", shop, ""); a.status != http.StatusConflict || len(s.messages(channel.KeptFailed).body.Items) != 0 {
		t.Errorf("it can be replayed still: %d %s", a.status, a.text)
	}
	if n := w.entries("message.settle_by_hand"); n != 1 {
		t.Errorf("%d entries of the audit log", n)
	}
}

// entries returns how many entries of the audit log tell of an action.
func (w *world) entries(action string) (n int) {
	w.t.Helper()
	docs, err := w.db.Collection("audit").Documents(w.t.Context()).GetAll()
	w.must(err)
	for _, d := range docs {
		raw, _ := d.Data()["bytes"].([]byte)
		entry, err := ledger.Parse(raw)
		w.must(err)
		if entry.Action == action {
			n++
		}
	}
	return n
}
