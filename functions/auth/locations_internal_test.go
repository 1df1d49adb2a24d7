package auth

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/identity"
)

const someLocation = `{"name":"Hamngatan","timezone":"Europe/Stockholm","currency":"SEK","country":"SE"}`

func TestALocationIsMadeShownChangedAndRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(w.by.Tenant)
	before := w.actions(w.by.Tenant)
	made := w.expect(http.StatusCreated, http.MethodPost, pathLocations, owner, someLocation)
	path := pathLocations + "/" + text(t, made, "id")
	if diff := cmp.Diff(made, w.expect(http.StatusOK, http.MethodGet, path, owner, "")); diff != "" {
		t.Errorf("shown otherwise than made (-made +shown):\n%s", diff)
	}
	changed := w.expect(http.StatusOK, http.MethodPut, path, owner, strings.ReplaceAll(someLocation, "Hamngatan", "Kajen"))
	if changed["name"] != "Kajen" || changed["createdAt"] != made["createdAt"] {
		t.Errorf("changed to %v", changed)
	}
	if got := items(t, w.expect(http.StatusOK, http.MethodGet, pathLocations, owner, "")); len(got) != 2 {
		t.Errorf("%d locations are listed, want 2", len(got))
	}
	w.expect(http.StatusNoContent, http.MethodDelete, path, owner, "")
	w.expect(http.StatusNotFound, http.MethodGet, path, owner, "")
	w.expect(http.StatusNotFound, http.MethodDelete, path, owner, "")
	after := w.actions(w.by.Tenant)
	for _, action := range []string{"location.create", "location.change", "location.remove"} {
		if after[action] != before[action]+1 {
			t.Errorf("the log has %s %d times, before %d times", action, after[action], before[action])
		}
	}
}

func TestALocationThatALinkServesStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.store.CreateLink(t.Context(), w.by, identity.Link{
		Adapter: "deliverect", Enabled: true, Locations: []identity.LinkedLocation{{Location: w.location}},
		Policy: identity.Policy{OnDeadline: identity.DeadlineExpire},
	}, nil)
	w.must(err)
	w.expect(http.StatusConflict, http.MethodDelete, pathLocations+"/"+w.location, w.owner(w.by.Tenant), "")
	w.expect(http.StatusOK, http.MethodGet, pathLocations+"/"+w.location, w.owner(w.by.Tenant), "")
}

func TestLocationsAreSeenAsFarAsTheCredentialReaches(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made := w.expect(http.StatusCreated, http.MethodPost, pathLocations, w.owner(w.by.Tenant), someLocation)
	narrow := w.token(w.by.Tenant, identity.Locations{w.location}, identity.LocationsRead, identity.LocationsWrite)
	other := pathLocations + "/" + text(t, made, "id")
	for _, method := range []string{http.MethodGet, http.MethodDelete} {
		w.expect(http.StatusNotFound, method, other, narrow, "")
	}
	w.expect(http.StatusNotFound, http.MethodPut, other, narrow, someLocation)
	w.expect(http.StatusForbidden, http.MethodPost, pathLocations, narrow, someLocation)
	got := items(t, w.expect(http.StatusOK, http.MethodGet, pathLocations, narrow, ""))
	if len(got) != 1 || got[0]["id"] != w.location {
		t.Errorf("listed %v", got)
	}
}

func TestListsGoPageByPage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(w.by.Tenant)
	for range 4 {
		w.expect(http.StatusCreated, http.MethodPost, pathLocations, owner, someLocation)
	}
	seen := map[string]bool{}
	path := pathLocations + "?limit=2"
	for range 3 {
		page := w.expect(http.StatusOK, http.MethodGet, path, owner, "")
		for _, one := range items(t, page) {
			seen[text(t, one, "id")] = true
		}
		cursor, _ := page["nextCursor"].(string)
		path = pathLocations + "?limit=2&cursor=" + cursor
	}
	if len(seen) != 5 || !strings.HasSuffix(path, "=") {
		t.Errorf("%d locations in three pages of two, then %s", len(seen), path)
	}
	for _, cursor := range []string{"x", "cli_aaaaaaaaaaaaaaaaaaaaaaaaaa", "loc_AAAAAAAAAAAAAAAAAAAAAAAAAA"} {
		w.expect(http.StatusUnprocessableEntity, http.MethodGet, pathLocations+"?cursor="+cursor, owner, "")
	}
}

func TestOtherTenantsThingsAreNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(w.by.Tenant)
	tenant, location, client := w.neighbour()
	before := w.actions(tenant)
	for _, c := range []struct{ method, path, body string }{
		{http.MethodGet, pathLocations + "/" + location, ""},
		{http.MethodPut, pathLocations + "/" + location, someLocation},
		{http.MethodDelete, pathLocations + "/" + location, ""},
		{http.MethodGet, pathClients + "/" + client, ""},
		{http.MethodDelete, pathClients + "/" + client, ""},
		{http.MethodPost, pathClients + "/" + client + "/secrets", `{"kind":"api_key"}`},
		{http.MethodDelete, pathClients + "/" + client + "/secrets/aaaaaaaaaaaaaaaa", ""},
		{http.MethodGet, pathLocations + "/..%2Ftenants", ""},
		{http.MethodDelete, pathClients + "/__x__", ""},
	} {
		w.expect(http.StatusNotFound, c.method, c.path, owner, c.body)
	}
	if diff := cmp.Diff(before, w.actions(tenant)); diff != "" {
		t.Errorf("something happened there (-before +after):\n%s", diff)
	}
	for _, body := range []string{
		strings.Replace(someLocation, `{`, `{"tenant":"`+tenant+`",`, 1),
		strings.Replace(someLocation, `{`, `{"Name":"Twice",`, 1),
		strings.ReplaceAll(someLocation, "Stockholm", "Nowhere"),
		strings.ReplaceAll(someLocation, "SEK", "XYZ"),
		`{`, `[]`, `null`,
	} {
		if status, got := w.call(http.MethodPost, pathLocations, owner, body); status != http.StatusUnprocessableEntity && status != http.StatusBadRequest {
			t.Errorf("%s is answered %d %v", body, status, got)
		}
	}
}
