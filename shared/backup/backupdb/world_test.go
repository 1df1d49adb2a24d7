package backupdb_test

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	firestoreapi "cloud.google.com/go/firestore/apiv1"
	"cloud.google.com/go/firestore/apiv1/firestorepb"
	"github.com/go-json-experiment/json"
	"google.golang.org/grpc"
	"google.golang.org/grpc/stats"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/backupdb"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/ledger/sealing"
	"ryggrad.internal/hub/shared/localcloud"
	"ryggrad.internal/hub/shared/localcloud/wire"
	"ryggrad.internal/hub/shared/privacy"
)

const tenant = "ten_aaaaaaaaaaaaaaaaaaaaaaaaaa"

type config struct {
	gcp.Config
	backupdb.Settings
	Log sealing.Settings
}

// place is a project's database and what reaches it.
type place struct {
	cfg       config
	documents *firestoreapi.Client
	ledger    *ledgerdb.Store
	hub       *hub.Hub
}

// world is a cloud of the test's own, whose clock the test moves, with one hub in it.
type world struct {
	testing.TB
	*place

	cloud   *localcloud.Cloud // nil: it is in another process
	env     map[string]string
	store   *objects.Client
	buckets backupdb.Buckets
	maker   *backupdb.Maker
	queue   []backupdb.Message
	calls   wire.Recorder
	faults  wire.Faults
	log     strings.Builder

	shards   int          // of every run; 0: as many as there are right
	received atomic.Int64 // documents that queries answered

	mu  sync.Mutex
	now time.Time // zero: the clock on the wall
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.now.IsZero() {
		return time.Now()
	}
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.now.IsZero() {
		w.now = w.now.Add(d)
	}
}

// settle lets time pass, so that the moment of the next backup lies after all that was done. On the wall that is a second.
func (w *world) settle(d time.Duration) {
	w.pass(d)
	for done := time.Now(); w.now.IsZero() && !time.Now().Truncate(time.Second).After(done); {
		<-time.After(10 * time.Millisecond)
	}
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// counter counts the documents that queries answer.
type counter atomic.Int64

func (c *counter) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (c *counter) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (c *counter) HandleConn(context.Context, stats.ConnStats)                       {}

func (c *counter) HandleRPC(_ context.Context, s stats.RPCStats) {
	if in, ok := s.(*stats.InPayload); ok {
		if answer, ok := in.Payload.(*firestorepb.RunQueryResponse); ok && answer.GetDocument() != nil {
			(*atomic.Int64)(c).Add(1)
		}
	}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldAt(t, time.Now().UTC().Truncate(time.Hour))
}

// google tells whether Google's emulator is to be used where a test can: one whose clock is that on the wall.
func google() bool { return os.Getenv("RYGGRAD_TEST_EMULATORS") == "google" }

// newWorldAt is a world at a time; at zero, its clock is that on the wall.
func newWorldAt(t testing.TB, now time.Time) *world {
	t.Helper()
	w := &world{TB: t, now: now, shards: 2}
	table, err := functions.Table()
	w.must(err)
	opts := localcloud.Options{Now: w.clock, Functions: table}
	if now.IsZero() && google() {
		opts.FirestoreHost = os.Getenv("FIRESTORE_EMULATOR_HOST")
		opts.Project = "test-" + strings.ToLower(rand.Text()) // others use the emulator too
	}
	w.cloud, err = localcloud.Start(t.Context(), opts)
	w.must(err)
	t.Cleanup(func() { w.must(w.cloud.Close()) })
	w.env = w.cloud.Env()
	w.use()
	return w
}

// use opens the cloud that the environment names.
func (w *world) use() {
	w.Helper()
	var err error
	w.place = w.open("(default)")
	w.store, err = objects.Open(w.Context(), w.cfg.Config, nil)
	w.must(err)
	w.buckets = w.cfg.Open(w.store)
	w.maker = w.newMaker(w.buckets, 5*time.Minute)
}

// open reaches a database of the project, counted and disturbed.
func (w *world) open(database string) *place {
	w.Helper()
	cfg := w.config(database)
	cfg.DialOptions = append(w.calls.DialOptions(), w.faults.DialOptions()...)
	cfg.DialOptions = append(cfg.DialOptions, grpc.WithStatsHandler((*counter)(&w.received)))
	return w.reach(cfg)
}

// others are who use the hub's database beside what is tested, neither counted nor disturbed.
func (w *world) others() *place {
	w.Helper()
	return w.reach(w.config(w.cfg.Database))
}

func (w *world) config(database string) config {
	w.Helper()
	env := gcp.Env(maps.Clone(w.env))
	env["RYGGRAD_DATABASE"], env["RYGGRAD_BASE_URL"] = database, "https://hub.test"
	cfg, err := gcp.Load[config](env)
	w.must(err)
	return cfg
}

func (w *world) reach(cfg config) *place {
	w.Helper()
	p := &place{cfg: cfg}
	clients := gcp.Open(cfg.Config)
	w.Cleanup(func() { w.must(clients.Close()) })
	db, err := clients.Firestore(w.Context())
	w.must(err)
	p.documents, err = clients.Commits(w.Context())
	w.must(err)
	kms, err := clients.KMS(w.Context())
	w.must(err)
	log := slog.New(slog.NewTextHandler(&w.log, nil))
	p.ledger, err = ledgerdb.New(ledgerdb.Options{Firestore: db, Commits: p.documents, Now: w.clock, Random: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	w.must(err)
	p.hub = &hub.Hub{Config: cfg.Config, Firestore: db, KMS: kms, Ledger: p.ledger, Log: log, Now: w.clock, Random: rand.Reader}
	return p
}

// newMaker returns what makes backups, as another process has it, by a way to the buckets and with so much time for a step.
func (w *world) newMaker(b backupdb.Buckets, budget time.Duration) *backupdb.Maker {
	w.Helper()
	recipient, err := backup.ParseRecipient(w.cfg.Recipient)
	w.must(err)
	k, err := backupdb.NewMaker(backupdb.Options{
		Documents: w.documents, Project: w.cfg.Project, Database: w.cfg.Database, Ledger: w.ledger, Buckets: b,
		Vault: w.cfg.Vault(w.hub, b), Wrapping: w.cfg.Wrapping(w.hub), Recipient: recipient, Signer: w.cfg.Signer(w.hub),
		Checkpoint: func(context.Context) (string, error) { return "", nil }, Send: w.send, Evidence: evidencedb.New(w.ledger),
		Now: w.clock, Log: w.hub.Log, Budget: budget, Behind: w.behind(),
	})
	w.must(err)
	k.CutInto(w.shards)
	return k
}

// behind is how long ago a backup's moment is: where the clock is that on the wall, nobody waits for it to pass.
func (w *world) behind() time.Duration {
	if w.now.IsZero() {
		return 0
	}
	return backup.Behind
}

func (w *world) vault() backupdb.Vault { return w.cfg.Vault(w.hub, w.buckets) }

// send keeps messages until the test delivers them, as bytes: what cannot be read is seen at once.
func (w *world) send(_ context.Context, m backupdb.Message) error {
	raw, err := json.Marshal(m)
	if err != nil {
		return err
	}
	again, err := backupdb.ParseMessage(raw, w.cfg.Project, w.cfg.Database)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.queue = append(w.queue, again)
	return err
}

// deliver does all steps that were sent, and those that they send.
func (w *world) deliver() {
	w.Helper()
	for len(w.queue) > 0 {
		m := w.queue[0]
		w.queue = w.queue[1:]
		w.must(w.maker.Do(w.Context(), m))
	}
}

// backUp lets some minutes pass and makes the backups that are due.
func (w *world) backUp() {
	w.Helper()
	w.pass(4 * time.Minute)
	w.must(w.maker.Do(w.Context(), backupdb.Message{Step: backupdb.Plan}))
	w.deliver()
}

func (w *world) moments(set backup.Set) []time.Time {
	w.Helper()
	all, err := w.vault().Moments(w.Context(), set, time.Time{})
	w.must(err)
	return all
}

// do makes or changes objects, each by an act.
func (w *world) do(collection string, fields map[string]any, ids ...string) {
	w.Helper()
	for _, id := range ids {
		w.must(w.act(w.Context(), ledgerdb.Ref{Collection: collection, ID: id}, fields))
	}
}

// remove deletes objects, each by an act.
func (w *world) remove(collection string, ids ...string) {
	w.Helper()
	for _, id := range ids {
		w.must(w.act(w.Context(), ledgerdb.Ref{Collection: collection, ID: id}, nil))
	}
}

// act makes an object, changes it, or deletes it when it is to have no fields.
func (p *place) act(ctx context.Context, ref ledgerdb.Ref, fields map[string]any) error {
	found, err := p.ledger.GetAll(ctx, tenant, ref)
	if err != nil {
		return err
	}
	change := ledgerdb.Create(ref, fields)
	switch {
	case fields == nil:
		change = ledgerdb.Remove(found[0])
	case found[0].Exists():
		change = ledgerdb.Replace(found[0], fields)
	}
	_, err = p.ledger.Commit(ctx, by("test.act"), []ledgerdb.Change{change})
	return err
}

func by(action string) ledgerdb.Act {
	return ledgerdb.Act{Tenant: tenant, Actor: identity.Actor{Kind: identity.KindOperator, ID: "op"}, Action: action}
}

func (w *world) keep(collection string, fields map[string]any, ids ...string) {
	w.Helper()
	for _, id := range ids {
		w.must(w.ledger.Bookkeep(w.Context(), tenant, ledgerdb.Put(ledgerdb.Ref{Collection: collection, ID: id}, fields)))
	}
}

// id makes an id that looks drawn, another one for every number.
func id(prefix string, n int) string {
	sum := sha256.Sum256([]byte(fmt.Sprint(prefix, n)))
	return prefix + base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding).EncodeToString(sum[:16])
}

func ids(prefix string, from, to int) []string {
	var all []string
	for n := from; n < to; n++ {
		all = append(all, id(prefix, n))
	}
	return all
}

// state reads a database's documents of the backed-up sets, as lines by their names.
func (w *world) state(p *place, at time.Time, sets ...backup.Set) map[string]string {
	w.Helper()
	all, err := backupdb.ReadAll(w.Context(), p.documents, p.cfg.Project, p.cfg.Database, at, sets...)
	w.must(err)
	return all
}

// restorer restores into a database.
func (w *world) restorer(to *place, v backupdb.Vault) *backupdb.Restorer {
	w.Helper()
	return w.restorerTold(to, v, backupdb.ErasuresIn(w.buckets.Erasures))
}

// restorerTold restores, and is told of erasures in a way of the test's own.
func (w *world) restorerTold(to *place, v backupdb.Vault, erasures func(context.Context, func(privacy.Erasure)) error) *backupdb.Restorer {
	w.Helper()
	r, err := backupdb.NewRestorer(backupdb.RestoreOptions{
		Vault: v, Erasures: erasures, Log: w.sealedLog(), Documents: to.documents,
		Project: to.cfg.Project, Database: to.cfg.Database, Ledger: to.ledger, Now: w.clock, Random: rand.Reader,
	})
	w.must(err)
	return r
}

func (w *world) sealedLog() backupdb.SealedLog {
	return backupdb.LogIn(w.store.Bucket(w.cfg.Log.LogBucket), w.store.Bucket(w.cfg.Log.HeadBucket), w.cfg.Log.Key(w.hub).Keys)
}
