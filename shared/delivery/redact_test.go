package delivery_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"ryggrad.internal/hub/shared/delivery"
)

func TestWhatIsKeptOfAText(t *testing.T) {
	t.Parallel()
	guest := []string{"Alva Lindqvist", "Alva", "Lindqvist", "Åsa", "O\u0308berg", "+46 70 174 06 05", "", "a"}
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
		`{"for":"\u00c5sa \u00d6berg"}`:               `{"for":"••• •••"}`,
		`{"for":"\u004c\u0069ndqvist"}`:               `{"for":"•••"}`,
		`for=%C3%85sa&by=A%cc%8asa`:                   `for=•••&by=•••`,
		`<p>&Aring;sa &#214;berg</p>`:                 `<p>••• •••</p>`,
		`{"half":"\ud800"} %ff 100%`:                  `{"half":"�"} ••• 100%`,
		"somebody else":                               "somebody else",
	} {
		if got := delivery.Masked(text, guest, 100); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	note := "ring at the yellow gate, and twice at the green one"
	for text, want := range map[string]string{ // what was cut off in the middle of a word
		"note: " + note[:30]:                         "note: •••",
		`{"for":"\u00c5sa` + `","note":"RING at th`:  `{"for":"•••","note":"•••`,
		strings.Repeat(`\u00e4`, 20) + `\u00c5s\u00`: strings.Repeat("ä", 20) + "•••",
	} {
		if got := delivery.Masked(text, append(guest, note), 100); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
	if got := delivery.Masked(strings.Repeat("ö", 100), nil, 99); len(got) > 99+len("…") || !utf8.ValidString(got) {
		t.Errorf("cut to %q", got)
	}
}
