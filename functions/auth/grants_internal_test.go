package auth

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

// The people of the tenant that runs the hub.
const (
	kim   = "usr_kkkkkkkkkkkkkkkkkkkkkkkkkk"
	robin = "usr_rrrrrrrrrrrrrrrrrrrrrrrrrr"
)

// support makes the tenant that runs the hub, with two people of its support, and returns its id.
func (w *world) support() string {
	w.t.Helper()
	by := ledgerdb.Act{Actor: w.by.Actor}
	home, err := w.store.CreateTenant(w.t.Context(), by, "The hub's own")
	w.must(err)
	by.Tenant = home.ID
	w.must(w.store.SetOperator(w.t.Context(), by, true))
	for _, id := range []string{kim, robin} {
		w.user(home.ID, id, identity.Support)
	}
	return home.ID
}

func (w *world) user(tenant, id string, role identity.Role) {
	w.t.Helper()
	u := identity.User{ID: id, Tenant: tenant, Role: role, CreatedAt: time.Now(), EmailIndex: []byte(id), Sealed: []byte("x")}
	at := ledgerdb.Ref{Collection: "users", ID: id}
	w.must(w.ledger.Bookkeep(w.t.Context(), tenant, ledgerdb.Add(at, u.Document())))
}

func (w *world) changeUser(tenant, id string, change func(*identity.User)) {
	w.t.Helper()
	o, err := w.ledger.Get(w.t.Context(), tenant, ledgerdb.Ref{Collection: "users", ID: id})
	w.must(err)
	u, err := identity.ParseUser(o.ID, o.Fields)
	w.must(err)
	change(&u)
	w.must(w.ledger.Bookkeep(w.t.Context(), tenant, ledgerdb.Patch(o, u.Document())))
}

func granting(person string, scopes ...string) string {
	return fmt.Sprintf(`{"person":%q,"scope":["%s"],"reason":"orders are missing","expiresAt":%q}`,
		person, strings.Join(scopes, `","`), time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

// exchange asks for a token under a grant by a session.
func (w *world) exchange(session, grant string, more ...string) reply {
	w.t.Helper()
	v := url.Values{
		"grant_type": {tokenExchange}, "subject_token": {session}, "subject_token_type": {accessTokenType},
		"resource": {issuer + pathGrants + "/" + grant},
	}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return w.post(v.Encode())
}

// staff is a session of one of the hub's people.
func (w *world) staff(home, person string) string {
	return w.session(home, func(s *identity.Session) { s.User, s.Role = person, identity.Support })
}

func TestSupportGetsInByTheOwnersConsentAndIsSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	home, owner := w.support(), w.owner(w.by.Tenant)
	grant := text(t, w.expect(http.StatusCreated, http.MethodPost, pathGrants, owner, granting(kim, "locations:read", "orders:read")), "id")
	got := w.exchange(w.staff(home, kim), grant)
	if got.status != http.StatusOK || got.token.IssuedType != accessTokenType || got.token.Scope != "locations:read orders:read" {
		t.Fatalf("answered %d %s", got.status, got.text)
	}
	raw := got.token.AccessToken
	caller, err := w.authenticate(raw)
	if err != nil || caller.Tenant != w.by.Tenant || caller.Act == nil || caller.Act.String() != "staff:"+kim || caller.Actor.ID != "usr_aaaaaaaaaaaaaaaaaaaaaaaaaa" {
		t.Fatalf("the caller is %+v, %v", caller, err)
	}
	w.expect(http.StatusOK, http.MethodGet, pathLocations+"/"+w.location, raw, "")
	for _, c := range []struct{ method, path string }{
		{http.MethodGet, pathClients}, {http.MethodPost, pathClients}, {http.MethodGet, pathGrants}, {http.MethodPost, pathGrants},
		{http.MethodDelete, pathGrants + "/" + grant}, {http.MethodDelete, pathLocations + "/" + w.location},
	} {
		w.expect(http.StatusForbidden, c.method, c.path, raw, "")
	}
	seen := items(t, w.expect(http.StatusOK, http.MethodGet, pathGrants+"/"+grant+"/requests", owner, ""))
	if len(seen) != 7 || seen[6]["path"] != pathLocations+"/"+w.location || seen[6]["method"] != http.MethodGet {
		t.Errorf("the owner sees %v", seen)
	}
	tenant, _, _ := w.neighbour()
	for _, path := range []string{pathGrants + "/" + grant, pathGrants + "/" + grant + "/requests"} {
		w.expect(http.StatusNotFound, http.MethodGet, path, w.owner(tenant), "")
	}
	w.expect(http.StatusNotFound, http.MethodDelete, pathGrants+"/"+grant, w.owner(tenant), "")
	if acts := w.actions(w.by.Tenant); acts["support.grant"] != 1 || acts["token.issue"] != 1 || acts["support.request"] != 7 {
		t.Errorf("the log has %v", acts)
	}
}

func TestSupportIsOutAtOnce(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, home, owner, grant, token string){
		"the person is disabled": func(w *world, home, _, _, _ string) {
			w.changeUser(home, kim, func(u *identity.User) { u.Disabled = true })
		},
		"the person has another role": func(w *world, home, _, _, _ string) {
			w.changeUser(home, kim, func(u *identity.User) { u.Role = identity.Viewer })
		},
		"the person's tenant does not run the hub any more": func(w *world, home, _, _, _ string) {
			w.must(w.store.SetOperator(w.t.Context(), ledgerdb.Act{Tenant: home, Actor: w.by.Actor}, false))
		},
		"the owner ends the grant": func(w *world, _, owner, grant, _ string) {
			w.expect(http.StatusNoContent, http.MethodDelete, pathGrants+"/"+grant, owner, "")
			w.expect(http.StatusNoContent, http.MethodDelete, pathGrants+"/"+grant, owner, "")
		},
		"the token is revoked": func(w *world, _, _, _, token string) {
			id, err := w.other.Token(w.t.Context(), token)
			w.must(err)
			w.must(w.store.RevokeToken(w.t.Context(), w.by, id.ID))
		},
		"the tenant is suspended": func(w *world, _, _, _, _ string) { w.must(w.store.SuspendTenant(w.t.Context(), w.by, true)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			home, owner := w.support(), w.owner(w.by.Tenant)
			grant := text(t, w.expect(http.StatusCreated, http.MethodPost, pathGrants, owner, granting(kim, "orders:read")), "id")
			raw := w.exchange(w.staff(home, kim), grant).token.AccessToken
			if _, err := w.authenticate(raw); err != nil {
				t.Fatal(err)
			}
			end(w, home, owner, grant, raw)
			if _, err := w.authenticate(raw); !fault.Is(err, fault.Unauthenticated) && !fault.Is(err, fault.Forbidden) {
				t.Errorf("afterwards: %v", err)
			}
		})
	}
}

func TestNobodyElseGetsIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	home, owner := w.support(), w.owner(w.by.Tenant)
	grant := text(t, w.expect(http.StatusCreated, http.MethodPost, pathGrants, owner, granting(kim, "orders:read")), "id")
	ended := text(t, w.expect(http.StatusCreated, http.MethodPost, pathGrants, owner, granting(kim, "orders:read")), "id")
	w.expect(http.StatusNoContent, http.MethodDelete, pathGrants+"/"+ended, owner, "")
	mine := w.staff(home, kim)
	late := w.session(home, func(s *identity.Session) {
		s.User, s.Role, s.ProvedAt = kim, identity.Support, s.ProvedAt.Add(-time.Hour)
	})
	half := func(stage identity.Stage) string {
		return w.session(home, func(s *identity.Session) { s.User, s.Role, s.Stage = kim, identity.Support, stage })
	}
	const moved, disabled = "usr_mmmmmmmmmmmmmmmmmmmmmmmmmm", "usr_dddddddddddddddddddddddddd"
	for _, id := range []string{moved, disabled} {
		w.user(home, id, identity.Support)
	}
	ofMoved := text(t, w.expect(http.StatusCreated, http.MethodPost, pathGrants, owner, granting(moved, "orders:read")), "id")
	w.changeUser(home, moved, func(u *identity.User) { u.Role = identity.Owner })
	asOwner := w.session(home, func(s *identity.Session) { s.User = moved })
	ofDisabled := text(t, w.expect(http.StatusCreated, http.MethodPost, pathGrants, owner, granting(disabled, "orders:read")), "id")
	w.changeUser(home, disabled, func(u *identity.User) { u.Disabled = true })
	elsewhere := w.session(w.by.Tenant, func(s *identity.Session) { s.User, s.Role = kim, identity.Support })
	for name, c := range map[string]struct {
		got  reply
		code string
	}{
		"another person":            {w.exchange(w.staff(home, robin), grant), invalidTarget},
		"an ended grant":            {w.exchange(mine, ended), invalidTarget},
		"no such grant":             {w.exchange(mine, "grt_aaaaaaaaaaaaaaaaaaaaaaaaaa"), invalidTarget},
		"no grant's address":        {w.exchange(mine, grant, "resource", "https://evil.example/"+grant), invalidTarget},
		"an old proof":              {w.exchange(late, grant), invalidClient},
		"no second factor given":    {w.exchange(half(identity.SecondFactor), grant), invalidClient},
		"no second factor yet":      {w.exchange(half(identity.Enroll), grant), invalidClient},
		"an initial password":       {w.exchange(half(identity.SetPassword), grant), invalidClient},
		"of another role by now":    {w.exchange(asOwner, ofMoved), invalidClient},
		"disabled by now":           {w.exchange(w.staff(home, disabled), ofDisabled), invalidClient},
		"of another tenant":         {w.exchange(elsewhere, grant), invalidClient},
		"the owner":                 {w.exchange(owner, grant), invalidClient},
		"no session":                {w.exchange("x", grant), invalidClient},
		"an API key":                {w.exchange(w.client.APIKey.Reveal(), grant), invalidClient},
		"more than the grant":       {w.exchange(mine, grant, "scope", "orders:read orders:read.pii"), invalidScope},
		"a scope that is none":      {w.exchange(mine, grant, "scope", "everything"), invalidScope},
		"another type":              {w.exchange(mine, grant, "subject_token_type", "urn:ietf:params:oauth:token-type:jwt"), invalidRequest},
		"another type for it":       {w.exchange(mine, grant, "requested_token_type", "urn:ietf:params:oauth:token-type:saml2"), invalidRequest},
		"an actor of their own":     {w.exchange(mine, grant, "actor_token", mine), invalidRequest},
		"with a client's secret":    {w.exchange(mine, grant, "client_id", w.client.Client.ID, "client_secret", w.client.ClientSecret.Reveal()), invalidRequest},
		"nobody's session of an id": {w.exchange(w.session(home, func(s *identity.Session) { s.User, s.Token = kim, identity.Hash{1} }), grant), invalidClient},
	} {
		if c.got.status/100 != 4 || c.got.Code != c.code || c.got.token.AccessToken != "" {
			t.Errorf("%s: %d %s", name, c.got.status, c.got.text)
		}
	}
	if n := w.actions(w.by.Tenant)["token.issue"]; n != 0 {
		t.Errorf("%d tokens were given out", n)
	}
}

func TestAGrantThatBreaksTheRulesIsNotGiven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	home, owner := w.support(), w.owner(w.by.Tenant)
	w.user(home, "usr_vvvvvvvvvvvvvvvvvvvvvvvvvv", identity.Viewer)
	tenant, _, _ := w.neighbour()
	w.user(tenant, "usr_nnnnnnnnnnnnnnnnnnnnnnnnnn", identity.Support)
	for name, body := range map[string]string{
		"a person of nobody":         granting("usr_aaaaaaaaaaaaaaaaaaaaaaaaaa", "orders:read"),
		"a person of another tenant": granting("usr_nnnnnnnnnnnnnnnnnnnnnnnnnn", "orders:read"),
		"a person of another role":   granting("usr_vvvvvvvvvvvvvvvvvvvvvvvvvv", "orders:read"),
		"clients":                    granting(kim, "clients:read"),
		"people":                     granting(kim, "orders:read", "users:read"),
		"two days":                   strings.Replace(granting(kim, "orders:read"), `"expiresAt":"2`, `"expiresAt":"3`, 1),
		"no reason":                  strings.Replace(granting(kim, "orders:read"), "orders are missing", " ", 1),
	} {
		if status, got := w.call(http.MethodPost, pathGrants, owner, body); status != http.StatusUnprocessableEntity {
			t.Errorf("%s is answered %d %v", name, status, got)
		}
	}
	admin := w.session(w.by.Tenant, func(s *identity.Session) { s.Role = identity.Admin })
	w.expect(http.StatusForbidden, http.MethodPost, pathGrants, admin, granting(kim, "orders:read"))
	late := w.session(w.by.Tenant, func(s *identity.Session) { s.ProvedAt = s.ProvedAt.Add(-time.Hour) })
	w.expect(http.StatusUnauthorized, http.MethodPost, pathGrants, late, granting(kim, "orders:read"))
	if n := w.actions(w.by.Tenant)["support.grant"]; n != 0 {
		t.Errorf("%d grants were given", n)
	}
}

func TestARequestOfSupportThatCannotBeWrittenDownIsNotServed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	home, owner := w.support(), w.owner(w.by.Tenant)
	grant := text(t, w.expect(http.StatusCreated, http.MethodPost, pathGrants, owner, granting(kim, "locations:read")), "id")
	raw := w.exchange(w.staff(home, kim), grant).token.AccessToken
	w.Faults.Set(wire.Always(rpcCommit, wire.Fault{Before: context.DeadlineExceeded}))
	w.expect(http.StatusServiceUnavailable, http.MethodGet, pathLocations, raw, "")
	w.Faults.Set(nil)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, pathLocations, nil)
	r.Header.Set("Authorization", "Bearer "+raw)
	if got := w.do(r); got.status != http.StatusOK {
		t.Errorf("answered %d %s", got.status, got.text)
	}
}
