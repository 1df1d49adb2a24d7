package delivery_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"ryggrad.internal/hub/shared/delivery"
)

func TestWhatIsKeptOfAText(t *testing.T) {
	t.Parallel()
	guest := []string{"Alva Lindqvist", "Alva", "Lindqvist", "+46 70 174 06 05", "", "a"}
	for text, want := range map[string]string{
		`{"error":"unknown PLU PIZ-01"}`:              `{"error":"unknown PLU PIZ-01"}`,
		`sorry, ALVA lindqvist`:                       `sorry, •••`,
		`{"customer":"alva.lindqvist@mail.example"}`:  `{"customer":"•••"}`,
		`call 0701-74 06 05 now`:                      `call ••• now`,
		`card 4111 1111 1111 1111`:                    `card •••`,
		`table 12 at 18:04`:                           `table 12 at 18:04`,
		"Authorization: Bearer abc.def and whsec_xyz": `Authorization: ••• and •••`,
		"two\nlines\x00":                              "two lines ",
		"LINDQVIST, Alva":                             "•••, •••",
		"somebody else":                               "somebody else",
	} {
		if got := delivery.Masked(text, guest, 100); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	if got := delivery.Masked(strings.Repeat("ö", 100), nil, 99); len(got) > 99+len("…") || !utf8.ValidString(got) {
		t.Errorf("cut to %q", got)
	}
}
