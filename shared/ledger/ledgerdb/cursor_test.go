package ledgerdb_test

import (
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
