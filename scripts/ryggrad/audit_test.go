package main

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/ledger/sealing"
)

// must runs a command line that must succeed.
func (c *console) must(args ...string) string {
	c.t.Helper()
	out, err := c.run(args...)
	if err != nil {
		c.t.Fatalf("ryggrad %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// seal seals what was done, and copies the log to a folder.
func (c *console) seal() (h *hub.Hub, folder string) {
	c.t.Helper()
	cfg, err := gcp.Load[gcp.Config](c.env)
	c.ok(err)
	settings, err := gcp.Load[sealing.Settings](c.env)
	c.ok(err)
	h, err = hub.Open(c.t.Context(), cfg, slog.New(slog.DiscardHandler))
	c.ok(err)
	sealer, err := settings.Open(c.t.Context(), h, nil)
	c.ok(err)
	c.t.Cleanup(func() { c.ok(h.Close()) })
	_, err = sealer.Run(c.t.Context())
	c.ok(err)
	store, err := objects.Open(c.t.Context(), cfg, nil)
	c.ok(err)
	folder = c.t.TempDir()
	for _, bucket := range []string{settings.LogBucket, settings.HeadBucket} {
		names, err := store.Bucket(bucket).List(c.t.Context(), "", "")
		c.ok(err)
		for _, name := range names {
			data, err := store.Bucket(bucket).Read(c.t.Context(), name)
			c.ok(err)
			file := filepath.Join(folder, filepath.FromSlash(name))
			c.ok(os.MkdirAll(filepath.Dir(file), 0o700))
			c.ok(os.WriteFile(file, data, 0o600))
		}
	}
	return h, folder
}

func (c *console) ok(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func TestTheAuditLogIsShownProvenAndVerified(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	var tenant tenantAnswer
	c.read(&tenant, "tenants", "create", "Group")
	c.must("tenants", "suspend", tenant.ID)
	h, folder := c.seal()
	if out := c.must("audit", "verify"); !strings.Contains(out, "ryggrad.local/log holds: 2 entries") || !strings.Contains(out, "1 chains") {
		t.Errorf("verify says %s", out)
	}
	key := strings.TrimSpace(c.must("audit", "keys"))
	if out := c.must("audit", "verify", "--from", folder, "--key", key, "--since", filepath.Join(folder, "checkpoint")); !strings.Contains(out, "the bytes of 2 entries") {
		t.Errorf("verify of a folder says %s", out)
	}
	if _, err := c.run("audit", "verify", "--from", folder); err == nil || errors.Is(err, errWrong) {
		t.Errorf("a log that names its own keys: %v", err)
	}
	if _, err := c.run("audit", "show", tenant.ID, "--limit", "0"); err == nil {
		t.Error("a page of nothing is shown")
	}
	lines := strings.Split(strings.TrimSpace(c.must("audit", "show", tenant.ID)), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "0\t{") {
		t.Fatalf("shown %q", lines)
	}
	_, after, _ := strings.Cut(lines[1], `"id":"`)
	id, _, _ := strings.Cut(after, `"`)
	proof := filepath.Join(folder, "it.tlog-proof")
	c.must("audit", "prove", tenant.ID, id, "--out", proof)
	if out := c.must("audit", "check-proof", proof, "--key", key); !strings.Contains(out, "It holds: entry 1") || !strings.Contains(out, id) {
		t.Errorf("the proof says %s", out)
	}
	text, err := os.ReadFile(proof)
	c.ok(err)
	c.ok(os.WriteFile(proof, []byte(strings.Replace(string(text), "index 1", "index 0", 1)), 0o600))
	if _, err := c.run("audit", "check-proof", proof, "--key", key); err == nil {
		t.Error("a changed proof holds")
	}
	c.damage(h, folder, key, tenant.ID)
}

// damage changes a tile of the copy and a document of the hub.
func (c *console) damage(h *hub.Hub, folder, key, tenant string) {
	c.t.Helper()
	tile := filepath.Join(folder, "tile", "0", "000.p", "2")
	data, err := os.ReadFile(tile)
	c.ok(err)
	data[40] ^= 1
	c.ok(os.WriteFile(tile, data, 0o600))
	out, err := c.run("audit", "verify", "--from", folder, "--key", key)
	if !errors.Is(err, errWrong) || !strings.Contains(out, "entry 1: its bundle says something else than the tile tile/0/000.p/2") {
		c.t.Errorf("a damaged copy: %v, %s", err, out)
	}
	entries, err := h.Ledger.Entries(c.t.Context(), tenant, ledgerdb.EntryFilter{Limit: 1})
	c.ok(err)
	c.ok(h.Ledger.Bookkeep(c.t.Context(), tenant, ledgerdb.Drop(ledgerdb.Ref{Collection: "audit", ID: entries.Entries[0].ID})))
	out, err = c.run("audit", "verify")
	if !errors.Is(err, errWrong) || !strings.Contains(out, "the entry that was sealed at place 0 is not there") {
		c.t.Errorf("an entry that was deleted: %v, %s", err, out)
	}
	c.ok(h.Ledger.Bookkeep(c.t.Context(), identity.Hub, ledgerdb.Put(ledgerdb.Ref{Collection: "tenants", ID: tenant},
		map[string]any{"entry": strings.Repeat("0", 63) + "1"})))
	out, err = c.run("audit", "verify")
	if !errors.Is(err, errWrong) || !strings.Contains(out, "tenants/"+tenant+": the entry that it names is not there") {
		c.t.Errorf("a changed document: %v, %s", err, out)
	}
}
