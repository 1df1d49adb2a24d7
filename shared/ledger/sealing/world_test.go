package sealing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"cloud.google.com/go/firestore"

	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/ledger/sealing"
	"ryggrad.internal/hub/shared/ledger/tlog"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

// world is a hub whose acts are sealed.
type world struct {
	t     testing.TB
	cloud *cloudtest.Cloud
	hub   *hub.Hub
	db    *firestore.Client // looks on unseen
	log   *lines
	cfg   sealing.Settings
	wires *wires
	store *objects.Client // undisturbed
	seal  *sealing.Sealer
}

// lines is a log that many write.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// findings returns what the sealers found, as `finding entry`.
func (l *lines) findings() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for line := range strings.Lines(l.b.String()) {
		var said struct {
			Msg     string `json:"msg"`
			Finding string `json:"finding"`
			Entry   string `json:"entry_id"`
		}
		if json.Unmarshal([]byte(line), &said) == nil && said.Msg == "audit log finding" {
			all = append(all, strings.TrimSpace(said.Finding+" "+said.Entry))
		}
	}
	return all
}

// wires is the way to the buckets, which a test can disturb.
type wires struct {
	mu   sync.Mutex
	rule func(*http.Request) fault
}

// fault is what happens to a call: it is not sent, or its answer is lost.
type fault struct{ before, after bool }

func (w *wires) set(rule func(*http.Request) fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rule = rule
}

func (w *wires) RoundTrip(r *http.Request) (*http.Response, error) {
	w.mu.Lock()
	f := fault{}
	if w.rule != nil {
		f = w.rule(r)
	}
	w.mu.Unlock()
	if f.before {
		return nil, fmt.Errorf("wire: injected fault")
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && f.after {
		_ = answer.Body.Close()
		return nil, fmt.Errorf("wire: injected fault")
	}
	return answer, err
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, cloud: cloudtest.Start(t), log: &lines{}, wires: &wires{}}
	w.db = w.cloud.Firestore(t)
	cfg, err := gcp.Load[gcp.Config](w.cloud.Env())
	w.must(err)
	w.cfg, err = gcp.Load[sealing.Settings](w.cloud.Env())
	w.must(err)
	w.store, err = objects.Open(t.Context(), cfg, nil)
	w.must(err)
	cfg.DialOptions = w.cloud.DialOptions()
	w.hub, err = hub.Open(t.Context(), cfg, slog.New(slog.NewJSONHandler(w.log, nil)))
	w.must(err)
	t.Cleanup(func() { w.must(w.hub.Close()) })
	w.seal = w.sealer()
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// sealer returns another sealer, as in another process.
func (w *world) sealer() *sealing.Sealer {
	w.t.Helper()
	s, err := w.cfg.Open(w.t.Context(), w.hub, w.wires)
	w.must(err)
	return s
}

func (w *world) run() int {
	w.t.Helper()
	n, err := w.seal.Run(w.t.Context())
	w.must(err)
	return n
}

func act(tenant string) ledgerdb.Act {
	return ledgerdb.Act{Tenant: tenant, Actor: identity.Actor{Kind: identity.KindClient, ID: "cli_1"}, Action: "test.act", RequestID: "req_1"}
}

// create makes objects, each with an entry.
func (w *world) create(ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		_, err := w.hub.Ledger.Commit(w.t.Context(), act("ten_1"), []ledgerdb.Change{
			ledgerdb.Create(ledgerdb.Ref{Collection: "endpoints", ID: id}, map[string]any{"n": int64(1)})})
		w.must(err)
	}
}

// change changes an object.
func (w *world) change(id string) {
	w.t.Helper()
	o, err := w.hub.Ledger.Get(w.t.Context(), "ten_1", ledgerdb.Ref{Collection: "endpoints", ID: id})
	w.must(err)
	_, err = w.hub.Ledger.Commit(w.t.Context(), act("ten_1"), []ledgerdb.Change{ledgerdb.Replace(o, map[string]any{"n": o.Revision})})
	w.must(err)
}

func (w *world) keys() tlog.Keys {
	w.t.Helper()
	keys, err := w.cfg.Key(w.hub).Keys(w.t.Context())
	w.must(err)
	return keys
}

// head reads the published checkpoint.
func (w *world) head() tlog.Checkpoint {
	w.t.Helper()
	signed, err := w.store.Bucket(w.cfg.HeadBucket).Read(w.t.Context(), tlog.CheckpointPath)
	w.must(err)
	c, err := w.keys().Open(signed)
	w.must(err)
	return c
}

func (w *world) read(ctx context.Context, path string) ([]byte, error) {
	return w.store.Bucket(w.cfg.LogBucket).Read(ctx, path)
}

// entries reads all entries of the database, by id.
func (w *world) entries() map[string]map[string]any {
	w.t.Helper()
	docs, err := w.db.Collection("audit").Documents(w.t.Context()).GetAll()
	w.must(err)
	all := map[string]map[string]any{}
	for _, d := range docs {
		all[d.Ref.ID] = d.Data()
	}
	return all
}

// check holds the log against the database: every entry is in it, once, at its place, proven, after its predecessor.
func (w *world) check(want int) {
	w.t.Helper()
	head := w.head()
	if head.Size != uint64(want) {
		w.t.Fatalf("the log has %d entries, not %d", head.Size, want)
	}
	places := map[uint64]string{}
	for id, doc := range w.entries() {
		index, ok := doc["index"].(int64)
		if _, pending := doc["pending"]; !ok || pending {
			w.t.Errorf("%s is not marked as sealed: %v", id, doc)
			continue
		}
		if other, taken := places[uint64(index)]; taken {
			w.t.Errorf("%s and %s have the place %d", id, other, index)
		}
		places[uint64(index)] = id
		hashes, err := tlog.Inclusion(w.t.Context(), w.read, uint64(index), head.Size)
		w.must(err)
		if err := tlog.CheckInclusion(head, uint64(index), ledger.HashEntry(doc["bytes"].([]byte)), hashes); err != nil {
			w.t.Errorf("%s: %v", id, err)
		}
	}
	if len(places) != want {
		w.t.Errorf("%d entries have places, not %d", len(places), want)
	}
	w.checkBodies(want, places)
}

// checkBodies reads the entries' bytes in the order of the log, and their chains.
func (w *world) checkBodies(want int, places map[uint64]string) {
	w.t.Helper()
	names, err := w.store.Bucket(w.cfg.LogBucket).List(w.t.Context(), "entries/", "")
	w.must(err)
	at, heads := uint64(0), map[string]ledger.Hash{}
	for _, name := range names {
		raw, err := w.read(w.t.Context(), name)
		w.must(err)
		bodies, err := tlog.ParseBodies(raw)
		w.must(err)
		if name != tlog.BodiesPath(at) {
			w.t.Errorf("%s does not follow the entry %d", name, at)
		}
		for _, body := range bodies {
			e, err := ledger.Parse(body)
			w.must(err)
			if places[at] != e.ID || e.Previous != heads[e.Object] {
				w.t.Errorf("entry %d is %s, and does not follow its predecessor", at, e.ID)
			}
			heads[e.Object] = ledger.HashEntry(body)
			at++
		}
	}
	if at != uint64(want) {
		w.t.Errorf("%d entries have bytes", at)
	}
}
