package auth

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/identity"
)

// newTill is a client as it is asked for, changed: pairs of what is replaced and by what.
func newTill(w *world, change ...string) string {
	body := fmt.Sprintf(`{"name":"Till","scopes":["orders:write","orders:read"],"locations":[%q],"expiresAt":%q}`,
		w.location, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	return strings.NewReplacer(change...).Replace(body)
}

func TestAClientIsMadeAndItsSecretsWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(w.by.Tenant)
	made := w.expect(http.StatusCreated, http.MethodPost, pathClients, owner, newTill(w))
	key, id := text(t, made, "apiKey"), text(t, made, "clientId")
	caller, err := w.authenticate(key)
	if err != nil || caller.Actor.ID != id || caller.Tenant != w.by.Tenant || !caller.MayUse(w.location) || !caller.Can(identity.OrdersWrite) {
		t.Errorf("the key is %+v, %v", caller, err)
	}
	given := w.post(url.Values{
		"grant_type": {clientCredentials}, "client_id": {id}, "client_secret": {text(t, made, "clientSecret")},
	}.Encode())
	if given.status != http.StatusOK || given.token.Scope != "orders:read orders:write" {
		t.Errorf("the secret is answered %d %s", given.status, given.text)
	}
	shown := w.expect(http.StatusOK, http.MethodGet, pathClients+"/"+id, owner, "")
	raw, err := json.Marshal(shown)
	w.must(err)
	if s := string(raw); strings.Contains(s, "ryc_") || strings.Contains(s, "ryg_") || strings.Contains(s, "hash") || !strings.Contains(s, "lastUsedAt") {
		t.Errorf("shown as %s", s)
	}
	if got := items(t, w.expect(http.StatusOK, http.MethodGet, pathClients, owner, "")); len(got) != 2 {
		t.Errorf("%d clients are listed, want 2", len(got))
	}
	w.expect(http.StatusNoContent, http.MethodDelete, pathClients+"/"+id, owner, "")
	w.expect(http.StatusNotFound, http.MethodGet, pathClients+"/"+id, owner, "")
	if got := w.actions(w.by.Tenant); got["client.create"] != 2 || got["client.remove"] != 1 {
		t.Errorf("the log has %v", got)
	}
}

func TestSecretsRotateTwoAtATime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(w.by.Tenant)
	path := pathClients + "/" + w.client.Client.ID
	for kind, works := range map[identity.SecretKind]func(string) error{
		identity.KindAPIKey: func(key string) error { _, err := w.authenticate(key); return err },
		identity.KindClientSecret: func(secret string) error {
			if got := w.post(form(w.client, "client_secret", secret)); got.status != http.StatusOK {
				return fmt.Errorf("%d %s", got.status, got.text)
			}
			return nil
		},
	} {
		body := fmt.Sprintf(`{"kind":%q,"overlapSeconds":3600}`, kind)
		second := w.expect(http.StatusCreated, http.MethodPost, path+"/secrets", owner, body)
		w.expect(http.StatusConflict, http.MethodPost, path+"/secrets", owner, body)
		first := w.client.APIKey
		if kind == identity.KindClientSecret {
			first = w.client.ClientSecret
		}
		for name, secret := range map[string]string{"former": first.Reveal(), "new": text(t, second, "value")} {
			if err := works(secret); err != nil {
				t.Errorf("the %s %s: %v", name, kind, err)
			}
		}
		w.expect(http.StatusNoContent, http.MethodDelete, path+"/secrets/"+first.ID(), owner, "")
		w.expect(http.StatusNotFound, http.MethodDelete, path+"/secrets/"+first.ID(), owner, "")
		w.expect(http.StatusCreated, http.MethodPost, path+"/secrets", owner, body)
	}
	if got := w.actions(w.by.Tenant); got["client.rotate_secret"] != 4 || got["client.remove_secret"] != 2 {
		t.Errorf("the log has %v", got)
	}
}

func TestAClientThatBreaksTheRulesIsNotMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(w.by.Tenant)
	_, foreign, _ := w.neighbour()
	before := w.actions(w.by.Tenant)
	for name, c := range map[string]struct{ body, at string }{
		"a scope of people":          {newTill(w, "orders:read", "users:write"), "body.scopes[1]"},
		"a scope that is none":       {newTill(w, "orders:write", "everything"), "body.scopes[0]"},
		"another tenant's location":  {newTill(w, w.location, foreign), "body.locations[0]"},
		"a location that is none":    {newTill(w, w.location, "loc_x"), "body.locations[0]"},
		"a channel that is none":     {newTill(w, `"name"`, `"channel":"lnk_aaaaaaaaaaaaaaaaaaaaaaaaaa","name"`), "body.channel"},
		"an end in the past":         {newTill(w, `"expiresAt":"2`, `"expiresAt":"1`), "body.expiresAt"},
		"a name of spaces":           {newTill(w, "Till", "  "), "body.name"},
		"a tenant of its own choice": {newTill(w, `"name"`, `"tenant":"ten_b","name"`), "body.tenant"},
		"an id of its own choice":    {newTill(w, `"name"`, `"clientId":"cli_b","name"`), "body.clientId"},
	} {
		status, got := w.call(http.MethodPost, pathClients, owner, c.body)
		raw, err := json.Marshal(got["errors"])
		w.must(err)
		if status/100 != 4 || !strings.Contains(string(raw), `"`+c.at+`"`) {
			t.Errorf("%s is answered %d %s, want %s", name, status, raw, c.at)
		}
	}
	allowed := identity.NewScopes(identity.ClientsWrite, identity.OrdersRead, identity.OrdersWrite)
	narrow := w.token(w.by.Tenant, identity.Locations{w.location}, allowed...)
	w.expect(http.StatusUnprocessableEntity, http.MethodPost, pathClients, narrow, newTill(w, w.location, "*"))
	w.expect(http.StatusUnprocessableEntity, http.MethodPost, pathClients, narrow, newTill(w, "orders:read", "orders:read.pii"))
	unproven := w.session(w.by.Tenant, func(s *identity.Session) { s.ProvedAt = s.ProvedAt.Add(-time.Hour) })
	w.expect(http.StatusUnauthorized, http.MethodPost, pathClients, unproven, newTill(w))
	w.expect(http.StatusForbidden, http.MethodPost, pathClients, w.client.APIKey.Reveal(), newTill(w))
	if diff := cmp.Diff(before, w.actions(w.by.Tenant)); diff != "" {
		t.Errorf("something happened (-before +after):\n%s", diff)
	}
}
