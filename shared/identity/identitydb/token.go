package identitydb

import (
	"context"
	"errors"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/assertion"
	"ryggrad.internal/hub/shared/identity/token"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// tokenKept is how long a token's record outlives the token, for whoever asks what it was.
const tokenKept = 24 * time.Hour

// TokenRecord is what is kept of an access token that was given out; not the token.
type TokenRecord struct {
	ID        string // its jti
	Client    string
	ExpiresAt time.Time
	Revoked   bool
}

// RecordToken writes down that a token is given out, as an act, before it is; once is what the client proved itself with,
// if that counts only one time: when it came before, the token is refused with [fault.Unauthenticated].
func (s *Store) RecordToken(ctx context.Context, by ledgerdb.Act, c token.Claims, once Once) error {
	by.Action = "token.issue"
	at := ref(collectionTokens, c.ID)
	scopes := make([]any, len(c.Scopes))
	for i, p := range c.Scopes {
		scopes[i] = string(p)
	}
	create := ledgerdb.Create(at, map[string]any{
		"client": c.Client, "subject": c.Subject.String(), "scopes": scopes, "revoked": false,
		"expiresAt": stored(c.ExpiresAt), "expireAt": stored(c.ExpiresAt.Add(tokenKept)),
	})
	var with []ledgerdb.Write
	if once != (Once{}) {
		with = append(with, once.write(c.ID))
	}
	err := s.commit(ctx, by, at, create, with...)
	if errors.Is(err, ledgerdb.ErrExists) {
		return refused("this was sent before").Because(err)
	}
	return err
}

// Token reads the record of one of the tenant's tokens.
func (s *Store) Token(ctx context.Context, tenant, id string) (TokenRecord, error) {
	return load(ctx, s, tenant, ref(collectionTokens, id), parseToken)
}

func parseToken(id string, fields map[string]any) (TokenRecord, error) {
	r := TokenRecord{ID: id}
	r.Client, _ = fields["client"].(string)
	r.ExpiresAt, _ = fields["expiresAt"].(time.Time)
	r.Revoked, _ = fields["revoked"].(bool)
	if r.Client == "" || r.ExpiresAt.IsZero() {
		return r, errors.New("the record of an access token lacks its client or end")
	}
	return r, nil
}

// RevokeToken ends a token for whoever asks by introspection. One whose record is gone has ended anyway; ending one twice
// changes nothing.
func (s *Store) RevokeToken(ctx context.Context, by ledgerdb.Act, id string) error {
	by.Action = "token.revoke"
	err := s.change(ctx, by, ref(collectionTokens, id), func(o ledgerdb.Object) (map[string]any, []ledgerdb.Write, error) {
		if o.Fields["revoked"] == true {
			return nil, nil, errRevoked
		}
		o.Fields["revoked"] = true
		return o.Fields, nil, nil
	})
	if errors.Is(err, errRevoked) || fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// errRevoked ends a change that has nothing to change.
var errRevoked = errors.New("the token is revoked already")

// Token returns what an access token says, if it holds by itself: whether it was revoked is in its record.
func (a *Authenticator) Token(ctx context.Context, raw string) (token.Claims, error) {
	return a.tokens.Verify(ctx, raw)
}

// Asserted is a client that proved itself by an assertion.
type Asserted struct {
	Client     identity.Client
	Credential string // the id of the key that signed
	Once       Once   // must be spent: the assertion counts one time
}

// AssertedClient returns the client who signed an assertion for one of the audiences. Whatever is wrong with it is
// [fault.Unauthenticated]. A suspended tenant's client is [fault.Forbidden].
func (a *Authenticator) AssertedClient(ctx context.Context, raw string, audiences []string) (Asserted, error) {
	made, err := assertion.Parse(raw)
	if err != nil {
		return Asserted{}, err
	}
	if !identity.WellFormed(identity.ClientPrefix, made.Client) {
		return Asserted{}, refused(noClient)
	}
	var key string
	why := error(refused(noClient))
	client, err := a.matching(ctx, made.Client, func(c identity.Client, now time.Time) bool {
		var wrong error
		if key, wrong = made.Verify(verifying(c.Public.ActiveAt(now)), audiences, now); wrong != nil {
			why = wrong
		}
		return wrong == nil
	})
	if fault.Is(err, fault.NotFound) {
		return Asserted{}, why
	}
	if err != nil {
		return Asserted{}, err
	}
	out := Asserted{Client: client, Credential: key, Once: onceOf("assertion", client.ID, made.ID, made.ExpiresAt.Add(assertion.Leeway))}
	return out, a.opts.Directory.inService(ctx, client.Tenant)
}

// verifying reads registered keys; one that cannot be read verifies nothing.
func verifying(registered identity.Credentials) []assertion.Key {
	var keys []assertion.Key
	for _, r := range registered {
		if k, err := assertion.ParseKey(r.Public); err == nil {
			keys = append(keys, k)
		}
	}
	return keys
}
