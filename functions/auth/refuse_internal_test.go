package auth

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/assertion"
	"ryggrad.internal/hub/shared/ledger"
)

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

// descriptionForm is what RFC 6749, section 5.2, lets an error_description hold.
var descriptionForm = regexp.MustCompile(`^[\x20-\x21\x23-\x5B\x5D-\x7E]+$`)

func TestRefusalsSpeakOAuth(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, secret := w.client.Client.ID, w.client.ClientSecret.Reveal()
	none := form(w.client, "client_id", "", "client_secret", "")
	entries := len(w.entries())
	for name, c := range map[string]struct {
		body   string
		header []string
		status int
		code   string
	}{
		"no body":                       {"", nil, 400, invalidRequest},
		"no grant type":                 {form(w.client, "grant_type", ""), nil, 400, invalidRequest},
		"another grant type":            {form(w.client, "grant_type", "password"), nil, 400, unsupportedGrantType},
		"a grant type in upper case":    {form(w.client, "grant_type", "CLIENT_CREDENTIALS"), nil, 400, unsupportedGrantType},
		"no credentials":                {none, nil, 401, invalidClient},
		"no secret":                     {form(w.client, "client_secret", ""), nil, 401, invalidClient},
		"a wrong secret":                {form(w.client, "client_secret", secret[:len(secret)-1]), nil, 401, invalidClient},
		"an API key for a secret":       {form(w.client, "client_secret", w.client.APIKey.Reveal()), nil, 401, invalidClient},
		"an unknown client":             {form(w.client, "client_id", "cli_aaaaaaaaaaaaaaaaaaaaaaaaaa"), nil, 401, invalidClient},
		"a client's name for its id":    {form(w.client, "client_id", "Till"), nil, 401, invalidClient},
		"credentials in both places":    {form(w.client), []string{"Authorization", basic(id, secret)}, 400, invalidRequest},
		"two ids":                       {form(w.client, "client_id", "other", "client_secret", ""), []string{"Authorization", basic(id, secret)}, 400, invalidRequest},
		"two headers":                   {none, []string{"Authorization", basic(id, secret), "Authorization", basic(id, secret)}, 400, invalidRequest},
		"a Bearer token":                {none, []string{"Authorization", "Bearer " + w.client.APIKey.Reveal()}, 401, invalidClient},
		"a header that is not base64":   {none, []string{"Authorization", "Basic ***"}, 401, invalidClient},
		"a header without a colon":      {none, []string{"Authorization", "Basic aWQ="}, 401, invalidClient},
		"a wrong secret in the header":  {none, []string{"Authorization", basic(id, "x")}, 401, invalidClient},
		"a broken escape in the header": {none, []string{"Authorization", basic(id, "%zz")}, 401, invalidClient},
		"an unknown scope":              {form(w.client, "scope", "orders:read everything"), nil, 400, invalidScope},
		"a scope that it has not":       {form(w.client, "scope", "audit:read"), nil, 400, invalidScope},
		"a scope in another case":       {form(w.client, "scope", "Orders:Read"), nil, 400, invalidScope},
		"a parameter twice":             {form(w.client) + "&client_id=" + id, nil, 400, invalidRequest},
		"an unknown parameter twice":    {form(w.client) + "&x=1&x=2", nil, 400, invalidRequest},
		"a broken escape":               {form(w.client) + "&x=%zz", nil, 400, invalidRequest},
		"text that is not UTF-8":        {form(w.client) + "&x=%ff", nil, 400, invalidRequest},
		"semicolons":                    {strings.ReplaceAll(form(w.client), "&", ";"), nil, 400, invalidRequest},
		"JSON":                          {`{"grant_type":"client_credentials"}`, []string{"Content-Type", "application/json"}, 400, invalidRequest},
		"a tenant of its own choice is ignored, but not twice": {form(w.client) + "&tenant=ten_b&tenant=ten_c", nil, 400, invalidRequest},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, pathToken, strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for i := 0; i < len(c.header); i += 2 {
			if c.header[i] == "Content-Type" {
				r.Header.Del("Content-Type")
			}
			r.Header.Add(c.header[i], c.header[i+1])
		}
		got := w.do(r)
		if got.status != c.status || got.Code != c.code || !descriptionForm.MatchString(got.Description) {
			t.Errorf("%s: %d %s", name, got.status, got.text)
		}
		if got.header.Get("Cache-Control") != "no-store" || (got.status == 401) != (got.header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s: %v", name, got.header)
		}
		if strings.Contains(got.text, secret[26:]) {
			t.Errorf("%s: the answer repeats the secret", name)
		}
	}
	reasons := map[string]bool{}
	for _, e := range w.entries()[entries:] {
		reasons[e.Tenant+": "+e.Reason+", "+e.Object] = true
	}
	for _, want := range []string{
		"hub: the client's credentials do not hold, sources/192.0.2.0/24",
		w.by.Tenant + ": the client may not have the scope, sources/" + w.client.ClientSecret.ID(),
	} {
		if !reasons[want] {
			t.Errorf("no audit entry says %q: %v", want, reasons)
		}
	}
	if len(reasons) != 2 {
		t.Errorf("refusals of two reasons and sources left %v", reasons)
	}
	if log := w.log.String(); strings.Contains(log, secret[26:]) || !strings.Contains(log, "access token refused") {
		t.Error("the log holds the secret, or nothing")
	}
}

// entries reads the audit log, refusals last.
func (w *world) entries() []ledger.Entry {
	w.t.Helper()
	found, err := w.ledger.List(w.t.Context(), w.ledger.QueryAllTenants("audit"))
	w.must(err)
	var acts, refusals []ledger.Entry
	for _, o := range found {
		e, err := ledger.Parse(o.Fields["bytes"].([]byte))
		w.must(err)
		if e.Outcome == ledger.Refused {
			refusals = append(refusals, e)
		} else {
			acts = append(acts, e)
		}
	}
	return append(acts, refusals...)
}

func TestASecretInTheAddressIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, pathToken+"?"+form(w.client), strings.NewReader(form(w.client)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if got := w.do(r); got.status != http.StatusBadRequest || got.Code != invalidRequest {
		t.Errorf("answered %d %s", got.status, got.text)
	}
	if strings.Contains(w.log.String(), w.client.ClientSecret.Reveal()[26:]) {
		t.Error("the log holds the secret")
	}
}

func TestAnUnknownClientAndAWrongSecretLookAlike(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.newClient(time.Hour)
	wrong := w.post(form(w.client, "client_secret", other.ClientSecret.Reveal()))
	nobody := w.post(form(w.client, "client_id", "cli_aaaaaaaaaaaaaaaaaaaaaaaaaa"))
	malformed := w.post(form(w.client, "client_secret", "short"))
	if wrong.text != nobody.text || wrong.text != malformed.text || wrong.status != nobody.status {
		t.Errorf("%s, %s and %s differ", wrong.text, nobody.text, malformed.text)
	}
}

func TestClientsThatHaveEndedGetNothing(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*identity.Client){
		"disabled":       func(c *identity.Client) { c.Disabled = true },
		"expired":        func(c *identity.Client) { c.ExpiresAt = time.Now() },
		"secret removed": func(c *identity.Client) { c.Secrets = nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			act := w.by
			act.Action = "client.end"
			w.must(w.store.ChangeClient(t.Context(), act, w.client.Client.ID, func(c identity.Client) (identity.Client, error) {
				end(&c)
				return c, nil
			}))
			if got := w.post(form(w.client)); got.status != http.StatusUnauthorized || got.Code != invalidClient {
				t.Errorf("answered %d %s", got.status, got.text)
			}
		})
	}
}

func TestASuspendedTenantGetsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(w.store.SuspendTenant(t.Context(), w.by, true))
	if got := w.post(form(w.client)); got.status != http.StatusUnauthorized || got.Description != "the tenant is suspended" {
		t.Errorf("answered %d %s", got.status, got.text)
	}
}

func TestABodyThatIsTooLargeIsNotRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.post(form(w.client) + "&x=" + strings.Repeat("x", 2<<20))
	if got.status != http.StatusRequestEntityTooLarge || got.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("answered %d %s", got.status, got.text)
	}
}

func FuzzReadRequest(f *testing.F) {
	f.Add("grant_type=client_credentials&client_id=a&client_secret=b", "", "")
	f.Add("grant_type=client_credentials", basic("a%3Ab", "c+d"), "")
	f.Add("a=1&a=2", "Basic Og==", "client_secret=x")
	f.Add("client_assertion=a.b.c&client_assertion_type="+url.QueryEscape(assertion.Type), "", "")
	f.Add("client_secret=b&client_assertion=a.b.c&token=x", "", "")
	f.Fuzz(func(t *testing.T, body, authorization, query string) {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, pathToken, strings.NewReader(body))
		r.URL.RawQuery = query
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if authorization != "" {
			r.Header.Set("Authorization", authorization)
		}
		_, shown, err := readRequest(r)
		switch {
		case err != nil && shown != (proof{}):
			t.Errorf("a refused request was read as one of %q", shown.client)
		case err == nil && shown.secret != "" && shown.assertion != "":
			t.Error("two proofs were taken")
		case err == nil && query != "":
			t.Errorf("parameters in the address were taken: %q", query)
		}
	})
}
