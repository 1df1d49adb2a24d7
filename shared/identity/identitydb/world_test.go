package identitydb_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

const (
	hub       = "https://hub.test"
	rpcCommit = "/google.firestore.v1.Firestore/Commit"
	rpcGet    = "/google.firestore.v1.Firestore/BatchGetDocuments"
)

// clock is a time that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is one project, with a clock that all its instances share.
type world struct {
	cloud *cloudtest.Cloud
	clock *clock
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return &world{
		cloud: cloudtest.Start(t),
		clock: &clock{now: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)},
	}
}

// instance is one process of a function, with clients and memory of its own.
type instance struct {
	*world
	ledger    *ledgerdb.Store
	store     *identitydb.Store
	directory *identitydb.Directory
	auth      *identitydb.Authenticator
	signer    *identitydb.Signer
	keys      *identitydb.PublicKeys
	calls     wire.Recorder
	faults    wire.Faults
	log       *bytes.Buffer
}

func (w *world) instance(t testing.TB, dial ...grpc.DialOption) *instance {
	t.Helper()
	i := &instance{world: w, log: &bytes.Buffer{}}
	cfg, err := gcp.Load[gcp.Config](w.cloud.Env())
	if err != nil {
		t.Fatal(err)
	}
	cfg.DialOptions = append(append(i.calls.DialOptions(), i.faults.DialOptions()...), dial...)
	cloud := gcp.Open(cfg)
	t.Cleanup(func() {
		if err := cloud.Close(); err != nil {
			t.Error(err)
		}
	})
	db, err := cloud.Firestore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kms, err := cloud.KMS(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	commits, err := cloud.Commits(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(i.log, nil))
	now := w.clock.Now
	if i.ledger, err = ledgerdb.New(ledgerdb.Options{Firestore: db, Commits: commits, Now: now, Random: rand.Reader, Log: log, Patience: cloudtest.Patience}); err != nil {
		t.Fatal(err)
	}
	keyring := envelopedb.New(envelopedb.Options{
		Firestore: db, KMS: kms, KeyName: cfg.KeyName("tenant-keys"), Now: now, Log: log, Patience: cloudtest.Patience,
	})
	i.store = identitydb.New(identitydb.Options{Ledger: i.ledger, Keys: keyring, Now: now, Random: rand.Reader})
	i.directory = identitydb.NewDirectory(identitydb.DirectoryOptions{Ledger: i.ledger, Keys: keyring, Now: now})
	i.auth = identitydb.NewAuthenticator(identitydb.AuthenticatorOptions{
		Ledger: i.ledger, Directory: i.directory, Issuer: hub, Now: now, Log: log, Patience: cloudtest.Patience,
	})
	i.signer = identitydb.NewSigner(identitydb.SignerOptions{
		Ledger: i.ledger, KMS: kms, KeyName: cfg.KeyName("access-tokens"), Now: now,
	})
	i.keys = identitydb.NewPublicKeys(i.ledger, now)
	return i
}

// by is an operator acting in a tenant.
func by(tenant string) ledgerdb.Act {
	return ledgerdb.Act{Tenant: tenant, Actor: identity.Actor{Kind: identity.KindOperator, ID: "op"}, RequestID: "req_test"}
}

// house is a tenant with one of each.
type house struct {
	tenant   identity.Tenant
	location identity.Location
	link     identity.Link
	issued   identitydb.Issued
}

func (i *instance) build(t *testing.T) house {
	t.Helper()
	var h house
	var err error
	if h.tenant, err = i.store.CreateTenant(t.Context(), by(""), "Group"); err != nil {
		t.Fatal(err)
	}
	act := by(h.tenant.ID)
	if h.location, err = i.store.CreateLocation(t.Context(), act, cornerLocation()); err != nil {
		t.Fatal(err)
	}
	secrets := identity.LinkSecrets{}.Rotate(identity.WebhookSecret, "first secret", 0, i.clock.Now())
	if h.link, err = i.store.CreateLink(t.Context(), act, linkTo(h.location.ID), secrets); err != nil {
		t.Fatal(err)
	}
	c := i.client(h.location.ID)
	c.Channel = h.link.ID
	if h.issued, err = i.store.CreateClient(t.Context(), act, c); err != nil {
		t.Fatal(err)
	}
	return h
}

func cornerLocation() identity.Location {
	return identity.Location{Name: "Corner", Timezone: "Europe/Stockholm", Currency: "SEK", Country: "SE"}
}

func linkTo(location string) identity.Link {
	return identity.Link{
		Adapter: "deliverect", Enabled: true, Locations: []identity.LinkedLocation{{Location: location}},
		Policy: identity.Policy{OnDeadline: identity.DeadlineExpire},
	}
}

func (w *world) client(locations ...string) identity.Client {
	return identity.Client{
		Name: "Till", Scopes: identity.NewScopes(identity.OrdersRead, identity.OrdersWrite),
		Locations: locations, ExpiresAt: w.clock.Now().AddDate(1, 0, 0),
	}
}

// present authenticates a request that carries this as a Bearer token.
func (i *instance) present(t *testing.T, credential string) (identity.Caller, error) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/orders?limit=5", nil)
	r.Header.Set("Authorization", "Bearer "+credential)
	return i.auth.Authenticate(context.WithoutCancel(t.Context()), r)
}

// change changes the house's client.
func (i *instance) change(t *testing.T, h house, rule func(*identity.Client)) {
	t.Helper()
	act := by(h.tenant.ID)
	act.Action = "client.change"
	err := i.store.ChangeClient(t.Context(), act, h.issued.Client.ID, func(c identity.Client) (identity.Client, error) {
		rule(&c)
		return c, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
