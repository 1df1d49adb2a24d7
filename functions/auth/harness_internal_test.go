package auth

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

// issuer is the hub's address in tests.
const issuer = "https://hub.test"

// world is a tenant with a location and a client, and the function that knows them.
type world struct {
	*cloudtest.Cloud
	t        testing.TB
	ledger   *ledgerdb.Store
	store    *identitydb.Store
	other    *identitydb.Authenticator // as in another function
	by       ledgerdb.Act
	location string
	client   identitydb.Issued
	handler  http.Handler
	log      *lines
}

// lines is a log that may be written at once.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	w := &world{Cloud: cloudtest.Start(tb), t: tb, log: &lines{}}
	db, quiet := w.Firestore(tb), slog.New(slog.DiscardHandler)
	var err error
	w.ledger, err = ledgerdb.New(ledgerdb.Options{Firestore: db, Commits: w.Commits(tb), Now: time.Now, Random: rand.Reader, Log: quiet, Patience: cloudtest.Patience})
	w.must(err)
	keys := envelopedb.New(envelopedb.Options{Firestore: db, KMS: w.KMS(tb), KeyName: w.Key("tenant-keys"), Now: time.Now, Log: quiet, Patience: cloudtest.Patience})
	w.store = identitydb.New(identitydb.Options{Ledger: w.ledger, Keys: keys, Now: time.Now, Random: rand.Reader})
	w.other = identitydb.NewAuthenticator(identitydb.AuthenticatorOptions{
		Ledger: w.ledger, Issuer: issuer, Now: time.Now, Log: quiet, Patience: cloudtest.Patience,
		Directory: identitydb.NewDirectory(identitydb.DirectoryOptions{Ledger: w.ledger, Keys: keys, Now: time.Now}),
	})
	w.settle()
	w.handler = w.serve(1e6)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// settle creates the tenant.
func (w *world) settle() {
	w.t.Helper()
	w.by = ledgerdb.Act{Actor: identity.Actor{Kind: identity.KindOperator, ID: "test"}}
	tenant, err := w.store.CreateTenant(w.t.Context(), w.by, "Test restaurants")
	w.must(err)
	w.by.Tenant = tenant.ID
	location, err := w.store.CreateLocation(w.t.Context(), w.by,
		identity.Location{Name: "Storgatan", Timezone: "Europe/Stockholm", Currency: "SEK", Country: "SE"})
	w.must(err)
	w.location = location.ID
	w.client = w.newClient(time.Hour)
}

func (w *world) newClient(life time.Duration) identitydb.Issued {
	w.t.Helper()
	issued, err := w.store.CreateClient(w.t.Context(), w.by, identity.Client{
		Name: "Till", Scopes: identity.NewScopes(identity.OrdersRead, identity.OrdersWrite),
		Locations: identity.Locations{w.location}, ExpiresAt: time.Now().Add(life),
	})
	w.must(err)
	return issued
}

// serve returns the function, built as in production but with this project's clients, whose calls are counted and may be
// disturbed, and with this burst of requests allowed.
func (w *world) serve(burst int) http.Handler {
	w.t.Helper()
	return w.serveIn(w.Env(), burst)
}

// serveIn is serve for another environment.
func (w *world) serveIn(env gcp.Env, burst int) http.Handler {
	w.t.Helper()
	cfg, err := gcp.Load[config](env)
	w.must(err)
	cfg.DialOptions = w.DialOptions()
	cfg.PerSecond, cfg.Burst = 1e-3, burst
	h, err := build(w.t.Context(), cfg, slog.New(slog.NewJSONHandler(w.log, nil)))
	w.must(err)
	w.t.Cleanup(func() {
		if c, ok := h.(io.Closer); ok {
			w.must(c.Close())
		}
	})
	return h
}

// reply is an answer, read.
type reply struct {
	status int
	header http.Header
	text   string
	token  answer
	refusal
}

func (w *world) do(r *http.Request) reply {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	out := reply{status: rec.Code, header: rec.Header(), text: rec.Body.String()}
	w.must(json.Unmarshal(rec.Body.Bytes(), &out.token))
	w.must(json.Unmarshal(rec.Body.Bytes(), &out.refusal))
	return out
}

// post sends a body to the token endpoint.
func (w *world) post(body string, header ...string) reply {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, pathToken, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return w.do(r)
}

func (w *world) get(path string) reply {
	w.t.Helper()
	return w.do(httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, path, nil))
}

// form is what a client sends, changed: an empty value takes a parameter out.
func form(c identitydb.Issued, change ...string) string {
	v := url.Values{
		"grant_type": {clientCredentials}, "client_id": {c.Client.ID}, "client_secret": {c.ClientSecret.Reveal()},
	}
	for i := 0; i < len(change); i += 2 {
		v.Set(change[i], change[i+1])
		if change[i+1] == "" {
			v.Del(change[i])
		}
	}
	return v.Encode()
}
