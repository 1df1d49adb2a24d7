package channel_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

// FuzzAdapters feeds bytes to every adapter, as each of its webhooks and as what it fetches. They may refuse, with a fault;
// what they take must keep every rule of an order and be stable.
func FuzzAdapters(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "*", "*.json"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
	}
	for _, seed := range []string{`{}`, `[]`, `null`, `[null]`, `[[]]`, `{"data":{"object":[]}}`, `{"body":{"order":[]}}`, `{"id":"1","items":[{"items":[{}]}]}`} {
		f.Add([]byte(seed))
	}
	adapters := channel.Adapters()
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, a := range adapters {
			for _, path := range slices.Concat(a.Paths, a.Puts) {
				again := func(b []byte) (channel.Message, error) {
					return a.Read(channel.Request{Path: path, Header: http.Header{}.Values, Body: b}, anywhere("JPY"))
				}
				checkMessage(t, a, body, again)
			}
			checkMessage(t, a, body, func(b []byte) (channel.Message, error) {
				return a.ReadFetched(b, channel.Reference{Ref: channel.Ref{ChannelOrderID: "1"}}, anywhere("KWD"))
			})
		}
	})
}

func checkMessage(t *testing.T, a channel.Adapter, body []byte, read func([]byte) (channel.Message, error)) {
	t.Helper()
	message, err := read(body)
	if kind := fault.KindOf(err); err != nil && kind != fault.Malformed && kind != fault.Invalid {
		t.Fatalf("%s refuses with %s: %v", a.Name, kind, err)
	}
	if err == nil && message == nil {
		t.Fatalf("%s reads nothing", a.Name)
	}
	m, ok := message.(channel.NewOrder)
	if !ok {
		return
	}
	if faults := m.Order.Check(); len(faults) > 0 || len(m.Order.CardNumbers()) > 0 {
		t.Fatalf("%s takes an order with faults %v", a.Name, faults)
	}
	if _, err := m.Order.Canonical(); err != nil {
		t.Fatalf("%s makes an order that has no digest: %v", a.Name, err)
	}
	if !jsontext.Value(m.Original).IsValid() {
		t.Fatalf("%s keeps an original that is no JSON: %q", a.Name, m.Original)
	}
	again, err := read(m.Original)
	repeated, ok := again.(channel.NewOrder)
	if err != nil || !ok || len(order.Diff(m.Order, repeated.Order)) > 0 {
		t.Fatalf("%s reads the original as another order: %v, %v", a.Name, err, order.Diff(m.Order, repeated.Order))
	}
}

// BenchmarkAdapters reads one order of every platform: most of what a native webhook costs beyond our own API.
func BenchmarkAdapters(b *testing.B) {
	for _, a := range channel.Adapters() {
		for _, name := range []string{"create", "orders_new", "orders", "orders_created", "order-ready-for-preparation-async", "carried", "fetched_delivery", "fetched_version2", "fetched_pickup"} {
			file := filepath.Join("testdata", a.Name, name+".json")
			body, err := os.ReadFile(file)
			if err != nil {
				continue
			}
			b.Run(a.Name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := read(a, file, body, anywhere("SEK")); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
