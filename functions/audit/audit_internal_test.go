package audit

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	theirs "golang.org/x/mod/sumdb/tlog"

	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/ledger/sealing"
	"ryggrad.internal/hub/shared/ledger/tlog"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

const (
	tenant   = "ten_aaaaaaaaaaaaaaaaaaaaaaaaaa"
	stranger = "ten_bbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// world is a hub with acts, and the functions that seal and show them.
type world struct {
	t       testing.TB
	hub     *hub.Hub
	handler http.Handler
	sealer  *sealing.Sealer
	keys    tlog.Keys
	tenant  string // of whoever calls
	scopes  identity.Scopes
	places  identity.Locations
	clock   func() time.Time // by which checkpoints are kept
	asked   atomic.Int64     // how often the bucket of the newest checkpoint was
}

// RoundTrip counts.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	w.asked.Add(1)
	return http.DefaultTransport.RoundTrip(r)
}

// pass lets the kept checkpoint grow old.
func (w *world) pass(d time.Duration) {
	at := w.clock().Add(d)
	w.clock = func() time.Time { return at }
}

func newWorld(t testing.TB) *world {
	t.Helper()
	cloud := cloudtest.Start(t)
	w := &world{t: t, tenant: tenant, clock: time.Now, scopes: identity.NewScopes(identity.AuditRead), places: identity.Locations{identity.EveryLocation}}
	cfg, err := gcp.Load[config](cloud.Env())
	w.must(err)
	w.hub, err = hub.Open(t.Context(), cfg.Config, slog.New(slog.DiscardHandler))
	w.must(err)
	w.sealer, err = cfg.Open(t.Context(), w.hub, nil)
	w.must(err)
	store, err := objects.Open(t.Context(), cfg.Config, nil)
	w.must(err)
	t.Cleanup(func() { w.must(w.hub.Close()) })
	w.keys, err = cfg.Key(w.hub).Keys(t.Context())
	w.must(err)
	counted, err := objects.Open(t.Context(), cfg.Config, w)
	w.must(err)
	w.handler = newHandler(deps{
		ledger: w.hub.Ledger, log: store.Bucket(cfg.LogBucket), head: counted.Bucket(cfg.HeadBucket), now: func() time.Time { return w.clock() },
		api: httpapi.Options{Authenticate: w.authenticate, Log: slog.New(slog.DiscardHandler), Now: time.Now},
	})
	return w
}

func (w *world) authenticate(context.Context, *http.Request) (identity.Caller, error) {
	if w.tenant == "" {
		return identity.Caller{}, fault.New(fault.Unauthenticated, "this needs a credential")
	}
	return identity.Caller{Tenant: w.tenant, Actor: identity.Actor{Kind: identity.KindClient, ID: "cli_1"}, Scopes: w.scopes, Locations: w.places}, nil
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// do makes objects of a tenant, each with an entry.
func (w *world) do(of string, actor identity.Actor, ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		_, err := w.hub.Ledger.Commit(w.t.Context(), ledgerdb.Act{Tenant: of, Actor: actor, Action: "test.act", RequestID: "req_1"},
			[]ledgerdb.Change{ledgerdb.Create(ledgerdb.Ref{Collection: "endpoints", ID: id}, map[string]any{"n": int64(1)})})
		w.must(err)
	}
}

func (w *world) seal() {
	w.t.Helper()
	_, err := w.sealer.Run(w.t.Context())
	w.must(err)
}

func (w *world) get(path string) *httptest.ResponseRecorder {
	w.t.Helper()
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, path, http.NoBody))
	return rec
}

type page struct {
	Items []entryBody `json:"items"`
	Next  string      `json:"nextCursor"`
}

func (w *world) list(query url.Values) page {
	w.t.Helper()
	rec := w.get("/v1/audit?" + query.Encode())
	if rec.Code != http.StatusOK {
		w.t.Fatalf("%v answers %d %s", query, rec.Code, rec.Body)
	}
	var p page
	w.must(json.Unmarshal(rec.Body.Bytes(), &p))
	return p
}

var (
	client = identity.Actor{Kind: identity.KindClient, ID: "cli_1"}
	person = identity.Actor{Kind: identity.KindUser, ID: "usr_1"}
)

func TestATenantReadsItsOwnEntriesByPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 7 {
		w.do(tenant, client, fmt.Sprint("ep_", i))
	}
	w.do(tenant, person, "ep_p")
	w.do(stranger, client, "ep_s")
	w.hub.Ledger.Refuse(t.Context(), ledgerdb.Refusal{Action: "x", Reason: "the credential does not hold", Source: "192.0.2.0/24"})
	var all []entryBody
	query := url.Values{"limit": {"3"}}
	for pages := 0; ; pages++ {
		p := w.list(query)
		all = append(all, p.Items...)
		if p.Next == "" {
			if pages != 2 {
				t.Errorf("8 entries in %d pages of 3", pages+1)
			}
			break
		}
		query.Set("cursor", p.Next)
	}
	if len(all) != 8 {
		t.Errorf("a tenant with 8 entries reads %d", len(all))
	}
	for i, e := range all {
		if e.Sealed || e.Hash == "" || !strings.Contains(e.Bytes, tenant) || i > 0 && e.At.Before(all[i-1].At) {
			t.Errorf("entry %d is %+v", i, e)
		}
	}
	for what, c := range map[string]struct {
		query url.Values
		want  int
	}{
		"an object":                {url.Values{"object": {"endpoints/ep_3"}}, 1},
		"an actor":                 {url.Values{"actor": {"user:usr_1"}}, 1},
		"both":                     {url.Values{"actor": {"user:usr_1"}, "object": {"endpoints/ep_3"}}, 0},
		"another tenant's object":  {url.Values{"object": {"endpoints/ep_s"}}, 0},
		"after the fifth":          {url.Values{"after": {all[4].At.Format(time.RFC3339Nano)}}, 3},
		"after the fifth, by them": {url.Values{"after": {all[4].At.Format(time.RFC3339Nano)}, "actor": {"client:cli_1"}}, 2},
	} {
		if got := len(w.list(c.query).Items); got != c.want {
			t.Errorf("%s: %d entries, not %d", what, got, c.want)
		}
	}
}

func TestWhatNoListTakesIsTheCallersFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do(tenant, client, "ep_1")
	for query, want := range map[string]int{
		"object=%FF": http.StatusBadRequest, "%FF=x": http.StatusBadRequest,
		"after=0000-01-01T00:00:00Z": http.StatusOK, "after=9999-12-31T23:59:59-23:59": http.StatusOK,
		"cursor=OTIyMzM3MjAzNjg1NDc3NTgwNyBlbnRfeA": http.StatusUnprocessableEntity, "cursor=MSAuLg": http.StatusUnprocessableEntity,
	} {
		if rec := w.get("/v1/audit?" + query); rec.Code != want {
			t.Errorf("%s answers %d %s", query, rec.Code, rec.Body)
		}
	}
}

func TestTheLogIsForThoseWhoReachTheWholeTenant(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do(tenant, client, "ep_1")
	id := w.list(nil).Items[0].ID
	w.places = identity.Locations{"loc_aaaaaaaaaaaaaaaaaaaaaaaaaa"}
	for _, path := range []string{"/v1/audit", "/v1/audit/" + id + "/proof"} {
		if rec := w.get(path); rec.Code != http.StatusForbidden {
			t.Errorf("a credential of one location: %s answers %d", path, rec.Code)
		}
	}
	w.places, w.scopes = identity.Locations{identity.EveryLocation}, nil
	for _, path := range []string{"/v1/audit", "/v1/audit/" + id + "/proof"} {
		if rec := w.get(path); rec.Code != http.StatusForbidden {
			t.Errorf("without the permission: %s answers %d", path, rec.Code)
		}
	}
}

func TestAProofStandsOnItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 20 {
		w.do(tenant, client, fmt.Sprint("ep_", i))
	}
	items := w.list(nil).Items
	w.pass(0) // from here on the clock stands, so that the checkpoint that is kept stays young
	path := "/v1/audit/" + items[7].ID + "/proof"
	if rec := w.get(path); rec.Code != http.StatusNotFound {
		t.Errorf("before anything is sealed: %d %s", rec.Code, rec.Body)
	}
	w.seal()
	w.do(tenant, client, "ep_late")
	rec := w.get(path)
	if rec.Code != http.StatusOK || !strings.HasPrefix(rec.Header().Get("Content-Type"), "text/plain") {
		t.Fatalf("answered %d %s", rec.Code, rec.Body)
	}
	proof, err := tlog.ParseProof(rec.Body.Bytes())
	w.must(err)
	entry, c, err := proof.Check(w.keys)
	if err != nil || entry.ID != items[7].ID || c.Size != 20 {
		t.Errorf("it proves %+v in %+v: %v", entry, c, err)
	}
	late := w.list(url.Values{"object": {"endpoints/ep_late"}}).Items[0].ID
	if rec := w.get("/v1/audit/" + late + "/proof"); rec.Code != http.StatusNotFound || rec.Header().Get("Retry-After") == "" {
		t.Errorf("an entry that is not sealed: %d %v", rec.Code, rec.Header())
	}
	w.seal() // the checkpoint that is kept is older than the entry
	if rec := w.get("/v1/audit/" + late + "/proof"); rec.Code != http.StatusNotFound || rec.Header().Get("Retry-After") != "1" {
		t.Errorf("an entry that is not shown yet: %d %v", rec.Code, rec.Header())
	}
	w.pass(freshWithin)
	if rec := w.get("/v1/audit/" + late + "/proof"); rec.Code != http.StatusOK {
		t.Errorf("an entry that was sealed a moment ago: %d %s", rec.Code, rec.Body)
	}
	w.tenant = stranger
	for _, id := range []string{late, "ent_x", "..%2Fx"} {
		if rec := w.get("/v1/audit/" + id + "/proof"); rec.Code != http.StatusNotFound {
			t.Errorf("another tenant's entry: %d", rec.Code)
		}
	}
}

// TestAToolThatKnowsNothingOfTheHubChecksTheLog reads the public log as golang.org/x/mod's client of checksum
// databases would.
func TestAToolThatKnowsNothingOfTheHubChecksTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if rec := w.get("/log/checkpoint"); rec.Code != http.StatusNotFound {
		t.Errorf("a log without entries answers %d", rec.Code)
	}
	ids := make([]string, 300)
	for i := range ids {
		ids[i] = "ep_" + rand.Text()
	}
	w.do(tenant, client, ids...)
	w.seal()
	w.tenant = "" // nobody
	rec := w.get("/log/keys")
	v, err := note.NewVerifier(strings.TrimSpace(rec.Body.String()))
	w.must(err)
	rec = w.get("/log/checkpoint")
	signed, err := note.Open(rec.Body.Bytes(), note.VerifierList(v))
	w.must(err)
	tree, err := theirs.ParseTree([]byte(strings.Replace(signed.Text, "ryggrad.local/log", "go.sum database tree", 1)))
	w.must(err)
	if tree.N != 300 || rec.Header().Get("Cache-Control") != fewSeconds {
		t.Errorf("a log of 300 says %d, cacheable %s", tree.N, rec.Header().Get("Cache-Control"))
	}
	reader := theirs.TileHashReader(tree, &tiles{w: w})
	for _, n := range []int64{0, 77, 255, 256, 299} {
		hashes, err := reader.ReadHashes([]int64{theirs.StoredHashIndex(0, n)})
		w.must(err)
		if _, err := theirs.ProveRecord(tree.N, n, reader); err != nil || hashes[0] == (theirs.Hash{}) {
			t.Errorf("record %d: %v", n, err)
		}
	}
	bundle, err := tlog.ParseBundle(w.get("/log/tile/entries/001.p/44").Body.Bytes(), 44)
	if err != nil || len(bundle) != 44 {
		t.Errorf("the bundle: %v", err)
	}
	if tile := w.get("/log/tile/0/000"); tile.Header().Get("Cache-Control") != forEver {
		t.Errorf("a tile is cacheable %q", tile.Header().Get("Cache-Control"))
	}
	for _, path := range []string{"/log/tile/0/001", "/log/tile/0/001.p/45", "/log/tile/0/001.p/43", "/log/tile/entries/000.p/0", "/log/tile/9/000", "/log/tile/x", "/log/entries/0000000000000000", "/log/tile/../entries/0000000000000000"} {
		if rec := w.get(path); rec.Code != http.StatusNotFound && rec.Code != http.StatusMovedPermanently && rec.Code != http.StatusTemporaryRedirect {
			t.Errorf("%s answers %d", path, rec.Code)
		}
	}
}

// TestTheLogIsProvenToGoOn has golang.org/x/mod's library check the proof between two checkpoints that were served.
func TestTheLogIsProvenToGoOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	served := map[int64]theirs.Hash{}
	for _, n := range []int{1, 300, 70} {
		ids := make([]string, n)
		for i := range ids {
			ids[i] = "ep_" + rand.Text()
		}
		w.do(tenant, client, ids...)
		w.seal()
		w.pass(keepCheckpoint)
		c, err := w.keys.Open(w.get("/log/checkpoint").Body.Bytes())
		w.must(err)
		served[int64(c.Size)] = theirs.Hash(c.Root)
	}
	w.tenant = "" // nobody
	for size, root := range served {
		rec := w.get(fmt.Sprint("/log/consistency/", size))
		proof, signed, _ := strings.Cut(strings.TrimPrefix(rec.Body.String(), fmt.Sprintf("old %d\n", size)), "\n\n")
		if size == 371 {
			proof, signed = "", strings.TrimPrefix(proof+"\n\n"+signed, "\n")
		}
		c, err := w.keys.Open([]byte(signed))
		if rec.Code != http.StatusOK || err != nil || c.Size != 371 {
			t.Fatalf("from %d: %d %s: %v", size, rec.Code, rec.Body, err)
		}
		var hashes theirs.TreeProof
		for line := range strings.Lines(proof) {
			h, err := theirs.ParseHash(strings.TrimSpace(line))
			w.must(err)
			hashes = append(hashes, h)
		}
		if err := theirs.CheckTree(hashes, 371, theirs.Hash(c.Root), size, root); err != nil {
			t.Errorf("from %d: %v", size, err)
		}
	}
	for _, size := range []string{"372", "-1", "01", "x", "9223372036854775808"} {
		if rec := w.get("/log/consistency/" + size); rec.Code != http.StatusNotFound {
			t.Errorf("from %s: %d", size, rec.Code)
		}
	}
}

// TestWhatTheLogDoesNotReachCostsTheBucketLittle asks for what does not exist, as anybody may.
func TestWhatTheLogDoesNotReachCostsTheBucketLittle(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do(tenant, client, "ep_1")
	w.seal()
	w.tenant = "" // nobody
	w.pass(0)
	for i := range 50 {
		for _, path := range []string{"/log/tile/0/001", "/log/tile/entries/x001/000", "/log/consistency/2"} {
			if rec := w.get(path); rec.Code != http.StatusNotFound {
				t.Fatalf("%s answers %d", path, rec.Code)
			}
		}
		if n := w.asked.Load(); n != 1 {
			t.Fatalf("after %d rounds the bucket was asked %d times", i+1, n)
		}
	}
}

// tiles reads tiles over the API, which has them by the paths of C2SP.
type tiles struct{ w *world }

func (*tiles) Height() int { return 8 }

func (r *tiles) ReadTiles(wanted []theirs.Tile) ([][]byte, error) {
	out := make([][]byte, len(wanted))
	for i, t := range wanted {
		path := (tlog.Tile{Level: t.L, Index: uint64(t.N), Width: t.W}).Path()
		rec := r.w.get("/log/" + path)
		if rec.Code != http.StatusOK {
			return nil, fmt.Errorf("%s answers %d", path, rec.Code)
		}
		out[i] = rec.Body.Bytes()
	}
	return out, nil
}

func (*tiles) SaveTiles([]theirs.Tile, [][]byte) {}

func TestTheSealFunctionAnswersItsPushes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.do(tenant, client, "ep_1")
	kept := evidencedb.New(w.hub.Ledger)
	var log bytes.Buffer
	job := &sealJob{sealer: w.sealer, ledger: w.hub.Ledger, evidence: kept, now: w.hub.Now, log: slog.New(slog.NewJSONHandler(&log, nil))}
	if err := job.seal(t.Context(), event.Message{}); err != nil {
		t.Error(err)
	}
	newest, _, err := kept.Load(t.Context())
	facts := newest[evidence.AuditCheckpoint].Facts
	if err != nil || facts["size"] != int64(1) || facts["unsealedSeconds"] != int64(0) {
		t.Errorf("it is recorded as %v, %v", newest, err)
	}
	if rec := w.get("/log/checkpoint"); rec.Code != http.StatusOK {
		t.Errorf("nothing was sealed: %d", rec.Code)
	}
	w.do(tenant, client, "ep_2")
	w.must(w.hub.Ledger.Bookkeep(t.Context(), identity.Hub, ledgerdb.Drop(ledgerdb.Ref{Collection: "sealState", ID: "state"})))
	job.now = func() time.Time { return time.Now().Add(200 * time.Second) }
	log.Reset()
	if err := job.seal(t.Context(), event.Message{}); !errors.Is(err, sealing.ErrBehind) {
		t.Errorf("a database that was put back: %v", err)
	}
	if !regexp.MustCompile(`"oldest unsealed entry","unsealed_seconds":2\d\d}`).MatchString(log.String()) {
		t.Errorf("what waits is told as %s", log.String())
	}
}

// BenchmarkProof serves proofs of entries in a log of many, from an instance that has the tiles.
func BenchmarkProof(b *testing.B) {
	w := newWorld(b)
	const n = 1000
	for i := range n {
		w.do(tenant, identity.Nobody(), fmt.Sprint("ep_", i))
	}
	w.seal()
	items := w.list(url.Values{"limit": {"100"}}).Items
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		if rec := w.get("/v1/audit/" + items[i%len(items)].ID + "/proof"); rec.Code != http.StatusOK {
			b.Fatal(rec.Code, rec.Body)
		}
		i++
	}
}
