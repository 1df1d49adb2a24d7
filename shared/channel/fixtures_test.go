package channel_test

import (
	"errors"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/order"
)

// update rewrites what the fixtures are read as. Read the difference before you commit it.
var update = flag.Bool("update", false, "rewrite testdata/*/*.want")

// reading is what a payload is read as, in a form to be compared and looked at.
type reading struct {
	Kind     string                    `json:"kind"`
	Fault    string                    `json:"fault,omitzero"`
	Identity []string                  `json:"identity,omitempty"`
	Order    *order.Order              `json:"order,omitzero"`
	Masked   []string                  `json:"masked,omitempty"`
	Extra    map[string]jsontext.Value `json:"extra,omitempty"`
	Warnings []string                  `json:"warnings,omitempty"`
	Says     any                       `json:"says,omitzero"`
}

func readingOf(m channel.Message, err error) reading {
	var f *fault.Error
	switch m := m.(type) {
	case channel.NewOrder:
		r := reading{Kind: "order", Identity: m.Identity, Order: &m.Order, Extra: m.Order.Extra, Warnings: codes(m.Warnings)}
		if c := m.Order.Customer; c != nil && c.PhoneMasked {
			r.Masked = append(r.Masked, "phone")
		}
		if c := m.Order.Customer; c != nil && c.EmailMasked {
			r.Masked = append(r.Masked, "email")
		}
		return r
	case channel.Reference:
		return reading{Kind: "reference", Says: m}
	case channel.Cancel:
		return reading{Kind: "cancel", Says: m}
	case channel.Event:
		return reading{Kind: "event", Says: m}
	case channel.Batch:
		r := reading{Kind: "batch"}
		var all []reading
		for _, one := range m {
			all = append(all, readingOf(one, nil))
		}
		r.Says = all
		return r
	}
	if errors.As(err, &f) {
		return reading{Kind: "refused", Fault: string(f.Kind), Says: f.Details}
	}
	return reading{Kind: "refused"}
}

func (r reading) text(tb testing.TB) string {
	tb.Helper()
	text, err := json.Marshal(r, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		tb.Fatal(err)
	}
	return string(text) + "\n"
}

// anywhere is a link that serves one location, whatever the platform calls it.
func anywhere(currency order.Currency) channel.Link {
	return channel.Link{Places: []channel.Place{{Location: "loc_1", Currency: currency}}}
}

// read reads a fixture: as fetched for the order that it is where its name says so, else as a webhook to the path that its
// name begins with, or the adapter's first.
func read(a channel.Adapter, file string, body []byte, link channel.Link) (channel.Message, error) {
	name := strings.TrimSuffix(filepath.Base(file), ".json")
	if strings.HasPrefix(name, "fetched") {
		var named struct {
			ID    string `json:"id"`
			Order struct {
				ID string `json:"id"`
			} `json:"order"`
		}
		if err := json.Unmarshal(body, &named); err != nil {
			return nil, err
		}
		return a.ReadFetched(body, channel.Reference{Ref: channel.Ref{ChannelOrderID: max(named.ID, named.Order.ID)}}, link)
	}
	path := a.Paths[0]
	for _, p := range slices.Concat(a.Paths, a.Puts) {
		if strings.HasPrefix(name, p) {
			path = p
		}
	}
	return a.Read(channel.Request{Path: path, Header: http.Header{}.Values, Body: body}, link)
}

// TestFixtures reads every fixture of every adapter. Beside each stands what it is read as.
func TestFixtures(t *testing.T) {
	t.Parallel()
	for _, a := range channel.Adapters() {
		t.Run(a.Name, func(t *testing.T) {
			t.Parallel()
			files, err := filepath.Glob(filepath.Join("testdata", a.Name, "*.json"))
			if err != nil || len(files) == 0 {
				t.Fatalf("no fixtures: %v", err)
			}
			for _, file := range files {
				body, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				got := readingOf(read(a, file, body, anywhere("SEK"))).text(t)
				golden := strings.TrimSuffix(file, ".json") + ".want"
				if *update {
					if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(golden)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", file, diff)
				}
			}
		})
	}
}
