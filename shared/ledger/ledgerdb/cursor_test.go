package ledgerdb_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

func FuzzCursor(f *testing.F) {
	f.Add(ledgerdb.Cursor(time.UnixMicro(1_700_000_000_000_000), "evt_1_ep_1"))
	f.Add("")
	f.Add("MSBh")
	f.Add("MTcwMDAwMDAwMDAwMDAwMCBhL2I")
	f.Fuzz(func(t *testing.T, text string) {
		at, id, err := ledgerdb.ParseCursor(text)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatalf("%v is not the caller's fault", err)
			}
			return
		}
		if id == "" || strings.Contains(id, "/") {
			t.Fatalf("%q names the document %q", text, id)
		}
		if again, same, err := ledgerdb.ParseCursor(ledgerdb.Cursor(at, id)); err != nil || !again.Equal(at) || same != id {
			t.Fatalf("%q reads back as %s, %q, %v", text, again, same, err)
		}
	})
}

func TestACursorThatNoListGaveIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "1", "x ent_a", "1 ", "1 a/b", "1 .", "1 ..", "1 __a__", "1 \xff", "1 " + strings.Repeat("a", 1501),
		"9223372036854775807 ent_a", "-9223372036854775808 ent_a", "253402300800000000 ent_a", "-62135596800000001 ent_a",
	} {
		if _, _, err := ledgerdb.ParseCursor(base64.RawURLEncoding.EncodeToString([]byte(text))); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q passes for a cursor: %v", text, err)
		}
	}
}

func TestTimesThatNoDocumentHoldsAreBroughtNear(t *testing.T) {
	t.Parallel()
	for at, want := range map[string]string{
		"0000-12-31T23:59:59Z":      "0001-01-01T00:00:00Z",
		"0001-01-01T00:00:00+23:00": "0001-01-01T00:00:00Z",
		"2026-03-01T12:00:00+01:00": "2026-03-01T12:00:00+01:00",
		"9999-12-31T23:59:59-23:00": "9999-12-31T23:59:59.999999Z",
	} {
		in, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := ledgerdb.Timely(in).Format(time.RFC3339Nano); got != want {
			t.Errorf("%s is brought to %s", at, got)
		}
	}
}
