package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// furnish makes a tenant with a client.
func (c *console) furnish(name string) (tenant string) {
	c.t.Helper()
	var t tenantAnswer
	c.read(&t, "tenants", "create", name)
	var made struct{ ClientID string }
	c.read(&made, "clients", "create", t.ID, "Till", "--scope", "orders:read")
	return t.ID
}

// documents counts a tenant's documents, by collection.
func (c *console) documents(tenant string) map[string]int {
	c.t.Helper()
	db := c.cloud.Firestore(c.t)
	counts := map[string]int{}
	for _, name := range []string{"tenants", "clients", "apiKeys", "audit", "tombstones"} {
		found, err := db.Collection(name).Documents(c.t.Context()).GetAll()
		if err != nil {
			c.t.Fatal(err)
		}
		for _, doc := range found {
			if doc.Data()["tenant"] == tenant {
				counts[name]++
			}
		}
	}
	return counts
}

func TestAnExportIsWholeAndTheTenantsOwn(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	ours, theirs := c.furnish("Ours"), c.furnish("Theirs")
	dir := filepath.Join(t.TempDir(), "export")
	var m manifest
	c.read(&m, "tenants", "export", ours, dir)
	counts := map[string]int{}
	for _, f := range m.Files {
		text, err := os.ReadFile(filepath.Join(dir, f.File))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(text)
		if hex.EncodeToString(sum[:]) != f.SHA256 || int64(len(text)) != f.Bytes || strings.Count(string(text), "\n") != f.Documents {
			t.Errorf("%s is not what the manifest says", f.File)
		}
		if strings.Contains(string(text), theirs) || !strings.Contains(string(text), ours) {
			t.Errorf("%s holds another tenant's documents, or not ours", f.File)
		}
		counts[f.Collection] = f.Documents
	}
	want := c.documents(ours)
	for _, name := range []string{"tenants", "clients", "apiKeys", "audit"} {
		if counts[name] != want[name] || want[name] == 0 {
			t.Errorf("%d of %s were exported, %d are there", counts[name], name, want[name])
		}
	}
	stored, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil || !json.Valid(stored) {
		t.Errorf("the manifest is %s, %v", stored, err)
	}
	if _, err := c.run("tenants", "export", ours, dir); err == nil {
		t.Error("an export was written over another")
	}
}

func TestATenantIsDestroyedWhollyAndAlone(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	ours, theirs := c.furnish("Ours"), c.furnish("Theirs")
	before := c.documents(theirs)
	var suspended tenantAnswer
	for name, args := range map[string][]string{
		"not suspended": {"tenants", "destroy", ours, "--confirm", "Ours"}, "no confirmation": {"tenants", "destroy", ours},
	} {
		if _, err := c.run(args...); err == nil {
			t.Errorf("%s: destroyed", name)
		}
	}
	c.read(&suspended, "tenants", "suspend", ours)
	if _, err := c.run("tenants", "destroy", ours, "--confirm", "Theirs"); err == nil {
		t.Error("destroyed by another's name")
	}
	entries := c.documents(ours)["audit"]
	var done map[string]any
	c.read(&done, "tenants", "destroy", ours, "--confirm", "Ours")
	after := c.documents(ours)
	if after["tenants"]+after["clients"]+after["apiKeys"] != 0 {
		t.Errorf("there still is %v", after)
	}
	if after["audit"] != entries+3 || after["tombstones"] != 3 {
		t.Errorf("the log and the tombstones are %v, the log was %d", after, entries)
	}
	for name, n := range before {
		if got := c.documents(theirs)[name]; got != n {
			t.Errorf("another tenant's %s: %d became %d", name, n, got)
		}
	}
	if _, err := c.run("tenants", "destroy", ours, "--confirm", "Ours"); err == nil {
		t.Error("destroyed twice")
	}
}

func TestATenantWithLargeDocumentsIsDestroyed(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	ours := c.furnish("Ours")
	originals := c.cloud.Firestore(t).Collection("originals")
	for n := range 12 { // 12 MB
		id := fmt.Sprintf("ord_%026d", n)
		if _, err := originals.Doc(id).Set(t.Context(), map[string]any{"tenant": ours, "original": make([]byte, 1_000_000)}); err != nil {
			t.Fatal(err)
		}
	}
	var done struct{ Documents map[string]int }
	c.read(&done, "tenants", "suspend", ours)
	c.read(&done, "tenants", "destroy", ours, "--confirm", "Ours")
	left, err := originals.Documents(t.Context()).GetAll()
	if err != nil || len(left) != 0 || done.Documents["originals"] != 12 {
		t.Errorf("%d are left, of %v: %v", len(left), done.Documents, err)
	}
}
