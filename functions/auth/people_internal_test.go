package auth

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/descope/virtualwebauthn"

	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/peopledb"
	"ryggrad.internal/hub/shared/identity/totp"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const ownPassword = "four words in a row"

// browser is a person's browser: it keeps the session's token and the device's cookie.
type browser struct {
	w      *world
	token  string
	cookie string
	next   any
	secret totp.Secret
}

// send calls the API and keeps what the answer leaves.
func (b *browser) send(method, path string, body any) (int, map[string]any) {
	b.w.t.Helper()
	raw, err := json.Marshal(body)
	b.w.must(err)
	r := httptest.NewRequestWithContext(b.w.t.Context(), method, path, strings.NewReader(string(raw)))
	if body == nil {
		r.Body = http.NoBody
		r.ContentLength = 0
	} else {
		r.Header.Set("Content-Type", "application/json")
	}
	if b.token != "" {
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	if b.cookie != "" {
		r.Header.Set("Cookie", b.cookie)
	}
	rec := httptest.NewRecorder()
	b.w.handler.ServeHTTP(rec, r)
	for _, c := range rec.Result().Cookies() {
		if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode {
			b.w.t.Errorf("the cookie %s is open to others", c.Name)
		}
		b.cookie = c.Name + "=" + c.Value
	}
	var out map[string]any
	if rec.Body.Len() > 0 {
		b.w.must(json.Unmarshal(rec.Body.Bytes(), &out))
	}
	if token, ok := out["token"].(string); ok {
		b.token, b.next = token, out["next"]
	}
	return rec.Code, out
}

// must is send for a status that must come.
func (b *browser) must(status int, method, path string, body any) map[string]any {
	b.w.t.Helper()
	got, out := b.send(method, path, body)
	if got != status {
		b.w.t.Fatalf("%s %s: %d, want %d: %v", method, path, got, status, out)
	}
	return out
}

// newPerson creates somebody as an operator and gives them a browser that has set a password.
func (w *world) newPerson(email string, role identity.Role) (*browser, string) {
	w.t.Helper()
	cfg, err := gcp.Load[config](w.Env())
	w.must(err)
	h, err := hub.Open(w.t.Context(), cfg.Config, w.quiet())
	w.must(err)
	defer h.Close()
	by := peopledb.By{Act: w.by, Role: identity.Owner}
	u, initial, err := people(h, cfg).CreateUser(w.t.Context(), by, identity.Profile{Email: email, Name: "Anna"}, role)
	w.must(err)
	b := &browser{w: w}
	b.must(http.StatusCreated, http.MethodPost, pathSessions, map[string]any{"email": email, "password": initial})
	if b.next != "set_password" {
		w.t.Fatalf("after the initial password: %v", b.next)
	}
	b.must(http.StatusOK, http.MethodPut, pathMe+"/password", map[string]any{"newPassword": ownPassword})
	return b, u.ID
}

// addTOTP adds a generator of one-time passwords.
func (b *browser) addTOTP() {
	b.w.t.Helper()
	shown := b.must(http.StatusCreated, http.MethodPost, pathMe+"/totp", nil)
	var err error
	b.secret, err = totp.Parse(shown["secret"].(string))
	b.w.must(err)
	b.must(http.StatusOK, http.MethodPost, pathMe+"/totp/verify", map[string]any{"code": b.code(0)})
}

// code is the code of now, or of a step beside it.
func (b *browser) code(beside int64) string { return b.secret.Code(totp.Step(time.Now()) + beside) }

func TestAPersonLogsInWithASecondFactorAndManagesPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, _ := w.newPerson("owner@example.com", identity.Owner)
	if b.next != "enroll_second_factor" {
		t.Fatalf("an owner without a second factor: %v", b.next)
	}
	if status, _ := b.send(http.MethodGet, pathUsers, nil); status != http.StatusForbidden {
		t.Errorf("before the second factor: %d", status)
	}
	b.addTOTP()
	if b.next != nil {
		t.Fatalf("afterwards: %v", b.next)
	}
	b.must(http.StatusNoContent, http.MethodDelete, pathSessions+"/current", nil)
	if status, _ := b.send(http.MethodGet, pathUsers, nil); status != http.StatusUnauthorized {
		t.Errorf("after the logout: %d", status)
	}
	b.token = ""
	b.must(http.StatusCreated, http.MethodPost, pathSessions, map[string]any{"email": "owner@example.com", "password": ownPassword})
	if b.next != "second_factor" {
		t.Fatalf("after the password: %v", b.next)
	}
	b.must(http.StatusOK, http.MethodPost, pathSessions+"/current/totp", map[string]any{"code": b.code(1)})
	made := b.must(http.StatusCreated, http.MethodPost, pathUsers, map[string]any{"email": "new@example.com", "name": "Bo", "role": "viewer"})
	if made["initialPassword"] == "" {
		t.Error("no initial password is shown")
	}
	list := b.must(http.StatusOK, http.MethodGet, pathUsers+"?limit=1", nil)
	if len(list["items"].([]any)) != 1 || list["nextCursor"] == "" {
		t.Errorf("the list is %v", list)
	}
	id := made["id"].(string)
	b.must(http.StatusConflict, http.MethodPost, pathUsers, map[string]any{"email": "NEW@example.com", "name": "Bo", "role": "viewer"})
	b.must(http.StatusOK, http.MethodPatch, pathUsers+"/"+id, map[string]any{"role": "manager", "disabled": true})
	b.must(http.StatusCreated, http.MethodPost, pathUsers+"/"+id+"/initial-password", nil)
	b.must(http.StatusNoContent, http.MethodDelete, pathUsers+"/"+id+"/second-factor", nil)
	b.must(http.StatusNoContent, http.MethodDelete, pathUsers+"/"+id+"/sessions", nil)
	b.must(http.StatusUnprocessableEntity, http.MethodPatch, pathUsers+"/"+id, map[string]any{})
	if got := b.must(http.StatusOK, http.MethodGet, pathUsers+"/"+id, nil); got["role"] != "manager" || got["disabled"] != true {
		t.Errorf("the person is %v", got)
	}
	if got := b.must(http.StatusOK, http.MethodGet, pathMe, nil); got["email"] != "owner@example.com" || got["secondFactor"] != true {
		t.Errorf("oneself is %v", got)
	}
}

func TestAPasswordAloneNeitherShowsNorEndsOtherSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, _ := w.newPerson("owner@example.com", identity.Owner)
	b.addTOTP()
	mine := b.must(http.StatusOK, http.MethodGet, pathSessions, nil)["items"].([]any)[0].(map[string]any)["id"].(string)
	thief := &browser{w: w}
	thief.must(http.StatusCreated, http.MethodPost, pathSessions, map[string]any{"email": "owner@example.com", "password": ownPassword})
	if seen := thief.must(http.StatusOK, http.MethodGet, pathSessions, nil)["items"].([]any); len(seen) != 1 || seen[0].(map[string]any)["id"] == mine {
		t.Errorf("half a login sees %v", seen)
	}
	thief.must(http.StatusNotFound, http.MethodDelete, pathSessions+"/"+mine, nil)
	if seen := b.must(http.StatusOK, http.MethodGet, pathSessions, nil)["items"].([]any); len(seen) != 2 {
		t.Errorf("the owner sees %v", seen)
	}
	thief.must(http.StatusNoContent, http.MethodDelete, pathSessions+"/current", nil)
}

func TestPasskeysAreASecondFactor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, _ := w.newPerson("owner@example.com", identity.Owner)
	rp := virtualwebauthn.RelyingParty{Name: "Ryggrad", ID: "hub.test", Origin: issuer}
	device, key := virtualwebauthn.NewAuthenticator(), newPasskey()
	attest := func() any {
		options := b.must(http.StatusOK, http.MethodPost, pathMe+"/passkeys/options", nil)
		parsed, err := virtualwebauthn.ParseAttestationOptions(asJSON(t, map[string]any{"publicKey": options}))
		w.must(err)
		return object(t, virtualwebauthn.CreateAttestationResponse(rp, device, key, *parsed))
	}
	assert := func() any {
		options := b.must(http.StatusOK, http.MethodPost, pathSessions+"/current/passkey/options", nil)
		parsed, err := virtualwebauthn.ParseAssertionOptions(asJSON(t, map[string]any{"publicKey": options}))
		w.must(err)
		key.Counter++
		return object(t, virtualwebauthn.CreateAssertionResponse(rp, device, key, *parsed))
	}
	made := b.must(http.StatusCreated, http.MethodPost, pathMe+"/passkeys", map[string]any{"name": "Laptop", "credential": attest()})
	device.Options.UserHandle = []byte(b.must(http.StatusOK, http.MethodGet, pathMe, nil)["id"].(string))
	device.AddCredential(key)
	logIn := func() {
		b.token = ""
		b.must(http.StatusCreated, http.MethodPost, pathSessions, map[string]any{"email": "owner@example.com", "password": ownPassword})
	}
	logIn()
	answer := assert()
	b.must(http.StatusOK, http.MethodPost, pathSessions+"/current/passkey", map[string]any{"credential": answer})
	if b.next != nil {
		t.Fatalf("after the passkey: %v", b.next)
	}
	logIn()
	b.must(http.StatusConflict, http.MethodPost, pathSessions+"/current/passkey", map[string]any{"credential": answer})
	assert()
	b.must(http.StatusUnauthorized, http.MethodPost, pathSessions+"/current/passkey", map[string]any{"credential": answer})
	device.Options.UserNotVerified = true
	b.must(http.StatusUnauthorized, http.MethodPost, pathSessions+"/current/passkey", map[string]any{"credential": assert()})
	device.Options.UserNotVerified = false
	b.must(http.StatusUnprocessableEntity, http.MethodPost, pathSessions+"/current/passkey", map[string]any{"credential": map[string]any{"id": "x"}})
	fresh := assert()
	b.must(http.StatusOK, http.MethodPost, pathSessions+"/current/passkey", map[string]any{"credential": fresh})
	key.Counter -= 2 // a copy, which has been used less often
	b.must(http.StatusUnauthorized, http.MethodPost, pathSessions+"/current/passkey", map[string]any{"credential": assert()})
	key.Counter += 2
	b.must(http.StatusOK, http.MethodPost, pathSessions+"/current/passkey", map[string]any{"credential": assert()})
	b.must(http.StatusConflict, http.MethodDelete, pathMe+"/passkeys/"+made["id"].(string), nil)
	b.addTOTP()
	b.must(http.StatusNoContent, http.MethodDelete, pathMe+"/passkeys/"+made["id"].(string), nil)
}

// newPasskey makes a key whose public half is written in full: the virtual authenticator leaves out leading zeros, which
// is against RFC 9053 and refused, once in 128 keys.
func newPasskey() virtualwebauthn.Credential {
	const full = 77
	for {
		if made := virtualwebauthn.NewCredential(virtualwebauthn.KeyTypeEC2); len(made.Key.AttestationData()) == full {
			return made
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func object(t *testing.T, text string) any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestSecretsInAddressesAreRefusedHere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, _ := w.newPerson("anna@example.com", identity.Viewer)
	for _, path := range []string{
		pathSessions + "?password=" + "four+words+in+a+row", pathSessions + "?email=a@example.com", pathMe + "?access_token=" + b.token, pathMe + "?x=" + b.token,
	} {
		method := http.MethodPost
		if strings.HasPrefix(path, pathMe) {
			method = http.MethodGet
		}
		body := map[string]any{"email": "anna@example.com", "password": ownPassword}
		if method == http.MethodGet {
			body = nil
		}
		if status, out := b.send(method, path, body); status < 400 || status >= 500 {
			t.Errorf("%s: %d %v", path, status, out)
		}
	}
	if strings.Contains(w.log.String(), ownPassword) || strings.Contains(w.log.String(), b.token) {
		t.Error("the log holds a secret")
	}
}

func TestATokenOfATabThatRacedIsTheSame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, _ := w.newPerson("anna@example.com", identity.Viewer)
	first, second := *b, *b
	first.must(http.StatusOK, http.MethodPost, pathSessions+"/current/refresh", nil)
	second.must(http.StatusOK, http.MethodPost, pathSessions+"/current/refresh", nil)
	if first.token != second.token || first.token == b.token {
		t.Error("two tabs have two tokens, or none was replaced")
	}
	first.must(http.StatusOK, http.MethodGet, pathSessions, nil)
}

func TestNobodyReachesAnotherTenantsPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, _ := w.newPerson("owner@example.com", identity.Owner)
	b.addTOTP()
	home := w.by
	other, err := w.store.CreateTenant(t.Context(), ledgerdb.Act{Actor: w.by.Actor}, "Others")
	w.must(err)
	w.by.Tenant = other.ID
	_, stranger := w.newPerson("stranger@example.com", identity.Viewer)
	w.by = home
	for method, path := range map[string]string{
		http.MethodGet: pathUsers + "/" + stranger, http.MethodDelete: pathUsers + "/" + stranger + "/second-factor",
		http.MethodPost: pathUsers + "/" + stranger + "/initial-password",
	} {
		b.must(http.StatusNotFound, method, path, nil)
	}
	b.must(http.StatusNotFound, http.MethodPatch, pathUsers+"/"+stranger, map[string]any{"disabled": true})
	for _, none := range []string{"a%2Fb", "%2E%2E", "__x__", "%FF"} {
		b.must(http.StatusNotFound, http.MethodGet, pathUsers+"/"+none, nil)
		b.must(http.StatusNotFound, http.MethodPatch, pathUsers+"/"+none, map[string]any{"disabled": true})
		b.must(http.StatusNotFound, http.MethodDelete, pathUsers+"/"+none+"/sessions", nil)
	}
	list := b.must(http.StatusOK, http.MethodGet, pathUsers, nil)
	if len(list["items"].([]any)) != 1 {
		t.Errorf("the list shows %v", list)
	}
	b.must(http.StatusUnprocessableEntity, http.MethodPatch, pathUsers+"/"+stranger, map[string]any{"disabled": true, "tenant": other.ID})
}

// quiet is a log that nobody reads.
func (w *world) quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestEndingAnotherSessionAsksForARecentProof(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b, _ := w.newPerson("anna@example.com", identity.Viewer)
	other := &browser{w: w}
	other.must(http.StatusCreated, http.MethodPost, pathSessions, map[string]any{"email": "anna@example.com", "password": ownPassword})
	db := w.Firestore(t)
	sessions, err := db.Collection("sessions").Documents(t.Context()).GetAll()
	w.must(err)
	if len(sessions) != 2 {
		t.Fatalf("there are %d sessions", len(sessions))
	}
	for _, s := range sessions {
		_, err := s.Ref.Update(t.Context(), []firestore.Update{{Path: "provedAt", Value: time.Now().Add(-identity.StepUpLife)}})
		w.must(err)
	}
	for _, s := range sessions {
		own := strings.HasPrefix(b.token, "rys_"+strings.TrimPrefix(s.Ref.ID, "ses_"))
		if status, answer := b.send(http.MethodDelete, pathSessions+"/"+s.Ref.ID, nil); !own && status != http.StatusUnauthorized {
			t.Errorf("another session ended without a proof: %d %v", status, answer)
		}
	}
	other.must(http.StatusNoContent, http.MethodDelete, pathSessions+"/current", nil)
}
