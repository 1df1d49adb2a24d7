package identitydb

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/token"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// rememberedTokens is how many verified access tokens an instance remembers, at about 1 KiB each.
const rememberedTokens = 4096

// AuthenticatorOptions are what an Authenticator needs; every field is required.
type AuthenticatorOptions struct {
	Ledger    *ledgerdb.Store
	Directory *Directory
	Issuer    string // of access tokens, and their audience: the hub's public address
	Now       func() time.Time
	Log       *slog.Logger
	Patience  time.Duration // how long a request waits until its credential's use is written down; 2 seconds when it is 0
}

// Authenticator tells who sent a request. It is safe for concurrent use.
type Authenticator struct {
	opts   AuthenticatorOptions
	tokens *token.Verifier
	uses   uses
}

// NewAuthenticator returns an authenticator. Keep one per process.
func NewAuthenticator(opts AuthenticatorOptions) *Authenticator {
	keys := NewPublicKeys(opts.Ledger, opts.Now)
	return &Authenticator{
		opts: opts,
		tokens: token.NewVerifier(token.Options{
			Issuer: opts.Issuer, Audience: opts.Issuer, Key: keys.Find, Now: opts.Now, Remember: rememberedTokens,
		}),
		uses: uses{at: map[string]time.Time{}},
	}
}

// Authenticate finds the caller by the request's Authorization header, which carries an access token, an API key or
// a session's token as a Bearer token, or by the request's signature (see [identity.HeaderClient]). A credential that does not hold is [fault.Unauthenticated], one of a suspended tenant
// [fault.Forbidden]; [fault.Unavailable] says that it cannot be told now.
func (a *Authenticator) Authenticate(ctx context.Context, r *http.Request) (identity.Caller, error) {
	if err := refuseInAddress(r.URL.RawQuery); err != nil {
		return identity.Caller{}, err
	}
	if len(r.Header.Values(identity.HeaderClient)) > 0 {
		caller, err := a.signed(ctx, r)
		return a.inService(ctx, caller, err)
	}
	raw, err := bearer(r.Header)
	if err != nil {
		return identity.Caller{}, err
	}
	caller, err := a.caller(ctx, raw)
	return a.inService(ctx, caller, err)
}

// inService refuses who is of a suspended tenant: a person at once, which costs a read, others within a minute.
func (a *Authenticator) inService(ctx context.Context, caller identity.Caller, err error) (identity.Caller, error) {
	if err != nil {
		return identity.Caller{}, err
	}
	age := Usual
	if caller.Actor.Kind == identity.KindUser {
		age = 0
	}
	return caller, a.opts.Directory.inServiceAs(ctx, caller.Tenant, age)
}

func (a *Authenticator) caller(ctx context.Context, raw string) (identity.Caller, error) {
	if strings.HasPrefix(raw, "ryg_") {
		return a.apiKey(ctx, raw)
	}
	if strings.HasPrefix(raw, "rys_") {
		return a.session(ctx, raw)
	}
	claims, err := a.tokens.Verify(ctx, raw)
	if err != nil {
		return identity.Caller{}, err
	}
	if claims.Act != nil || claims.Grant != "" {
		return a.supported(ctx, claims)
	}
	return claims.Caller(), nil
}

// bearer returns the one Bearer token of a request (RFC 6750, section 2.1).
func bearer(h http.Header) (string, error) {
	values := h.Values("Authorization")
	switch {
	case len(values) == 0:
		return "", fault.New(fault.Unauthenticated, "this needs a credential: an access token, an API key or a session as a Bearer token")
	case len(values) > 1:
		return "", fault.New(fault.Unauthenticated, "there is more than one Authorization header")
	}
	scheme, raw, _ := strings.Cut(values[0], " ")
	if !strings.EqualFold(scheme, "Bearer") || raw == "" || strings.ContainsAny(raw, " ,\t") {
		return "", fault.New(fault.Unauthenticated, "the Authorization header must be `Bearer` and one credential")
	}
	return raw, nil
}

// refuseInAddress refuses a request whose address holds a credential: addresses end up in logs, histories and
// referrers, so that the credential is burnt.
func refuseInAddress(query string) error {
	if query == "" {
		return nil
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil //nolint:nilerr // whoever reads the query refuses it
	}
	for name, all := range values {
		if secretName(name) || anySecret(all) {
			return fault.New(fault.Unauthenticated, "credentials must not be part of an address, where logs keep them; replace this one")
		}
	}
	return nil
}

func secretName(name string) bool {
	switch strings.ToLower(name) {
	case "access_token", "api_key", "apikey", "authorization", "client_secret", "password", "refresh_token":
		return true
	default:
		return false
	}
}

func anySecret(values []string) bool {
	for _, v := range values {
		for _, prefix := range []string{"ryg_", "ryc_", "rys_"} {
			if strings.HasPrefix(v, prefix) {
				return true
			}
		}
	}
	return false
}
