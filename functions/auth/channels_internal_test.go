package auth

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
)

// newChannel is a link as it is asked for, changed: pairs of what is replaced and by what.
func newChannel(w *world, change ...string) string {
	body := fmt.Sprintf(`{"adapter":"deliverect","locations":[{"location":%q}],"policy":{"onDeadline":"expire"},"credentials":{"webhook":"first secret"}}`, w.location)
	return strings.NewReplacer(change...).Replace(body)
}

// directory is another instance's view, which remembers nothing yet.
func (w *world) directory() *identitydb.Directory {
	w.t.Helper()
	keys := envelopedb.New(envelopedb.Options{Firestore: w.Firestore(w.t), KMS: w.KMS(w.t), KeyName: w.Key("tenant-keys"), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	return identitydb.NewDirectory(identitydb.DirectoryOptions{Ledger: w.ledger, Keys: keys, Now: time.Now})
}

func TestAChannelLinkIsMadeChangedRotatedAndRemoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(w.by.Tenant)
	made := w.expect(http.StatusCreated, http.MethodPost, pathChannels, owner, newChannel(w))
	id := text(t, made, "id")
	path := pathChannels + "/" + id
	raw, err := json.Marshal(w.expect(http.StatusOK, http.MethodGet, path, owner, ""))
	w.must(err)
	if s := string(raw); strings.Contains(s, "first secret") || !strings.Contains(s, issuer+pathChannels+"/deliverect/"+id+"/orders") || !strings.Contains(s, `"name":"webhook"`) {
		t.Errorf("shown as %s", s)
	}
	rotated := w.expect(http.StatusOK, http.MethodPost, path+"/credentials", owner, `{"credentials":{"webhook":"second secret"},"overlapSeconds":3600}`)
	if got, _ := rotated["credentials"].([]any); len(got) != 2 {
		t.Errorf("after the rotation there are %v", got)
	}
	open, err := w.directory().Link(t.Context(), id)
	w.must(err)
	if len(open.Secrets) != 2 || string(open.Secrets[0]) != "second secret" || string(open.Secrets[1]) != "first secret" {
		t.Errorf("webhooks are proven by %q", open.Secrets)
	}
	w.expect(http.StatusOK, http.MethodPut, path, owner, `{"locations":[{"location":"`+w.location+`"}],"policy":{"onDeadline":"accept"},"disabled":true}`)
	if _, err := w.directory().Link(t.Context(), id); err == nil {
		t.Error("a link that is switched off is found")
	}
	if got := items(t, w.expect(http.StatusOK, http.MethodGet, pathChannels, owner, "")); len(got) != 1 || got[0]["disabled"] != true {
		t.Errorf("listed %v", got)
	}
	w.expect(http.StatusNoContent, http.MethodDelete, path, owner, "")
	w.expect(http.StatusNotFound, http.MethodGet, path, owner, "")
	for _, action := range []string{"channel.create", "channel.change", "channel.rotate_credentials", "channel.remove"} {
		if n := w.actions(w.by.Tenant)[action]; n != 1 {
			t.Errorf("the log has %s %d times", action, n)
		}
	}
}

func TestAChannelLinkThatBreaksTheRulesIsNotMade(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(w.by.Tenant)
	_, foreign, _ := w.neighbour()
	for name, c := range map[string]struct{ body, at string }{
		"no such adapter":           {newChannel(w, "deliverect", "carrierpigeon"), "body.adapter"},
		"another tenant's location": {newChannel(w, w.location, foreign), "body.locations[0].location"},
		"a location that is none":   {newChannel(w, w.location, "loc_x"), "body.locations[0].location"},
		"no secret":                 {newChannel(w, `"webhook":"first secret"`, ``), "body.credentials.webhook"},
		"an option that is none":    {newChannel(w, `"policy"`, `"options":{"x":"y"},"policy"`), "body.options.x"},
		"an operator's option":      {newChannel(w, `"policy"`, `"options":{"`+channel.OptionUndocumented+`":"accepted"},"policy"`), "body.options." + channel.OptionUndocumented},
		"a policy that is none":     {newChannel(w, "expire", "hope"), "body.policy.onDeadline"},
		"a tenant of its own":       {newChannel(w, `"adapter"`, `"tenant":"ten_b","adapter"`), "body.tenant"},
	} {
		status, got := w.call(http.MethodPost, pathChannels, owner, c.body)
		raw, err := json.Marshal(got["errors"])
		w.must(err)
		if status/100 != 4 || !strings.Contains(string(raw), `"`+c.at+`"`) || strings.Contains(string(raw), "first secret") {
			t.Errorf("%s is answered %d %v, want %s", name, status, got, c.at)
		}
	}
	if n := w.actions(w.by.Tenant)["channel.create"]; n != 0 {
		t.Errorf("%d links were made", n)
	}
}

func TestAChannelLinkIsSeenByWhoReachesAllItsLocations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner := w.owner(w.by.Tenant)
	second := text(t, w.expect(http.StatusCreated, http.MethodPost, pathLocations, owner, someLocation), "id")
	path := pathChannels + "/" + text(t, w.expect(http.StatusCreated, http.MethodPost, pathChannels, owner, newChannel(w, `[{"location"`, `[{"external":"b","location":"`+second+`"},{"external":"a","location"`)), "id")
	one := w.token(w.by.Tenant, identity.Locations{w.location}, identity.ChannelsRead, identity.ChannelsWrite)
	both := w.token(w.by.Tenant, identity.Locations{w.location, second}, identity.ChannelsRead)
	w.expect(http.StatusNotFound, http.MethodGet, path, one, "")
	w.expect(http.StatusNotFound, http.MethodDelete, path, one, "")
	w.expect(http.StatusNotFound, http.MethodPut, path, one, `{"locations":[{"location":"`+w.location+`"}],"policy":{"onDeadline":"accept"}}`)
	w.expect(http.StatusNotFound, http.MethodPost, path+"/credentials", one, `{"credentials":{"webhook":"third secret"}}`)
	w.expect(http.StatusOK, http.MethodGet, path, both, "")
	if got := items(t, w.expect(http.StatusOK, http.MethodGet, pathChannels, one, "")); len(got) != 0 {
		t.Errorf("listed %v", got)
	}
	tenant, _, _ := w.neighbour()
	w.expect(http.StatusNotFound, http.MethodGet, path, w.owner(tenant), "")
	w.expect(http.StatusNotFound, http.MethodDelete, path, w.owner(tenant), "")
}
