package envelopedb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"cloud.google.com/go/firestore"
	kms "cloud.google.com/go/kms/apiv1"
	"golang.org/x/sync/singleflight"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/fault"
)

const (
	// RefreshAfter is the longest that a key serves without being read again, while KMS and Firestore answer.
	RefreshAfter = 15 * time.Minute
	// ServeAtMost is the longest that a key serves without being read again when they don't.
	ServeAtMost = 60 * time.Minute

	refreshSpread  = 3 * time.Minute  // a key is read again up to this much before RefreshAfter
	refreshPause   = 30 * time.Second // after a failed attempt to read a key again
	patience       = 2 * time.Second  // of an attempt to read a key again: there is one to go on with
	loadTimeout    = 10 * time.Second // of a first attempt
	cachedKeys     = 2000             // per instance, about 4 MiB
	createAttempts = 3                // each after one that was lost to another instance, or whose answer was lost
)

// What can be wrong with a key for good, until an operator acts. These are no faults: nothing is wrong with the request,
// and somebody must look.
var (
	// ErrNoKey says that the tenant has no key of this id.
	ErrNoKey = errors.New("there is no such tenant key")
	// ErrKeyUnusable says that KMS refuses: the key or its version is disabled, destroyed, missing or forbidden.
	ErrKeyUnusable = errors.New("the KMS key is disabled, destroyed, missing or forbidden")
	// ErrCorrupt says that a tenant key's document does not open: it was changed, moved, or wrapped for another tenant.
	ErrCorrupt = errors.New("the tenant key's document is damaged or another's")
)

// Options are what a [Keyring] needs; every field is required but the last.
type Options struct {
	Firestore *firestore.Client
	KMS       *kms.KeyManagementClient
	KeyName   string // the KMS key that wraps: projects/…/locations/…/keyRings/…/cryptoKeys/…
	Now       func() time.Time
	Log       *slog.Logger
	Patience  time.Duration // how long a key that there is may take to be read again; 2 seconds when it is 0
}

// Keyring gives out tenant keys. Keep one per process; it is safe for concurrent use.
type Keyring struct {
	opts    Options
	cache   *cache
	flights singleflight.Group
}

// New returns an empty keyring.
func New(opts Options) *Keyring {
	return &Keyring{opts: opts, cache: newCache(cachedKeys)}
}

// Current returns the tenant's key of this month (UTC), which is created when it is missing. It fails with
// [fault.Unavailable], [ErrKeyUnusable] or [ErrCorrupt]. The tenant's existence is not checked.
func (k *Keyring) Current(ctx context.Context, tenant string) (*envelope.TenantKey, error) {
	return k.key(ctx, k.current(tenant))
}

// Ahead begins to fetch what [Keyring.Current] is about to be asked for, if it is not at hand at all.
func (k *Keyring) Ahead(ctx context.Context, tenant string) {
	r := k.current(tenant)
	if cached, _ := k.cache.get(r.id, r.now); cached == nil {
		k.begin(ctx, r, loadTimeout)
	}
}

func (k *Keyring) current(tenant string) request {
	now := k.opts.Now()
	return request{id: envelope.KeyIDAt(tenant, now), now: now, fetch: k.loadOrCreate, flight: "current "}
}

// Load returns a key of the tenant's that exists. It fails with [fault.Unavailable], [ErrNoKey], [ErrKeyUnusable] or
// [ErrCorrupt], and with [envelope.ErrRefused] for another tenant's key.
func (k *Keyring) Load(ctx context.Context, tenant string, id envelope.KeyID) (*envelope.TenantKey, error) {
	if id.Tenant != tenant {
		return nil, fmt.Errorf("load tenant key %s: it is another tenant's: %w", id, envelope.ErrRefused)
	}
	return k.key(ctx, request{id: id, now: k.opts.Now(), fetch: k.load, flight: "load "})
}

// Unwrap returns a data key that some key of b.Tenant wrapped. It fails like [Keyring.Load] and
// [envelope.TenantKey.Unwrap].
func (k *Keyring) Unwrap(ctx context.Context, wrapped []byte, b envelope.Binding) (*envelope.DataKey, error) {
	key, err := k.sealer(ctx, wrapped, b)
	if err != nil {
		return nil, err
	}
	return key.Unwrap(wrapped, b)
}

// Open returns a secret that some key of b.Tenant sealed. It fails like [Keyring.Load] and [envelope.TenantKey.Open].
func (k *Keyring) Open(ctx context.Context, sealed []byte, b envelope.Binding) ([]byte, error) {
	key, err := k.sealer(ctx, sealed, b)
	if err != nil {
		return nil, err
	}
	return key.Open(sealed, b)
}

func (k *Keyring) sealer(ctx context.Context, sealed []byte, b envelope.Binding) (*envelope.TenantKey, error) {
	id, err := envelope.SealedBy(sealed)
	if err != nil {
		return nil, err
	}
	return k.Load(ctx, b.Tenant, id)
}

// request is one caller's wish for a key.
type request struct {
	id     envelope.KeyID
	now    time.Time
	fetch  func(context.Context, envelope.KeyID) (*envelope.TenantKey, error)
	flight string // callers with the same flight and id share one fetch
}

func (k *Keyring) key(ctx context.Context, r request) (*envelope.TenantKey, error) {
	cached, fresh := k.cache.get(r.id, r.now)
	if fresh {
		return cached, nil
	}
	timeout := loadTimeout
	if cached != nil {
		timeout = cmp.Or(k.opts.Patience, patience)
	}
	select {
	case <-ctx.Done():
		return nil, fault.New(fault.Unavailable, "encryption keys did not come in time").
			Because(fmt.Errorf("wait for tenant key %s: %w", r.id, ctx.Err()))
	case result := <-k.begin(ctx, r, timeout):
		key, _ := result.Val.(*envelope.TenantKey)
		return key, result.Err
	}
}

func (k *Keyring) begin(ctx context.Context, r request, timeout time.Duration) <-chan singleflight.Result {
	return k.flights.DoChan(r.flight+r.id.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
		defer cancel()
		return k.renew(ctx, r)
	})
}

// renew fetches the key, or falls back on the cached one where that is allowed.
func (k *Keyring) renew(ctx context.Context, r request) (*envelope.TenantKey, error) {
	if cached, fresh := k.cache.get(r.id, r.now); fresh {
		return cached, nil // by a flight that landed after this caller had looked
	}
	key, err := k.fetch(ctx, r)
	if err == nil {
		k.cache.put(r.id, key, r.now, r.now.Add(RefreshAfter-rand.N(refreshSpread))) //nolint:gosec // spread, no secret
		return key, nil
	}
	if !fault.Is(err, fault.Unavailable) {
		k.cache.drop(r.id)
		return nil, err
	}
	cached := k.cache.postpone(r.id, r.now, r.now.Add(refreshPause))
	if cached == nil {
		return nil, err
	}
	k.opts.Log.WarnContext(ctx, "tenant key served from memory", "tenant_key", r.id.String(), "error", err.Error())
	return cached, nil
}

func (k *Keyring) fetch(ctx context.Context, r request) (*envelope.TenantKey, error) {
	if _, err := envelope.ParseKeyID(r.id.String()); err != nil {
		return nil, err
	}
	key, err := r.fetch(ctx, r.id)
	if err != nil {
		return nil, fmt.Errorf("tenant key %s: %w", r.id, err)
	}
	return key, nil
}
