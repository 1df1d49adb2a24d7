package main

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

// builderMain is the program that Google's builder writes around a function that registers itself, and where.
const (
	builderMain = "functions.local/app/main.go"
	builderText = `package main

import (
	"log"
	"os"

	_ "` + modulePath + `"

	"` + framework + `/funcframework"
)

func main() {
	if err := funcframework.Start(os.Getenv("PORT")); err != nil {
		log.Fatal(err)
	}
}
`
)

// call is a request that a function must answer.
type call struct {
	function string
	method   string
	path     string
	body     func(*world) string
	status   int
}

// calls are one real request for every function, in an order in which each finds what it needs.
func calls() []call {
	tick := func(*world) string { return push([]byte(`{}`)) }
	const pushed = http.StatusNoContent
	return []call{
		{"orders", http.MethodPost, "/v1/orders", (*world).order, http.StatusCreated},
		{"fetch", http.MethodPost, "/", (*world).noFetch, pushed},
		{"reconcile", http.MethodPost, "/", tick, pushed},
		{"delivery", http.MethodPost, "/v1/endpoints", (*world).endpoint, http.StatusCreated},
		{"dispatch", http.MethodPost, "/", (*world).announced, pushed},
		{"relay", http.MethodPost, "/", tick, pushed},
		{"retry", http.MethodPost, "/", tick, pushed},
		{"deadlines", http.MethodPost, "/", tick, pushed},
		{"auth", http.MethodGet, "/v1/locations", nil, http.StatusOK},
		{"seal", http.MethodPost, "/", tick, pushed},
		{"audit", http.MethodGet, "/log/checkpoint", nil, http.StatusOK},
		{"keys", http.MethodPost, "/", tick, pushed},
	}
}

func push(data []byte) string {
	return fmt.Sprintf(`{"message":{"data":%q,"messageId":"1","publishTime":"2026-03-01T12:00:00Z"},"subscription":"projects/p/subscriptions/s"}`,
		base64.StdEncoding.EncodeToString(data))
}

// world is a project with a tenant who calls the functions.
type world struct {
	cloud    *cloudtest.Cloud
	env      map[string]string
	tenant   string
	location string
	client   identitydb.Issued
	t        *testing.T
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{cloud: cloudtest.Start(t), t: t}
	w.env = w.cloud.Env()
	w.env["RYGGRAD_ALLOW_LOOPBACK"] = "true"
	cfg, err := gcp.Load[gcp.Config](w.env)
	w.must(err)
	h, err := hub.Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	w.must(err)
	t.Cleanup(func() { w.must(h.Close()) })
	by := ledgerdb.Act{Actor: identity.Actor{Kind: identity.KindOperator, ID: "test"}}
	tenant, err := h.Identities().CreateTenant(t.Context(), by, "Bundled")
	w.must(err)
	by.Tenant, w.tenant = tenant.ID, tenant.ID
	location, err := h.Identities().CreateLocation(t.Context(), by, identity.Location{Name: "Old town", Timezone: "Europe/Stockholm", Currency: "SEK", Country: "SE"})
	w.must(err)
	w.location = location.ID
	w.client, err = h.Identities().CreateClient(t.Context(), by, identity.Client{
		Name: "Shop", Scopes: identity.NewScopes(identity.OrdersWrite, identity.EndpointsWrite, identity.LocationsRead), ExpiresAt: time.Now().Add(time.Hour),
		Locations: identity.Locations{identity.EveryLocation},
	})
	w.must(err)
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) order() string {
	return `{"channelOrderId":"B1","displayId":"1","location":"` + w.location + `","type":"pickup","placedAt":"2026-03-01T18:04:05+01:00","currency":"SEK",
		"items":[{"plu":"P","name":"Pizza","quantity":1,"unitPrice":100}],"total":100,"payment":{"method":"online","status":"paid","due":0}}`
}

func (w *world) endpoint() string {
	return `{"url":"http://127.0.0.1:9/pos","events":["order.received"]}`
}

func (w *world) noFetch() string {
	data, err := json.Marshal(event.Announcement{Tenant: w.tenant, Event: "fet_aaaaaaaaaaaaaaaaaaaaaaaaaa"})
	w.must(err)
	return push(data)
}

// announced is the message by which the order was announced.
func (w *world) announced() string {
	all := w.cloud.Published(w.t, event.TopicEvents)
	if len(all) == 0 {
		w.t.Fatal("no event was announced")
	}
	return push(all[0].Data)
}

// TestBundlesAreBuiltAndAnswer takes every bundle through what Google's builder and Cloud Run do with it.
func TestBundlesAreBuiltAndAnswer(t *testing.T) {
	t.Parallel()
	if os.Getenv("RYGGRAD_BUILD_BUNDLES") == "" {
		t.Skip("SKIPPED: building every bundle takes minutes; `bash .ci/run bundle` does it")
	}
	out := t.TempDir()
	var listed bytes.Buffer
	if err := bundleAll(t.Context(), root(t), out, &listed); err != nil {
		t.Fatal(err)
	}
	t.Logf("The bundles:\n%s", &listed)
	var m manifest
	if err := json.Unmarshal(read(t, out, manifestName), &m, json.RejectUnknownMembers(true)); err != nil {
		t.Fatal(err)
	}
	programs := build(t, out, m)
	w := newWorld(t)
	called := map[string]bool{}
	for _, c := range calls() {
		called[c.function] = true
		if programs[c.function] == "" {
			t.Errorf("there is no bundle of %s", c.function)
			continue
		}
		w.play(t, programs[c.function], c)
	}
	table, err := functions.Table()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range table {
		if !f.Coming && !called[f.Name] {
			t.Logf("%s has no request of its own yet: it is only started, and asked for the least", f.Name)
			w.play(t, programs[f.Name], least(f))
		}
	}
}

// least is a request that every function answers.
func least(f functions.Function) call {
	if f.Trigger == functions.HTTP {
		return call{f.Name, http.MethodGet, "/openapi/" + f.Name + ".json", nil, http.StatusOK}
	}
	return call{f.Name, http.MethodPost, "/", func(*world) string { return push([]byte(`{}`)) }, http.StatusNoContent}
}

// build compiles each package once, from one of its bundles, and returns every function's program.
func build(t *testing.T, out string, m manifest) map[string]string {
	t.Helper()
	byPackage, programs := map[string]string{}, map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(m.Functions)) {
		b := m.Functions[name]
		if byPackage[b.Package] == "" {
			byPackage[b.Package] = compile(t, filepath.Join(out, b.File))
		}
		programs[name] = byPackage[b.Package]
	}
	return programs
}

// compile does what the builder does. It trims paths, which the builder does not, so that what is vendored is compiled
// once for all bundles and kept for the next time.
func compile(t *testing.T, bundle string) string {
	t.Helper()
	dir := t.TempDir()
	unpack(t, bundle, dir)
	main := filepath.Join(dir, filepath.FromSlash(builderMain))
	if err := os.MkdirAll(filepath.Dir(main), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(main, []byte(builderText), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "function")
	began := time.Now()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", program, filepath.Dir(main))
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "GOPROXY=off", "GOFLAGS="+os.Getenv("GOFLAGS")+" -mod=vendor", "GOWORK=off", "GOTOOLCHAIN=local", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("the builder would fail on %s: %v\n%s", bundle, err, text)
	}
	t.Logf("%s is built in %.1f s", filepath.Base(bundle), time.Since(began).Seconds())
	return program
}

func unpack(t *testing.T, bundle, dir string) {
	t.Helper()
	packed, err := zip.OpenReader(bundle)
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	if err := os.CopyFS(dir, packed); err != nil {
		t.Fatal(err)
	}
}

// play starts a function's program, waits until it is healthy, sends the call, and ends it as Cloud Run does.
func (w *world) play(t *testing.T, program string, c call) {
	t.Helper()
	address := freeAddress(t)
	var said bytes.Buffer
	child := exec.CommandContext(t.Context(), program)
	child.Stdout, child.Stderr = &said, &said
	_, port, _ := net.SplitHostPort(address)
	child.Env = []string{"PORT=" + port, "FUNCTION_TARGET=" + c.function, "LOCAL_ONLY=true"}
	for name, value := range w.env {
		child.Env = append(child.Env, name+"="+value)
	}
	began := time.Now()
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	w.await(t, "http://"+address+"/health", &said)
	healthy := time.Since(began)
	status, body := w.send(t, address, c)
	if status != c.status {
		t.Errorf("%s answers %s %s with %d %s\n%s", c.function, c.method, c.path, status, body, &said)
	}
	t.Logf("%-10s healthy %4d ms after exec, has answered after %4d ms", c.function, healthy.Milliseconds(), time.Since(began).Milliseconds())
	if err := child.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := child.Wait(); err != nil {
		t.Errorf("%s does not end well on SIGTERM: %v\n%s", c.function, err, &said)
	}
}

// await asks for a function's health until it answers.
func (w *world) await(t *testing.T, url string, said *bytes.Buffer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil { // it does not listen yet
			<-time.After(5 * time.Millisecond)
			continue
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			t.Fatalf("%s answers %d\n%s", url, answer.StatusCode, said)
		}
		return
	}
	t.Fatalf("%s never answers\n%s", url, said)
}

func (w *world) send(t *testing.T, address string, c call) (int, []byte) {
	t.Helper()
	body := ""
	if c.body != nil {
		body = c.body(w)
	}
	r, err := http.NewRequestWithContext(t.Context(), c.method, "http://"+address+c.path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+w.client.APIKey.Reveal())
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, text
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
