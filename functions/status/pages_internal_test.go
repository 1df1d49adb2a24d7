package status

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/localcloud/wire"
)

const rpcGet = "/google.firestore.v1.Firestore/BatchGetDocuments"

func TestAPageIsOneReadAndSmall(t *testing.T) {
	t.Parallel()
	w := lived(t)
	for _, path := range []string{"/status", "/trust", "/status/feed.atom", "/v1/incidents"} {
		w.serve()
		w.cloud.Calls.Reset()
		rec := w.get(path)
		if diff := cmp.Diff(map[string]int{rpcGet: 1}, w.cloud.Calls.Snapshot()); rec.Code != http.StatusOK || diff != "" {
			t.Errorf("%s is answered %d and took (-want +got):\n%s", path, rec.Code, diff)
		}
		w.cloud.Calls.Reset()
		if w.get(path); len(w.cloud.Calls.Snapshot()) > 0 {
			t.Errorf("%s asked at once again took %v", path, w.cloud.Calls.Snapshot())
		}
		if size := rec.Body.Len(); !strings.HasPrefix(path, "/v1") && size >= 50_000 {
			t.Errorf("%s has %d bytes", path, size)
		}
	}
}

func TestPagesAreShownStaleWhenTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.minute()
	if body := w.get("/status").Body.String(); strings.Contains(body, "not current") {
		t.Errorf("a fresh page is marked: %s", body)
	}
	w.cloud.Faults.Set(wire.Always(rpcGet, wire.Fault{Before: wire.Unavailable()}))
	for name, instance := range map[string]func(){"an instance that saw one": func() {}, "a new instance": w.serve} {
		instance()
		w.pass(10 * time.Second)
		for _, path := range []string{"/status", "/trust", "/status/history"} {
			rec := w.get(path)
			if rec.Code != http.StatusOK || !strings.Contains(rec.Body.String(), "This is not current.") || !strings.Contains(rec.Body.String(), "cannot be reached") {
				t.Errorf("%s of %s is answered %d %s", path, name, rec.Code, rec.Body)
			}
		}
		if s := facts[statusBody](w, "/status"); !s.Stale {
			t.Errorf("the facts of %s say nothing of it: %+v", name, s)
		}
	}
	w.cloud.Faults.Set(nil)
	w.pass(10 * time.Second)
	if s := facts[statusBody](w, "/status"); s.Stale {
		t.Error("it stays marked when the database is back")
	}
	for what, clock := range map[string]time.Duration{"an old summary": 6 * time.Minute, "one of a clock that was ahead": -12 * time.Minute} { // and nobody measures
		w.pass(clock)
		w.serve()
		if body := w.get("/status").Body.String(); !strings.Contains(body, "This is not current.") || strings.Contains(body, "Everything works") {
			t.Errorf("%s is not marked: %s", what, body)
		}
		w.pass(-clock)
	}
}

func TestPagesLoadAndRunNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.minute()
	for _, path := range []string{"/status", "/trust", "/status/history"} {
		rec := w.get(path)
		body, policy := rec.Body.String(), rec.Header().Get("Content-Security-Policy")
		style := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindStringSubmatch(body)
		if len(style) != 2 {
			t.Fatalf("%s has no style", path)
		}
		sum := sha256.Sum256([]byte(style[1]))
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("%s has the policy %s, without %s", path, policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || regexp.MustCompile(`<script|<link rel="stylesheet|style="|<img| on[a-z]+=`).MatchString(body) {
			t.Errorf("%s would load or run something", path)
		}
	}
}

func TestCopiesAreWrittenElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.minute()
	if body := w.get("/status").Body.String(); strings.Contains(body, "This is a copy") {
		t.Error("the hub's own page says that it is a copy")
	}
	for name, want := range map[string]string{
		"status.html": `if that time is more than five minutes ago, nobody measures any more`, "trust.html": `href="status.html"`, "history.html": "history", "feed.atom": "<feed", "summary.json": `"builtAt"`,
	} {
		data, err := w.deps.copies.Read(t.Context(), name)
		if err != nil || !strings.Contains(string(data), want) {
			t.Errorf("%s is %s, %v", name, data, err)
		}
	}
}

func TestTheFeedIsAtom(t *testing.T) {
	t.Parallel()
	w := lived(t)
	var feed struct {
		XMLName xml.Name `xml:"http://www.w3.org/2005/Atom feed"`
		ID      string   `xml:"id"`
		Updated string   `xml:"updated"`
		Entries []struct {
			ID      string `xml:"id"`
			Title   string `xml:"title"`
			Updated string `xml:"updated"`
		} `xml:"entry"`
	}
	w.must(xml.Unmarshal(w.get("/status/feed.atom").Body.Bytes(), &feed))
	ids := map[string]bool{}
	for _, e := range feed.Entries {
		if _, err := time.Parse(time.RFC3339, e.Updated); err != nil || e.Title == "" || ids[e.ID] {
			t.Errorf("an entry is %+v: %v", e, err)
		}
		ids[e.ID] = true
	}
	if len(feed.Entries) != feedShown || feed.ID == "" || feed.Updated < feed.Entries[len(feed.Entries)-1].Updated {
		t.Errorf("the feed has %d entries, was updated %s", len(feed.Entries), feed.Updated)
	}
}

func TestTheSecurityContactIsShownAsLongAsItHolds(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rec := w.get("/.well-known/security.txt")
	base := w.deps.cfg.BaseURL
	want := "Contact: " + base + "/v1/vulnerability-reports\nExpires: 2027-01-01T00:00:00Z\nPreferred-Languages: en\n" +
		"Canonical: " + base + "/.well-known/security.txt\nPolicy: " + base + "/trust#disclosure\n"
	if rec.Body.String() != want || rec.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("it is %s:\n%s", rec.Header().Get("Content-Type"), rec.Body)
	}
	w.pass(160 * 24 * time.Hour)
	w.minute()
	if c := claimed(t, w, "disclosure"); c.State != "late" {
		t.Errorf("24 days before its end it is %s", c.State)
	}
	w.pass(25 * 24 * time.Hour)
	if rec := w.get("/.well-known/security.txt"); rec.Code != http.StatusNotFound {
		t.Errorf("after its end it is answered %d", rec.Code)
	}
}

func TestTheWholeAPIIsDescribedByWhatRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if body := w.get("/openapi.json").Body.String(); !strings.Contains(body, `"/orders"`) || !strings.Contains(body, `"/v1/incidents"`) {
		t.Errorf("it is %s", body)
	}
	w.silence("orders")
	w.pass(2 * time.Minute)
	if rec := w.get("/openapi.json"); rec.Code != http.StatusOK {
		t.Errorf("what was known is not shown when a function is silent: %d", rec.Code)
	}
	w.serve()
	if rec := w.get("/openapi.json"); rec.Code != http.StatusServiceUnavailable {
		t.Errorf("a part is shown as the whole: %d %s", rec.Code, rec.Body)
	}
}

func TestTheFunctionsAreBuilt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	env := w.cloud.Env()
	for name, build := range map[string]func() (http.Handler, error){
		"summarize": func() (http.Handler, error) { return BuildSummarize(t.Context(), env) },
		"alerts":    func() (http.Handler, error) { return BuildAlerts(t.Context(), env) },
	} {
		h, err := build()
		w.must(err)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/health", http.NoBody))
		if rec.Code != http.StatusOK {
			t.Errorf("%s is answered %d", name, rec.Code)
		}
	}
}

func BenchmarkPages(b *testing.B) {
	w := lived(b)
	for name, path := range map[string]string{"Status": "/status", "Trust": "/trust"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w.pass(6 * time.Second) // so that each is a read
				w.get(path)
			}
		})
	}
}
