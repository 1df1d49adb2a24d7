package backup

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

// TestMain keeps the functions' log lines out of the tests' output.
func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.DiscardHandler))
	os.Exit(m.Run())
}

// push hands a function a message, and wants it taken.
func push(t *testing.T, h http.Handler, data string) {
	t.Helper()
	body := `{"message":{"messageId":"1","data":"` + data + `"},"subscription":"projects/p/subscriptions/s"}`
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body)))
	if rec.Code != http.StatusNoContent {
		t.Fatalf("answered %d %s", rec.Code, rec.Body)
	}
}

func TestABackupIsMadeCheckedAndDrilled(t *testing.T) {
	t.Parallel()
	cloud := cloudtest.Start(t)
	env := gcp.Env(cloud.Env())
	env["RYGGRAD_BACKUP_BEHIND"] = "0s"
	build := func(b gcp.Build) http.Handler {
		h, err := b(t.Context(), env)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := h.(io.Closer).Close(); err != nil {
				t.Error(err)
			}
		})
		return h
	}
	cfg, err := gcp.Load[gcp.Config](env)
	if err != nil {
		t.Fatal(err)
	}
	h, err := hub.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	by := ledgerdb.Act{Tenant: "ten_aaaaaaaaaaaaaaaaaaaaaaaaaa", Actor: identity.Actor{Kind: identity.KindOperator, ID: "op"}, Action: "test.act"}
	_, err = h.Ledger.Commit(t.Context(), by, []ledgerdb.Change{ledgerdb.Create(ledgerdb.Ref{Collection: "locations", ID: "loc_1"}, map[string]any{"name": "Söder"})})
	if err != nil {
		t.Fatal(err)
	}
	written := time.Now()
	for time.Now().Truncate(time.Second).Before(written) { // until the moment lies after it
	}
	makes := build(BuildBackup)
	push(t, makes, "")
	for n := 0; ; n++ { // steps announce further ones
		announced := cloud.Published(t, "backup")
		if n == len(announced) {
			break
		}
		one := httptest.NewRecorder()
		raw, err := pushOf(announced[n].Data)
		if err != nil {
			t.Fatal(err)
		}
		makes.ServeHTTP(one, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(raw)))
		if one.Code != http.StatusNoContent {
			t.Fatalf("step %d is answered %d", n, one.Code)
		}
	}
	push(t, build(BuildVerify), "")
	push(t, build(BuildDrill), "")
	all, _, err := evidencedb.New(h.Ledger).Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []evidence.Kind{evidence.BackupHot, evidence.BackupConfig, evidence.BackupKeys, evidence.BackupVerify, evidence.Drill} {
		if e, ok := all[kind]; !ok || !e.Facts.OK() {
			t.Errorf("the evidence %s is %+v", kind, e)
		}
	}
	if n, _ := all[evidence.Drill].Facts.Number("documents"); n < 2 {
		t.Errorf("the drill brought back %v documents", n)
	}
}

// pushOf is a message as a push subscription sends it.
func pushOf(data []byte) (string, error) {
	raw, err := json.Marshal(map[string]any{"message": map[string]any{"messageId": "1", "data": data}, "subscription": "projects/p/subscriptions/s"})
	return string(raw), err
}
