package order_test

import (
	"testing"

	"golang.org/x/text/currency"

	"ryggrad.internal/hub/shared/order"
)

func TestExponentsOfCurrencies(t *testing.T) {
	t.Parallel()
	for code, want := range map[order.Currency]int{
		"JPY": 0, "ISK": 0, "XPF": 0, "VND": 0,
		"EUR": 2, "SEK": 2, "USD": 2, "AED": 2, "ZWG": 2, "HUF": 2,
		"BHD": 3, "KWD": 3, "JOD": 3, "OMR": 3, "TND": 3,
		"CLF": 4, "UYW": 4,
	} {
		if got, ok := code.Exponent(); !ok || got != want {
			t.Errorf("%s has exponent %d (%t), want %d", code, got, ok, want)
		}
	}
}

func TestWhatIsNoMoneyIsRefused(t *testing.T) {
	t.Parallel()
	for _, code := range []order.Currency{"", "EU", "eur", "EURO", "XXX", "XTS", "XAU", "DEM", " AE", "ED ", "D A", "ÄÖ"} {
		if _, ok := code.Exponent(); ok {
			t.Errorf("%q counts as a currency", code)
		}
	}
}

// Codes that ISO 4217 has added lately are unknown to the other table; the rest must be known to both.
func TestEveryCurrencyIsKnownElsewhereToo(t *testing.T) {
	t.Parallel()
	recent := map[order.Currency]bool{"SLE": true, "VED": true, "XAD": true, "XCG": true, "ZWG": true, "UYW": true, "VES": true, "MRU": true, "STN": true}
	count := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			for c := 'A'; c <= 'Z'; c++ {
				code := order.Currency([]rune{a, b, c})
				if _, ok := code.Exponent(); !ok {
					continue
				}
				count++
				if _, err := currency.ParseISO(string(code)); err != nil && !recent[code] {
					t.Errorf("%s is no currency: %v", code, err)
				}
			}
		}
	}
	if count != 165 {
		t.Errorf("%d currencies, want 165", count)
	}
}
