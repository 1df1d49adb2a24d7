package status

import (
	"encoding/base64"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/chromium"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/incident"
	"ryggrad.internal/hub/shared/incident/incidentdb"
)

const (
	// axeFile is the variable that names axe-core's axe.min.js; without it its rules are not tried.
	axeFile = "RYGGRAD_AXE"
	// pictures is the variable that names a directory to leave screenshots in, for people to look at.
	pictures = "RYGGRAD_SCREENSHOTS"
)

// lived is a world with a year of incidents behind it, two open ones, and evidence in every state.
func lived(tb testing.TB) *world {
	tb.Helper()
	w := newWorld(tb)
	w.pass(-year + 24*time.Hour)
	for n := range 120 {
		said := incidentdb.Said{
			Title: fmt.Sprintf("Orders were slow to reach points of sale, number %d", n), Impact: incident.Impacts()[1+n%3], State: incident.Investigating,
			Functions: []string{"orders", "dispatch"}, Regions: []string{"europe-north1"}, Message: "We see that orders take longer than they should, and look into it.",
		}
		i := w.say(said)
		w.pass(time.Hour)
		w.say(incidentdb.Said{Incident: i.ID, State: incident.Resolved, Message: "A partner’s network was slow; it works again. Nothing was lost."})
		w.pass(70 * time.Hour)
	}
	w.say(incidentdb.Said{
		Title: `Fish & <b>chips</b> "cannot" be ordered <script>document.title='taken'</script>`, Impact: incident.Critical, State: incident.Identified,
		Functions: []string{"orders"}, Message: "Orders are refused.\nWe know why & mend it.",
	})
	w.say(incidentdb.Said{
		Title: "Deliveries to points of sale are late", Impact: incident.Minor, State: incident.Watching, Functions: []string{"dispatch"}, Message: "It is mended, and we watch it.",
	})
	for kind, age := range map[evidence.Kind]time.Duration{
		evidence.BackupHot: 20 * time.Minute, evidence.BackupKeys: 100 * time.Minute, evidence.BackupConfig: 10 * time.Hour, evidence.AuditCheckpoint: time.Minute,
	} {
		w.record(kind, age, map[string]any{"documents": 123456, "bytes": 98765432, "full": false, "unsealedSeconds": 0})
	}
	w.record(evidence.Drill, 50*time.Hour, map[string]any{"ok": false, "seconds": 512.25})
	w.record(evidence.KeyAges, 2*time.Hour, map[string]any{"access-tokens": 12, "tenant-keys": 40, "audit-checkpoints": 40})
	w.silence("audit")
	w.minute()
	w.silence()
	w.minute()
	return w
}

func TestPagesAreReadableInARealBrowser(t *testing.T) {
	t.Parallel()
	w := lived(t)
	server := httptest.NewServer(w.pages)
	t.Cleanup(server.Close)
	tab := chromium.Open(t, server.URL+"/status")
	tab.Call("Log.enable", nil, nil)
	for _, page := range []string{"/status", "/trust", "/status/history"} {
		for _, size := range [][2]int{{320, 640}, {1280, 900}} {
			for _, scheme := range []string{"light", "dark"} {
				tab.Call("Emulation.setDeviceMetricsOverride", map[string]any{"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": size[0] < 1000}, nil)
				tab.Call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
				tab.Go(server.URL + page)
				name := fmt.Sprintf("%s %s at %d", page, scheme, size[0])
				look(t, tab, name)
				shoot(t, tab, name)
			}
		}
	}
	if n := tab.Heard("Log.entryAdded"); n > 0 {
		t.Errorf("the browser complained %d times", n)
	}
}

// seen is what a look at a page found.
type seen struct {
	Title, Background string
	Scripts, Wider    int
	Tried             int // rules of axe-core that looked at something
	Violations        []struct {
		ID    string
		Nodes []string
	}
}

// lookScript tells what is on the page, and what axe-core has against it where that is there.
const lookScript = `(async () => {
  const root = document.documentElement;
  const found = typeof axe === 'undefined' ? { violations: [], passes: [] } : await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] });
  return {
    title: document.title, background: getComputedStyle(document.body).backgroundColor,
    scripts: document.scripts.length + document.querySelectorAll('img, iframe, b').length, wider: root.scrollWidth - innerWidth,
    tried: found.passes.length, violations: found.violations.map(v => ({ id: v.id, nodes: v.nodes.map(n => n.html + ' ' + n.failureSummary) })),
  };
})()`

func look(t *testing.T, tab *chromium.Tab, name string) {
	t.Helper()
	if file := os.Getenv(axeFile); file != "" {
		axe, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			t.Fatal(err)
		}
		var ready bool
		tab.Run(string(axe)+"\n;true", &ready)
	} else {
		t.Logf("SKIPPED: %s is not set, so axe-core's rules are not tried on %s", axeFile, name)
	}
	var s seen
	tab.Run(lookScript, &s)
	if !strings.HasSuffix(s.Title, "· Ryggrad") || s.Scripts > 0 {
		t.Errorf("%s: the title is %q, and %d elements came from a text", name, s.Title, s.Scripts)
	}
	if s.Wider > 0 {
		t.Errorf("%s is %d pixels wider than the screen", name, s.Wider)
	}
	if dark := s.Background != "rgb(255, 255, 255)"; dark != strings.Contains(name, "dark") {
		t.Errorf("%s has a background of %s", name, s.Background)
	}
	if os.Getenv(axeFile) != "" && s.Tried < 20 {
		t.Errorf("%s: only %d rules of axe-core found something to look at", name, s.Tried)
	}
	for _, v := range s.Violations {
		t.Errorf("%s: %s: %s", name, v.ID, strings.Join(v.Nodes, "\n"))
	}
}

// shoot leaves a picture of the page where somebody wants one.
func shoot(t *testing.T, tab *chromium.Tab, name string) {
	t.Helper()
	dir := os.Getenv(pictures)
	if dir == "" {
		return
	}
	var shot struct{ Data string }
	tab.Call("Page.captureScreenshot", map[string]any{"captureBeyondViewport": true}, &shot)
	raw, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, strings.NewReplacer("/", "_", " ", "-").Replace(name)+".png")
	if err := os.WriteFile(file, raw, 0o600); err != nil {
		t.Fatal(err)
	}
}
