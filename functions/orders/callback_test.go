package orders

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestWhereAPlatformWantsToHearIsKeptSealed: whoever knows the address may answer for the restaurant.
func TestWhereAPlatformWantsToHearIsKeptSealed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.play(w.serve(), "jet")
	const path = "order-ready-for-preparation-async"
	body := w.fixture("jet", path)
	if a := s.send(path+"?callback=https%3A%2F%2Fback.example%2Fcapability-1", body, standardSecret); a.status != http.StatusAccepted {
		t.Fatalf("answered %d %s", a.status, a.text)
	}
	for _, collection := range []string{"orders", "events", "audit", "originals"} {
		docs, err := w.db.Collection(collection).Documents(t.Context()).GetAll()
		w.must(err)
		for _, d := range docs {
			if strings.Contains(fmt.Sprintf("%s", d.Data()), "capability-1") {
				t.Errorf("%s/%s says it in plain", collection, d.Ref.ID)
			}
			if _, there := d.Data()["callback"].([]byte); collection == "orders" && !there {
				t.Error("it is not kept")
			}
		}
	}
	if a := s.send(path+"?callback=https%3A%2F%2Fback.example%2Fcapability-2", body, standardSecret); a.status != http.StatusConflict {
		t.Errorf("again, with another address, it is answered %d %s", a.status, a.text)
	}
}
