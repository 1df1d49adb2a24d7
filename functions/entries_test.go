package functions_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"ryggrad.internal/hub/shared"
	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/totp"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

// noEntries lets, while it is shut, every commit fail that would write an audit entry, and everything else pass.
type noEntries struct{ shut atomic.Bool }

func (n *noEntries) around(cloud http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.shut.Load() && r.URL.Path == "/google.firestore.v1.Firestore/Commit" {
			raw, err := io.ReadAll(r.Body)
			if err != nil || writesEntry(raw) {
				fail(w, codes.PermissionDenied)
				return
			}
			r.Body = io.NopCloser(bytes.NewReader(raw))
		}
		cloud.ServeHTTP(w, r)
	})
}

// writesEntry tells whether a commit, as framed by gRPC, has an audit entry in it.
func writesEntry(framed []byte) bool {
	var commit firestorepb.CommitRequest
	if len(framed) < 5 || proto.Unmarshal(framed[5:], &commit) != nil {
		return true
	}
	for _, w := range commit.Writes {
		if strings.Contains(w.GetUpdate().GetName(), "/documents/audit/") {
			return true
		}
	}
	return false
}

// newShutWalk is a walk whose functions, and nothing else, reach the cloud through a noEntries: by this environment.
func newShutWalk(t *testing.T) (*walk, *noEntries, gcp.Env) {
	t.Helper()
	env, n := walkEnv(cloudtest.Start(t)), &noEntries{}
	through := between(t, env, n.around)
	return newWalkOver(t, env, through), n, through
}

// deed is a request that does something, and the entry that it must leave.
type deed struct {
	route, action string
	by            func(*actor) string          // whose credential
	path          func(*actor) string          // when ids do not make it
	body          func(*actor) string          // none when nil
	header        func(body string) [2]string  // one that is not JSON's or the credential's
	then          func(*actor, map[string]any) // keeps what the answer gave
	hub           bool                         // the entry is the hub's, not the tenant's
}

// actor is who does the deeds, and what they were given for them.
type actor struct {
	*walk
	ids                                                   map[string]string
	shop, owner, person, password, totp, recovery, access string
}

func newActor(w *walk) *actor {
	a := &actor{walk: w, ids: maps.Clone(w.ours.ids), shop: w.ours.client.APIKey.Reveal()}
	a.ids["orderStatus"], a.owner = a.ids["orders"], w.session(func(*identity.Session) {})
	by := ledgerdb.Act{Actor: identity.Actor{Kind: identity.KindOperator, ID: "walk"}}
	home, err := w.hub.Identities().CreateTenant(w.t.Context(), by, "The hub's own")
	w.must(err)
	by.Tenant = home.ID
	w.must(w.hub.Identities().SetOperator(w.t.Context(), by, true))
	u := identity.User{ID: helper, Tenant: home.ID, Role: identity.Support, CreatedAt: time.Now(), EmailIndex: []byte(helper), Sealed: []byte("x")}
	w.must(w.hub.Ledger.Bookkeep(w.t.Context(), home.ID, ledgerdb.Add(ledgerdb.Ref{Collection: "users", ID: helper}, u.Document())))
	return a
}

func shop(a *actor) string   { return a.shop }
func owner(a *actor) string  { return a.owner }
func person(a *actor) string { return a.person }
func nobody(*actor) string   { return "" }

// helper is a person of the hub's support.
const helper = "usr_ssssssssssssssssssssssssss"

// says returns a body; SUPPORT in it stands for the hub's helper, LOC for our location, and HOUR for an hour from now.
func says(text string) func(*actor) string {
	return func(a *actor) string {
		return strings.NewReplacer("SUPPORT", helper, "LOC", a.ours.location, "HOUR", time.Now().Add(time.Hour).UTC().Format(time.RFC3339)).Replace(text)
	}
}

// keep returns what keeps a text of the answer.
func keep(name string, where func(*actor) *string) func(*actor, map[string]any) {
	return func(a *actor, answer map[string]any) { *where(a), _ = answer[name].(string) }
}

// keepID returns what keeps the id of what was made, for paths.
func keepID(name, collection string) func(*actor, map[string]any) {
	return func(a *actor, answer map[string]any) { a.ids[collection], _ = answer[name].(string) }
}

const walkedOrder = `{"channelOrderId":"W2","displayId":"2","location":"LOC","type":"pickup","placedAt":"2026-03-01T18:04:05+01:00",
	"currency":"SEK","items":[{"plu":"P","name":"Pizza","quantity":1,"unitPrice":100}],"total":100,"payment":{"method":"online","status":"paid","due":0}}`

const walkedWebhook = `{"channelOrderId":"W3","channelOrderDisplayId":"3","orderType":1,"placedTime":"2026-03-01T17:04:05Z","payment":{"amount":100,"type":3},
	"orderIsAlreadyPaid":true,"decimalDigits":2,"customer":{"name":"Nils"},"items":[{"plu":"P","name":"Pizza","price":100,"quantity":1,"subItems":[]}]}`

// link returns a path of our channel link, as the platform calls it.
func link(end string) func(*actor) string {
	return func(a *actor) string { return "/v1/channels/deliverect/" + a.ours.ids["channels"] + "/" + end }
}

// signed is the platform's proof.
func signed(body string) [2]string {
	mac := hmac.New(sha256.New, []byte("walked"))
	mac.Write([]byte(body))
	return [2]string{"X-Server-Authorization-HMAC-SHA256", hex.EncodeToString(mac.Sum(nil))}
}

func formed(string) [2]string { return [2]string{"Content-Type", "application/x-www-form-urlencoded"} }

// form returns a form of OAuth with our client's proof.
func form(more func(*actor) url.Values) func(*actor) string {
	return func(a *actor) string {
		v := more(a)
		v.Set("client_id", a.ours.client.Client.ID)
		v.Set("client_secret", a.ours.client.ClientSecret.Reveal())
		return v.Encode()
	}
}

// orderDeeds are what is done to orders and to where their events go.
func orderDeeds() []deed {
	return []deed{
		{route: "place-order", action: "order.receive", by: shop, body: says(walkedOrder)},
		{route: "advance-order", action: "order.advance", by: shop, body: says(`{"status":"accepted"}`)},
		{route: "report-deliverect-preparation", action: "order.retime", by: shop,
			body: func(a *actor) string { return fmt.Sprintf(`{"order":%q,"minutes":20}`, a.ids["orders"]) }},
		{route: "report-deliverect-status", action: "order.advance", by: shop, body: says(`{"status":70}`)},
		{route: "receive-channel-orders", action: "order.receive", by: nobody, path: link("orders"), body: says(walkedWebhook), header: signed},
		{route: "receive-channel-orders", action: "message.wait", by: nobody, path: link("orders"), header: signed,
			body: says(`{"channelOrderId":"W9","channelOrderDisplayId":"9","status":100}`)},
		{route: "create-endpoint", action: "endpoint.create", by: shop, body: says(`{"url":"http://127.0.0.1:9/more","events":["order.received"]}`)},
		{route: "change-endpoint", action: "endpoint.change", by: shop, body: says(`{"url":"http://127.0.0.1:9/other","events":["order.received"]}`)},
		{route: "rotate-endpoint-secret", action: "endpoint.rotate_secret", by: shop},
		{route: "replay-endpoint", action: "endpoint.replay", by: shop, body: func(*actor) string { return bodies()["replay-endpoint"] }},
		{route: "remove-endpoint", action: "endpoint.remove", by: shop},
	}
}

// walkedGuest is an order whose guest is then exported and erased.
const walkedGuest = `{"channelOrderId":"W7","displayId":"7","location":"LOC","type":"pickup","placedAt":"2026-03-01T18:04:05+01:00","currency":"SEK",
	"items":[{"plu":"P","name":"Pizza","quantity":1,"unitPrice":100}],"total":100,"payment":{"method":"online","status":"paid","due":0},
	"customer":{"name":"Nils Dacke","email":"nils@example.com"}}`

// guestDeeds are what is done to guests.
func guestDeeds() []deed {
	const guest = `{"email":"nils@example.com","name":"Nils Dacke"}`
	return []deed{
		{route: "place-order", action: "order.receive", by: shop, body: says(walkedGuest)},
		{route: "export-subject", action: "subject.export", by: owner, body: says(guest)},
		{route: "erase-subject", action: "subject.erase", by: owner, body: says(guest)},
	}
}

// settingDeeds are what is done to a tenant's settings and clients.
func settingDeeds() []deed {
	return []deed{
		{route: "issue-token", action: "token.issue", by: nobody, header: formed, then: keep("access_token", func(a *actor) *string { return &a.access }),
			body: form(func(*actor) url.Values { return url.Values{"grant_type": {"client_credentials"}} })},
		{route: "revoke-token", action: "token.revoke", by: nobody, header: formed,
			body: form(func(a *actor) url.Values { return url.Values{"token": {a.access}} })},
		{route: "create-location", action: "location.create", by: owner, body: says(`{"name":"New","timezone":"Europe/Stockholm","currency":"SEK","country":"SE"}`), then: keepID("id", "locations")},
		{route: "change-location", action: "location.change", by: owner, body: says(`{"name":"Newer","timezone":"Europe/Stockholm","currency":"SEK","country":"SE"}`)},
		{route: "remove-location", action: "location.remove", by: owner},
		{route: "create-channel", action: "channel.create", by: owner, body: says(`{"adapter":"deliverect","locations":[{"location":"LOC"}],"policy":{"onDeadline":"expire"},"credentials":{"webhook":"a secret of the walk"}}`), then: keepID("id", "channels")},
		{route: "change-channel", action: "channel.change", by: owner, body: says(`{"locations":[{"location":"LOC"}],"policy":{"onDeadline":"accept"}}`)},
		{route: "rotate-channel-credentials", action: "channel.rotate_credentials", by: owner, body: says(`{"credentials":{"webhook":"another secret of the walk"}}`)},
		{route: "remove-channel", action: "channel.remove", by: owner},
		{route: "create-client", action: "client.create", by: owner, body: says(`{"name":"Till","scopes":["orders:read"],"locations":["LOC"],"expiresAt":"HOUR"}`), then: keepID("clientId", "clients")},
		{route: "rotate-client-secret", action: "client.rotate_secret", by: owner, body: says(`{"kind":"api_key"}`), then: keepSecret},
		{route: "remove-client-secret", action: "client.remove_secret", by: owner},
		{route: "remove-client", action: "client.remove", by: owner},
		{route: "grant-support", action: "support.grant", by: owner, body: says(`{"person":"SUPPORT","scope":["orders:read"],"reason":"the walk","expiresAt":"HOUR"}`), then: keepID("id", "support-grants")},
		{route: "end-support-grant", action: "support.end", by: owner},
	}
}

// personDeeds are what is done to a person, and what they do themselves.
func personDeeds() []deed {
	initial := keep("initialPassword", func(a *actor) *string { return &a.password })
	session := keep("token", func(a *actor) *string { return &a.person })
	return []deed{
		{route: "create-user", action: "user.create", by: owner, body: says(`{"email":"walked@example.com","name":"Walked","role":"manager"}`),
			then: func(a *actor, answer map[string]any) { keepID("id", "users")(a, answer); initial(a, answer) }},
		{route: "change-user", action: "user.change", by: owner, body: says(`{"role":"viewer"}`)},
		{route: "reset-password", action: "user.initial_password", by: owner, then: initial},
		{route: "log-in", action: "session.create", by: nobody, then: session,
			body: func(a *actor) string { return fmt.Sprintf(`{"email":"walked@example.com","password":%q}`, a.password) }},
		{route: "set-password", action: "password.replace", by: person, body: says(`{"newPassword":"four words in a row"}`), then: session},
		{route: "new-totp", action: "totp.show", by: person, then: keep("secret", func(a *actor) *string { return &a.totp })},
		{route: "confirm-totp", action: "totp.add", by: person, body: code(0), then: session},
		{route: "new-recovery-codes", action: "recovery_codes.replace", by: person, then: keepCode},
		{route: "prove-totp", action: "session.totp", by: person, body: code(1), then: session},
		{route: "prove-recovery-code", action: "session.recovery_code", by: person, then: session,
			body: func(a *actor) string { return fmt.Sprintf(`{"code":%q}`, a.recovery) }},
		{route: "end-session", action: "session.end", by: person, path: says("/v1/sessions/current")},
		{route: "end-user-sessions", action: "user.sessions_end", by: owner},
		{route: "remove-second-factor", action: "user.second_factor_remove", by: owner},
	}
}

// keepSecret keeps the id of the last of a client's secrets.
func keepSecret(a *actor, answer map[string]any) { a.ids["secrets"] = fmt.Sprint(answer["id"]) }

func keepCode(a *actor, answer map[string]any) {
	if codes, ok := answer["codes"].([]any); ok && len(codes) > 0 {
		a.recovery, _ = codes[0].(string)
	}
}

// code is a one-time password, of now or of steps later.
func code(later int64) func(*actor) string {
	return func(a *actor) string {
		secret, err := totp.Parse(a.totp)
		a.must(err)
		return fmt.Sprintf(`{"code":%q}`, secret.Code(totp.Step(time.Now())+later))
	}
}

// do sends a deed's request.
func (a *actor) do(d deed) *httptest.ResponseRecorder {
	a.t.Helper()
	for _, r := range a.routes {
		if r.ID != d.route {
			continue
		}
		path, body, header := fill(r.Path, a.ids), "", [2]string{}
		if d.path != nil {
			path = d.path(a)
		}
		if d.body != nil {
			body = d.body(a)
		}
		if d.header != nil {
			header = d.header(body)
		}
		return a.send(r, path, d.by(a), body, header)
	}
	a.t.Fatalf("there is no route %s", d.route)
	return nil
}

// objects are the revisions of everything that acts write, of every tenant.
func (w *walk) objects() map[string]int64 {
	w.t.Helper()
	all, err := shared.Collections()
	w.must(err)
	revisions := map[string]int64{}
	for _, c := range all {
		found, err := w.hub.Ledger.List(w.t.Context(), w.hub.Ledger.QueryAllTenants(c.Name))
		w.must(err)
		for _, o := range found {
			if o.Revision > 0 {
				revisions[o.String()] = o.Revision
			}
		}
	}
	return revisions
}

// answered reads an answer.
func answered(t *testing.T, rec *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	var answer map[string]any
	if err := json.Unmarshal(rec.Body.Bytes(), &answer); err != nil {
		t.Fatal(err)
	}
	return answer
}

// reportDeeds are what is reported to those who run the hub.
func reportDeeds() []deed {
	plain := func(string) [2]string { return [2]string{"Content-Type", "text/plain"} }
	return []deed{
		{route: "report-incident", action: "incident.report", by: shop, body: says(`{"severity":"annoying","text":"The walk is slow."}`)},
		{route: "report-vulnerability", action: "vulnerability.report", by: nobody, body: says("A door is open."), header: plain, hub: true},
	}
}

// whose is the tenant that an entry is looked for at.
func (w *walk) whose(hub bool) string {
	if hub {
		return identity.Hub
	}
	return w.ours.tenant
}

func deeds() []deed {
	return slices.Concat(orderDeeds(), guestDeeds(), settingDeeds(), personDeeds(), reportDeeds())
}

// noDeeds are the routes that are no GET and that the walk does not go, and why.
func noDeeds() map[string]string {
	const same, passkey = "the same handler as receive-channel-orders", "needs an authenticator: functions/auth plays one"
	excused := map[string]string{
		"introspect-token":       "changes nothing",
		"refresh-session":        "bookkeeping: the same session goes on by another token",
		"ask-passkey":            "bookkeeping: a challenge is no act",
		"ask-new-passkey":        "bookkeeping: a challenge is no act",
		"prove-passkey":          passkey,
		"add-passkey":            passkey,
		"remove-passkey":         passkey,
		"test-endpoint":          "changes nothing: a message of no order is sent",
		"retry-delivery":         "bookkeeping: an attempt is no act",
		"acknowledge-events":     "bookkeeping: where a reader stands",
		"take-subject-export":    "needs a finished export: functions/privacy takes one out",
		"replay-channel-message": "needs a message that an adapter has learned to read since: functions/orders makes one",
		"settle-channel-message": "needs a message that failed for good: functions/orders makes one",
	}
	for _, a := range channel.Adapters() {
		for _, path := range slices.Concat(a.Paths, a.Puts) {
			excused["receive-channel-"+path] = same
		}
	}
	for _, d := range deeds() {
		delete(excused, d.route)
	}
	return excused
}

func TestEveryRouteThatChangesSomethingIsWalked(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	walked, excused := map[string]bool{}, noDeeds()
	for _, d := range deeds() {
		walked[d.route] = true
	}
	for _, r := range w.routes {
		if r.Method != http.MethodGet && !walked[r.ID] && excused[r.ID] == "" {
			t.Errorf("%s %s (%s) changes something: give it a deed, or say why not", r.Method, r.Path, r.ID)
		}
		delete(excused, r.ID)
	}
	for id := range excused {
		t.Errorf("%s is excused and not there", id)
	}
}

func TestNothingIsDoneWithoutItsEntry(t *testing.T) {
	t.Parallel()
	w, door, _ := newShutWalk(t)
	a := newActor(w)
	for _, d := range deeds() {
		before := w.objects()
		door.shut.Store(true)
		if rec := a.do(d); rec.Code < http.StatusInternalServerError {
			t.Errorf("%s is answered %d %s though its entry cannot be written", d.route, rec.Code, rec.Body)
		}
		door.shut.Store(false)
		if diff := cmp.Diff(before, w.objects()); diff != "" {
			t.Errorf("%s was done without its entry (-before +after):\n%s", d.route, diff)
		}
		whose := w.whose(d.hub)
		entries := w.acts(whose)[d.action]
		rec := a.do(d)
		if rec.Code < 200 || rec.Code > 299 {
			t.Errorf("%s is answered %d %s", d.route, rec.Code, rec.Body)
			continue
		}
		if n := w.acts(whose)[d.action] - entries; n < 1 {
			t.Errorf("%s left no entry %s, but %v", d.route, d.action, w.acts(whose))
		}
		if d.then != nil {
			d.then(a, answered(t, rec))
		}
	}
	w.reconcile()
}

// reconcile holds what the deeds left in the database against their entries, as operators do: nothing is told.
func (w *walk) reconcile() {
	w.t.Helper()
	tell := func(what string) {
		if !strings.HasPrefix(what, "users/usr_sss") { // whom the walk put there itself
			w.t.Errorf("told %s", what)
		}
	}
	_, err := w.hub.Ledger.CheckEntries(w.t.Context(), 0, nil, tell)
	w.must(err)
	n, err := w.hub.Ledger.CheckDocuments(w.t.Context(), tell)
	w.must(err)
	if n < 10 {
		w.t.Errorf("only %d documents were looked at", n)
	}
}
