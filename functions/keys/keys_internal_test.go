package keys

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

// world is a tenant with a client that lives a year, and a clock that the test moves.
type world struct {
	*cloudtest.Cloud
	ledger *ledgerdb.Store
	keeper *keeper
	now    time.Time
	client identitydb.Issued
	log    bytes.Buffer
	errand []string // what was left to later messages
}

func (w *world) send(_ context.Context, errand any) error {
	data, err := json.Marshal(errand)
	w.errand = append(w.errand, string(data))
	return err
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Cloud: cloudtest.Start(t), now: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return w.now }
	log := slog.New(slog.NewTextHandler(&w.log, nil))
	db := w.Firestore(t, w.DialOptions()...)
	var err error
	if w.ledger, err = ledgerdb.New(ledgerdb.Options{Firestore: db, Commits: w.Commits(t), Now: now, Random: rand.Reader, Log: log}); err != nil {
		t.Fatal(err)
	}
	keyring := envelopedb.New(envelopedb.Options{Firestore: db, KMS: w.KMS(t), KeyName: w.Key("tenant-keys"), Now: now, Log: log})
	env := w.Env()
	env["RYGGRAD_DISK_KEYS"] = w.Key("database") + "," + w.Key("objects")
	for _, key := range []string{"database", "objects"} {
		if _, err := w.KMS(t).CreateCryptoKey(t.Context(), &kmspb.CreateCryptoKeyRequest{
			Parent: localcloud.KeyRing(w.Project), CryptoKeyId: key, CryptoKey: &kmspb.CryptoKey{Purpose: kmspb.CryptoKey_ENCRYPT_DECRYPT},
		}); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := gcp.Load[config](gcp.Env(env))
	if err != nil {
		t.Fatal(err)
	}
	w.keeper = &keeper{
		others: cfg.others(w.KMS(t)),
		store:  identitydb.New(identitydb.Options{Ledger: w.ledger, Keys: keyring, Now: now, Random: rand.Reader}),
		public: identitydb.NewPublicKeys(w.ledger, now), ledger: w.ledger, keys: keyring, evidence: evidencedb.New(w.ledger),
		send: w.send, perMessage: 2000, now: now, log: log,
	}
	by := ledgerdb.Act{Actor: identity.Actor{Kind: identity.KindOperator, ID: "op"}}
	tenant, err := w.keeper.store.CreateTenant(t.Context(), by, "Group")
	if err != nil {
		t.Fatal(err)
	}
	by.Tenant = tenant.ID
	w.client, err = w.keeper.store.CreateClient(t.Context(), by, identity.Client{
		Name: "Till", Scopes: identity.NewScopes(identity.OrdersRead), Locations: identity.Locations{identity.EveryLocation},
		ExpiresAt: w.now.AddDate(1, 0, 0),
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// notices reads what is in the outbox.
func (w *world) notices(t *testing.T) []delivery.Event {
	t.Helper()
	found, err := w.ledger.List(t.Context(), w.ledger.QueryAllTenants("events"))
	if err != nil {
		t.Fatal(err)
	}
	var all []delivery.Event
	for _, o := range found {
		e, err := delivery.ParseEvent(o.ID, o.Tenant, o.Fields)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
	return all
}

func TestEveryEndIsToldThreeTimesAndEachOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.now = w.client.Client.ExpiresAt.AddDate(0, 0, -40)
	told := map[int64]int{}
	for range 45 { // a run every day, and every one of them twice
		for range 2 {
			if err := w.keeper.look(t.Context(), event.Message{}); err != nil {
				t.Fatal(err)
			}
		}
		w.now = w.now.Add(24 * time.Hour)
	}
	for _, e := range w.notices(t) {
		days, _ := e.Data["days"].(int64)
		told[days]++
		if e.Type != delivery.NoticeCreated || !e.Pending || e.Tenant != w.client.Client.Tenant || e.Data["client"] != w.client.Client.ID {
			t.Errorf("the notice is %+v", e)
		}
	}
	if len(told) != 3 || told[30] != 1 || told[7] != 1 || told[1] != 1 {
		t.Errorf("told %v times by days", told)
	}
}

// publishKey makes the key that signs access tokens.
func (w *world) publishKey(t *testing.T) {
	t.Helper()
	signer := identitydb.NewSigner(identitydb.SignerOptions{
		Ledger: w.ledger, KMS: w.KMS(t), KeyName: w.Key("access-tokens"), Now: func() time.Time { return w.now },
	})
	if _, err := signer.Published(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestTheAgeOfTheSigningKeyIsLogged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.publishKey(t)
	w.now = w.now.AddDate(0, 0, 100)
	if err := w.keeper.look(t.Context(), event.Message{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(w.log.String(), "signing_key_age_days=100") {
		t.Errorf("the log says:\n%s", w.log.String())
	}
}

func TestTheFunctionIsBuilt(t *testing.T) {
	t.Parallel()
	h, err := BuildKeys(t.Context(), cloudtest.Start(t).Env())
	if err != nil {
		t.Fatal(err)
	}
	push := `{"message":{"messageId":"1","data":""},"subscription":"projects/p/subscriptions/keys"}`
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(push)))
	if rec.Code != http.StatusNoContent {
		t.Errorf("a tick is answered %d", rec.Code)
	}
}
