package status

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/evidence"
)

// claimed returns how a claim stands.
func claimed(t *testing.T, w *world, id string) claimBody {
	t.Helper()
	for _, c := range facts[trustBody](w, "/trust").Claims {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("there is no claim %s", id)
	return claimBody{}
}

func TestAClaimIsMissingLateFailingAndGreenByItsEvidence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.minute()
	if c := claimed(t, w, "backups-three-hourly"); c.State != "missing" || len(c.Evidence) != 1 || !c.Evidence[0].At.IsZero() {
		t.Errorf("without evidence it is %+v", c)
	}
	w.record(evidence.BackupConfig, time.Hour, map[string]any{"documents": 12})
	w.minute()
	if c := claimed(t, w, "backups-three-hourly"); c.State != "green" || c.Evidence[0].Facts["documents"] != float64(12) {
		t.Errorf("with evidence it is %+v", c)
	}
	w.pass(3 * time.Hour) // nobody writes a summary in the meantime
	if c := claimed(t, w, "backups-three-hourly"); c.State != "late" {
		t.Errorf("after 4 hours it is %+v", c)
	}
	w.pass(5 * time.Hour)
	if c := claimed(t, w, "backups-three-hourly"); c.State != "failing" {
		t.Errorf("after 9 hours it is %+v", c)
	}
}

func TestTheSummarizerGathersWhatNobodyElseDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.minute()
	for id, want := range map[string]string{
		"authentication": "green", "initial-passwords": "green", "support-access": "green", "monitoring": "green", "incidents": "green",
		"pci": "green", "uptime": "green", "disclosure": "green", "data-centres": "stated",
		"encryption-in-transit": "missing", // the test's hub speaks plain HTTP
		"firewall":              "missing",
	} {
		if c := claimed(t, w, id); c.State != want {
			t.Errorf("%s is %s, want %s: %+v", id, c.State, want, c.Evidence)
		}
	}
	w.silence("orders")
	w.minute()
	for _, id := range []string{"monitoring", "uptime", "disaster-recovery"} {
		if c := claimed(t, w, id); c.State != "failing" {
			t.Errorf("%s is %s though nothing answers", id, c.State)
		}
	}
}

func TestAFormIsServedByWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.minute()
	for accept, want := range map[string]string{
		"": "text/html", "*/*": "text/html", "application/json": "application/json", "text/html,application/json;q=0.9": "text/html",
		"application/json, text/html": "application/json", "application/json;q=0": "text/html",
	} {
		for _, path := range []string{"/trust", "/status"} {
			rec := w.get(path, "Accept", accept)
			if got := rec.Header().Get("Content-Type"); rec.Code != http.StatusOK || !strings.HasPrefix(got, want) || rec.Header().Get("Vary") != "Accept" {
				t.Errorf("%s with Accept %q is answered %d as %s", path, accept, rec.Code, got)
			}
		}
	}
}

func TestMinutesThatNobodyMeasuredAreNoUptime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.minute()
	w.minute()
	if c := claimed(t, w, "uptime"); c.State != "green" || c.Evidence[0].Facts["unmeasuredMinutes"] != float64(0) {
		t.Errorf("two minutes in a row are %+v", c)
	}
	w.pass(50 * time.Minute) // everything is down, the measuring too
	w.minute()
	if c := claimed(t, w, "uptime"); c.State != "late" || c.Evidence[0].Facts["unmeasuredMinutes"] != float64(50) {
		t.Errorf("after a gap it is %+v", c)
	}
}

func TestAClockThatWasAheadStopsNoMeasuring(t *testing.T) {
	t.Parallel()
	var m measures
	noon := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	good := map[string]bool{intake: true}
	for i, c := range []struct {
		at      time.Duration
		counted bool
	}{{0, true}, {0, false}, {24 * time.Hour, true}, {time.Minute, true}, {2 * time.Minute, true}, {time.Minute, false}} {
		if got := m.add(noon.Add(c.at), good); got != c.counted {
			t.Errorf("minute %d, at %v: counted %t", i, c.at, got)
		}
	}
}

func TestAMissingFactIsShownAsMissing(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	e, err := evidence.New(evidence.KeyAges, at, map[string]any{"tenant-keys": 3, "audit-checkpoints": 3, "backup": 3, "backup-manifests": 3})
	if err != nil {
		t.Fatal(err)
	}
	rule := evidence.RuleOf(evidence.KeyAges)
	v := viewProof(evidence.Proof{Rule: rule, State: rule.Judge(&e, at), Evidence: &e}, at)
	if v.Words != "missing" || !slices.Contains(v.Facts, factView{"access-tokens", "not there"}) || slices.Contains(v.Facts, factView{"database", "not there"}) {
		t.Errorf("the page shows %+v", v)
	}
}

func TestAMissingFactIsToldToMachinesToo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.record(evidence.KeyAges, time.Hour, map[string]any{"tenant-keys": 3, "audit-checkpoints": 3, "backup": 3, "backup-manifests": 3})
	w.minute()
	proof := claimed(t, w, "key-custody").Evidence[0]
	if proof.State != evidence.Missing || !slices.Equal(proof.Lacks, []string{"access-tokens"}) {
		t.Errorf("it is %+v", proof)
	}
}
