package functions_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/functions/delivery"
	"ryggrad.internal/hub/functions/orders"
	"ryggrad.internal/hub/functions/privacy"
	"ryggrad.internal/hub/functions/status"
	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/channel/fetchdb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/incident"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// chore is what a function that Pub/Sub calls does by itself, and the entry that it must leave.
type chore struct {
	function, action string
	build            gcp.Build
	ready            func(*chores) string // makes the situation, and returns the message's data
	hub              bool                 // the entry is the hub's, not the tenant's
}

// noChores are the functions of Pub/Sub that change nothing that an entry must tell of, and why.
func noChores() map[string]string {
	return map[string]string{
		"backup":    "reads, and writes objects; it changes nothing in the database",
		"drill":     "restores into a scratch database, which it empties again",
		"keys":      "bookkeeping: notices of what ends, and ages for the alerts",
		"retention": "bookkeeping: deletes what nobody can read any more",
		"relay":     "bookkeeping: says again what was not announced",
		"seal":      "the log itself: what it adds needs no entry",
		"verify":    "reads backups, and records what it found",
	}
}

func allChores() []chore {
	return []chore{
		{function: "dispatch", action: "endpoint.disable", build: delivery.BuildDispatch, ready: (*chores).toldToStop},
		{function: "retry", action: "endpoint.disable", build: delivery.BuildRetry, ready: (*chores).toldToStopLater},
		{function: "deadlines", action: "order.expire", build: delivery.BuildDeadlines, ready: (*chores).undecided},
		{function: "fetch", action: "order.fetch_failed", build: orders.BuildFetch, ready: (*chores).unfetchable},
		{function: "reconcile", action: "order.cancel", build: orders.BuildReconcile, ready: (*chores).cancelledBefore},
		{function: "alerts", action: "incident.open", build: status.BuildAlerts, ready: (*chores).alert, hub: true},
		{function: "summarize", action: "incident.resolve", build: status.BuildSummarize, ready: (*chores).mended, hub: true},
		{function: "subjects", action: "guest.forget", build: privacy.BuildSubjects, ready: (*chores).toBeForgotten},
	}
}

// chores are a walk with an endpoint whose answers the test gives.
type chores struct {
	*actor
	answers  atomic.Int64 // what the endpoint answers
	dispatch http.Handler // undisturbed
	url      string
	made     int
}

func newChores(w *walk, env gcp.Env) *chores {
	c := &chores{actor: newActor(w)}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(int(c.answers.Load())) }))
	w.t.Cleanup(server.Close)
	c.url, c.dispatch = server.URL, c.start(delivery.BuildDispatch, env)
	return c
}

// push calls a function as Pub/Sub does.
func (c *chores) push(h http.Handler, data string) int {
	c.t.Helper()
	c.made++
	body, err := json.Marshal(map[string]any{
		"message":      map[string]any{"data": []byte(data), "messageId": fmt.Sprint(c.made), "publishTime": time.Now().UTC()},
		"subscription": "projects/p/subscriptions/s", "deliveryAttempt": 1,
	})
	c.must(err)
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(c.t.Context(), http.MethodPost, "/", strings.NewReader(string(body))))
	return rec.Code
}

// order places a new order and returns its id.
func (c *chores) order() string {
	c.t.Helper()
	c.made++
	body := strings.Replace(says(walkedOrder)(c.actor), `"W2"`, fmt.Sprintf(`"C%d"`, c.made), 1)
	return c.make(c.ours, "/v1/orders", body)
}

// announced returns the announcement of an order's first event.
func (c *chores) announced(id string) string {
	c.t.Helper()
	docs, err := c.hub.Firestore.Collection("events").Documents(c.t.Context()).GetAll()
	c.must(err)
	for _, d := range docs {
		if d.Data()["order"] == id {
			data, err := json.Marshal(event.Announcement{Tenant: c.ours.tenant, Event: d.Ref.ID})
			c.must(err)
			return string(data)
		}
	}
	c.t.Fatalf("there is no event of %s", id)
	return ""
}

func (c *chores) endpoint() {
	c.make(c.ours, "/v1/endpoints", fmt.Sprintf(`{"url":%q,"events":["order.received"]}`, c.url))
}

// toldToStop is an event whose endpoint is gone for good.
func (c *chores) toldToStop() string {
	c.answers.Store(http.StatusGone)
	c.endpoint()
	return c.announced(c.order())
}

// toldToStopLater is a delivery that failed and is due again, to an endpoint that is gone by then.
func (c *chores) toldToStopLater() string {
	c.answers.Store(http.StatusServiceUnavailable)
	c.endpoint()
	c.push(c.dispatch, c.announced(c.order()))
	c.answers.Store(http.StatusGone)
	docs, err := c.hub.Firestore.Collection("deliveries").Documents(c.t.Context()).GetAll()
	c.must(err)
	for _, d := range docs {
		if _, due := d.Data()["nextAttemptAt"].(time.Time); due {
			c.set("deliveries/"+d.Ref.ID, "nextAttemptAt", time.Now().Add(-time.Minute))
		}
	}
	return ""
}

// set changes a document behind everybody's back.
func (c *chores) set(path, field string, value any) {
	c.t.Helper()
	_, err := c.hub.Firestore.Doc(path).Update(c.t.Context(), []firestore.Update{{Path: field, Value: value}})
	c.must(err)
}

// undecided is an order whose platform waits no longer.
func (c *chores) undecided() string {
	c.set("orders/"+c.order(), "acceptBy", time.Now().Add(-time.Minute))
	return ""
}

// unfetchable is a reference whose order cannot be got any more.
func (c *chores) unfetchable() string {
	c.t.Helper()
	c.made++
	f := channel.Fetch{
		ID: fmt.Sprintf("fet_%026d", c.made), Tenant: c.ours.tenant, Link: c.ours.ids["channels"], Adapter: "deliverect",
		ArrivedAt: time.Now().Add(-time.Hour).UTC().Truncate(time.Microsecond),
	}
	f.Deadline = f.ArrivedAt.Add(time.Minute)
	f.NextAt = f.Deadline
	act := ledgerdb.Act{Tenant: f.Tenant, Actor: identity.Actor{Kind: identity.KindChannel, ID: f.Link}, Action: fetchdb.ActionRefer}
	_, err := fetchdb.New(fetchdb.Options{Ledger: c.hub.Ledger, Now: time.Now}).Refer(c.t.Context(), act, f)
	c.must(err)
	data, err := json.Marshal(event.Announcement{Tenant: f.Tenant, Event: f.ID})
	c.must(err)
	return string(data)
}

// alert is what Monitoring tells of a trouble that is new.
func (c *chores) alert() string {
	c.made++
	return fmt.Sprintf(`{"version":"1.2","incident":{"incident_id":"0.%d","state":"open","started_at":1,"policy_user_labels":{"group":"walk%[1]d"}}}`, c.made)
}

// mended is an incident whose alerts have been closed for long.
func (c *chores) mended() string {
	c.t.Helper()
	n, err := incident.ParseNotification([]byte(c.alert()))
	c.must(err)
	store := c.hub.Incidents()
	c.must(store.Hear(c.t.Context(), n))
	n.Open = false
	c.must(store.Hear(c.t.Context(), n))
	c.set("incidentSignals/"+n.Group, "quietSince", time.Now().Add(-time.Hour))
	return ""
}

// cancelledBefore is a cancellation that came before its order.
func (c *chores) cancelledBefore() string {
	c.t.Helper()
	c.made++
	id := fmt.Sprintf("R%d", c.made)
	early := fmt.Sprintf(`{"channelOrderId":%q,"channelOrderDisplayId":"9","status":100}`, id)
	for _, body := range []string{early, strings.Replace(walkedWebhook, "W3", id, 1)} {
		d := deed{route: "receive-channel-orders", by: nobody, path: link("orders"), body: func(*actor) string { return body }, header: signed}
		if rec := c.do(d); rec.Code != http.StatusOK && rec.Code != http.StatusCreated {
			c.t.Fatalf("the webhook is answered %d %s", rec.Code, rec.Body)
		}
	}
	return ""
}

// toBeForgotten is a guest whom somebody has asked to forget.
func (c *chores) toBeForgotten() string {
	c.t.Helper()
	c.made++
	email := fmt.Sprintf("guest%d@example.com", c.made)
	c.make(c.ours, "/v1/orders", strings.NewReplacer(`"W7"`, fmt.Sprintf(`"G%d"`, c.made), "nils@example.com", email).Replace(says(walkedGuest)(c.actor)))
	rec := c.do(deed{route: "erase-subject", by: owner, body: says(`{"email":"` + email + `","name":"Nils Dacke"}`)})
	var begun struct {
		Job string `json:"job"`
	}
	c.must(json.Unmarshal(rec.Body.Bytes(), &begun))
	data, err := json.Marshal(event.Announcement{Tenant: c.ours.tenant, Event: begun.Job})
	c.must(err)
	return string(data)
}

func TestEveryFunctionOfPubSubIsWalked(t *testing.T) {
	t.Parallel()
	excused := noChores()
	for _, f := range table(t) {
		walked := slices.ContainsFunc(allChores(), func(c chore) bool { return c.function == f.Name })
		if f.Trigger == functions.PubSub && !f.Coming && !walked && excused[f.Name] == "" {
			t.Errorf("%s is called by Pub/Sub: give it a chore, or say why it needs no entry", f.Name)
		}
		delete(excused, f.Name)
	}
	for name := range excused {
		t.Errorf("%s is excused and not there", name)
	}
}

func TestNothingIsDoneByItselfWithoutItsEntry(t *testing.T) {
	t.Parallel()
	w, door, through := newShutWalk(t)
	c := newChores(w, through)
	for _, chore := range allChores() {
		h := c.start(chore.build, through)
		data := chore.ready(c)
		before, entries := w.objects(), w.acts(w.whose(chore.hub))[chore.action]
		door.shut.Store(true)
		c.push(h, data)
		door.shut.Store(false)
		if diff := cmp.Diff(before, w.objects()); diff != "" {
			t.Errorf("%s did something without its entry (-before +after):\n%s", chore.function, diff)
		}
		if code := c.push(h, chore.ready(c)); code != http.StatusNoContent {
			t.Errorf("%s answers %d", chore.function, code)
		}
		if n := w.acts(w.whose(chore.hub))[chore.action] - entries; n < 1 {
			t.Errorf("%s left no entry %s, but %v", chore.function, chore.action, w.acts(w.whose(chore.hub)))
		}
	}
}
