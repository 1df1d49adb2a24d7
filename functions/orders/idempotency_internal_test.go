package orders

import (
	"strings"
	"testing"

	"ryggrad.internal/hub/shared/fault"
)

func FuzzIdempotencyKey(f *testing.F) {
	for _, seed := range []string{"", `"8e03978e-40d5-43dd-bc93-6894a57f9324"`, "bare", `""`, `"a`, `"a"; b`, "\"\x7f\"", `"å"`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		key, err := idempotencyKey(header)
		if err != nil {
			if !fault.Is(err, fault.Malformed) {
				t.Fatalf("%q: %v is not the caller's fault", header, err)
			}
			return
		}
		if (key == "") != (header == "") || len(key) > 255 || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("%q is read as %q", header, key)
		}
		if again, err := idempotencyKey(`"` + key + `"`); key != "" && (err != nil || again != key) {
			t.Fatalf("%q in quotes is read as %q, %v", key, again, err)
		}
	})
}
