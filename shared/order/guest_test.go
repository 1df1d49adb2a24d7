package order_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"ryggrad.internal/hub/shared/order"
)

func TestSplitAndMergeLoseNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := anyOrder().Draw(t, "order")
		face, guest := o.Split()
		plaintext, err := json.Marshal(guest)
		if err != nil {
			t.Fatalf("write guest: %v", err)
		}
		var read order.Guest
		if err := json.Unmarshal(plaintext, &read); err != nil {
			t.Fatalf("read guest: %v", err)
		}
		if diff := cmp.Diff(o, order.Merge(face, read)); diff != "" {
			t.Fatalf("order (-want +got):\n%s", diff)
		}
	})
}

func TestTheFaceHoldsNothingOfTheGuest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := anyOrder().Draw(t, "order")
		face, _ := o.Split()
		for name, shown := range map[string]any{"face": face, "document": o.Document()} {
			if text := fmt.Sprintf("%+v", shown); strings.Contains(text, guestMark) {
				t.Fatalf("the %s holds a guest's words: %s", name, text)
			}
		}
		if face.Customer != nil || face.DeliveryAddress != nil {
			t.Fatal("the face tells whether there is a customer or an address")
		}
	})
}

func TestSplittingLeavesTheOrderAsItIs(t *testing.T) {
	t.Parallel()
	o := sample()
	face, guest := o.Split()
	_ = order.Merge(face, guest)
	_ = o.Masked()
	_, _ = o.Fit()
	_ = o.MaskCards()
	if diff := cmp.Diff(sample(), o); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestTheFaceOfAnErasedGuestStandsAlone(t *testing.T) {
	t.Parallel()
	face, _ := sample().Split()
	got := order.Merge(face, order.Guest{})
	if diff := cmp.Diff(face, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

func TestMaskedShowsNoMoreThanPromised(t *testing.T) {
	t.Parallel()
	o := sample()
	want := sample()
	want.Items[0].Note, want.Note = "***", "***"
	want.Customer = &order.Customer{Name: "A***", Phone: "***67", Email: "a***", Note: "***"}
	want.DeliveryAddress = &order.Address{
		Street: "***", StreetNumber: "***", PostalCode: "***", City: "Stockholm", Country: "SE", Extra: "***",
	}
	if diff := cmp.Diff(want, o.Masked()); diff != "" {
		t.Errorf("masked (-want +got):\n%s", diff)
	}
	o.Customer = &order.Customer{Name: " Östen", Phone: "12345"}
	if got := o.Masked().Customer; got.Name != "Ö***" || got.Phone != "***" {
		t.Errorf("masked customer: %+v", got)
	}
}

func TestFitCutsWhatIsTooLong(t *testing.T) {
	t.Parallel()
	o := sample()
	o.Note = strings.Repeat("é", 5001)
	o.Items[0].Modifiers[0].Name = strings.Repeat("x", 300)
	got, warnings := o.Fit()
	if got.Note != strings.Repeat("é", 5000) || got.Items[0].Modifiers[0].Name != o.Items[0].Modifiers[0].Name {
		t.Errorf("the note is %d bytes long", len(got.Note))
	}
	if len(warnings) != 1 || warnings[0].Location != "body.note" || len(got.Check()) != 0 {
		t.Errorf("warnings %v, faults %v", warnings, got.Check())
	}
}
