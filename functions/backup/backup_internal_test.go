package backup

import (
	"io"
	"log/slog"
	"net/http"
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
	cloud.PushSteps(t, build(BuildBackup), "backup", nil)
	cloudtest.Push(t, build(BuildVerify), nil)
	cloudtest.Push(t, build(BuildDrill), nil)
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

func TestADrillThatGetsNoFurtherIsNoEndlessOne(t *testing.T) {
	t.Parallel()
	cloud := cloudtest.Start(t)
	env := gcp.Env(cloud.Env())
	env["RYGGRAD_DRILL_BUDGET"] = "1ns"
	drill, err := BuildDrill(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = drill.(io.Closer).Close() })
	cloud.PushSteps(t, drill, "drill", nil)
	if sent := cloud.Published(t, "drill"); len(sent) < 1 || len(sent) > 5 {
		t.Errorf("it went on %d times", len(sent))
	}
	for _, budget := range []string{"0s", "-1m", "9m"} {
		env["RYGGRAD_DRILL_BUDGET"] = budget
		if _, err := BuildDrill(t.Context(), env); err == nil || !strings.Contains(err.Error(), "RYGGRAD_DRILL_BUDGET") {
			t.Errorf("a budget of %s: %v", budget, err)
		}
	}
}
