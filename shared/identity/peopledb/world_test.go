package peopledb_test

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

	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/identity/password"
	"ryggrad.internal/hub/shared/identity/peopledb"
	"ryggrad.internal/hub/shared/identity/totp"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

const (
	baseURL   = "https://hub.test"
	rpcCommit = "/google.firestore.v1.Firestore/Commit"
	rpcQuery  = "/google.firestore.v1.Firestore/RunQuery"
	rpcGet    = "/google.firestore.v1.Firestore/BatchGetDocuments"
	good      = "a passphrase of mine"
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

// world is a tenant and a process that knows its people.
type world struct {
	t      *testing.T
	clock  *clock
	cloud  *cloudtest.Cloud
	calls  wire.Recorder
	faults wire.Faults
	ledger *ledgerdb.Store
	people *peopledb.People
	auth   *identitydb.Authenticator
	opts   peopledb.Options
	tenant string
	log    *bytes.Buffer

	viewer, owner  member // of prepare
	login, halfway peopledb.Login
	proven         bool
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		t: t, cloud: cloudtest.Start(t), log: &bytes.Buffer{},
		clock: &clock{now: time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)},
	}
	cfg, err := gcp.Load[gcp.Config](w.cloud.Env())
	w.must(err)
	cfg.DialOptions = append(w.calls.DialOptions(), w.faults.DialOptions()...)
	cloud := gcp.Open(cfg)
	t.Cleanup(func() { w.must(cloud.Close()) })
	db, err := cloud.Firestore(t.Context())
	w.must(err)
	commits, err := cloud.Commits(t.Context())
	w.must(err)
	kms, err := cloud.KMS(t.Context())
	w.must(err)
	log, now := slog.New(slog.NewTextHandler(&locked{b: w.log}, nil)), w.clock.Now
	w.ledger, err = ledgerdb.New(ledgerdb.Options{Firestore: db, Commits: commits, Now: now, Random: rand.Reader, Log: log, Patience: cloudtest.Patience})
	w.must(err)
	keys := envelopedb.New(envelopedb.Options{Firestore: db, KMS: kms, KeyName: cfg.KeyName("tenant-keys"), Now: now, Log: log, Patience: cloudtest.Patience})
	directory := identitydb.NewDirectory(identitydb.DirectoryOptions{Ledger: w.ledger, Keys: keys, Now: now})
	w.auth = identitydb.NewAuthenticator(identitydb.AuthenticatorOptions{Ledger: w.ledger, Directory: directory, Issuer: baseURL, Now: now, Log: log, Patience: cloudtest.Patience})
	w.opts = peopledb.Options{
		Ledger: w.ledger, Keys: keys, Directory: directory, Now: now, Random: rand.Reader, Log: log, BaseURL: baseURL,
		Gate: password.NewGate(2, 64), Cost: password.Cost{MemoryKiB: 64, Passes: 1},
	}
	w.people = peopledb.New(w.opts)
	tenant, err := identitydb.New(identitydb.Options{Ledger: w.ledger, Keys: keys, Now: now, Random: rand.Reader}).
		CreateTenant(t.Context(), w.operator().Act, "Pizzeria Roma")
	w.must(err)
	w.tenant = tenant.ID
	return w
}

type locked struct {
	mu sync.Mutex
	b  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// operator manages people from outside of the tenant.
func (w *world) operator() peopledb.By {
	return peopledb.By{
		Act:  ledgerdb.Act{Tenant: w.tenant, Actor: identity.Actor{Kind: identity.KindOperator, ID: "op"}, RequestID: "req_test"},
		Role: identity.Owner,
	}
}

// member is a person with a password of their own, and what they need to log in.
type member struct {
	id, email, password string
	device              string
	secret              totp.Secret
	recovery            []string
}

func (w *world) create(email string, role identity.Role) (id, initial string) {
	w.t.Helper()
	u, initial, err := w.people.CreateUser(w.t.Context(), w.operator(), identity.Profile{Email: email, Name: "Anna Karlsson"}, role)
	w.must(err)
	return u.ID, initial
}

func (w *world) try(m member) peopledb.Try {
	return peopledb.Try{Email: m.email, Password: m.password, Device: m.device, RequestID: "req_test"}
}

// own is the person of a login.
func (w *world) own(l peopledb.Login) peopledb.Own {
	return peopledb.Own{Caller: l.Session.Caller(w.clock.Now()), RequestID: "req_test"}
}

// join takes a person through their first login. Those who need it add a generator of one-time passwords.
func (w *world) join(email string, role identity.Role) (member, peopledb.Login) {
	w.t.Helper()
	m := member{email: email, password: good}
	var initial string
	m.id, initial = w.create(email, role)
	l, err := w.people.Login(w.t.Context(), peopledb.Try{Email: email, Password: initial})
	w.must(err)
	m.device = l.Device.Reveal()
	l, err = w.people.SetPassword(w.t.Context(), w.own(l), "", good)
	w.must(err)
	if l.Session.Stage == identity.Enroll {
		l = w.enroll(&m, l)
	}
	if l.Session.Stage != identity.Complete {
		w.t.Fatalf("the first login ends with %q", l.Session.Stage)
	}
	return m, l
}

func (w *world) enroll(m *member, l peopledb.Login) peopledb.Login {
	w.t.Helper()
	text, _, err := w.people.NewTOTP(w.t.Context(), w.own(l))
	w.must(err)
	m.secret, err = totp.Parse(text)
	w.must(err)
	l, err = w.people.ConfirmTOTP(w.t.Context(), w.own(l), w.code(*m))
	w.must(err)
	m.recovery, err = w.people.RecoveryCodes(w.t.Context(), w.own(l))
	w.must(err)
	return l
}

func (w *world) code(m member) string { return m.secret.Code(totp.Step(w.clock.Now())) }

// logIn logs in with everything that is asked for.
func (w *world) logIn(m member) peopledb.Login {
	w.t.Helper()
	l, err := w.people.Login(w.t.Context(), w.try(m))
	w.must(err)
	if l.Session.Stage == identity.SecondFactor {
		w.clock.advance(totp.Period)
		l, err = w.people.ProveTOTP(w.t.Context(), w.own(l), w.code(m))
		w.must(err)
	}
	return l
}

// present uses a session's token as any function would.
func (w *world) present(l peopledb.Login) (identity.Caller, error) {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, "/v1/orders", nil)
	r.Header.Set("Authorization", "Bearer "+l.Token.Reveal())
	return w.auth.Authenticate(context.WithoutCancel(w.t.Context()), r)
}

func (w *world) holds(l peopledb.Login) {
	w.t.Helper()
	if _, err := w.present(l); err != nil {
		w.t.Errorf("the session does not hold: %v", err)
	}
}

func (w *world) ended(l peopledb.Login) {
	w.t.Helper()
	if _, err := w.present(l); !fault.Is(err, fault.Unauthenticated) {
		w.t.Errorf("the session goes on: %v", err)
	}
}

// notices returns what people were told, oldest first.
func (w *world) notices() map[string]int {
	w.t.Helper()
	found, err := w.ledger.List(w.t.Context(), w.ledger.QueryAllTenants("events"))
	w.must(err)
	told := map[string]int{}
	for _, o := range found {
		data, _ := o.Fields["data"].(map[string]any)
		kind, _ := data["notice"].(string)
		told[kind]++
	}
	return told
}

// actions counts the audit entries by action and outcome.
func (w *world) actions() map[string]int {
	w.t.Helper()
	found, err := w.ledger.List(w.t.Context(), w.ledger.QueryAllTenants("audit"))
	w.must(err)
	done := map[string]int{}
	for _, o := range found {
		action, _ := o.Fields["action"].(string)
		done[action]++
	}
	return done
}

// entries checks how many audit entries there are of an action on an object.
func (w *world) entries(action, object string, want int) {
	w.t.Helper()
	found, err := w.ledger.List(w.t.Context(), w.ledger.QueryAllTenants("audit"))
	w.must(err)
	n := 0
	for _, o := range found {
		if o.Fields["action"] == action && o.Fields["object"] == object {
			n++
		}
	}
	if n != want {
		w.t.Errorf("%d entries say %s of %s, want %d", n, action, object, want)
	}
}

func refusedAs(t *testing.T, err error, kind fault.Kind, what string) {
	t.Helper()
	if !fault.Is(err, kind) {
		t.Errorf("%s: %v, want %s", what, err, kind)
	}
}

// act is what somebody does by a login.
func (w *world) act(l peopledb.Login) ledgerdb.Act {
	return ledgerdb.ActOf(l.Session.Caller(w.clock.Now()), "", "req_test")
}

// suspend suspends the tenant.
func (w *world) suspend() {
	w.t.Helper()
	store := identitydb.New(identitydb.Options{Ledger: w.ledger, Keys: w.opts.Keys, Now: w.clock.Now, Random: rand.Reader})
	w.must(store.SuspendTenant(w.t.Context(), w.operator().Act, true))
}
