package identitydb

import (
	"context"
	"crypto/ecdsa"
	"time"

	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/token"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

const (
	// currentKeys is the id of the one document of signing keys.
	currentKeys = "current"
	// keysRead is how often the keys are read again.
	keysRead = 10 * time.Minute
	// keysOutage is how long known keys are good while nothing can be read.
	keysOutage = time.Hour
)

// PublicKeys are the keys of access tokens, for verifiers. They are safe for concurrent use.
type PublicKeys struct {
	ledger *ledgerdb.Store
	now    func() time.Time
	read   *cache[published]
}

// published is the stored set, decoded.
type published struct {
	set    token.KeySet
	public map[string]*ecdsa.PublicKey // by key id
}

// NewPublicKeys returns the keys that the store publishes. Keep one per process.
func NewPublicKeys(ledger *ledgerdb.Store, now func() time.Time) *PublicKeys {
	k := &PublicKeys{ledger: ledger, now: now}
	k.read = newCache(now, k.load)
	k.read.outage = keysOutage
	return k
}

// Find is a [token.FindKey].
func (k *PublicKeys) Find(ctx context.Context, kid string) (*ecdsa.PublicKey, error) {
	for _, age := range []time.Duration{keysRead, Recent} {
		keys, err := k.read.get(ctx, currentKeys, age)
		if err != nil {
			return nil, refusedUnless(err, "the access token is signed by an unknown key")
		}
		for _, accepted := range keys.set.Accepted(k.now()) {
			if accepted.ID == kid {
				return keys.public[kid], nil
			}
		}
	}
	return nil, refused("the access token is signed by an unknown key")
}

// All returns the stored keys, those that no longer sign included. When there are none yet it is [fault.NotFound].
func (k *PublicKeys) All(ctx context.Context) (token.KeySet, error) { return k.set(ctx, keysRead) }

// set returns the stored keys, as read at most age ago. When there are none yet it is [fault.NotFound].
func (k *PublicKeys) set(ctx context.Context, age time.Duration) (token.KeySet, error) {
	keys, err := k.read.get(ctx, currentKeys, age)
	return keys.set, err
}

func (k *PublicKeys) load(ctx context.Context, _ string) (published, error) {
	o, err := k.ledger.Get(ctx, identity.Hub, ref(collectionSigning, currentKeys))
	if err != nil {
		return published{}, err
	}
	set, err := token.ParseKeySet(o.Fields)
	if err != nil {
		return published{}, err
	}
	keys := published{set: set, public: map[string]*ecdsa.PublicKey{}}
	for _, key := range set {
		if keys.public[key.ID], err = key.Key(); err != nil {
			return published{}, err
		}
	}
	return keys, nil
}
