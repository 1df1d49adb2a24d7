package backupdb_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	firestoreapi "cloud.google.com/go/firestore/apiv1"

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

	cloud   *localcloud.Cloud
	store   *objects.Client
	buckets backupdb.Buckets
	maker   *backupdb.Maker
	queue   []backupdb.Message
	calls   wire.Recorder
	faults  wire.Faults
	log     strings.Builder

	mu  sync.Mutex
	now time.Time
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOf(t)
}

func newWorldOf(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, now: time.Now().UTC().Truncate(time.Hour)}
	table, err := functions.Table()
	w.must(err)
	w.cloud, err = localcloud.Start(t.Context(), localcloud.Options{Now: w.clock, Functions: table})
	w.must(err)
	t.Cleanup(func() { w.must(w.cloud.Close()) })
	w.place = w.open("(default)")
	w.store, err = objects.Open(t.Context(), w.cfg.Config, nil)
	w.must(err)
	t.Cleanup(func() { w.must(w.store.Close()) })
	w.buckets = w.cfg.Open(w.store)
	w.maker = w.newMaker()
	return w
}

// open reaches another database of the project, counted and disturbed.
func (w *world) open(database string) *place {
	w.Helper()
	env := w.cloud.Env()
	env["RYGGRAD_DATABASE"], env["RYGGRAD_BASE_URL"] = database, "https://hub.test"
	cfg, err := gcp.Load[config](env)
	w.must(err)
	cfg.DialOptions = append(w.calls.DialOptions(), w.faults.DialOptions()...)
	return w.reach(cfg)
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

func (w *world) newMaker() *backupdb.Maker {
	w.Helper()
	recipient, err := backup.ParseRecipient(w.cfg.Recipient)
	w.must(err)
	k, err := backupdb.NewMaker(backupdb.Options{
		Documents: w.documents, Project: w.cfg.Project, Database: w.cfg.Database, Ledger: w.ledger, Buckets: w.buckets,
		Vault: w.vault(), Wrapping: w.cfg.Wrapping(w.hub), Recipient: recipient, Signer: w.cfg.Signer(w.hub),
		Checkpoint: func(context.Context) (string, error) { return "", nil }, Send: w.send, Evidence: evidencedb.New(w.ledger),
		Now: w.clock, Log: w.hub.Log, Budget: 5 * time.Minute, Behind: backup.Behind,
	})
	w.must(err)
	return k
}

func (w *world) vault() backupdb.Vault { return w.cfg.Vault(w.hub, w.buckets) }

// send keeps messages until the test delivers them, as bytes: what cannot be read is seen at once.
func (w *world) send(_ context.Context, m backupdb.Message) error {
	raw, err := m.Encode()
	if err != nil {
		return err
	}
	again, err := backupdb.ParseMessage(raw, w.cfg.Project, w.cfg.Database)
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
		ref := ledgerdb.Ref{Collection: collection, ID: id}
		found, err := w.ledger.GetAll(w.Context(), tenant, ref)
		w.must(err)
		change := ledgerdb.Create(ref, fields)
		if found[0].Exists() {
			change = ledgerdb.Replace(found[0], fields)
		}
		w.commit("test.act", change)
	}
}

// remove deletes objects, each by an act.
func (w *world) remove(collection string, ids ...string) {
	w.Helper()
	for _, id := range ids {
		o, err := w.ledger.Get(w.Context(), tenant, ledgerdb.Ref{Collection: collection, ID: id})
		w.must(err)
		w.commit("test.remove", ledgerdb.Remove(o))
	}
}

func (w *world) commit(action string, changes ...ledgerdb.Change) {
	w.Helper()
	_, err := w.ledger.Commit(w.Context(), by(action), changes)
	w.must(err)
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

// id makes an id that looks drawn.
func id(prefix string, n int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	b := make([]byte, 26)
	for i := range b {
		b[i] = alphabet[(n*(i+7)+n>>3+i*i)%32]
	}
	b[25] = 'a' // the last one has bits that are none of the 128
	return fmt.Sprintf("%s%s", prefix, b)
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
	r, err := backupdb.NewRestorer(backupdb.RestoreOptions{
		Vault: v, Erasures: backupdb.ErasuresIn(w.buckets.Erasures), Log: w.sealedLog(), Documents: to.documents,
		Project: to.cfg.Project, Database: to.cfg.Database, Ledger: to.ledger, Now: w.clock, Random: rand.Reader,
	})
	w.must(err)
	return r
}

func (w *world) sealedLog() backupdb.SealedLog {
	return backupdb.LogIn(w.store.Bucket(w.cfg.Log.LogBucket), w.store.Bucket(w.cfg.Log.HeadBucket), w.cfg.Log.Key(w.hub).Keys)
}
