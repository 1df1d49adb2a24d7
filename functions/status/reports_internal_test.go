package status

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/incident"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

func TestAWeaknessIsTakenSealedAndForAReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret := "the back door is open"
	rec := w.send(http.MethodPost, "/v1/vulnerability-reports", secret, "Content-Type", "text/plain; charset=utf-8")
	var got receipt
	w.must(json.Unmarshal(rec.Body.Bytes(), &got))
	sum := sha256.Sum256([]byte(secret))
	if rec.Code != http.StatusCreated || !identity.WellFormed("vul_", got.ID) || got.SHA256 != hex.EncodeToString(sum[:]) {
		t.Fatalf("it is answered %d %s", rec.Code, rec.Body)
	}
	kept, err := w.deps.ledger.Get(t.Context(), identity.Hub, ledgerdb.Ref{Collection: "incidentReports", ID: got.ID})
	w.must(err)
	if sealed, _ := kept.Fields["sealed"].([]byte); len(sealed) == 0 || strings.Contains(string(sealed), secret) {
		t.Error("it is kept as it was written")
	}
	if _, text, err := w.deps.incidents.Read(t.Context(), identity.Hub, got.ID); err != nil || string(text) != secret {
		t.Errorf("it is opened as %q, %v", text, err)
	}
	if w.acts()["vulnerability.report"] != 1 {
		t.Errorf("the audit log has %v", w.acts())
	}
	for name, c := range map[string]struct {
		body, media string
		want        int
	}{
		"nothing":           {"", "text/plain", http.StatusBadRequest},
		"a page":            {"<p>", "text/html", http.StatusUnsupportedMediaType},
		"no type":           {"x", "", http.StatusUnsupportedMediaType},
		"too much":          {strings.Repeat("x", maxWeakness+1), "text/plain", http.StatusRequestEntityTooLarge},
		"encrypted already": {"age-encryption.org/v1\n\x00\xff", "application/octet-stream", http.StatusCreated},
	} {
		if rec := w.send(http.MethodPost, "/v1/vulnerability-reports", c.body, "Content-Type", c.media); rec.Code != c.want {
			t.Errorf("%s is answered %d %s", name, rec.Code, rec.Body)
		}
	}
}

func TestReportsAreBoundedByTheHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	by := ledgerdb.Act{Tenant: w.tenant, Actor: identity.Actor{Kind: identity.KindUser, ID: "usr_a"}}
	var err error
	for n := range 21 {
		if _, err = w.deps.incidents.Report(t.Context(), by, incident.Urgent, "No orders come in."); (err != nil) != (n == 20) {
			t.Fatalf("report %d is answered %v", n, err)
		}
		w.pass(time.Second)
	}
	if !fault.Is(err, fault.Limited) {
		t.Errorf("one too many is answered %v", err)
	}
	w.pass(time.Hour)
	if _, err := w.deps.incidents.Report(t.Context(), by, incident.Urgent, "Still none."); err != nil {
		t.Errorf("an hour later it is answered %v", err)
	}
	for name, text := range map[string]string{"nothing": " ", "a bell": "\a"} {
		if _, err := w.deps.incidents.Report(t.Context(), by, incident.Urgent, text); !fault.Is(err, fault.Invalid) {
			t.Errorf("a report of %s is answered %v", name, err)
		}
	}
	if all, err := w.deps.incidents.Reports(t.Context(), w.tenant, 100); err != nil || len(all) != 21 {
		t.Errorf("%d are kept, %v", len(all), err)
	}
}
