package auth

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/identity/identitydb"
)

// ask sends a form with a client's credentials to an OAuth endpoint.
func (w *world) ask(path string, c identitydb.Issued, token string) reply {
	w.t.Helper()
	body := url.Values{"client_id": {c.Client.ID}, "client_secret": {c.ClientSecret.Reveal()}, "token": {token}}.Encode()
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return w.do(r)
}

const inactive = `{"active":false}`

func TestAClientAsksWhatATokenIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	raw := w.post(form(w.client)).token.AccessToken
	got := w.ask(pathIntrospect, w.newClient(time.Hour), raw)
	for _, want := range []string{
		`"active":true`, `"scope":"orders:read orders:write"`, `"client_id":"` + w.client.Client.ID + `"`, `"token_type":"Bearer"`,
		`"sub":"client:` + w.client.Client.ID + `"`, `"iss":"` + issuer + `"`, `"tenant":"` + w.by.Tenant + `"`, `"exp":`, `"iat":`, `"jti":"tok_`,
	} {
		if got.status != http.StatusOK || !strings.Contains(got.text, want) {
			t.Errorf("told %d %s, lacks %s", got.status, got.text, want)
		}
	}
}

func TestOthersTokensAndNonsenseAreNotActive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	raw := w.post(form(w.client)).token.AccessToken
	tenant, _, _ := w.neighbour()
	for name, token := range map[string]string{
		"nonsense": "x", "an API key": w.client.APIKey.Reveal(), "cut": raw[:len(raw)-5], "another tenant's": w.token(tenant, everywhere(), "orders:read"),
		"one that nobody was given": w.token(w.by.Tenant, everywhere(), "orders:read"),
	} {
		if got := w.ask(pathIntrospect, w.client, token); got.status != http.StatusOK || got.text != inactive {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	if got := w.ask(pathIntrospect, w.client, ""); got.status != http.StatusBadRequest || got.Code != invalidRequest {
		t.Errorf("no token: %d %s", got.status, got.text)
	}
	w.must(w.store.RemoveClient(t.Context(), w.by, w.client.Client.ID))
	if got := w.ask(pathIntrospect, w.newClient(time.Hour), raw); got.text != inactive {
		t.Errorf("after its client ended: %s", got.text)
	}
}

func TestARevokedTokenIsNoLongerActive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	raw := w.post(form(w.client)).token.AccessToken
	if got := w.ask(pathRevoke, w.newClient(time.Hour), raw); got.status != http.StatusBadRequest || got.Code != unauthorizedClient {
		t.Errorf("by another client: %d %s", got.status, got.text)
	}
	for range 2 {
		if got := w.ask(pathRevoke, w.client, raw); got.status != http.StatusOK {
			t.Errorf("revoked with %d %s", got.status, got.text)
		}
	}
	if got := w.ask(pathIntrospect, w.client, raw); got.text != inactive {
		t.Errorf("told %s", got.text)
	}
	for _, nonsense := range []string{"x", w.client.APIKey.Reveal()} {
		if got := w.ask(pathRevoke, w.client, nonsense); got.status != http.StatusOK {
			t.Errorf("nonsense is revoked with %d %s", got.status, got.text)
		}
	}
	want := map[string]int{"token.issue": 1, "token.revoke": 1}
	got := w.actions(w.by.Tenant)
	if diff := cmp.Diff(want, map[string]int{"token.issue": got["token.issue"], "token.revoke": got["token.revoke"]}); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
}

func TestOnlyClientsAskAboutTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	raw := w.post(form(w.client)).token.AccessToken
	stranger := w.client
	stranger.ClientSecret = w.newClient(time.Hour).ClientSecret
	for _, path := range []string{pathRevoke, pathIntrospect} {
		if got := w.ask(path, stranger, raw); got.status != http.StatusUnauthorized || got.Code != invalidClient {
			t.Errorf("%s: %d %s", path, got.status, got.text)
		}
		if got := w.ask(path+"?token="+raw, w.client, raw); got.status != http.StatusBadRequest || got.Code != invalidRequest {
			t.Errorf("%s with a token in the address: %d %s", path, got.status, got.text)
		}
	}
	if got := w.ask(pathIntrospect, w.client, raw); !strings.Contains(got.text, `"active":true`) {
		t.Errorf("the token is %s", got.text)
	}
}
