package auth

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	golang "github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/lestrrat-go/jwx/v3/jwk"
	"github.com/lestrrat-go/jwx/v3/jwt"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

const (
	rpcSign   = "/google.cloud.kms.v1.KeyManagementService/AsymmetricSign"
	rpcCommit = "/google.firestore.v1.Firestore/Commit"
)

// authenticate asks another function whose token it is.
func (w *world) authenticate(raw string) (identity.Caller, error) {
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "/v1/orders", nil)
	r.Header.Set("Authorization", "Bearer "+raw)
	return w.other.Authenticate(w.t.Context(), r)
}

func TestAnOAuthClientGetsATokenThatTheOthersTake(t *testing.T) {
	t.Parallel()
	for name, style := range map[string]oauth2.AuthStyle{
		"credentials in the header": oauth2.AuthStyleInHeader, "credentials in the form": oauth2.AuthStyleInParams,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			server := httptest.NewServer(w.handler)
			defer server.Close()
			cfg := clientcredentials.Config{
				ClientID: w.client.Client.ID, ClientSecret: w.client.ClientSecret.Reveal(),
				TokenURL: server.URL + pathToken, Scopes: []string{"orders:write"}, AuthStyle: style,
			}
			got, err := cfg.Token(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if left := time.Until(got.Expiry); got.Type() != "Bearer" || left > tokenLife || left < tokenLife-time.Minute {
				t.Errorf("a %s token for %v", got.Type(), left)
			}
			caller, err := w.authenticate(got.AccessToken)
			if err != nil {
				t.Fatal(err)
			}
			want := identity.Caller{
				Tenant: w.by.Tenant, Actor: identity.Actor{Kind: identity.KindClient, ID: w.client.Client.ID},
				Scopes: identity.Scopes{"orders:write"}, Locations: identity.Locations{w.location}, Credential: caller.Credential,
			}
			if diff := cmp.Diff(want, caller); diff != "" || !strings.HasPrefix(caller.Credential, tokenPrefix) {
				t.Errorf("caller %q (-want +got):\n%s", caller.Credential, diff)
			}
		})
	}
}

func TestJWXFindsTheKeyAndVerifiesTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := httptest.NewServer(w.handler)
	defer server.Close()
	raw := w.post(form(w.client)).token.AccessToken
	keys, err := jwk.Fetch(t.Context(), server.URL+pathKeys)
	if err != nil {
		t.Fatal(err)
	}
	got, err := jwt.Parse([]byte(raw), jwt.WithKeySet(keys), jwt.WithIssuer(issuer), jwt.WithAudience(issuer),
		jwt.WithRequiredClaim("jti"), jwt.WithRequiredClaim("client_id"))
	if err != nil {
		t.Fatal(err)
	}
	issued, _ := got.IssuedAt()
	expires, _ := got.Expiration()
	if expires.Sub(issued) != tokenLife {
		t.Errorf("it lives %v", expires.Sub(issued))
	}
}

func TestGolangJWTVerifiesTheToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	raw := w.post(form(w.client)).token.AccessToken
	keys, err := jwk.Parse([]byte(w.get(pathKeys).text))
	w.must(err)
	got, err := golang.Parse(raw, func(parsed *golang.Token) (any, error) {
		kid, _ := parsed.Header["kid"].(string)
		key, found := keys.LookupKeyID(kid)
		if !found {
			return nil, errors.New("the key is not published")
		}
		var public ecdsa.PublicKey
		return &public, jwk.Export(key, &public)
	}, golang.WithIssuer(issuer), golang.WithAudience(issuer), golang.WithValidMethods([]string{"ES256"}), golang.WithExpirationRequired())
	if err != nil || !got.Valid || got.Header["typ"] != "at+jwt" {
		t.Errorf("golang-jwt says %+v, %v", got, err)
	}
}

func TestScopesMayBeNarrowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for asked, want := range map[string]string{
		"": "orders:read orders:write", "orders:read": "orders:read", "orders:write orders:read orders:write": "orders:read orders:write",
	} {
		got := w.post(form(w.client, "scope", asked))
		if got.status != http.StatusOK || got.token.Scope != want || got.token.ExpiresIn != 600 {
			t.Errorf("scope %q is answered %d %s", asked, got.status, got.text)
		}
		if got.header.Get("Cache-Control") != "no-store" || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("scope %q is answered with %v", asked, got.header)
		}
	}
}

func TestATokenEndsWithItsClient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.post(form(w.newClient(5 * time.Minute)))
	if got.status != http.StatusOK || got.token.ExpiresIn > 300 || got.token.ExpiresIn < 200 {
		t.Errorf("answered %d, for %d s", got.status, got.token.ExpiresIn)
	}
}

func TestAKnownClientCostsOneSignatureAndOneCommit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.post(form(w.client))
	w.Calls.Reset()
	if got := w.post(form(w.client)); got.status != http.StatusOK {
		t.Fatalf("answered %d %s", got.status, got.text)
	}
	if diff := cmp.Diff(map[string]int{rpcSign: 1, rpcCommit: 1}, w.Calls.Snapshot()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestMetadataDescribesWhatIsThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	got := w.get(pathMetadata)
	if got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Cache-Control"), "public") {
		t.Fatalf("answered %d with %v", got.status, got.header)
	}
	for _, want := range []string{
		`"issuer":"` + issuer + `"`, `"token_endpoint":"` + issuer + `/v1/oauth/token"`,
		`"jwks_uri":"` + issuer + `/.well-known/jwks.json"`, `"grant_types_supported":["client_credentials","` + tokenExchange + `"]`,
		`"token_endpoint_auth_methods_supported":["client_secret_basic","client_secret_post","private_key_jwt"]`,
		`"revocation_endpoint":"` + issuer + `/v1/oauth/revoke"`, `"introspection_endpoint":"` + issuer + `/v1/oauth/introspect"`,
		`"token_endpoint_auth_signing_alg_values_supported":["ES256","PS256","EdDSA"]`,
		`"response_types_supported":[]`, `"orders:write"`,
	} {
		if !strings.Contains(got.text, want) {
			t.Errorf("metadata misses %s", want)
		}
	}
	if strings.Contains(got.text, "users:write") {
		t.Error("metadata offers a scope that no client may hold")
	}
	if keys := w.get(pathKeys); keys.status != http.StatusOK || strings.Contains(keys.text, `"d"`) || !strings.Contains(keys.text, `"kid"`) {
		t.Errorf("keys are answered %d %s", keys.status, keys.text)
	}
}

func TestWhatIsDownIsNotARefusal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.post(form(w.client))
	w.Faults.Set(wire.Always(rpcSign, wire.Fault{Before: context.DeadlineExceeded}))
	if got := w.post(form(w.client)); got.status != http.StatusServiceUnavailable || got.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("without KMS: %d %s", got.status, got.text)
	}
	w.handler = w.serve(10)
	w.Faults.Set(func(string, int) wire.Fault { return wire.Fault{Before: context.DeadlineExceeded} })
	if got := w.post(form(w.client)); got.status != http.StatusServiceUnavailable || got.Code != "" {
		t.Errorf("without a database: %d %s", got.status, got.text)
	}
	if got := w.get(pathKeys); got.status != http.StatusServiceUnavailable {
		t.Errorf("keys without a database: %d %s", got.status, got.text)
	}
}

func TestTooManyRequestsAreTurnedAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.handler = w.serve(2)
	for range 2 {
		if got := w.post(form(w.client)); got.status != http.StatusOK {
			t.Fatalf("answered %d %s", got.status, got.text)
		}
	}
	if got := w.post(form(w.client)); got.status != http.StatusTooManyRequests || got.header.Get("Retry-After") == "" {
		t.Errorf("answered %d with %v", got.status, got.header)
	}
}
