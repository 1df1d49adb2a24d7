package identitydb_test

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/identity/token"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

func (i *instance) rpcs() int {
	total := 0
	for _, n := range i.calls.Snapshot() {
		total += n
	}
	return total
}

func TestAnAPIKeyIsItsClient(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	h := i.build(t)
	got, err := i.present(t, h.issued.APIKey.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	want := identity.Caller{
		Tenant: h.tenant.ID, Actor: identity.Actor{Kind: identity.KindClient, ID: h.issued.Client.ID},
		Scopes: identity.Scopes{"orders:read", "orders:write"}, Locations: identity.Locations{h.location.ID},
		Channel: h.link.ID, Credential: h.issued.APIKey.ID(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("caller (-want +got):\n%s", diff)
	}
	i.calls.Reset()
	if _, err := i.present(t, h.issued.APIKey.Reveal()); err != nil || i.rpcs() != 0 {
		t.Errorf("again: %v, after %d calls, want none", err, i.rpcs())
	}
}

func TestCredentialsThatDoNotHoldAreRefused(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	h := i.build(t)
	stranger, err := identity.NewAPIKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key := h.issued.APIKey.Reveal()
	for name, header := range map[string][]string{
		"none":                        nil,
		"an empty one":                {""},
		"a scheme without credential": {"Bearer "},
		"another scheme":              {"Basic " + key},
		"no scheme":                   {key},
		"two in one header":           {"Bearer " + key + " " + key},
		"two headers":                 {"Bearer " + key, "Bearer " + key},
		"a key that nobody has":       {"Bearer " + stranger.Reveal()},
		"a mistyped key":              {"Bearer " + key[:len(key)-1] + "!"},
		"a client secret":             {"Bearer " + h.issued.ClientSecret.Reveal()},
		"a session of tomorrow":       {"Bearer rys_live_x"},
		"nonsense":                    {"Bearer nonsense"},
		"an unsigned token":           {"Bearer eyJhbGciOiJub25lIn0.e30."},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/orders", nil)
		r.Header["Authorization"] = header
		if caller, err := i.auth.Authenticate(t.Context(), r); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %+v, %v", name, caller, err)
		} else if strings.Contains(err.Error(), key[26:]) {
			t.Errorf("%s: the error repeats the key", name)
		}
	}
}

func TestASecretInTheAddressIsRefusedWhateverTheHeaderSays(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	h := i.build(t)
	key := h.issued.APIKey.Reveal()
	for query, want := range map[string]bool{
		"limit=5&cursor=abc":      true,
		"api_key=x":               false,
		"Access_Token=x":          false,
		"client_secret=":          false,
		"cursor=" + key:           false,
		"limit=5&cursor=ryc_live": false,
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/orders?"+query, nil)
		r.Header.Set("Authorization", "bearer "+key)
		_, err := i.auth.Authenticate(t.Context(), r)
		if (err == nil) != want || err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("?%s: %v", strings.ReplaceAll(query, key, "KEY"), err)
		}
	}
}

func TestARevokedKeyEndsWithinAMinute(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*identity.Client, time.Time){
		"the key is removed":      func(c *identity.Client, _ time.Time) { c.Keys = nil },
		"the key expires":         func(c *identity.Client, now time.Time) { c.Keys[0].ExpiresAt = now },
		"the client is disabled":  func(c *identity.Client, _ time.Time) { c.Disabled = true },
		"the client has expired":  func(c *identity.Client, now time.Time) { c.ExpiresAt = now },
		"another key is in place": func(c *identity.Client, _ time.Time) { c.Keys[0].Hash[0]++ },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			i, elsewhere := w.instance(t), w.instance(t)
			h := i.build(t)
			if _, err := i.present(t, h.issued.APIKey.Reveal()); err != nil {
				t.Fatal(err)
			}
			elsewhere.change(t, h, func(c *identity.Client) { end(c, w.clock.Now()) })
			w.clock.advance(identitydb.Usual)
			if caller, err := i.present(t, h.issued.APIKey.Reveal()); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("a minute later: %+v, %v", caller, err)
			}
		})
	}
}

func TestANewKeyWorksAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, elsewhere := w.instance(t), w.instance(t)
	h := i.build(t)
	if _, err := i.present(t, h.issued.APIKey.Reveal()); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(identitydb.Recent)
	successor, err := identity.NewAPIKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere.change(t, h, func(c *identity.Client) {
		if c.Keys, err = c.Keys.Rotate(identity.NewCredential(successor, w.clock.Now()), time.Hour, w.clock.Now()); err != nil {
			t.Error(err)
		}
	})
	for _, key := range []identity.Secret{successor, h.issued.APIKey} {
		if _, err := i.present(t, key.Reveal()); err != nil {
			t.Errorf("%v: %v", key, err)
		}
	}
}

func TestASuspendedTenantIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	h := i.build(t)
	raw := i.token(t, h)
	if err := i.store.SuspendTenant(t.Context(), by(h.tenant.ID), true); err != nil {
		t.Fatal(err)
	}
	for _, credential := range []string{h.issued.APIKey.Reveal(), raw} {
		if caller, err := i.present(t, credential); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%.8s…: %+v, %v", credential, caller, err)
		}
	}
	_, _, err := i.auth.Client(t.Context(), h.issued.Client.ID, h.issued.ClientSecret.Reveal())
	if !fault.Is(err, fault.Forbidden) {
		t.Errorf("at the token endpoint: %v", err)
	}
}

func TestTheLastUseIsWrittenOnceAnHour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, elsewhere := w.instance(t), w.instance(t)
	h := i.build(t)
	key := h.issued.APIKey
	use := func(i *instance) int {
		i.calls.Reset()
		if _, err := i.present(t, key.Reveal()); err != nil {
			t.Fatal(err)
		}
		return i.calls.Count(rpcCommit)
	}
	first := w.clock.Now()
	if n := use(i); n != 1 {
		t.Errorf("the first use took %d commits", n)
	}
	if n := use(elsewhere); n != 0 {
		t.Errorf("the first use in another instance took %d commits", n)
	}
	w.clock.advance(59 * time.Minute)
	if n := use(i); n != 0 {
		t.Errorf("a use within the hour took %d commits", n)
	}
	o, err := i.ledger.Get(t.Context(), h.tenant.ID, ref("apiKeys", key.ID()))
	if err != nil {
		t.Fatal(err)
	}
	if at, _ := o.Fields["lastUsedAt"].(time.Time); !at.Equal(first) || o.Fields["client"] != h.issued.Client.ID {
		t.Errorf("stored: %v", o.Fields)
	}
	w.clock.advance(time.Minute)
	if n := use(i); n != 1 {
		t.Errorf("a use an hour later took %d commits", n)
	}
}

func TestAWarmRequestDoesNotWaitForTheLastUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.instance(t)
	h := i.build(t)
	use := func(after time.Duration) (rpcs, commits int) {
		w.clock.advance(after)
		i.calls.Reset()
		if _, err := i.present(t, h.issued.APIKey.Reveal()); err != nil {
			t.Fatal(err)
		}
		return i.rpcs(), i.calls.Count(rpcCommit)
	}
	use(0)
	use(59*time.Minute + 30*time.Second)
	if n, _ := use(40 * time.Second); n != 0 {
		t.Errorf("a warm use, an hour after the last mark, took %d calls", n)
	}
	if _, n := use(30 * time.Second); n != 1 {
		t.Errorf("the use that reads the key again took %d commits", n)
	}
}

func TestASuspendedTenantsPeopleAreOutAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, elsewhere := w.instance(t), w.instance(t)
	h := i.build(t)
	_, token := i.session(t, h, func(*identity.Session) {})
	key := h.issued.APIKey.Reveal()
	for _, credential := range []string{token.Reveal(), key} {
		if _, err := elsewhere.present(t, credential); err != nil {
			t.Fatal(err)
		}
	}
	if err := i.store.SuspendTenant(t.Context(), by(h.tenant.ID), true); err != nil {
		t.Fatal(err)
	}
	if _, err := elsewhere.present(t, token.Reveal()); !fault.Is(err, fault.Forbidden) {
		t.Errorf("the person at once: %v", err)
	}
	w.clock.advance(identitydb.Usual)
	if _, err := elsewhere.present(t, key); !fault.Is(err, fault.Forbidden) {
		t.Errorf("the key after a minute: %v", err)
	}
}

func TestAKeyWorksThoughItsUseCannotBeWritten(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	h := i.build(t)
	i.faults.Set(wire.Always(rpcCommit, wire.Fault{Before: context.DeadlineExceeded}))
	if _, err := i.present(t, h.issued.APIKey.Reveal()); err != nil {
		t.Error(err)
	}
	if !strings.Contains(i.log.String(), "last use of an API key was not written") {
		t.Error("nobody is told")
	}
}

func TestWhatCannotBeToldIsNotARefusal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i, cold := w.instance(t), w.instance(t)
	h := i.build(t)
	raw := i.token(t, h)
	cold.faults.Set(func(string, int) wire.Fault { return wire.Fault{Before: context.DeadlineExceeded} })
	for _, credential := range []string{h.issued.APIKey.Reveal(), raw} {
		if _, err := cold.present(t, credential); !fault.Is(err, fault.Unavailable) {
			t.Errorf("%.8s…: %v, want unavailable", credential, err)
		}
	}
	_, _, err := cold.auth.Client(t.Context(), h.issued.Client.ID, h.issued.ClientSecret.Reveal())
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("at the token endpoint: %v, want unavailable", err)
	}
}

func TestAClientIsToldByItsSecret(t *testing.T) {
	t.Parallel()
	i := newWorld(t).instance(t)
	h, other := i.build(t), i.build(t)
	client, credential, err := i.auth.Client(t.Context(), h.issued.Client.ID, h.issued.ClientSecret.Reveal())
	if err != nil || client.ID != h.issued.Client.ID || credential != h.issued.ClientSecret.ID() {
		t.Fatalf("Client = %q, %q, %v", client.ID, credential, err)
	}
	nobody, err := identity.NewID(identity.ClientPrefix, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	const want = "the client's id or secret does not hold"
	for name, c := range map[string][2]string{
		"another client's secret": {h.issued.Client.ID, other.issued.ClientSecret.Reveal()},
		"its API key":             {h.issued.Client.ID, h.issued.APIKey.Reveal()},
		"an unknown client":       {nobody, h.issued.ClientSecret.Reveal()},
		"a malformed id":          {"cli_x/../y", h.issued.ClientSecret.Reveal()},
		"no secret":               {h.issued.Client.ID, ""},
	} {
		_, _, err := i.auth.Client(t.Context(), c[0], c[1])
		if !fault.Is(err, fault.Unauthenticated) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// token signs a token as the token endpoint would.
func (i *instance) token(t *testing.T, h house) string {
	t.Helper()
	c := h.issued.Client
	raw, err := i.signer.Sign(t.Context(), token.Claims{
		Issuer: hub, Audience: hub, ID: "tok_1", Client: c.ID, Tenant: c.Tenant,
		IssuedAt: i.clock.Now(), ExpiresAt: i.clock.Now().Add(10 * time.Minute),
		Subject: identity.Actor{Kind: identity.KindClient, ID: c.ID}, Scopes: c.Scopes, Locations: c.Locations, Channel: c.Channel,
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
