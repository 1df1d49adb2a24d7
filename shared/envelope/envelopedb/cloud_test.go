package envelopedb_test

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	kms "cloud.google.com/go/kms/apiv1"
	"google.golang.org/grpc"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

const (
	rpcGet     = "/google.firestore.v1.Firestore/BatchGetDocuments"
	rpcCommit  = "/google.firestore.v1.Firestore/Commit"
	rpcEncrypt = "/google.cloud.kms.v1.KeyManagementService/Encrypt"
	rpcDecrypt = "/google.cloud.kms.v1.KeyManagementService/Decrypt"
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

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is one project with its database and keys, and a clock that all its keyrings share.
type world struct {
	cfg   gcp.Config
	clock *clock
}

func newWorld(t *testing.T) *world {
	t.Helper()
	cfg, err := gcp.Load[gcp.Config](gcp.Env(cloudtest.Start(t).Env()))
	if err != nil {
		t.Fatal(err)
	}
	return &world{cfg: cfg, clock: &clock{now: time.Date(2026, 10, 15, 12, 0, 0, 0, time.UTC)}}
}

// instance is one process of a function: a keyring of its own over clients of its own.
type instance struct {
	*envelopedb.Keyring
	firestore *firestore.Client
	kms       *kms.KeyManagementClient
	calls     wire.Recorder // what reaches the wire
	faults    wire.Faults
	log       bytes.Buffer
}

func (w *world) instance(t *testing.T, dial ...grpc.DialOption) *instance {
	t.Helper()
	i := &instance{}
	cfg := w.cfg
	cfg.DialOptions = append(append(i.faults.DialOptions(), i.calls.DialOptions()...), dial...)
	cloud := gcp.Open(cfg)
	t.Cleanup(func() {
		if err := cloud.Close(); err != nil {
			t.Errorf("close the clients: %v", err)
		}
	})
	var err error
	if i.firestore, err = cloud.Firestore(t.Context()); err != nil {
		t.Fatal(err)
	}
	if i.kms, err = cloud.KMS(t.Context()); err != nil {
		t.Fatal(err)
	}
	i.Keyring = envelopedb.New(envelopedb.Options{
		Firestore: i.firestore, KMS: i.kms, KeyName: cfg.KeyName("tenant-keys"), Now: w.clock.Now,
		Log: slog.New(slog.NewJSONHandler(&i.log, nil)), Patience: cloudtest.Patience,
	})
	return i
}

// current asks for this month's key and fails the test when there is none.
func (i *instance) current(t *testing.T, tenant string) *envelope.TenantKey {
	t.Helper()
	key, err := i.Current(t.Context(), tenant)
	if err != nil {
		t.Fatalf("current key of %s: %v", tenant, err)
	}
	return key
}

func (i *instance) document(id string) *firestore.DocumentRef {
	return i.firestore.Collection("tenantKeys").Doc(id)
}

func place(tenant string) envelope.Binding {
	return envelope.Binding{Tenant: tenant, Collection: "endpoints", Document: "end_1", Field: "secret"}
}

func sealed(t *testing.T, key *envelope.TenantKey, secret string) []byte {
	t.Helper()
	out, err := key.Seal([]byte(secret), place(key.ID().Tenant))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// blind is the index of one and the same guest under a key.
func blind(t *testing.T, key *envelope.TenantKey) string {
	t.Helper()
	guest, ok := envelope.Email("astrid@example.com")
	if !ok {
		t.Fatal("no address")
	}
	return string(key.Index(guest))
}

// same tells whether two keys are one.
func same(t *testing.T, one, other *envelope.TenantKey) bool {
	t.Helper()
	secret, err := other.Open(sealed(t, one, "x"), place(one.ID().Tenant))
	return err == nil && string(secret) == "x" && blind(t, one) == blind(t, other)
}

// cancellable is a context that the test ends.
func cancellable(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	return ctx, cancel
}
