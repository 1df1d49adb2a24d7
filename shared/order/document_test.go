package order_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/order"
)

func TestDocumentsReadBackAsTheFace(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := anyOrder().Draw(t, "order")
		face, _ := o.Split()
		doc := o.Document()
		if odd := foreign(doc); odd != "" {
			t.Fatalf("the document holds %s", odd)
		}
		got, err := order.ParseDocument(doc)
		if err != nil {
			t.Fatalf("read document: %v", err)
		}
		if diff := cmp.Diff(face, got); diff != "" {
			t.Fatalf("face (-want +got):\n%s", diff)
		}
	})
}

func TestRecordsReadBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		face, _ := anyOrder().Draw(t, "order").Split()
		r := order.Receive(order.Origin{Tenant: "ten", Link: "lnk", Adapter: "deliverect", Identity: []string{"1"}}, face, noon, "channel")
		for range rapid.IntRange(0, 5).Draw(t, "changes") {
			r, _, _ = r.Advance(order.Change{
				Status: rapid.SampledFrom(order.Statuses()).Draw(t, "status"),
				Reason: rapid.StringN(0, 5, -1).Draw(t, "reason"), ReadyAt: anyTime().Draw(t, "readyAt"),
			}, noon, "user")
		}
		doc := r.Document()
		if odd := foreign(doc); odd != "" {
			t.Fatalf("the document holds %s", odd)
		}
		got, err := order.ParseRecord(r.ID, doc)
		if err != nil {
			t.Fatalf("read document: %v", err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Fatalf("record (-want +got):\n%s", diff)
		}
	})
}

// foreign names the first value of a type that documents must not hold.
func foreign(value any) string {
	switch v := value.(type) {
	case nil, bool, int64, float64, string:
		return ""
	case time.Time:
		if v.Location() != time.UTC || v.Nanosecond()%1000 != 0 {
			return "the time " + v.String()
		}
		return ""
	case []any:
		for _, e := range v {
			if odd := foreign(e); odd != "" {
				return odd
			}
		}
		return ""
	case map[string]any:
		for _, e := range v {
			if odd := foreign(e); odd != "" {
				return odd
			}
		}
		return ""
	}
	return fmt.Sprintf("a %T", value)
}

func TestADocumentOfAnotherShapeIsAnError(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(doc map[string]any){
		"text for an amount":         func(doc map[string]any) { inner(doc)["total"] = "12" },
		"a float for an amount":      func(doc map[string]any) { inner(doc)["total"] = 12.0 },
		"text for the items":         func(doc map[string]any) { inner(doc)["items"] = "none" },
		"text for an item":           func(doc map[string]any) { inner(doc)["items"] = []any{"one"} },
		"a number for the status":    func(doc map[string]any) { doc["status"] = int64(3) },
		"text for a moment":          func(doc map[string]any) { doc["receivedAt"] = "noon" },
		"a list for the order":       func(doc map[string]any) { doc["order"] = []any{} },
		"text for a step of history": func(doc map[string]any) { doc["history"] = []any{"received"} },
	} {
		doc := received().Document()
		change(doc)
		if r, err := order.ParseRecord("ord_1", doc); err == nil {
			t.Errorf("%s is read as %+v", name, r)
		}
	}
}

func inner(doc map[string]any) map[string]any {
	face, _ := doc["order"].(map[string]any)
	return face
}

func TestAnOlderDocumentIsReadWithZeros(t *testing.T) {
	t.Parallel()
	doc := received().Document()
	delete(doc, "history")
	doc["added later"] = true
	delete(inner(doc), "taxes")
	got, err := order.ParseRecord("ord_1", doc)
	want := received()
	want.ID, want.History, want.Order.Taxes = "ord_1", nil, nil
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("err %v, record (-want +got):\n%s", err, diff)
	}
}
