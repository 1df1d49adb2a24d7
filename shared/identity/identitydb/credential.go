package identitydb

import (
	"cmp"
	"context"
	"sync"
	"time"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// noClient is what all are told who are no client, whatever is wrong.
const noClient = "the client's id or secret does not hold"

const (
	// markEvery is how often the last use of an API key is written.
	markEvery = time.Hour
	// patience is how long a request waits for that.
	patience = 2 * time.Second
)

// apiKey returns the caller who presents an API key.
func (a *Authenticator) apiKey(ctx context.Context, text string) (identity.Caller, error) {
	secret, err := identity.ParseAPIKey(text)
	if err != nil {
		return identity.Caller{}, err
	}
	key, err := a.opts.Directory.keys.get(ctx, secret.ID(), Usual)
	if err != nil {
		return identity.Caller{}, refusedUnless(err, "the API key does not hold")
	}
	a.opts.Directory.tenants.ahead(ctx, key.object.Tenant)
	client, err := a.matching(ctx, key.client, func(c identity.Client, now time.Time) bool {
		_, ok := c.Keys.Match(secret, now)
		return ok
	})
	if err != nil {
		return identity.Caller{}, refusedUnless(err, "the API key does not hold")
	}
	a.mark(ctx, client.Tenant, key)
	return client.CallerWith(secret.ID()), nil
}

// Client returns the client who presents its id and secret at the token endpoint, and the secret's id. Whatever is wrong
// with them is [fault.Unauthenticated] in the same words, after the same work: an unknown client's secret is compared
// too. A suspended tenant's client is [fault.Forbidden].
func (a *Authenticator) Client(ctx context.Context, id, secretText string) (identity.Client, string, error) {
	secret, err := identity.ParseClientSecret(secretText)
	if err != nil || !identity.WellFormed(identity.ClientPrefix, id) {
		return identity.Client{}, "", refused(noClient)
	}
	client, err := a.matching(ctx, id, func(c identity.Client, now time.Time) bool {
		_, ok := c.Secrets.Match(secret, now)
		return ok
	})
	if err != nil {
		return identity.Client{}, "", refusedUnless(err, noClient)
	}
	return client, secret.ID(), a.opts.Directory.inService(ctx, client.Tenant)
}

// matching returns the client if it is active and its credential matches: as remembered, or else as stored, because the
// credential may be newer than what is remembered. For an unknown client the same is done to one that nothing matches.
func (a *Authenticator) matching(ctx context.Context, id string, matches func(identity.Client, time.Time) bool) (identity.Client, error) {
	for _, age := range []time.Duration{Usual, Recent} {
		client, err := a.opts.Directory.clients.get(ctx, id, age)
		if fault.Is(err, fault.NotFound) {
			client = decoy()
		} else if err != nil {
			return identity.Client{}, err
		}
		now := a.opts.Now()
		if matches(client, now) && client.ActiveAt(now) {
			return client, nil
		}
	}
	return identity.Client{}, fault.New(fault.NotFound, "there is no such client, it has ended, or its credential is another")
}

// decoy is a client that no credential matches: its hashes are no text's.
func decoy() identity.Client {
	return identity.Client{Secrets: make(identity.Credentials, 1), Keys: make(identity.Credentials, 1)}
}

func refused(message string) *fault.Error { return fault.New(fault.Unauthenticated, "%s", message) }

// refusedUnless makes a refusal of what was not found, and leaves failures what they are.
func refusedUnless(err error, message string) error {
	if fault.Is(err, fault.NotFound) {
		return refused(message).Because(err)
	}
	return err
}

// patience bounds what a request can do without.
func (a *Authenticator) patience(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, cmp.Or(a.opts.Patience, patience))
}

// uses remembers when this instance last wrote down the use of a key, so that it does so once an hour at most.
type uses struct {
	mu sync.Mutex
	at map[string]time.Time
}

// due tells whether the key's use is to be written now, and remembers that it was.
func (u *uses) due(key apiKey, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	id := key.object.ID
	if now.Sub(key.lastUsed) < markEvery || now.Sub(u.at[id]) < markEvery {
		return false
	}
	makeRoom(u.at, mostFound, func(at time.Time) bool { return now.Sub(at) >= markEvery })
	u.at[id] = now
	return true
}

// mark writes down that a key was used: by the first request that it opens after the key was read again, which waited for
// that read already. So what is warm never waits for it, nothing runs after an answer, and the time is right to the
// hour and a minute. Whether it succeeds makes no difference to the request: another instance may
// have written it, and an hour later it is tried again.
func (a *Authenticator) mark(ctx context.Context, tenant string, key apiKey) {
	now := a.opts.Now().UTC().Truncate(time.Microsecond)
	if !key.fresh.CompareAndSwap(true, false) || !a.uses.due(key, now) {
		return
	}
	ctx, cancel := a.patience(ctx)
	defer cancel()
	fields := map[string]any{"client": key.client, "lastUsedAt": now}
	if err := a.opts.Ledger.Bookkeep(ctx, tenant, ledgerdb.Patch(key.object, fields)); err != nil {
		a.opts.Log.WarnContext(ctx, "last use of an API key was not written", "key_id", key.object.ID, "error", err)
	}
}
