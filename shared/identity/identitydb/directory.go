package identitydb

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// DirectoryOptions are what a Directory needs; every field is required.
type DirectoryOptions struct {
	Ledger *ledgerdb.Store
	Keys   *envelopedb.Keyring
	Now    func() time.Time
}

// Directory reads tenants, locations, links and clients, from memory where it can; the package's documentation says how
// fresh that is. What it returns is shared and must not be changed. It is safe for concurrent use.
type Directory struct {
	opts      DirectoryOptions
	tenants   *cache[identity.Tenant]
	locations *cache[identity.Location]
	links     *cache[sealedLink]
	clients   *cache[identity.Client]
	keys      *cache[apiKey]
}

// NewDirectory returns an empty directory. Keep one per process.
func NewDirectory(opts DirectoryOptions) *Directory {
	d := &Directory{opts: opts}
	d.tenants = newCache(opts.Now, d.loadTenant)
	d.locations = newCache(opts.Now, d.loadLocation)
	d.links = newCache(opts.Now, d.loadLink)
	d.clients = newCache(opts.Now, d.loadClient)
	d.keys = newCache(opts.Now, d.loadKey)
	return d
}

// Tenant returns a tenant, suspended or not.
func (d *Directory) Tenant(ctx context.Context, id string) (identity.Tenant, error) {
	if !identity.WellFormed(identity.TenantPrefix, id) {
		return identity.Tenant{}, unknown("tenant")
	}
	return d.tenants.get(ctx, id, Usual)
}

// Retention tells for how long a tenant's guests' data is kept. Of a tenant that is not there it is the hub's own.
func (d *Directory) Retention(ctx context.Context, tenant string) (identity.Retention, error) {
	t, err := d.Tenant(ctx, tenant)
	if fault.Is(err, fault.NotFound) {
		return identity.Retention{}, nil
	}
	return t.Retention, err
}

// Location returns a location of the tenant. Another tenant's is [fault.NotFound], like one that doesn't exist.
func (d *Directory) Location(ctx context.Context, tenant, id string) (identity.Location, error) {
	if !identity.WellFormed(identity.LocationPrefix, id) {
		return identity.Location{}, unknown("location")
	}
	return d.locations.get(ctx, tenant+"/"+id, Usual)
}

// OpenLink is a channel link with its secrets in the clear, as they are valid now.
type OpenLink struct {
	identity.Link
	Secrets     [][]byte             // that may have signed a webhook, newest first
	Credentials identity.LinkSecrets // all secrets, by name
}

// Link returns an enabled link of any tenant that is not suspended. A link that does not exist or is switched off is
// [fault.NotFound], one of a suspended tenant [fault.Forbidden].
func (d *Directory) Link(ctx context.Context, id string) (OpenLink, error) {
	return d.link(ctx, id, Usual)
}

// LinkAgain is [Directory.Link] for a webhook whose signature did not hold: it reads the link again unless that was
// done in the last seconds, since a secret may have been rotated.
func (d *Directory) LinkAgain(ctx context.Context, id string) (OpenLink, error) {
	return d.link(ctx, id, Recent)
}

func (d *Directory) link(ctx context.Context, id string, age time.Duration) (OpenLink, error) {
	if !identity.WellFormed(identity.LinkPrefix, id) {
		return OpenLink{}, unknown("channel link")
	}
	l, err := d.links.get(ctx, id, age)
	if err != nil {
		return OpenLink{}, err
	}
	if !l.Enabled {
		return OpenLink{}, unknown("channel link")
	}
	if err := d.inService(ctx, l.Tenant); err != nil {
		return OpenLink{}, err
	}
	open := OpenLink{Link: l.Link, Credentials: l.secrets}
	for _, secret := range l.secrets.Named(identity.WebhookSecret, d.opts.Now()) {
		open.Secrets = append(open.Secrets, []byte(secret))
	}
	return open, nil
}

// inService refuses the callers of a suspended tenant.
func (d *Directory) inService(ctx context.Context, tenant string) error {
	return d.inServiceAs(ctx, tenant, Usual)
}

// inServiceAs is inService for what was read at most age ago.
func (d *Directory) inServiceAs(ctx context.Context, tenant string, age time.Duration) error {
	t, err := d.tenants.get(ctx, tenant, age)
	if fault.Is(err, fault.NotFound) || err == nil && t.Suspended {
		return fault.New(fault.Forbidden, "the tenant is suspended").Because(err)
	}
	return err
}

func unknown(what string) error { return fault.New(fault.NotFound, "there is no such %s", what) }

// sealedLink is a link with its secrets, as kept in memory.
type sealedLink struct {
	identity.Link
	secrets identity.LinkSecrets
}

// apiKey is the look-up of an API key.
type apiKey struct {
	object   ledgerdb.Object
	client   string
	lastUsed time.Time
	fresh    *atomic.Bool // whether it was used since it was read
}

func (d *Directory) loadTenant(ctx context.Context, id string) (identity.Tenant, error) {
	o, err := d.opts.Ledger.Get(ctx, id, ref(collectionTenants, id))
	if err != nil {
		return identity.Tenant{}, err
	}
	return identity.ParseTenant(id, o.Fields)
}

func (d *Directory) loadLocation(ctx context.Context, path string) (identity.Location, error) {
	tenant, id, _ := strings.Cut(path, "/")
	o, err := d.opts.Ledger.Get(ctx, tenant, ref(collectionLocations, id))
	if err != nil {
		return identity.Location{}, err
	}
	return identity.ParseLocation(id, o.Fields)
}

func (d *Directory) loadLink(ctx context.Context, id string) (sealedLink, error) {
	o, err := d.opts.Ledger.FindInAllTenants(ctx, ref(collectionChannels, id))
	if err != nil {
		return sealedLink{}, err
	}
	l, err := identity.ParseLink(id, o.Fields)
	if err != nil {
		return sealedLink{}, err
	}
	plain, err := d.opts.Keys.Open(ctx, l.Sealed, place(l))
	if err != nil {
		return sealedLink{}, fmt.Errorf("open the secrets of %s: %w", id, err)
	}
	secrets, err := identity.ParseLinkSecrets(plain)
	return sealedLink{Link: l, secrets: secrets}, err
}

func (d *Directory) loadClient(ctx context.Context, id string) (identity.Client, error) {
	o, err := d.opts.Ledger.FindInAllTenants(ctx, ref(collectionClients, id))
	if err != nil {
		return identity.Client{}, err
	}
	return identity.ParseClient(id, o.Fields)
}

func (d *Directory) loadKey(ctx context.Context, id string) (apiKey, error) {
	o, err := d.opts.Ledger.FindInAllTenants(ctx, ref(collectionKeys, id))
	if err != nil {
		return apiKey{}, err
	}
	client, ok := o.Fields["client"].(string)
	if !ok {
		return apiKey{}, fmt.Errorf("%s names no client", o.Ref)
	}
	lastUsed, _ := o.Fields["lastUsedAt"].(time.Time)
	fresh := &atomic.Bool{}
	fresh.Store(true)
	return apiKey{object: o, client: client, lastUsed: lastUsed, fresh: fresh}, nil
}
