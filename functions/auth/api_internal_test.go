package auth

import (
	"crypto/rand"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/identity/token"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// token is an access token of the tenant that allows this, in these locations.
func (w *world) token(tenant string, locations identity.Locations, scopes ...identity.Permission) string {
	w.t.Helper()
	id, err := identity.NewID(tokenPrefix, rand.Reader)
	w.must(err)
	cfg, err := gcp.Load[gcp.Config](w.Env())
	w.must(err)
	signer := identitydb.NewSigner(identitydb.SignerOptions{
		Ledger: w.ledger, KMS: w.KMS(w.t), KeyName: cfg.KeyName("access-tokens"), Now: time.Now,
	})
	now := time.Now().Truncate(time.Second)
	raw, err := signer.Sign(w.t.Context(), token.Claims{
		Issuer: issuer, Audience: issuer, ID: id, Client: "test", IssuedAt: now, ExpiresAt: now.Add(time.Minute),
		Tenant: tenant, Subject: identity.Actor{Kind: identity.KindClient, ID: "cli_test"},
		Scopes: identity.NewScopes(scopes...), Locations: locations,
	})
	w.must(err)
	return raw
}

// owner is a session of the tenant's owner, who has just proved who they are.
func (w *world) owner(tenant string) string {
	return w.session(tenant, func(*identity.Session) {})
}

// session is a login of an owner, changed.
func (w *world) session(tenant string, change func(*identity.Session)) string {
	w.t.Helper()
	id, err := identity.NewID(identity.SessionPrefix, rand.Reader)
	w.must(err)
	secret, err := identity.NewSessionToken(id, rand.Reader)
	w.must(err)
	now := time.Now().UTC().Truncate(time.Microsecond)
	s := identity.Session{
		ID: id, Tenant: tenant, User: "usr_aaaaaaaaaaaaaaaaaaaaaaaaaa", Role: identity.Owner, Token: secret.Hash(),
		CreatedAt: now, SeenAt: now, ProvedAt: now, ExpiresAt: now.Add(identity.SessionLife),
	}
	change(&s)
	w.must(w.ledger.Bookkeep(w.t.Context(), tenant, ledgerdb.Add(ledgerdb.Ref{Collection: "sessions", ID: id}, s.Document())))
	return secret.Reveal()
}

func everywhere() identity.Locations { return identity.Locations{identity.EveryLocation} }

// neighbour is another tenant with a location and a client of its own.
func (w *world) neighbour() (tenant, location, client string) {
	w.t.Helper()
	by := ledgerdb.Act{Actor: w.by.Actor}
	other, err := w.store.CreateTenant(w.t.Context(), by, "Other restaurants")
	w.must(err)
	by.Tenant = other.ID
	l, err := w.store.CreateLocation(w.t.Context(), by,
		identity.Location{Name: "Elsewhere", Timezone: "Europe/Oslo", Currency: "NOK", Country: "NO"})
	w.must(err)
	c, err := w.store.CreateClient(w.t.Context(), by, identity.Client{
		Name: "Their till", Scopes: identity.NewScopes(identity.OrdersRead), Locations: everywhere(), ExpiresAt: time.Now().Add(time.Hour),
	})
	w.must(err)
	return other.ID, l.ID, c.Client.ID
}

// call sends a request with a JSON body, or none, and reads the answer.
func (w *world) call(method, path, credential, body string) (int, map[string]any) {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+credential)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	var out map[string]any
	if rec.Body.Len() > 0 {
		w.must(json.Unmarshal(rec.Body.Bytes(), &out))
	}
	return rec.Code, out
}

// expect is call for a status that must come.
func (w *world) expect(status int, method, path, credential, body string) map[string]any {
	w.t.Helper()
	got, out := w.call(method, path, credential, body)
	if got != status {
		w.t.Fatalf("%s %s is answered %d %v, want %d", method, path, got, out, status)
	}
	return out
}

// text reads a field of an answer.
func text(t *testing.T, from map[string]any, field string) string {
	t.Helper()
	s, ok := from[field].(string)
	if !ok || s == "" {
		t.Fatalf("the answer has no %s: %v", field, from)
	}
	return s
}

// items reads a list's items.
func items(t *testing.T, from map[string]any) []map[string]any {
	t.Helper()
	list, ok := from["items"].([]any)
	if !ok {
		t.Fatalf("the answer is no list: %v", from)
	}
	out := make([]map[string]any, len(list))
	for i, one := range list {
		if out[i], ok = one.(map[string]any); !ok {
			t.Fatalf("item %d is a %T", i, one)
		}
	}
	return out
}

// actions tells what acts the audit log holds of the tenant, by action, refusals aside.
func (w *world) actions(tenant string) map[string]int {
	w.t.Helper()
	found, err := w.ledger.List(w.t.Context(), w.ledger.QueryAllTenants("audit"))
	w.must(err)
	actions := map[string]int{}
	for _, o := range found {
		if action, ok := o.Fields["action"].(string); ok && o.Tenant == tenant && o.Revision > 0 {
			actions[action]++
		}
	}
	return actions
}

func TestRoutesAreDescribed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.get("/openapi/auth.json")
	for _, want := range []string{"/v1/locations/{id}", "/v1/clients/{id}/secrets/{secretId}", `"clients:write"`} {
		if got.status != http.StatusOK || !strings.Contains(got.text, want) {
			t.Errorf("the description lacks %s", want)
		}
	}
}
