package functions_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/functions/audit"
	"ryggrad.internal/hub/functions/auth"
	"ryggrad.internal/hub/functions/delivery"
	"ryggrad.internal/hub/functions/orders"
	"ryggrad.internal/hub/functions/privacy"
	"ryggrad.internal/hub/functions/status"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

// accessTable is the file that says who may call what. It is written by hand, or by this test when RYGGRAD_WRITE_ACCESS
// is set; either way a change of it is for a second pair of eyes.
const accessTable = "testdata/access.txt"

// httpBuilds returns how every HTTP function is made.
func httpBuilds() map[string]gcp.Build {
	return map[string]gcp.Build{"audit": audit.BuildAudit, "auth": auth.BuildAuth, "delivery": delivery.BuildDelivery, "orders": orders.BuildOrders,
		"privacy": privacy.BuildPrivacy, "status": status.BuildStatus}
}

// served is a route and the function that serves it.
type served struct {
	httpapi.Route
	handler  http.Handler
	function string       // its name
	answers  map[int]bool // that its description tells of
}

// tenancy is a tenant of the walk, with one of each.
type tenancy struct {
	tenant, location string
	client           identitydb.Issued
	ids              map[string]string // of its things, by the collection's name in paths
}

// walk is a project with every function, and two tenants.
type walk struct {
	t      *testing.T
	hub    *hub.Hub
	routes []served
	ours   tenancy
	theirs tenancy
}

// start builds a function, which ends with the test.
func (w *walk) start(build gcp.Build, env gcp.Env) http.Handler {
	w.t.Helper()
	h, err := build(context.WithoutCancel(w.t.Context()), env)
	w.must(err)
	if c, ok := h.(io.Closer); ok {
		w.t.Cleanup(func() { w.must(c.Close()) })
	}
	return h
}

func walkEnv(cloud *cloudtest.Cloud) gcp.Env {
	env := gcp.Env(cloud.Env())
	env["RYGGRAD_REWRAP_PER_MESSAGE"] = "1"
	env["RYGGRAD_RATE_PER_SECOND"], env["RYGGRAD_RATE_BURST"], env["RYGGRAD_ALLOW_LOOPBACK"] = "1000000", "1000000", "true"
	return env
}

func newWalk(t *testing.T) *walk {
	t.Helper()
	env := walkEnv(cloudtest.Start(t))
	return newWalkOver(t, env, env)
}

// newWalkOver is a walk that looks on by one environment, and whose functions are built in another.
func newWalkOver(t *testing.T, env, through gcp.Env) *walk {
	t.Helper()
	w := &walk{t: t}
	cfg, err := gcp.Load[gcp.Config](env)
	w.must(err)
	w.hub, err = hub.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	w.must(err)
	t.Cleanup(func() { w.must(w.hub.Close()) })
	w.build(func(string) gcp.Env { return through })
	w.ours, w.theirs = w.tenancy("Ours"), w.tenancy("Theirs")
	return w
}

func (w *walk) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// build makes every HTTP function that is built, each in its environment, and collects their routes.
func (w *walk) build(env func(function string) gcp.Env) {
	w.t.Helper()
	for _, f := range table(w.t) {
		if f.Coming || f.Trigger != functions.HTTP {
			continue
		}
		build, known := httpBuilds()[f.Name]
		if !known {
			w.t.Fatalf("the walk does not know how to build %s", f.Name)
		}
		h := w.start(build, env(f.Name))
		wrapped, ok := h.(interface{ Unwrap() http.Handler })
		if !ok {
			w.t.Fatalf("%s does not show its API", f.Name)
		}
		api, ok := wrapped.Unwrap().(*httpapi.API)
		if !ok {
			w.t.Fatalf("%s is not served by httpapi", f.Name)
		}
		described := describedAnswers(w.t, h, f.Name)
		for _, r := range api.Routes() {
			w.routes = append(w.routes, served{r, h, f.Name, described[r.Method+" "+strings.ReplaceAll(r.Path, "...", "")]})
		}
	}
}

// describedAnswers reads from a function's description with which statuses its routes answer, by method and path.
func describedAnswers(t *testing.T, h http.Handler, name string) map[string]map[int]bool {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/openapi/"+name+".json", http.NoBody))
	var doc struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct{} `json:"responses"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	all := map[string]map[int]bool{}
	for path, methods := range doc.Paths {
		for method, op := range methods {
			codes := map[int]bool{}
			for text := range op.Responses {
				code, _ := strconv.Atoi(text)
				codes[code] = true
			}
			all[strings.ToUpper(method)+" "+path] = codes
		}
	}
	return all
}

func (w *walk) tenancy(name string) tenancy {
	w.t.Helper()
	store, by := w.hub.Identities(), ledgerdb.Act{Actor: identity.Actor{Kind: identity.KindOperator, ID: "walk"}}
	tenant, err := store.CreateTenant(w.t.Context(), by, name)
	w.must(err)
	by.Tenant = tenant.ID
	location, err := store.CreateLocation(w.t.Context(), by, identity.Location{Name: name, Timezone: "Europe/Stockholm", Currency: "SEK", Country: "SE"})
	w.must(err)
	link, err := store.CreateLink(w.t.Context(), by, identity.Link{
		Adapter: "deliverect", Enabled: true, Locations: []identity.LinkedLocation{{Location: location.ID}},
		Policy: identity.Policy{OnDeadline: identity.DeadlineExpire},
	}, identity.LinkSecrets{{Name: identity.WebhookSecret, Value: "walked"}})
	w.must(err)
	y := tenancy{tenant: tenant.ID, location: location.ID, client: w.client(tenant.ID, integrationScopes())}
	y.ids = map[string]string{"locations": location.ID, "clients": y.client.Client.ID, "channels": link.ID}
	y.ids["orders"] = w.make(y, "/v1/orders", fmt.Sprintf(`{"channelOrderId":"W1","displayId":"1","location":%q,"type":"pickup","placedAt":"2026-03-01T18:04:05+01:00",
		"currency":"SEK","items":[{"plu":"P","name":"Pizza","quantity":1,"unitPrice":100}],"total":100,"payment":{"method":"online","status":"paid","due":0}}`, location.ID))
	y.ids["endpoints"] = w.make(y, "/v1/endpoints", `{"url":"http://127.0.0.1:9/walk","events":["order.received"]}`)
	return y
}

// make creates something by the tenant's API key and returns its id.
func (w *walk) make(y tenancy, path, body string) string {
	w.t.Helper()
	for _, r := range w.routes {
		if r.Method == http.MethodPost && r.Path == path {
			rec := w.send(r, path, y.client.APIKey.Reveal(), body)
			var made struct {
				ID string `json:"id"`
			}
			if err := json.Unmarshal(rec.Body.Bytes(), &made); err != nil || made.ID == "" {
				w.t.Fatalf("POST %s is answered %d %s", path, rec.Code, rec.Body)
			}
			return made.ID
		}
	}
	w.t.Fatalf("there is no POST %s", path)
	return ""
}

// integrationScopes are all that a client may hold.
func integrationScopes() identity.Scopes {
	var all []identity.Permission
	for _, d := range identity.Permissions() {
		if d.Integration {
			all = append(all, d.Permission)
		}
	}
	return identity.NewScopes(all...)
}

func (w *walk) client(tenant string, scopes identity.Scopes) identitydb.Issued {
	w.t.Helper()
	by := ledgerdb.Act{Tenant: tenant, Actor: identity.Actor{Kind: identity.KindOperator, ID: "walk"}}
	issued, err := w.hub.Identities().CreateClient(w.t.Context(), by, identity.Client{
		Name: "Walker", Scopes: scopes, Locations: identity.Locations{identity.EveryLocation}, ExpiresAt: time.Now().Add(time.Hour),
	})
	w.must(err)
	return issued
}

// session is a login of our tenant that has just been proved, changed.
func (w *walk) session(change func(*identity.Session)) string {
	w.t.Helper()
	id, err := identity.NewID(identity.SessionPrefix, rand.Reader)
	w.must(err)
	secret, err := identity.NewSessionToken(id, rand.Reader)
	w.must(err)
	now := time.Now().UTC().Truncate(time.Microsecond)
	s := identity.Session{
		ID: id, Tenant: w.ours.tenant, User: "usr_aaaaaaaaaaaaaaaaaaaaaaaaaa", Role: identity.Owner, Token: secret.Hash(),
		CreatedAt: now, SeenAt: now, ProvedAt: now, ExpiresAt: now.Add(identity.SessionLife),
	}
	change(&s)
	at := ledgerdb.Ref{Collection: "sessions", ID: id}
	w.must(w.hub.Ledger.Bookkeep(w.t.Context(), s.Tenant, ledgerdb.Add(at, s.Document())))
	return secret.Reveal()
}

func (w *walk) send(r served, path, credential, body string, header ...[2]string) *httptest.ResponseRecorder {
	w.t.Helper()
	request := httptest.NewRequestWithContext(w.t.Context(), r.Method, path, strings.NewReader(body))
	if credential != "" {
		request.Header.Set("Authorization", "Bearer "+credential)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for _, h := range header {
		request.Header.Set(h[0], h[1])
	}
	rec := httptest.NewRecorder()
	r.handler.ServeHTTP(rec, request)
	gone := rec.Code == http.StatusNotFound && (strings.HasPrefix(path, "/v1/me") || strings.HasPrefix(path, "/v1/sessions")) // the walk's person
	if !r.answers[rec.Code] && !gone {
		w.t.Errorf("%s %s is answered %d, of which its description does not tell", r.Method, r.Path, rec.Code)
	}
	return rec
}

// The outcomes of a request, as far as it is about who sent it.
const (
	in       = "x"       // let in: the answer speaks of the request
	lacking  = "."       // the permission is missing
	unproven = "step-up" // a recent proof is missing
	outside  = "refused" // the credential does not hold
	broken   = "broken"  // anything that must not be
)

// knock sends a request that can do nothing: an empty body, ids of nothing.
func (w *walk) knock(r served, credential string) string {
	w.t.Helper()
	body := ""
	if r.Method != http.MethodGet && r.Method != http.MethodDelete {
		body = "{}"
	}
	rec := w.send(r, fill(r.Path, nil), credential, body)
	switch {
	case rec.Code >= http.StatusInternalServerError:
		w.t.Errorf("%s %s is answered %d %s", r.Method, r.Path, rec.Code, rec.Body)
		return broken
	case strings.Contains(rec.Body.String(), "problem:step-up"):
		return unproven
	case strings.Contains(rec.Body.String(), "problem:unauthenticated"):
		return outside
	case strings.Contains(rec.Body.String(), "problem:forbidden"):
		return lacking
	}
	return in
}

// fill replaces a path's variables: by what is known of the collection before them, or by an id of nothing.
func fill(path string, ids map[string]string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if !strings.HasPrefix(s, "{") {
			continue
		}
		segments[i] = "xyz_aaaaaaaaaaaaaaaaaaaaaaaaaa"
		if id, known := ids[segments[i-1]]; known {
			segments[i] = id
		}
	}
	return strings.Join(segments, "/")
}

// row says who may call a route, as the requests were answered.
func (w *walk) row(r served, key string) string {
	w.t.Helper()
	permission := string(r.Permission)
	if r.Permission == httpapi.Public {
		return fmt.Sprintf("%-6s %-52s public", r.Method, r.Path)
	}
	roles := ""
	for _, role := range identity.Roles() {
		roles += w.knock(r, w.session(func(s *identity.Session) { s.Role = role }))
	}
	stages := ""
	for _, stage := range []identity.Stage{identity.SecondFactor, identity.Enroll, identity.SetPassword} {
		stages += w.knock(r, w.session(func(s *identity.Session) { s.Stage = stage }))
	}
	late := w.knock(r, w.session(func(s *identity.Session) { s.ProvedAt = s.ProvedAt.Add(-time.Hour) }))
	return fmt.Sprintf("%-6s %-52s %-17s %s %s %s %s", r.Method, r.Path, permission, roles, stages, w.knock(r, key), late)
}

const accessHead = `# Who may call what, as every function really answers. Each route has one line:
#
#   method, path, and the permission it needs, or public;
#   the roles owner admin manager support auditor viewer: x may, . may not;
#   an owner who still misses the second factor, its enrolment, a password of their own;
#   a client with all that clients may hold;
#   an owner whose last proof is an hour old: x may, or step-up.
#
# A new route, or another permission, is a change of this file. RYGGRAD_WRITE_ACCESS=1 go test ./functions writes it.

`

func TestEveryRouteLetsInWhomTheTableSays(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	got := accessHead
	for _, r := range w.routes {
		got += w.row(r, w.ours.client.APIKey.Reveal()) + "\n"
	}
	if os.Getenv("RYGGRAD_WRITE_ACCESS") != "" {
		w.must(os.WriteFile(accessTable, []byte(got), 0o600))
	}
	want, err := os.ReadFile(accessTable)
	w.must(err)
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s says otherwise (-table +answers):\n%s", accessTable, diff)
	}
}

func TestNoRouteTakesWhatDoesNotHold(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	credentials := map[string]string{
		"none":                     "",
		"nonsense":                 "x",
		"an expired session":       w.session(func(s *identity.Session) { s.ExpiresAt = s.CreatedAt }),
		"a silent session":         w.session(func(s *identity.Session) { s.SeenAt = s.SeenAt.Add(-identity.SessionIdle) }),
		"a session of nobody":      w.session(func(s *identity.Session) { s.Token = identity.Hash{1} }),
		"a role that is none":      w.session(func(s *identity.Session) { s.Role = "root" }),
		"a revoked key":            w.revoked(),
		"a client's secret":        w.ours.client.ClientSecret.Reveal(),
		"a removed client's key":   w.removed(),
		"a key with one digit off": w.ours.client.APIKey.Reveal()[:74] + "_",
	}
	narrow := w.client(w.ours.tenant, identity.NewScopes(identity.NoticesRead)).APIKey.Reveal()
	suspended := w.suspended()
	for _, r := range w.routes {
		if r.Permission == httpapi.Public {
			continue
		}
		for name, credential := range credentials {
			if got := w.knock(r, credential); got != outside && (name != "a role that is none" || got != lacking) {
				t.Errorf("%s %s answers %s to %s", r.Method, r.Path, got, name)
			}
		}
		if got := w.knock(r, suspended); got != lacking {
			t.Errorf("%s %s answers %s to a suspended tenant", r.Method, r.Path, got)
		}
		if got := w.knock(r, narrow); got != lacking && r.Permission != identity.NoticesRead {
			t.Errorf("%s %s answers %s to a client without the permission", r.Method, r.Path, got)
		}
		if rec := w.send(r, fill(r.Path, nil)+"?access_token="+w.ours.client.APIKey.Reveal(), "", ""); rec.Code != http.StatusUnauthorized {
			t.Errorf("%s %s answers %d to a key in the address", r.Method, r.Path, rec.Code)
		}
	}
}

func (w *walk) revoked() string {
	w.t.Helper()
	c := w.client(w.ours.tenant, integrationScopes())
	by := ledgerdb.Act{Tenant: w.ours.tenant, Actor: identity.Actor{Kind: identity.KindOperator, ID: "walk"}}
	w.must(w.hub.Identities().RemoveSecret(w.t.Context(), by, c.Client.ID, c.APIKey.ID()))
	return c.APIKey.Reveal()
}

func (w *walk) removed() string {
	w.t.Helper()
	c := w.client(w.ours.tenant, integrationScopes())
	by := ledgerdb.Act{Tenant: w.ours.tenant, Actor: identity.Actor{Kind: identity.KindOperator, ID: "walk"}}
	w.must(w.hub.Identities().RemoveClient(w.t.Context(), by, c.Client.ID))
	return c.APIKey.Reveal()
}

// suspended is a key that would do, of a tenant that is suspended.
func (w *walk) suspended() string {
	w.t.Helper()
	by := ledgerdb.Act{Actor: identity.Actor{Kind: identity.KindOperator, ID: "walk"}}
	tenant, err := w.hub.Identities().CreateTenant(w.t.Context(), by, "Suspended")
	w.must(err)
	key := w.client(tenant.ID, integrationScopes()).APIKey.Reveal()
	by.Tenant = tenant.ID
	w.must(w.hub.Identities().SuspendTenant(w.t.Context(), by, true))
	return key
}

func TestOtherTenantsThingsAreNowhere(t *testing.T) {
	t.Parallel()
	w := newWalk(t)
	before := w.acts(w.theirs.tenant)
	reached := 0
	for _, r := range w.routes {
		path := fill(r.Path, w.theirs.ids)
		if r.Permission == httpapi.Public || path == fill(r.Path, nil) {
			continue
		}
		reached++
		for name, credential := range map[string]string{
			"an owner": w.session(func(*identity.Session) {}), "a client": w.ours.client.APIKey.Reveal(),
		} {
			rec := w.send(r, path, credential, bodies()[r.ID])
			if rec.Code != http.StatusNotFound && !strings.Contains(rec.Body.String(), "problem:forbidden") {
				t.Errorf("%s %s answers %d %s to %s of another tenant", r.Method, r.Path, rec.Code, rec.Body, name)
			}
		}
	}
	if reached < 10 {
		t.Errorf("only %d routes name a thing of a tenant: the walk looks at the wrong place", reached)
	}
	if diff := cmp.Diff(before, w.acts(w.theirs.tenant)); diff != "" {
		t.Errorf("something happened to another tenant (-before +after):\n%s", diff)
	}
}

// bodies are what routes with a thing's id need to be sent, so that the id is what they stumble over.
func bodies() map[string]string {
	return map[string]string{
		"change-location":            `{"name":"Taken","timezone":"Europe/Stockholm","currency":"SEK","country":"SE"}`,
		"rotate-client-secret":       `{"kind":"api_key"}`,
		"change-channel":             `{"locations":[{"location":"loc_aaaaaaaaaaaaaaaaaaaaaaaaaa"}],"policy":{"onDeadline":"accept"}}`,
		"rotate-channel-credentials": `{"credentials":{"webhook":"taken over"}}`,
		"change-endpoint":            `{"url":"http://127.0.0.1:9/taken","events":["order.received"]}`,
		"advance-order":              `{"status":"accepted"}`,
		"replay-endpoint":            fmt.Sprintf(`{"since":%q,"until":%q}`, time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), time.Now().UTC().Format(time.RFC3339)),
	}
}

// acts counts what was done to a tenant's things, by action.
func (w *walk) acts(tenant string) map[string]int {
	w.t.Helper()
	found, err := w.hub.Ledger.List(w.t.Context(), w.hub.Ledger.QueryAllTenants("audit"))
	w.must(err)
	acts := map[string]int{}
	for _, o := range found {
		if action, ok := o.Fields["action"].(string); ok && o.Tenant == tenant && o.Revision > 0 {
			acts[action]++
		}
	}
	return acts
}
