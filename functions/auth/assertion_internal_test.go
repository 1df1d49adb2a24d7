package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v3/jwk"

	"ryggrad.internal/hub/shared/identity/assertion"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

// register gives the world's client a key pair and returns the private half and the key's id.
func (w *world) register() (*ecdsa.PrivateKey, string) {
	w.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	w.must(err)
	public, err := jwk.Import(&private.PublicKey)
	w.must(err)
	text, err := json.Marshal(public)
	w.must(err)
	made := w.expect(http.StatusCreated, http.MethodPost, pathClients+"/"+w.client.Client.ID+"/secrets", w.owner(w.by.Tenant),
		fmt.Sprintf(`{"kind":"public_key","jwk":%s}`, text))
	id, _ := made["id"].(string)
	return private, id
}

// asserted is a form with an assertion that golang-jwt signs, as another client library would.
func (w *world) asserted(key *ecdsa.PrivateKey, jti string, more ...string) string {
	w.t.Helper()
	id := w.client.Client.ID
	raw, err := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.RegisteredClaims{
		Issuer: id, Subject: id, Audience: jwt.ClaimStrings{issuer + pathToken}, ID: jti,
		ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Minute)), IssuedAt: jwt.NewNumericDate(time.Now()),
	}).SignedString(key)
	w.must(err)
	v := url.Values{"client_assertion_type": {assertion.Type}, "client_assertion": {raw}}
	for i := 0; i < len(more); i += 2 {
		v.Set(more[i], more[i+1])
	}
	return v.Encode()
}

func TestAClientMayProveItselfByAKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, id := w.register()
	got := w.post(w.asserted(key, "one", "grant_type", clientCredentials, "scope", "orders:read"))
	if got.status != http.StatusOK || got.token.Scope != "orders:read" {
		t.Fatalf("answered %d %s", got.status, got.text)
	}
	if caller, err := w.authenticate(got.token.AccessToken); err != nil || caller.Actor.ID != w.client.Client.ID {
		t.Errorf("the token is %+v, %v", caller, err)
	}
	for name, form := range map[string]string{
		"again":              w.asserted(key, "one", "grant_type", clientCredentials),
		"as another client":  w.asserted(key, "two", "grant_type", clientCredentials, "client_id", "cli_aaaaaaaaaaaaaaaaaaaaaaaaaa"),
		"of a key of nobody": w.asserted(other(t), "three", "grant_type", clientCredentials),
		"cut":                strings.Replace(w.asserted(key, "four", "grant_type", clientCredentials), "client_assertion=ey", "client_assertion=e", 1),
	} {
		if got := w.post(form); got.status != http.StatusUnauthorized || got.Code != invalidClient {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	for name, form := range map[string]string{
		"of no type":    strings.Replace(w.asserted(key, "five", "grant_type", clientCredentials), "client_assertion_type=", "x=", 1),
		"with a secret": w.asserted(key, "six", "grant_type", clientCredentials, "client_secret", w.client.ClientSecret.Reveal()),
	} {
		if got := w.post(form); got.status != http.StatusBadRequest || got.Code != invalidRequest {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
	}
	w.expect(http.StatusNoContent, http.MethodDelete, pathClients+"/"+w.client.Client.ID+"/secrets/"+id, w.owner(w.by.Tenant), "")
	w.handler = w.serve(1e6) // another instance, which remembers nothing
	if got := w.post(w.asserted(key, "seven", "grant_type", clientCredentials)); got.status != http.StatusUnauthorized {
		t.Errorf("after the key was removed: %d %s", got.status, got.text)
	}
}

func other(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestAnAssertionCostsNoCallMoreThanASecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, _ := w.register()
	w.post(w.asserted(key, "one", "grant_type", clientCredentials))
	w.Calls.Reset()
	w.post(w.asserted(key, "two", "grant_type", clientCredentials))
	if diff := cmp.Diff(map[string]int{rpcSign: 1, rpcCommit: 1}, w.Calls.Snapshot()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestAnAssertionIsGoodOnceThoughTheAnswerToTheCommitWasLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, _ := w.register()
	w.post(form(w.client)) // publishes the signing key
	w.Faults.Set(wire.Nth(rpcCommit, 1, wire.Fault{After: context.DeadlineExceeded}))
	first := w.post(w.asserted(key, "one", "grant_type", clientCredentials))
	w.Faults.Set(nil)
	again := w.post(w.asserted(key, "one", "grant_type", clientCredentials))
	if first.status == http.StatusOK || again.status != http.StatusUnauthorized {
		t.Errorf("answered %d, then %d %s", first.status, again.status, again.text)
	}
}

func TestKeysAreRegisteredWholly(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	key, _ := w.register()
	path, owner := pathClients+"/"+w.client.Client.ID+"/secrets", w.owner(w.by.Tenant)
	whole, err := jwk.Import(key)
	w.must(err)
	private, err := json.Marshal(whole)
	w.must(err)
	public, err := jwk.Import(&key.PublicKey)
	w.must(err)
	same, err := json.Marshal(public)
	w.must(err)
	for body, want := range map[string]int{
		`{"kind":"public_key"}`:                                            http.StatusUnprocessableEntity,
		`{"kind":"api_key","jwk":{"kty":"EC"}}`:                            http.StatusUnprocessableEntity,
		`{"kind":"public_key","jwk":{"kty":"oct"}}`:                        http.StatusUnprocessableEntity,
		`{"kind":"public_key","jwk":{"kty":"EC","crv":"P-256"}}`:           http.StatusUnprocessableEntity,
		fmt.Sprintf(`{"kind":"public_key","jwk":%s}`, private):             http.StatusUnprocessableEntity,
		fmt.Sprintf(`{"kind":"public_key","jwk":%s}`, same):                http.StatusConflict,
		`{"kind":"everything"}`:                                            http.StatusUnprocessableEntity,
		`{"kind":"client_secret","overlapSeconds":-1}`:                     http.StatusUnprocessableEntity,
		`{"kind":"client_secret","overlapSeconds":99999999}`:               http.StatusUnprocessableEntity,
		`{"kind":"client_secret","value":"ryc_live_of-my-own","x":"more"}`: http.StatusUnprocessableEntity,
	} {
		if got, answer := w.call(http.MethodPost, path, owner, body); got != want && (want != http.StatusUnprocessableEntity || got != http.StatusBadRequest) {
			t.Errorf("%.60s… is answered %d %v, want %d", body, got, answer, want)
		}
	}
}
