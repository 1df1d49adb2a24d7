package status

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/delivery/noticedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/incident"
	"ryggrad.internal/hub/shared/incident/incidentdb"
)

// alert is a notification as Monitoring publishes it.
func alert(id, state, function, impact string) string {
	return fmt.Sprintf(`{"version":"1.2","incident":{"incident_id":%q,"scoping_project_id":"p","state":%q,"started_at":1782907200,"ended_at":null,
		"summary":"A metric of p is above its threshold.","policy_name":"Policy of %[3]s","policy_user_labels":{"function":%[3]q,"impact":%[4]q},
		"resource":{"type":"cloud_run_revision","labels":{"location":"europe-north1","service_name":%[3]q}},"condition_name":"c",
		"documentation":{"content":"Look into it.","mime_type":"text/markdown","subject":"Orders are slow to be taken in"},"severity":"Critical"}}`, id, state, function, impact)
}

func (w *world) incidents(state string) []incidentBody {
	w.t.Helper()
	out := facts[struct{ Items []incidentBody }](w, "/v1/incidents?state="+state)
	return out.Items
}

func (w *world) notices() []noticedb.Notice {
	w.t.Helper()
	page, err := noticedb.List(w.t.Context(), w.deps.ledger, w.tenant, "", 100)
	w.must(err)
	return page.Notices
}

// acts counts the audit entries of the hub by action.
func (w *world) acts() map[string]int {
	w.t.Helper()
	found, err := w.deps.ledger.List(w.t.Context(), w.deps.ledger.QueryAllTenants("audit"))
	w.must(err)
	acts := map[string]int{}
	for _, o := range found {
		if action, ok := o.Fields["action"].(string); ok && o.Tenant == identity.Hub {
			acts[action]++
		}
	}
	return acts
}

func TestAnAlertOpensAnIncidentAndItsEndEndsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(w.publish("1", alert("0.a", "open", "orders", "major")))
	w.must(w.publish("1", alert("0.a", "open", "orders", "major"))) // again
	w.minute()
	open := w.incidents("open")
	if len(open) != 1 || open[0].Title != "Orders are slow to be taken in" || open[0].Impact != incident.Major ||
		!slices.Equal(open[0].Functions, []string{"orders"}) || !slices.Equal(open[0].Regions, []string{"europe-north1"}) {
		t.Fatalf("open are %+v", open)
	}
	if s := facts[statusBody](w, "/status"); s.State != "partly" {
		t.Errorf("the hub is said to be %s", s.State)
	}
	w.must(w.publish("2", alert("0.a", "closed", "orders", "major")))
	w.minute()
	if open = w.incidents("open"); len(open) != 1 {
		t.Errorf("it is over at once: %+v", open)
	}
	w.pass(10 * time.Minute)
	w.minute()
	w.pass(10 * time.Second)
	if over := w.incidents("resolved"); len(over) != 1 || over[0].State != incident.Resolved || over[0].ResolvedAt.IsZero() {
		t.Errorf("resolved are %+v", over)
	}
	if n := w.notices(); len(n) != 2 || n[0].Data["state"] != "resolved" || n[1].Data["title"] != "Orders are slow to be taken in" {
		t.Errorf("the tenant was told %+v", n)
	}
	if acts := w.acts(); acts["incident.open"] != 1 || acts["incident.resolve"] != 1 {
		t.Errorf("the audit log has %v", acts)
	}
}

func TestAFlappingAlertIsOneIncidentAndTwoNotices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 20 {
		id := fmt.Sprintf("0.%d", i)
		w.must(w.publish("o"+id, alert(id, "open", "orders", "minor")))
		w.pass(30 * time.Second)
		w.must(w.publish("c"+id, alert(id, "closed", "orders", "minor")))
		w.minute()
	}
	w.pass(11 * time.Minute)
	w.minute()
	w.minute()
	if over := w.incidents("resolved"); len(over) != 1 || len(w.incidents("open")) != 0 {
		t.Errorf("resolved are %+v, open %+v", over, w.incidents("open"))
	}
	if n := w.notices(); len(n) != 2 {
		t.Errorf("the tenant was told %d times", len(n))
	}
}

func TestAnEndThatOvertakesItsBeginningBeginsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(w.publish("2", alert("0.a", "closed", "orders", "major")))
	w.must(w.publish("1", alert("0.a", "open", "orders", "major")))
	w.minute()
	if open := w.incidents("open"); len(open) != 0 {
		t.Errorf("open are %+v", open)
	}
}

func TestAnAlertForOperatorsIsKeptAndShownToNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(w.publish("1", alert("0.a", "open", "orders", "")))
	w.must(w.publish("2", alert("0.b", "open", "nothing-that-we-have", "critical")))
	w.minute()
	if open := w.incidents("open"); len(open) != 0 || len(w.notices()) != 0 || w.acts()["incident.open"] != 2 {
		t.Errorf("open are %+v, told %v, acts %v", open, w.notices(), w.acts())
	}
	if c := claimed(t, w, "alerting"); c.State != "green" {
		t.Errorf("the way of alerts is %+v", c)
	}
}

func TestAWorseAlertMakesItsIncidentWorse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(w.publish("1", alert("0.a", "open", "orders", "")))
	w.must(w.publish("2", alert("0.b", "open", "orders", "critical")))
	w.minute()
	open := w.incidents("open")
	if len(open) != 1 || open[0].Impact != incident.Critical || len(open[0].Updates) != 2 || len(w.notices()) != 1 {
		t.Errorf("open are %+v, told %v", open, w.notices())
	}
}

func TestAnOperatorWritesByMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	begin := `{"operator":"kim","title":"Orders are slow","impact":"minor","functions":["orders"],"message":"We look into it."}`
	w.must(w.publish("m1", begin))
	w.must(w.publish("m1", begin)) // delivered again
	w.minute()
	open := w.incidents("open")
	if len(open) != 1 || len(open[0].Updates) != 1 {
		t.Fatalf("open are %+v", open)
	}
	w.must(w.publish("m2", fmt.Sprintf(`{"operator":"kim","incident":%q,"state":"resolved","message":"It is mended."}`, open[0].ID)))
	w.minute()
	if over := w.incidents("resolved"); len(over) != 1 || over[0].Updates[1].Message != "It is mended." || len(w.notices()) != 2 {
		t.Errorf("resolved are %+v, told %d times", over, len(w.notices()))
	}
	for name, bad := range map[string]string{
		"nobody":                `{"operator":"","title":"x","impact":"minor","functions":["orders"],"message":"m"}`,
		"an address":            `{"operator":"kim@example.com","title":"x","impact":"minor","functions":["orders"],"message":"m"}`,
		"no function":           `{"operator":"kim","title":"x","impact":"minor","functions":["ordres"],"message":"m"}`,
		"no message":            `{"operator":"kim","title":"x","impact":"minor","functions":["orders"]}`,
		"an incident of nobody": `{"operator":"kim","incident":"inc_aaaaaaaaaaaaaaaaaaaaaaaaaa","state":"resolved","message":"m"}`,
		"no JSON":               `hello`,
		"something else":        `{"hello":"world"}`,
	} {
		if err := w.publish("bad "+name, bad); err == nil || fault.KindOf(err).Retryable() {
			t.Errorf("a message of %s is answered %v", name, err)
		}
	}
}

func TestAnIncidentOfOneTenantIsToldToThatOneOnly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.say(incidentdb.Said{
		Title: "Your menu", Impact: incident.Minor, Functions: []string{"orders"}, State: incident.Identified, Message: "m", Tenants: []string{"ten_other"},
	})
	w.minute()
	if len(w.notices()) != 0 || strings.Contains(w.get("/status").Body.String(), i.Title) || len(w.incidents("open")) != 0 {
		t.Error("somebody else sees it")
	}
}

func TestTellingGoesOnWhereItBrokeOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.say(incidentdb.Said{Title: "T", Impact: incident.Minor, Functions: []string{"orders"}, State: incident.Identified, Message: "m"})
	if len(w.notices()) != 0 {
		t.Fatal("it is told before anybody tells it")
	}
	w.minute()
	w.minute()
	if n := w.notices(); len(n) != 1 {
		t.Errorf("it is told %d times", len(n))
	}
}

func TestHostileTextStaysText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hostile := `<script>alert(1)</script>"'><img src=x onerror=alert(1)>]]>{{.}}`
	w.say(incidentdb.Said{Title: hostile, Impact: incident.Major, Functions: []string{"orders"}, State: incident.Identified, Message: hostile})
	w.minute()
	for _, path := range []string{"/status", "/status/history", "/status/feed.atom"} {
		body := w.get(path).Body.String()
		if strings.Contains(body, "<script") || strings.Contains(body, "<img") || !strings.Contains(body, "&lt;script&gt;") {
			t.Errorf("%s shows %s", path, body)
		}
	}
	for name, title := range map[string]string{"two lines": "a\nb", "a turn of the text": "a\u202eb", "a bell": "a\ab", "nothing": " "} {
		said := incidentdb.Said{Title: title, Impact: incident.Major, Functions: []string{"orders"}, State: incident.Identified, Message: "m"}
		if _, err := w.deps.incidents.Say(t.Context(), w.operator(), said); !fault.Is(err, fault.Invalid) {
			t.Errorf("a title of %s is answered %v", name, err)
		}
	}
}

func TestIncidentsAreListedByPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 5 {
		w.say(incidentdb.Said{Title: fmt.Sprint("Number ", i), Impact: incident.Minor, Functions: []string{"orders"}, State: incident.Resolved, Message: "m"})
		w.pass(time.Minute)
	}
	w.minute()
	var titles []string
	for cursor := ""; ; {
		page := facts[struct {
			Items      []incidentBody
			NextCursor string
		}](w, "/v1/incidents?limit=2&cursor="+cursor)
		for _, i := range page.Items {
			titles = append(titles, i.Title)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	if want := "[Number 4 Number 3 Number 2 Number 1 Number 0]"; fmt.Sprint(titles) != want {
		t.Errorf("listed are %v", titles)
	}
	if rec := w.get("/v1/notices"); rec.Code != http.StatusUnauthorized {
		t.Errorf("notices are shown to nobody with %d", rec.Code)
	}
}
