package functions_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"cloud.google.com/go/kms/apiv1/kmspb"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/functions/audit"
	"ryggrad.internal/hub/functions/backup"
	"ryggrad.internal/hub/functions/delivery"
	"ryggrad.internal/hub/functions/keys"
	"ryggrad.internal/hub/functions/orders"
	"ryggrad.internal/hub/functions/privacy"
	"ryggrad.internal/hub/functions/status"
	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

// pushedBuilds returns how every Pub/Sub function is made.
func pushedBuilds() map[string]gcp.Build {
	return map[string]gcp.Build{
		"deadlines": delivery.BuildDeadlines, "dispatch": delivery.BuildDispatch, "relay": delivery.BuildRelay, "retry": delivery.BuildRetry,
		"fetch": orders.BuildFetch, "reconcile": orders.BuildReconcile, "keys": keys.BuildKeys, "seal": audit.BuildSeal,
		"subjects": privacy.BuildSubjects, "retention": privacy.BuildRetention,
		"backup": backup.BuildBackup, "verify": backup.BuildVerify, "drill": backup.BuildDrill,
		"alerts": status.BuildAlerts, "summarize": status.BuildSummarize,
	}
}

// spy writes down what a function asks the cloud for.
type spy struct {
	mu    sync.Mutex
	calls map[seen]int
}

func (s *spy) around(cloud http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.calls[seenIn(r)]++
		s.mu.Unlock()
		cloud.ServeHTTP(w, r)
	})
}

// life is a hub whose functions are watched, each by its own spy.
type life struct {
	*walk
	cloud  *cloudtest.Cloud
	spies  map[string]*spy
	pushed map[string]http.Handler
	hasty  http.Handler // the drill, with no time for anything
}

// live has every function do all that it ever does, and returns what each asked the cloud for. What it finds already
// there, operators made a month ago, so that this month's keys are the functions' own to make.
func live(t *testing.T) map[string]map[seen]int {
	t.Helper()
	l := newLife(t)
	told := l.toldOf()
	l.make(l.clientOnly("Fresh"), "/v1/endpoints", `{"url":"http://127.0.0.1:9/fresh","events":["order.received"]}`)
	l.ours, l.theirs = l.tenancy("Ours"), l.tenancy("Theirs")
	a := newActor(l.walk)
	for _, d := range deeds() {
		rec := a.do(d)
		if rec.Code > 299 {
			t.Errorf("%s is answered %d %s", d.route, rec.Code, rec.Body)
		}
		if d.then != nil {
			d.then(a, answered(t, rec))
		}
	}
	l.tick("relay") // what is to be fetched is due from the beginning
	l.hand("fetch", "fetches")
	if n := l.count("orders", func(f map[string]any) bool { return f["link"] == told }); n != 1 {
		t.Errorf("%d orders are fetched", n)
	}
	l.hand("dispatch", "events")
	l.put("deliveries", "nextAttemptAt", time.Now().Add(-time.Minute))
	l.tick("retry")
	l.order("W4")
	l.put("events", "occurredAt", time.Now().Add(-time.Minute))
	l.tick("relay")
	l.cancelled(a)
	l.tick("reconcile")
	l.put("orders", "acceptBy", time.Now().Add(-time.Minute))
	l.tick("deadlines")
	l.put("clients", "createdAt", time.Now().AddDate(0, 0, -60))
	l.put("clients", "expiresAt", time.Now().AddDate(0, 0, 6))
	l.tick("seal")
	l.order("W5")
	l.tick("seal") // and replaces the checkpoint
	l.roll()
	l.tick("keys")
	l.handOn("keys", "keys")
	l.subjects()
	l.put("originals", "expireAt", time.Now().Add(-time.Hour))
	l.tick("retention")
	l.readAll(a)
	l.push("alerts", []byte(`{"version":"1.2","incident":{"incident_id":"0.live","state":"open","started_at":1}}`))
	l.tick("summarize")
	l.tick("summarize") // and replaces the copies
	l.readAll(a)
	l.backUp()
	calls := map[string]map[seen]int{}
	for name, s := range l.spies {
		calls[name] = s.calls
	}
	return calls
}

func newLife(t *testing.T) *life {
	t.Helper()
	cloud := cloudtest.Start(t)
	env := walkEnv(cloud)
	env["RYGGRAD_BACKUP_BEHIND"] = "0s"
	env["RYGGRAD_DISK_KEYS"] = strings.Join([]string{cloud.Key("database"), cloud.Key("objects"), cloud.Key("backup-objects")}, ",")
	l := &life{walk: &walk{t: t}, cloud: cloud, spies: map[string]*spy{}, pushed: map[string]http.Handler{}}
	cfg, err := gcp.Load[gcp.Config](env)
	l.must(err)
	l.hub, err = hub.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	l.must(err)
	t.Cleanup(func() { l.must(l.hub.Close()) })
	l.diskKeys()
	l.hub.Keys = envelopedb.New(envelopedb.Options{
		Firestore: l.hub.Firestore, KMS: l.hub.KMS, KeyName: cfg.KeyName("tenant-keys"), Log: l.hub.Log,
		Now: func() time.Time { return time.Now().AddDate(0, 0, -31) },
	})
	watched := func(name string) gcp.Env {
		l.spies[name] = &spy{calls: map[seen]int{}}
		return between(t, env, l.spies[name].around)
	}
	l.build(watched)
	for _, f := range table(t) {
		build, known := pushedBuilds()[f.Name]
		if f.Coming || f.Trigger != functions.PubSub || !known {
			continue
		}
		through := watched(f.Name)
		l.pushed[f.Name] = l.start(build, through)
		if f.Name == "drill" {
			hasty := maps.Clone(through)
			hasty["RYGGRAD_DRILL_BUDGET"] = "1ns"
			l.hasty = l.start(build, hasty)
		}
	}
	return l
}

// diskKeys makes the keys with which Google encrypts what it stores for the hub, which it does not here.
func (l *life) diskKeys() {
	l.t.Helper()
	for _, key := range []string{"database", "objects", "backup-objects"} {
		_, err := l.hub.KMS.CreateCryptoKey(l.t.Context(), &kmspb.CreateCryptoKeyRequest{
			Parent: localcloud.KeyRing(l.cloud.Project), CryptoKeyId: key, CryptoKey: &kmspb.CryptoKey{Purpose: kmspb.CryptoKey_ENCRYPT_DECRYPT},
		})
		l.must(err)
	}
}

// backUp makes a backup of everything, reads it and restores it.
func (l *life) backUp() {
	l.t.Helper()
	l.cloud.PushSteps(l.t, l.pushed["backup"], "backup", nil)
	l.tick("verify")
	cloudtest.Push(l.t, l.hasty, nil)
	l.hand("drill", "drill") // what the hasty one left
}

// push hands a function a message.
func (l *life) push(function string, data []byte) {
	l.t.Helper()
	cloudtest.Push(l.t, l.pushed[function], data)
}

func (l *life) tick(function string) { l.push(function, []byte(`{}`)) }

// hand gives a function everything that was published on a topic.
func (l *life) hand(function, topic string) {
	l.t.Helper()
	all := l.cloud.Published(l.t, topic)
	if len(all) == 0 {
		l.t.Errorf("nothing was published on %s", topic)
	}
	for _, m := range all {
		l.push(function, m.Data)
	}
}

// handOn gives a function everything that was published on a topic, and what it then publishes there itself, to the end.
func (l *life) handOn(function, topic string) {
	l.t.Helper()
	given := 0
	for all := l.cloud.Published(l.t, topic); given < len(all); all = l.cloud.Published(l.t, topic) {
		l.push(function, all[given].Data)
		given++
	}
	if given == 0 {
		l.t.Errorf("nothing was published on %s", topic)
	}
}

// put sets a field of all documents of a collection: time has passed, or nobody has done anything for long.
func (l *life) put(collection, field string, value any) {
	l.t.Helper()
	docs, err := l.hub.Firestore.Collection(collection).Documents(l.t.Context()).GetAll()
	l.must(err)
	for _, d := range docs {
		_, err := d.Ref.Update(l.t.Context(), []firestore.Update{{Path: field, Value: value}})
		l.must(err)
	}
}

// roll makes a new version of the KMS key that wraps tenant keys the primary one.
func (l *life) roll() {
	l.t.Helper()
	key := l.cloud.Key("tenant-keys")
	_, err := l.hub.KMS.CreateCryptoKeyVersion(l.t.Context(), &kmspb.CreateCryptoKeyVersionRequest{Parent: key})
	l.must(err)
	_, err = l.hub.KMS.UpdateCryptoKeyPrimaryVersion(l.t.Context(), &kmspb.UpdateCryptoKeyPrimaryVersionRequest{Name: key, CryptoKeyVersionId: "2"})
	l.must(err)
}

// subjects carries out the exports and erasures that were asked for, and once more, as after an answer that was lost: what
// stands in the bucket is then compared.
func (l *life) subjects() {
	l.t.Helper()
	queued, err := l.hub.Firestore.Collection("subjectQueue").Documents(l.t.Context()).GetAll()
	l.must(err)
	if len(queued) == 0 {
		l.t.Error("nobody is to be exported or erased")
	}
	l.hand("subjects", "subjects")
	for _, q := range queued {
		_, err := q.Ref.Set(l.t.Context(), q.Data())
		l.must(err)
	}
	l.put("subjectJobs", "state", "pending")
	l.tick("subjects")
}

// order places another order.
func (l *life) order(number string) {
	l.t.Helper()
	l.make(l.ours, "/v1/orders", strings.NewReplacer("LOC", l.ours.location, "W2", number).Replace(walkedOrder))
}

func (l *life) count(collection string, want func(map[string]any) bool) int {
	l.t.Helper()
	docs, err := l.hub.Firestore.Collection(collection).Documents(l.t.Context()).GetAll()
	l.must(err)
	n := 0
	for _, d := range docs {
		if want(d.Data()) {
			n++
		}
	}
	return n
}

// clientOnly is a tenant that has nothing but a location and a client.
func (l *life) clientOnly(name string) tenancy {
	l.t.Helper()
	store, by := l.hub.Identities(), ledgerdb.Act{Actor: identity.Actor{Kind: identity.KindOperator, ID: "walk"}}
	tenant, err := store.CreateTenant(l.t.Context(), by, name)
	l.must(err)
	by.Tenant = tenant.ID
	location, err := store.CreateLocation(l.t.Context(), by, identity.Location{Name: name, Timezone: "Europe/Stockholm", Currency: "SEK", Country: "SE"})
	l.must(err)
	return tenancy{tenant: tenant.ID, location: location.ID, client: l.client(tenant.ID, integrationScopes())}
}

// toldOf is a tenant whose platform only tells of orders, and has told of one. It returns the link.
func (l *life) toldOf() string {
	l.t.Helper()
	dir := "../shared/channel/testdata/hubrise/"
	order, err := os.ReadFile(dir + "fetched_order.json")
	l.must(err)
	notice, err := os.ReadFile(dir + "orders_passive.json")
	l.must(err)
	order = []byte(strings.Replace(string(order), "7hk2p", "7hk2q", 1)) // the one that the notice tells of
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(order)
	}))
	l.t.Cleanup(platform.Close)
	y := l.clientOnly("Told")
	by := ledgerdb.Act{Tenant: y.tenant, Actor: identity.Actor{Kind: identity.KindOperator, ID: "walk"}}
	link, err := l.hub.Identities().CreateLink(l.t.Context(), by, identity.Link{
		Adapter: "hubrise", Enabled: true, Locations: []identity.LinkedLocation{{Location: y.location}},
		Options: map[string]string{"api": platform.URL}, Policy: identity.Policy{OnDeadline: identity.DeadlineExpire},
	}, identity.LinkSecrets{{Name: identity.WebhookSecret, Value: "walked"}, {Name: "token", Value: "for good"}})
	l.must(err)
	mac := hmac.New(sha256.New, []byte("walked"))
	mac.Write(notice)
	path := "/v1/channels/hubrise/" + link.ID + "/orders"
	for _, r := range l.routes {
		if r.Method == http.MethodPost && r.ID == "receive-channel-orders" {
			rec := l.send(r, path, "", string(notice), [2]string{"X-HubRise-Hmac-SHA256", hex.EncodeToString(mac.Sum(nil))})
			if rec.Code > 299 {
				l.t.Errorf("the notice is answered %d %s", rec.Code, rec.Body)
			}
		}
	}
	return link.ID
}

// cancelled sends the order whose cancellation waits for it.
func (l *life) cancelled(a *actor) {
	l.t.Helper()
	late := deed{route: "receive-channel-orders", by: nobody, path: link("orders"), header: signed,
		body: says(strings.ReplaceAll(walkedWebhook, "W3", "W9"))}
	if rec := a.do(late); rec.Code > 299 {
		l.t.Errorf("the late order is answered %d %s", rec.Code, rec.Body)
	}
}

// readAll asks for everything that can be read, as an owner, as a client, and as somebody who is refused.
func (l *life) readAll(a *actor) {
	l.t.Helper()
	for _, r := range l.routes {
		if r.Method != http.MethodGet || r.ID == "get-description" { // which asks the other functions, and they are not served here
			continue
		}
		for _, credential := range []string{a.owner, a.shop, "nonsense"} {
			if rec := l.send(r, fill(r.Path, a.ids), credential, ""); rec.Code >= http.StatusInternalServerError {
				l.t.Errorf("GET %s is answered %d %s", r.Path, rec.Code, rec.Body)
			}
		}
	}
}
