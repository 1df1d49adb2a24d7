package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/identity/totp"
)

// TestDemo runs the demo as a person does; it verifies every stop itself.
func TestDemo(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-demo", "-listen", "127.0.0.1:0"}, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	if !strings.Contains(out.String(), "stops verified") || strings.Contains(out.String(), "FAILED") {
		t.Errorf("the demo says:\n%s", out.String())
	}
}

// TestDemoFailsWhenAStopDoes breaks the POS: a demo that cannot fail would prove nothing.
func TestDemoFailsWhenAStopDoes(t *testing.T) {
	h := startHub(t, options{listen: "127.0.0.1:0"})
	h.credentials.Channels["deliverect"] = linkKey{URL: h.credentials.Channels["deliverect"].URL, Secret: "not the secret"}
	d := &demo{hub: h, out: &bytes.Buffer{}, shop: client{h.baseURL, h.credentials.Clients["shop"].APIKey}}
	d.deliverect(t.Context())
	if d.failed == 0 {
		t.Error("the demo verified webhooks under a wrong secret")
	}
}

// TestACodeWhoseStepIsOverOnArrivalIsGivenAnew has the first one arrive late.
func TestACodeWhoseStepIsOverOnArrivalIsGivenAnew(t *testing.T) {
	taken := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if taken++; taken == 1 {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = io.WriteString(w, "{}")
	}))
	defer server.Close()
	secret, err := totp.New(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c, key := client{baseURL: server.URL}, userKey{TOTPSecret: secret.Reveal()}
	if _, err := c.prove(t.Context(), "/", key, -1); err == nil {
		t.Error("a code that was refused counts as taken")
	}
	taken = 0
	if code, err := c.prove(t.Context(), "/", key, -1, -1); err != nil || taken != 2 || len(code) != 6 {
		t.Errorf("after %d codes: %q, %v", taken, code, err)
	}
}

func startHub(t *testing.T, opts options) *hub {
	t.Helper()
	h, err := start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	})
	return h
}

func TestStateSurvivesARestart(t *testing.T) {
	opts := options{listen: "127.0.0.1:0", data: t.TempDir(), credentials: filepath.Join(t.TempDir(), "credentials.json")}
	h, err := start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	d := &demo{hub: h, shop: client{h.baseURL, h.credentials.Clients["shop"].APIKey}}
	r, err := expect(http.StatusCreated)(d.shop.call(t.Context(), http.MethodPost, "/v1/orders", d.sample("WEB-0001")))
	if err != nil {
		t.Fatal(err)
	}
	id, err := placedID(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h = startHub(t, opts)
	d = &demo{hub: h, shop: client{h.baseURL, h.credentials.Clients["shop"].APIKey}}
	if shown, err := d.status(t.Context(), id); err != nil || shown.ID != id {
		t.Errorf("after a restart: %+v, %v", shown, err)
	}

	text, err := os.ReadFile(opts.credentials)
	if err != nil {
		t.Fatal(err)
	}
	var c credentials
	if err := json.Unmarshal(text, &c); err != nil || c.BaseURL != h.baseURL || c.Clients["shop"].APIKey != h.credentials.Clients["shop"].APIKey {
		t.Errorf("the credentials file says %+v: %v", c, err)
	}
	if info, err := os.Stat(opts.credentials); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the credentials file has mode %v: %v", info.Mode(), err)
	}
}

func TestEveryBuiltFunctionRuns(t *testing.T) {
	t.Parallel()
	table, err := functions.Table()
	if err != nil {
		t.Fatal(err)
	}
	known := builds()
	for _, f := range built(table) {
		if known[f.Name] == nil {
			t.Errorf("%s is built and the local runner does not run it", f.Name)
		}
		delete(known, f.Name)
	}
	for name := range known {
		t.Errorf("the local runner runs %s, which the table does not list as built", name)
	}
}

// operation is as much of an operation's description as the test looks at.
type operation struct {
	RequestBody any            `json:"requestBody"`
	Responses   map[string]any `json:"responses"`
}

func TestWholeHubIsDescribed(t *testing.T) {
	h := startHub(t, options{listen: "127.0.0.1:0"})
	r, err := expect(http.StatusOK)(client{baseURL: h.baseURL}.call(t.Context(), http.MethodGet, "/openapi.json", nil))
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		OpenAPI    string                          `json:"openapi"`
		Paths      map[string]map[string]operation `json:"paths"`
		Webhooks   map[string]any                  `json:"webhooks"`
		Components struct {
			Schemas map[string]any `json:"schemas"`
		} `json:"components"`
	}
	if err := r.json(&doc); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/v1/orders", "/v1/orders/{id}/status", "/v1/channels/{adapter}/{link}/orders", "/v1/endpoints", "/v1/oauth/token"} {
		if doc.Paths[path] == nil {
			t.Errorf("%s is not described", path)
		}
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("OpenAPI %s", doc.OpenAPI)
	}
	for _, event := range delivery.Types() {
		if doc.Webhooks[string(event)] == nil {
			t.Errorf("the message %s is not described", event)
		}
	}
	for path, item := range doc.Paths {
		for method, op := range item {
			if (method == "post" || method == "put") && op.RequestBody == nil && !bodiless(path) {
				t.Errorf("the body of %s %s is not described", method, path)
			}
			if len(op.Responses) < 2 {
				t.Errorf("the answers of %s %s are not described", method, path)
			}
		}
	}
	for _, ref := range regexp.MustCompile(`"\$ref": ?"#/components/schemas/([^"]+)"`).FindAllStringSubmatch(string(r.body), -1) {
		if doc.Components.Schemas[ref[1]] == nil {
			t.Errorf("the schema %s is referred to and not described", ref[1])
		}
	}
}

// bodiless tells whether a request to the path that changes something says everything by its address.
func bodiless(path string) bool {
	for _, end := range []string{"/secret", "/test", "/retry", "/refresh", "/options", "/initial-password", "/recovery-codes", "/v1/me/totp", "/content"} {
		if strings.HasSuffix(path, end) {
			return true
		}
	}
	return path == "/v1/channel-messages/{id}/replay"
}

func TestPathThatNoFunctionHasIsAProblem(t *testing.T) {
	h := startHub(t, options{listen: "127.0.0.1:0"})
	for _, path := range []string{"/", "/v2/orders", "/v1/ordersx"} {
		r, err := expect(http.StatusNotFound)(client{baseURL: h.baseURL}.call(t.Context(), http.MethodGet, path, nil))
		if err != nil || r.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s is answered %v, %s", path, err, r.body)
		}
	}
}

func TestBadFlagsAreExplained(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, args := range [][]string{{"demo"}, {"-emulators", "other"}, {"-listen", "nowhere:port"}, {"-unknown"}} {
		if err := run(ctx, args, &bytes.Buffer{}); err == nil {
			t.Errorf("%v was taken", args)
		}
	}
}
