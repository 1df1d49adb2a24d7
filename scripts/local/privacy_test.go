package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"google.golang.org/api/iterator"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/gcp"
	backbone "ryggrad.internal/hub/shared/hub"
)

// marked are the words of a guest that no other word holds. They are ASCII, so that JSON spells them in one way only.
func marked() []string {
	return []string{"Zqmarked", "zqmarked", "Zqsson", "Zqgatan", "zqnote", "zqdoor", "701740699", "70-174 06 99", "01740699"}
}

func markedGuest() map[string]any {
	return map[string]any{"name": "Zqmarked Zqsson", "phone": "+46701740699", "email": "zqmarked@example.com", "note": "zqnote of the guest"}
}

// markedOrder is an order in which everything that a guest can say is marked.
func (d *demo) markedOrder(number string) map[string]any {
	order := d.sample(number)
	order["customer"], order["note"] = markedGuest(), "zqnote on the order"
	order["deliveryAddress"] = map[string]any{"street": "Zqgatan", "streetNumber": "7", "postalCode": "11122", "city": "Stockholm", "country": "SE", "extra": "zqdoor"}
	order["items"].([]any)[0].(map[string]any)["note"] = "zqnote on a line"
	return order
}

// witness looks at everything that a hub has written.
type witness struct {
	*demo
	t     *testing.T
	spans *tracetest.InMemoryExporter
	heard []string // what callers were answered and endpoints were asked, when it must not tell of the guest
	mu    sync.Mutex
	full  int // whole orders that an endpoint received
}

// listen is an endpoint that wants whole orders, refuses them once, and answers with what it was sent.
func (w *witness) listen() {
	w.t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.mu.Lock()
		w.full++
		first := w.full == 1
		w.mu.Unlock()
		if first {
			rw.WriteHeader(http.StatusInternalServerError)
		}
		_, _ = rw.Write(body)
	}))
	w.t.Cleanup(server.Close)
	pos := client{w.baseURL, w.credentials.Clients["pos"].APIKey}
	w.must(expect(http.StatusCreated)(pos.call(w.t.Context(), http.MethodPost, "/v1/endpoints",
		map[string]any{"url": server.URL, "events": []string{"order.received"}, "payload": "full"})))
}

func (w *witness) must(r response, err error) response {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// live lets the marked guest order in every way, and some go wrong. It returns the orders.
func (w *witness) live() []string {
	w.t.Helper()
	ctx := w.t.Context()
	own := w.must(expect(http.StatusCreated)(w.shop.call(ctx, http.MethodPost, "/v1/orders", w.markedOrder("MRK-1"))))
	id, err := placedID(own)
	w.must(own, err)
	platform := deliverectOrder("MRK-0002")
	platform["customer"] = map[string]any{"name": "Zqmarked Zqsson", "phoneNumber": "+46701740699", "email": "zqmarked@example.com"}
	platform["deliveryAddress"].(map[string]any)["street"], platform["note"] = "Zqgatan", "zqnote"
	w.webhook(platform, http.StatusCreated)
	other, err := w.find(ctx, "MRK-0002")
	w.must(own, err)
	w.goWrong(id, platform)
	for _, order := range []string{id, other} {
		_, err := w.receives(ctx, order, "order.received")
		w.must(own, err)
	}
	return []string{id, other}
}

func (w *witness) webhook(body map[string]any, status int) {
	w.t.Helper()
	raw, err := json.Marshal(body)
	w.must(response{}, err)
	r := w.must(w.post(w.t.Context(), raw))
	if status != 0 && r.status != status {
		w.t.Fatalf("the webhook is answered %d %s", r.status, r.body)
	}
	w.heard = append(w.heard, string(r.body))
}

// goWrong sends what is refused, kept for somebody to look at, or waits.
func (w *witness) goWrong(id string, platform map[string]any) {
	w.t.Helper()
	ctx := w.t.Context()
	conflict, card := w.markedOrder("MRK-1"), w.markedOrder("MRK-3")
	conflict["note"] = "zqnote, changed"
	card["note"] = "zqnote 4111 1111 1111 1111"
	long := w.markedOrder("MRK-4")
	long["customer"].(map[string]any)["email"] = strings.Repeat("zqmarked", 60) + "@example.com"
	long["Zqmarked"], long["total"] = "unknown", "zqmarked"
	for _, bad := range []any{conflict, card, long, "zqmarked", []any{markedGuest()}} {
		r := w.must(w.shop.call(ctx, http.MethodPost, "/v1/orders", bad))
		if r.status/100 != 4 {
			w.t.Errorf("a bad order is answered %d", r.status)
		}
		w.heard = append(w.heard, strings.ReplaceAll(string(r.body), "Zqmarked", "")) // an unknown field is named as it was sent
	}
	unreadable := map[string]any{"channelOrderId": "MRK-5", "orderType": "zqnote", "customer": platform["customer"]}
	w.webhook(unreadable, 0)
	w.webhook(map[string]any{"channelOrderId": "MRK-9", "status": 100, "cancellationReason": "Zqmarked Zqsson called"}, 0)
	for _, path := range []string{"/v1/deliveries", "/v1/channel-messages", "/v1/orders", "/v1/orders/" + id, "/v1/events"} {
		w.heard = append(w.heard, string(w.must(w.shop.call(ctx, http.MethodGet, path, nil)).body))
	}
}

// files are all bytes that the hub has written, by name: its store, keys, buckets and log. The hub works on, so that a
// file may have another name by the time it is read; then all are read again.
func (w *witness) files() map[string][]byte {
	w.t.Helper()
	for {
		all := map[string][]byte{}
		err := filepath.WalkDir(w.dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return err
			}
			all[path], err = os.ReadFile(path)
			return err
		})
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		w.must(response{}, err)
		return all
	}
}

// nothingInPlain searches everything for the marked guest.
func (w *witness) nothingInPlainAnywhere(when string) {
	w.t.Helper()
	all := w.files()
	if len(all[w.logFile]) == 0 || len(all) < 4 {
		w.t.Fatalf("there is no log, or nothing else: %d files", len(all))
	}
	for _, topic := range w.cloud.Topics() {
		published, err := w.cloud.Published(w.env["GOOGLE_CLOUD_PROJECT"], topic)
		w.must(response{}, err)
		for i, m := range published {
			all[fmt.Sprintf("message %d on %s", i, topic)] = fmt.Appendf(nil, "%s %v", m.GetData(), m.GetAttributes())
		}
	}
	for i, text := range w.heard {
		all[fmt.Sprintf("answer %d", i)] = []byte(text)
	}
	spans := w.spans.GetSpans()
	if len(spans) == 0 {
		w.t.Fatal("nothing was traced")
	}
	for i, span := range spans {
		all[fmt.Sprintf("span %d", i)] = fmt.Appendf(nil, "%s %v %v %v %s", span.Name, span.Attributes, span.Events, span.Links, span.Status.Description)
	}
	for d := range w.documents(w.base()) {
		all["document "+d.path] = []byte(spell(d.fields))
	}
	for name, content := range all {
		for _, word := range marked() {
			if at := bytes.Index(content, []byte(word)); at >= 0 {
				w.t.Errorf("%s: %s holds %q: …%q…", when, name, word, content[max(0, at-60):min(len(content), at+60)])
			}
		}
	}
}

// base opens the hub's own ways to its documents and keys.
func (w *witness) base() *backbone.Hub {
	w.t.Helper()
	cfg, err := gcp.Load[gcp.Config](w.env)
	w.must(response{}, err)
	base, err := backbone.Open(w.t.Context(), cfg, slog.New(slog.DiscardHandler))
	w.must(response{}, err)
	w.t.Cleanup(func() { _ = base.Close() })
	return base
}

// document is a document as the database has it.
type document struct {
	path   string
	ref    *firestore.DocumentRef
	fields map[string]any
}

// documents are all documents of all collections that there are.
func (w *witness) documents(base *backbone.Hub) func(func(document) bool) {
	return func(yield func(document) bool) {
		for collections := base.Firestore.Collections(w.t.Context()); ; {
			c, err := collections.Next()
			if err == iterator.Done { //nolint:errorlint // its own package says so
				return
			}
			w.must(response{}, err)
			found, err := c.Documents(w.t.Context()).GetAll()
			w.must(response{}, err)
			for _, snap := range found {
				if !yield(document{c.ID + "/" + snap.Ref.ID, snap.Ref, snap.Data()}) {
					return
				}
			}
		}
	}
}

// cipher is bytes that may be sealed, and where they were.
type cipher struct {
	at    envelope.Binding
	bytes []byte
}

// ciphers are the bytes in every field of every document.
func (w *witness) ciphers(base *backbone.Hub) []cipher {
	w.t.Helper()
	var all []cipher
	for d := range w.documents(base) {
		tenant, _ := d.fields["tenant"].(string)
		for name, field := range d.fields {
			if sealed, ok := field.([]byte); ok {
				all = append(all, cipher{envelope.Binding{Tenant: tenant, Collection: d.ref.Parent.ID, Document: d.ref.ID, Field: name}, sealed})
			}
		}
	}
	return all
}

// readable tries every key that there is on every cipher, and returns what opens, as text.
func (w *witness) readable(base *backbone.Hub, ciphers []cipher) map[string]string {
	w.t.Helper()
	var keys []*envelope.DataKey
	var tenants []*envelope.TenantKey
	for d := range w.documents(base) {
		tenant, _ := d.fields["tenant"].(string)
		for name, field := range d.fields {
			wrapped, _ := field.([]byte)
			at := envelope.Binding{Tenant: tenant, Collection: d.ref.Parent.ID, Document: d.ref.ID, Field: name}
			if key, err := base.Keys.Unwrap(w.t.Context(), wrapped, at); err == nil {
				keys = append(keys, key)
			}
		}
		if id, err := envelope.ParseKeyID(d.ref.ID); d.ref.Parent.ID == "tenantKeys" && err == nil {
			key, err := base.Keys.Load(w.t.Context(), tenant, id)
			w.must(response{}, err)
			tenants = append(tenants, key)
		}
	}
	decoder, err := zstd.NewReader(nil)
	w.must(response{}, err)
	defer decoder.Close()
	opened := map[string]string{}
	for _, c := range ciphers {
		name := c.at.Collection + "/" + c.at.Document + "." + c.at.Field
		for _, key := range keys {
			if plain, err := key.Open(c.bytes, c.at); err == nil {
				opened[name] = string(plain)
				if unpacked, err := decoder.DecodeAll(plain, nil); err == nil {
					opened[name] = string(unpacked)
				}
			}
		}
		for _, key := range tenants {
			if plain, err := key.Open(c.bytes, c.at); err == nil {
				opened[name] = string(plain)
			}
		}
	}
	return opened
}

// tells are the names of what opens and tells of the marked guest.
func tells(opened map[string]string) []string {
	var names []string
	for name, plain := range opened {
		for _, word := range marked() {
			if strings.Contains(plain, word) {
				names = append(names, name)
				break
			}
		}
	}
	return names
}

// nameless tells whether sealed bytes are a message's that names no contact and no order that is here, which nobody can
// find. Its key expires: that is the horizon of this class of copies, see [privacy.Copies].
func (w *witness) nameless(sealed string) bool {
	w.t.Helper()
	id, ok := strings.CutPrefix(strings.TrimSuffix(sealed, ".original"), "originals/")
	if !ok || !strings.HasPrefix(id, "msg_") {
		return false
	}
	snap, err := w.base().Firestore.Doc("messages/" + id).Get(w.t.Context())
	w.must(response{}, err)
	expires, _ := snap.Data()["expireAt"].(time.Time)
	return snap.Data()["state"] == "waiting" && snap.Data()["order"] == "" && time.Until(expires) <= 30*24*time.Hour
}

// TestNothingOfAnErasedGuestCanBeRead marks a guest's words, lets them order in every way and be erased, and then looks at
// every byte that the hub has written: no word is in plain, before or after; and afterwards no key that is left opens any
// sealed bytes that tell of them, also those that somebody copied before. Every request is traced. Metrics are counts and
// values of fields of the log's lines, and the log is among what is searched.
func TestNothingOfAnErasedGuestCanBeRead(t *testing.T) {
	spans := tracetest.NewInMemoryExporter()
	otel.SetTracerProvider(trace.NewTracerProvider(trace.WithSyncer(spans)))
	h := startHub(t, options{listen: "127.0.0.1:0", data: t.TempDir()})
	w := &witness{spans: spans, demo: &demo{hub: h, out: io.Discard, shop: client{h.baseURL, h.credentials.Clients["shop"].APIKey}}, t: t}
	w.listen()
	w.live()
	base, desk := w.base(), client{h.baseURL, h.credentials.Clients["privacy"].APIKey}
	w.must(expect(http.StatusCreated)(w.shop.call(t.Context(), http.MethodPost, "/v1/orders", w.sample("MRK-0"))))
	guest := about(markedGuest(), "phone", "email")
	w.heard = append(w.heard, string(w.must(desk.call(t.Context(), http.MethodPost, "/v1/subjects/export", map[string]any{"phone": "+46701740699", "dryRun": true})).body))
	if _, err := w.finished(t.Context(), desk, "export", "/v1/subjects/exports/", guest); err != nil {
		t.Fatal(err)
	}
	w.nothingInPlainAnywhere("before the erasure")
	copied := w.ciphers(base)
	if names := tells(w.readable(base, copied)); len(names) < 5 { // two guests, an original, a message, an export
		t.Fatalf("before the erasure only %v tell of the guest: the search proves nothing", names)
	}

	if _, err := w.finished(t.Context(), desk, "erase", "/v1/subjects/erasures/", guest); err != nil {
		t.Fatal(err)
	}
	w.nothingInPlainAnywhere("after the erasure")
	fresh := w.base() // a process that has no key in memory
	opened := w.readable(fresh, append(w.ciphers(fresh), copied...))
	for _, name := range tells(opened) {
		if !w.nameless(name) {
			t.Errorf("after the erasure %s tells of the guest", name)
		}
	}
	if len(opened) == 0 {
		t.Error("nothing opens at all, not even what other guests said: the search proves nothing")
	}
}
