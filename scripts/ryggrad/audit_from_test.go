package main

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"cloud.google.com/go/kms/apiv1/kmspb"

	"ryggrad.internal/hub/functions/audit"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/ledger/sealing"
)

// TestALogIsVerifiedWhereverItIs verifies one log by all ways to it, whole and changed.
func TestALogIsVerifiedWhereverItIs(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	var tenant tenantAnswer
	c.read(&tenant, "tenants", "create", "Group")
	_, folder := c.seal()
	handler, err := audit.BuildAudit(t.Context(), c.env)
	c.ok(err)
	web := &flipped{Handler: handler}
	server := httptest.NewTLSServer(web)
	t.Cleanup(server.Close)
	c.web = server.Client()
	settings, err := gcp.Load[sealing.Settings](c.env)
	c.ok(err)
	key := strings.TrimSpace(c.must("audit", "keys"))
	places := map[string]string{
		"a folder": folder, "an address": server.URL + "/log/", "a bucket": "gs://" + settings.LogBucket,
	}
	for name, from := range places {
		out := c.must("audit", "verify", "--from", from, "--key", key, "--since", filepath.Join(folder, "checkpoint"))
		if !strings.Contains(out, "holds: 1 entries") || strings.Contains(out, "Only the public log") != (name == "an address") {
			t.Errorf("%s: %s", name, out)
		}
		stranger := key[:len(key)-4] + "AAA="
		if _, err := c.run("audit", "verify", "--from", from, "--key", stranger); err == nil {
			t.Errorf("%s: another key's signature holds", name)
		}
		if _, err := c.run("audit", "verify", "--from", from); err == nil || errors.Is(err, errWrong) {
			t.Errorf("%s names its own keys: %v", name, err)
		}
	}
	web.tile = "/log/tile/0/000.p/1"
	c.changeObject(settings.LogBucket, "tile/0/000.p/1")
	for _, name := range []string{"an address", "a bucket"} {
		out, err := c.run("audit", "verify", "--from", places[name], "--key", key)
		if !errors.Is(err, errWrong) || !strings.Contains(out, "entry 0: its bundle says something else than the tile") {
			t.Errorf("%s with another tile: %v, %s", name, err, out)
		}
	}
	for _, from := range []string{"gs://test-none-such", server.URL + "/v1", filepath.Join(folder, "none")} {
		if out, err := c.run("audit", "verify", "--from", from, "--key", key); err == nil {
			t.Errorf("%s holds: %s", from, out)
		}
	}
}

// flipped serves a log, and one tile of it with a bit that is another.
type flipped struct {
	http.Handler
	tile string
}

func (f *flipped) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != f.tile {
		f.Handler.ServeHTTP(w, r)
		return
	}
	rec := httptest.NewRecorder()
	f.Handler.ServeHTTP(rec, r)
	data := rec.Body.Bytes()
	data[5] ^= 1
	_, _ = w.Write(data)
}

// changeObject changes a bit of an object.
func (c *console) changeObject(bucket, name string) {
	c.t.Helper()
	cfg, err := gcp.Load[gcp.Config](c.env)
	c.ok(err)
	store, err := objects.Open(c.t.Context(), cfg, nil)
	c.ok(err)
	data, generation, err := store.Bucket(bucket).Load(c.t.Context(), name)
	c.ok(err)
	data = bytes.Clone(data)
	data[5] ^= 1
	c.ok(store.Bucket(bucket).Replace(c.t.Context(), name, data, generation))
}

// TestAKeyThatIsGoneIsNamedAndTheLogVerifiedWithout rotates the key, names the former version again, and destroys it.
func TestAKeyThatIsGoneIsNamedAndTheLogVerifiedWithout(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	var tenant tenantAnswer
	c.read(&tenant, "tenants", "create", "Group")
	c.seal()
	keys := c.cloud.KMS(t)
	_, err := keys.CreateCryptoKeyVersion(t.Context(), &kmspb.CreateCryptoKeyVersionRequest{Parent: c.cloud.Key("audit-checkpoints")})
	c.ok(err)
	c.env["RYGGRAD_CHECKPOINT_KEY_VERSION"] = "2"
	c.must("tenants", "suspend", tenant.ID)
	c.seal()
	both := strings.Fields(c.must("audit", "keys"))
	if out := c.must("audit", "verify"); !strings.Contains(out, "2 signed checkpoints") {
		t.Errorf("verify says %s", out)
	}
	c.env["RYGGRAD_CHECKPOINT_KEY_VERSION"] = "1"
	out, err := c.run("audit", "verify")
	if !errors.Is(err, errWrong) || !strings.Contains(out, "version 2 of the key signed it, and RYGGRAD_CHECKPOINT_KEY_VERSION names version 1") {
		t.Errorf("an earlier version is named: %v, %s", err, out)
	}
	c.env["RYGGRAD_CHECKPOINT_KEY_VERSION"] = "2"
	_, err = keys.DestroyCryptoKeyVersion(t.Context(), &kmspb.DestroyCryptoKeyVersionRequest{Name: c.cloud.Key("audit-checkpoints") + "/cryptoKeyVersions/1"})
	c.ok(err)
	out, err = c.run("audit", "verify")
	if !errors.Is(err, errWrong) || strings.Count(out, "WRONG") != 1 || !strings.Contains(out, "versions [1] of the key are disabled or destroyed") || !strings.Contains(out, both[1]) {
		t.Errorf("a version is gone: %v, %s", err, out)
	}
	if out := c.must("audit", "verify", "--key", both[0], "--key", both[1]); !strings.Contains(out, "2 signed checkpoints") {
		t.Errorf("with the public keys that were kept: %s", out)
	}
}
