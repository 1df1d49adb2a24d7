package auth

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ryggrad.internal/hub/shared/chromium"
	"ryggrad.internal/hub/shared/identity"
)

// pageScript is what a page of the hub's own address would do: it keeps the session's token, and asks the browser for what
// the API wants to have. It overrides `verification` only to see what the API says to an answer that no page should send.
const pageScript = `
const ceremony = { token: '', login: {} };
async function api(method, path, body) {
  const headers = { 'Content-Type': 'application/json' };
  if (ceremony.token) headers.Authorization = 'Bearer ' + ceremony.token;
  const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  const out = await answer.json();
  if (out.token) ceremony.token = out.token;
  return { status: answer.status, next: out.next ?? '', body: out };
}
async function register(verification) {
  const asked = await api('POST', '/v1/me/passkeys/options');
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(asked.body);
  if (verification) publicKey.authenticatorSelection.userVerification = verification;
  try {
    const made = await navigator.credentials.create({ publicKey });
    return api('POST', '/v1/me/passkeys', { name: 'Laptop', credential: made.toJSON() });
  } catch (refused) { return { status: 0, next: refused.name }; }
}
async function logIn(verification) {
  ceremony.token = '';
  await api('POST', '/v1/sessions', ceremony.login);
  const asked = await api('POST', '/v1/sessions/current/passkey/options');
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(asked.body);
  if (verification) publicKey.userVerification = verification;
  try {
    const made = await navigator.credentials.get({ publicKey });
    return api('POST', '/v1/sessions/current/passkey', { credential: made.toJSON() });
  } catch (refused) { return { status: 0, next: refused.name }; }
}
'ready'`

// atItsOwnAddress serves the function at an address that a browser takes for a secure context, and a page beside it.
func (w *world) atItsOwnAddress() string {
	w.t.Helper()
	pages := http.NewServeMux()
	server := httptest.NewServer(pages)
	w.t.Cleanup(server.Close)
	address := strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	env := w.Env()
	env["RYGGRAD_BASE_URL"] = address
	w.handler = w.serveIn(env, 1e6)
	pages.Handle("/v1/", w.handler)
	pages.HandleFunc("GET /page", func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "<!doctype html>") })
	return address
}

// told is what the API said to the page; status 0 is a browser that refused, and next the name of its error.
type told struct {
	Status int
	Next   string
}

// addAuthenticator gives the page an authenticator that verifies its holder, or cannot.
func addAuthenticator(b *chromium.Tab, transport string, verifies bool) (id string) {
	var made struct{ AuthenticatorID string }
	b.Call("WebAuthn.addVirtualAuthenticator", map[string]any{"options": map[string]any{
		"protocol": "ctap2", "transport": transport, "hasResidentKey": verifies, "hasUserVerification": verifies, "isUserVerified": verifies,
	}}, &made)
	return made.AuthenticatorID
}

// An owner makes a passkey in a real browser and logs in by it, and neither the browser nor the API takes an authenticator
// that has not verified who holds it.
func TestPasskeysWorkInARealBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	address := w.atItsOwnAddress()
	page := chromium.Open(t, address+"/page")
	b, _ := w.newPerson("owner@example.com", identity.Owner)
	var ready string
	page.Run(pageScript, &ready)
	page.Run(fmt.Sprintf("ceremony.login = { email: 'owner@example.com', password: %q }, ceremony.token = %q", ownPassword, b.token), &ready)
	expect := func(what, script string, want told) {
		t.Helper()
		var got told
		if page.Run(script, &got); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	page.Call("WebAuthn.enable", nil, nil)
	simple := addAuthenticator(page, "usb", false)
	expect("making a passkey unverified, in the browser", "register()", told{0, "NotAllowedError"})
	expect("making a passkey unverified, by a page that does not ask for it", "register('discouraged')", told{http.StatusUnauthorized, ""})
	page.Call("WebAuthn.removeVirtualAuthenticator", map[string]any{"authenticatorId": simple}, nil)
	device := addAuthenticator(page, "internal", true)
	verified := func(yes bool) {
		page.Call("WebAuthn.setUserVerified", map[string]any{"authenticatorId": device, "isUserVerified": yes}, nil)
	}
	expect("making a passkey", "register()", told{http.StatusCreated, ""})
	expect("the first login", "logIn()", told{http.StatusOK, ""})
	expect("who has logged in", "api('GET', '/v1/users')", told{http.StatusOK, ""})
	verified(false)
	expect("a login unverified, in the browser", "logIn()", told{0, "NotAllowedError"})
	expect("a login unverified, by a page that does not ask for it", "logIn('discouraged')", told{http.StatusUnauthorized, ""})
	expect("who has not logged in", "api('GET', '/v1/users')", told{http.StatusForbidden, ""})
	verified(true)
	expect("the next login", "logIn()", told{http.StatusOK, ""})
}
