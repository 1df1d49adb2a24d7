package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

// console runs commands on a project of the test's own.
type console struct {
	t     *testing.T
	cloud *cloudtest.Cloud
	env   gcp.Env
	web   *http.Client
}

func newConsole(t *testing.T) *console {
	t.Helper()
	cloud := cloudtest.Start(t)
	env := gcp.Env(cloud.Env())
	env["RYGGRAD_OPERATOR"] = "kim"
	return &console{t: t, cloud: cloud, env: env}
}

// run runs a command line and returns what it answered.
func (c *console) run(args ...string) (string, error) {
	c.t.Helper()
	var out, log bytes.Buffer
	err := run(c.t.Context(), args, terminal{in: strings.NewReader(""), out: &out, err: &log, env: c.env, web: c.web})
	return out.String(), err
}

// read runs a command line that must succeed and reads its answer.
func (c *console) read(into any, args ...string) {
	c.t.Helper()
	out, err := c.run(args...)
	if err != nil {
		c.t.Fatalf("ryggrad %s: %v", strings.Join(args, " "), err)
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		c.t.Fatalf("ryggrad %s answers %s", strings.Join(args, " "), out)
	}
}

func TestTenantsAreMadeListedAndSuspended(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	var made, suspended, resumed tenantAnswer
	c.read(&made, "tenants", "create", "Group")
	c.read(&suspended, "tenants", "suspend", made.ID)
	if made.Name != "Group" || made.Suspended || !suspended.Suspended {
		t.Errorf("made %+v, then %+v", made, suspended)
	}
	c.read(&resumed, "tenants", "resume", made.ID)
	var all []tenantAnswer
	c.read(&all, "tenants", "list")
	if len(all) != 1 || all[0] != resumed || resumed.Suspended {
		t.Errorf("listed %+v", all)
	}
}

func TestClientsAreMadeRotatedAndRemoved(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	var tenant tenantAnswer
	c.read(&tenant, "tenants", "create", "Group")
	var made struct {
		clientAnswer
		APIKey string `json:"apiKey"`
	}
	c.read(&made, "clients", "create", tenant.ID, "Till", "--scope", "orders:read,orders:write")
	if !strings.HasPrefix(made.APIKey, "ryg_live_") || len(made.Scopes) != 2 {
		t.Errorf("made %+v", made)
	}
	for _, overlap := range []string{"--overlap=-1h", "--overlap=721h"} {
		if _, err := c.run("clients", "rotate", tenant.ID, made.ID, overlap); err == nil {
			t.Errorf("%s is taken", overlap)
		}
	}
	var rotated map[string]string
	c.read(&rotated, "clients", "rotate", tenant.ID, made.ID, "--overlap", "1h")
	var all []clientAnswer
	c.read(&all, "clients", "list", tenant.ID)
	if len(all) != 1 || len(all[0].APIKeys) != 2 || all[0].APIKeys[1] != rotated["id"] {
		t.Errorf("listed %+v after %v", all, rotated)
	}
	var removed map[string]string
	c.read(&removed, "clients", "remove", tenant.ID, made.ID)
	c.read(&all, "clients", "list", tenant.ID)
	if len(all) != 0 {
		t.Errorf("there still is %+v", all)
	}
}

func TestSigningKeysAreListedAndRolled(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	var before, after []keyAnswer
	c.read(&before, "keys", "list")
	c.read(&after, "keys", "rotate")
	if len(before) != 1 || before[0].State != "signing" || len(after) != 2 || after[0].State != "signing" || after[1].State != "waiting" || after[0].Retires == nil {
		t.Errorf("%+v became %+v", before, after)
	}
	if _, err := c.run("keys", "rotate"); err == nil {
		t.Error("a second key is published while the first waits")
	}
	var replaced []keyAnswer
	c.read(&replaced, "keys", "rotate", "--compromised")
	if last := replaced[len(replaced)-1]; len(replaced) != 3 || last.State != "signing" || replaced[0].State != "retired" {
		t.Errorf("replaced: %+v", replaced)
	}
}

func TestWhatCannotBeDoneIsSaid(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	for _, args := range [][]string{
		{"tenants", "suspend", "ten_aaaaaaaaaaaaaaaaaaaaaaaaaa"},
		{"tenants", "suspend", "../x"},
		{"tenants", "create", " "},
		{"clients", "create", "ten_aaaaaaaaaaaaaaaaaaaaaaaaaa", "Till", "--scope", "users:write"},
		{"clients", "list", "ten_aaaaaaaaaaaaaaaaaaaaaaaaaa"},
		{"users", "list", "ten_aaaaaaaaaaaaaaaaaaaaaaaaaa"},
		{"users", "list", "ten_x"},
		{"--as", "kim@example.com", "tenants", "create", "Group"},
		{"--local", filepath.Join(t.TempDir(), "none.json"), "tenants", "list"},
		{"tenants"}, {"everything"}, {},
	} {
		if out, err := c.run(args...); err == nil {
			t.Errorf("ryggrad %s answers %s", strings.Join(args, " "), out)
		}
	}
	_, err := c.run("clients", "create", "ten_aaaaaaaaaaaaaaaaaaaaaaaaaa", "Till", "--scope", "users:write")
	if err == nil || !strings.Contains(err.Error(), "scopes[0] is not a scope that a client may hold") {
		t.Errorf("what is wrong is not said: %v", err)
	}
	c.env["RYGGRAD_OPERATOR"] = ""
	if _, err := c.run("tenants", "create", "Group"); err == nil || !strings.Contains(err.Error(), "--as") {
		t.Errorf("nobody made a tenant: %v", err)
	}
	if _, err := c.run("--help"); !errors.Is(err, errHelp) {
		t.Errorf("help: %v", err)
	}
}

func TestALocalHubIsFoundByItsCredentials(t *testing.T) {
	t.Parallel()
	d := &desk{local: filepath.Join(t.TempDir(), "hub.json")}
	text := `{"baseUrl":"http://127.0.0.1:8080","endpoints":{"firestore":"127.0.0.1:1","kms":"127.0.0.1:2"}}`
	if err := os.WriteFile(d.local, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env, err := d.environment()
	if err != nil || env["FIRESTORE_EMULATOR_HOST"] != "127.0.0.1:1" || env["RYGGRAD_BASE_URL"] != "http://127.0.0.1:8080" {
		t.Errorf("the environment is %v, %v", env, err)
	}
	if by, err := d.act("ten_aaaaaaaaaaaaaaaaaaaaaaaaaa"); err != nil || by.Actor.String() != "operator:local" {
		t.Errorf("the act is %+v, %v", by, err)
	}
}
