package orders

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	firestoreapi "cloud.google.com/go/firestore/apiv1"
	kms "cloud.google.com/go/kms/apiv1"

	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

const webhookSecret = "a channel's own secret"

// world is a tenant with a location, its clients and a channel link, in a project of the test's own.
type world struct {
	*cloudtest.Cloud
	t        testing.TB
	db       *firestore.Client
	store    *identitydb.Store
	by       ledgerdb.Act
	location string
	link     string
	shop     identitydb.Issued // places and reads orders
	pos      identitydb.Issued // sees guests and reports progress
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{Cloud: cloudtest.Start(t), t: t}
	w.db = w.Firestore(t)
	w.settle(w.Commits(t), w.KMS(t), w.Key("tenant-keys"))
	return w
}

// newWorldAt is a world on a cloud that runs elsewhere: it can neither count nor disturb calls.
func newWorldAt(t testing.TB, env gcp.Env) *world {
	t.Helper()
	w := &world{t: t}
	cfg, err := gcp.Load[gcp.Config](env)
	w.must(err)
	cloud := gcp.Open(cfg)
	t.Cleanup(func() { _ = cloud.Close() })
	w.db, err = cloud.Firestore(t.Context())
	w.must(err)
	kms, err := cloud.KMS(t.Context())
	w.must(err)
	commits, err := cloud.Commits(t.Context())
	w.must(err)
	w.settle(commits, kms, cfg.KeyName("tenant-keys"))
	return w
}

// settle creates the tenant with all that belongs to it.
func (w *world) settle(commits *firestoreapi.Client, kms *kms.KeyManagementClient, key string) {
	w.t.Helper()
	ledger, err := ledgerdb.New(ledgerdb.Options{
		Firestore: w.db, Commits: commits, Now: time.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	w.must(err)
	keys := envelopedb.New(envelopedb.Options{Firestore: w.db, KMS: kms, KeyName: key, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	w.store = identitydb.New(identitydb.Options{Ledger: ledger, Keys: keys, Now: time.Now, Random: rand.Reader})
	w.by, w.location = w.tenant("Test restaurants")
	w.shop = w.client(w.by, identity.Locations{identity.EveryLocation}, identity.OrdersWrite, identity.OrdersRead)
	w.pos = w.client(w.by, identity.Locations{identity.EveryLocation}, identity.OrdersRead, identity.OrdersReadPII, identity.OrdersStatus)
	link, err := w.store.CreateLink(w.t.Context(), w.by, identity.Link{
		Adapter: "deliverect", Locations: []identity.LinkedLocation{{Location: w.location}},
		Policy: identity.Policy{OnDeadline: identity.DeadlineExpire}, Enabled: true,
	}, identity.LinkSecrets{{Name: identity.WebhookSecret, Value: webhookSecret}})
	w.must(err)
	w.link = link.ID
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// tenant creates a tenant with one location.
func (w *world) tenant(name string) (ledgerdb.Act, string) {
	w.t.Helper()
	by := ledgerdb.Act{Actor: identity.Actor{Kind: identity.KindOperator, ID: "test"}}
	tenant, err := w.store.CreateTenant(w.t.Context(), by, name)
	w.must(err)
	by.Tenant = tenant.ID
	return by, w.place(by)
}

func (w *world) place(by ledgerdb.Act) string {
	w.t.Helper()
	location, err := w.store.CreateLocation(w.t.Context(), by, identity.Location{Name: "Storgatan", Timezone: "Europe/Stockholm", Currency: "SEK", Country: "SE"})
	w.must(err)
	return location.ID
}

func (w *world) client(by ledgerdb.Act, at identity.Locations, scopes ...identity.Permission) identitydb.Issued {
	w.t.Helper()
	issued, err := w.store.CreateClient(w.t.Context(), by, identity.Client{
		Name: "Client", Scopes: identity.NewScopes(scopes...), Locations: at, ExpiresAt: time.Now().Add(time.Hour),
	})
	w.must(err)
	return issued
}

// serve returns the function, built as in production but with this project's clients, whose calls are counted and may be
// disturbed.
func (w *world) serve() http.Handler {
	w.t.Helper()
	cfg, err := gcp.Load[config](w.Env())
	w.must(err)
	cfg.DialOptions = w.DialOptions()
	cfg.PerSecond, cfg.Burst = 1e6, 1e6
	h, err := build(w.t.Context(), cfg)
	w.must(err)
	w.t.Cleanup(func() {
		if c, ok := h.(io.Closer); ok {
			if err := c.Close(); err != nil {
				w.t.Log(err)
			}
		}
	})
	return h
}

// order returns the JSON of an order; change may alter it first.
func (w *world) order(number string, change ...func(map[string]any)) []byte {
	w.t.Helper()
	o := map[string]any{
		"channelOrderId": number, "displayId": "42", "location": w.location, "type": "delivery",
		"placedAt": "2026-03-01T18:04:05+01:00", "currency": "SEK",
		"items": []any{
			map[string]any{"plu": "PIZ-01", "name": "Margherita", "quantity": 2, "unitPrice": 11900, "note": "no basil for Alva",
				"modifiers": []any{map[string]any{"plu": "TOP-07", "name": "Mozzarella", "quantity": 1, "unitPrice": 2500}}},
		},
		"fees": []any{map[string]any{"kind": "delivery", "amount": 4900}}, "total": 33700,
		"payment":         map[string]any{"method": "online", "status": "paid", "due": 0},
		"customer":        map[string]any{"name": "Alva Lindqvist", "phone": "+46701740605", "email": "alva@example.com"},
		"deliveryAddress": map[string]any{"street": "Storgatan", "streetNumber": "7", "city": "Stockholm", "extra": "port 4711"},
		"note":            "ring twice",
	}
	for _, c := range change {
		c(o)
	}
	text, err := json.Marshal(o)
	w.must(err)
	return text
}

// answer is a response, with its body read as JSON.
type answer struct {
	status int
	header http.Header
	text   string
	body   struct {
		ID       string    `json:"id"`
		Status   string    `json:"status"`
		Version  int64     `json:"version"`
		Changed  bool      `json:"changed"`
		Received time.Time `json:"receivedAt"`
		Type     string    `json:"type"`
		Erased   bool      `json:"erased"`
		Next     string    `json:"nextCursor"`
		Warnings []struct{ Code string }
		Errors   []struct{ Location, Message string }
		Items    []struct{ ID, Status string }
		Order    map[string]any `json:"order"`
	}
}

// tells tells whether the answer says the word anywhere but in its ids, which are random.
func (a answer) tells(word string) bool {
	return strings.Contains(randomIDs.ReplaceAllString(a.text, ""), word)
}

var randomIDs = regexp.MustCompile(`"traceId":"[0-9a-f]{32}"|ord_[a-z2-7]{26}`)

func (a answer) locations() []string {
	var at []string
	for _, e := range a.body.Errors {
		at = append(at, e.Location)
	}
	return at
}

// call sends a request with a bearer credential.
func call(t testing.TB, h http.Handler, method, path, bearer string, body []byte, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, bytes.NewReader(body))
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header(), text: w.Body.String()}
	if strings.Contains(w.Header().Get("Content-Type"), "json") {
		var mistyped *json.UnmarshalTypeError // a problem's status is a number, an order's a word
		if err := json.Unmarshal(w.Body.Bytes(), &a.body); err != nil && !errors.As(err, &mistyped) {
			t.Fatalf("%s %s answered %s: %v", method, path, a.text, err)
		}
	}
	return a
}

func (w *world) post(h http.Handler, body []byte, headers ...string) answer {
	w.t.Helper()
	return call(w.t, h, http.MethodPost, "/v1/orders", w.shop.APIKey.Reveal(), body, headers...)
}

// count returns how many documents a collection has.
func (w *world) count(collection string) int {
	w.t.Helper()
	docs, err := w.db.Collection(collection).Documents(w.t.Context()).GetAll()
	w.must(err)
	return len(docs)
}
