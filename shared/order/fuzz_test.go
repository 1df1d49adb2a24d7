package order_test

import (
	"bytes"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ryggrad.internal/hub/shared/order"
)

// FuzzOrder feeds JSON to everything that reads an order. Nothing may panic, and what is split, stored or spelled comes
// back the same.
func FuzzOrder(f *testing.F) {
	good, err := json.Marshal(sample())
	if err != nil {
		f.Fatalf("write order: %v", err)
	}
	for _, seed := range []string{
		string(good), `{}`, `{"items":[{"modifiers":[{"modifiers":[{"quantity":-1}]}]}]}`, `{"total":9223372036854775807}`,
		`{"items":[{"quantity":9223372036854775807,"unitPrice":-9223372036854775808}]}`, `{"customer":{},"deliveryAddress":{"coordinates":{"latitude":1e308}}}`,
		`{"note":"4111 1111 1111 1111","placedAt":"2026-02-30T00:00:00Z"}`, `{"discounts":[{"amount":-9223372036854775808}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var o order.Order
		if json.Unmarshal(body, &o) != nil {
			return
		}
		faults, warnings, found := o.Check(), o.Warnings(), o.CardNumbers()
		if len(faults) > 100 || len(warnings) > 100 {
			t.Fatalf("%d faults, %d warnings", len(faults), len(warnings))
		}
		if masked := o.MaskCards(); len(masked.CardNumbers()) > 0 {
			t.Fatalf("card numbers at %v are still at %v", found, masked.CardNumbers())
		}
		face, guest := o.Split()
		whole := order.Merge(face, guest)
		if !cmp.Equal(o, whole, cmpopts.EquateEmpty()) || len(order.Diff(o, whole)) > 0 {
			t.Fatalf("split and merged:\n%s", cmp.Diff(o, whole))
		}
		stored, err := order.ParseDocument(face.Document())
		if err != nil || !cmp.Equal(face, stored, cmpopts.EquateEmpty()) {
			t.Fatalf("stored and read: %v\n%s", err, cmp.Diff(face, stored))
		}
		again := rewritten(t, o)
		if !bytes.Equal(canonical(t, o), canonical(t, again)) {
			t.Fatalf("another spelling after writing and reading: %v", order.Diff(o, again))
		}
		o.Masked()
	})
}

func rewritten(t *testing.T, o order.Order) order.Order {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatalf("write order: %v", err)
	}
	return mustParse(t, text)
}
