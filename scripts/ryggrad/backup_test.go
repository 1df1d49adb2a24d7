package main

import (
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	makers "ryggrad.internal/hub/functions/backup"
	"ryggrad.internal/hub/shared/gcp"
)

// function is one of the hub's, as it is deployed now.
func (c *console) function(build gcp.Build) http.Handler {
	c.t.Helper()
	h, err := build(c.t.Context(), c.env)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = h.(io.Closer).Close() })
	return h
}

// backUp has the hub backed up as it is now, and returns the moment of that.
func (c *console) backUp() time.Time {
	c.t.Helper()
	c.env["RYGGRAD_BACKUP_BEHIND"] = "0s"
	second := time.Now().Truncate(time.Second)
	for time.Now().Truncate(time.Second).Equal(second) { // until the moment lies after what was done
		<-time.After(10 * time.Millisecond)
	}
	c.cloud.PushSteps(c.t, c.function(makers.BuildBackup), "backup", nil)
	return time.Now()
}

func TestABackupIsListedVerifiedAndRestored(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	var owner bootstrapped
	c.read(&owner, "bootstrap", "Group", "--email", "anna@example.com", "--name", "Anna")
	c.backUp()
	var kept []struct {
		Set       string `json:"set"`
		Documents int    `json:"documents"`
	}
	c.read(&kept, "backup", "list")
	if len(kept) != 3 {
		t.Errorf("kept are %+v", kept)
	}
	var held map[string]struct {
		Opened   int      `json:"opened"`
		Findings []string `json:"findings"`
	}
	c.read(&held, "backup", "verify")
	if len(held) != 3 || held["config"].Opened == 0 || len(held["config"].Findings) > 0 {
		t.Errorf("verified %+v", held)
	}
	var back struct {
		Documents int `json:"documents"`
	}
	c.read(&back, "backup", "restore", "--into", "another")
	want := 0
	for _, k := range kept {
		want += k.Documents
	}
	if back.Documents != want {
		t.Errorf("%d of %d documents came back", back.Documents, want)
	}
	if _, err := c.run("backup", "restore", "--into", "another"); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("restored over what is there: %v", err)
	}
	var drilled struct {
		Clean bool `json:"clean"`
	}
	c.read(&drilled, "backup", "drill")
	if !drilled.Clean {
		t.Errorf("drilled %+v", drilled)
	}
}

func TestADestroyedTenantStaysGoneWhateverIsRestored(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	ours, theirs := c.furnish("Ours"), c.furnish("Theirs")
	c.seal()
	before := c.backUp()
	var answer map[string]any
	c.read(&answer, "tenants", "suspend", ours)
	c.read(&answer, "tenants", "destroy", ours, "--confirm", "Ours")
	c.seal()
	left := func() (names []string) {
		t.Helper()
		var all []tenantAnswer
		c.read(&all, "tenants", "list")
		for _, one := range all {
			names = append(names, one.ID)
			var clients []clientAnswer
			if c.read(&clients, "clients", "list", one.ID); len(clients) != 1 {
				t.Errorf("%s has the clients %+v", one.Name, clients)
			}
		}
		return names
	}
	moment := before.UTC().Format(time.RFC3339)
	c.read(&answer, "backup", "restore", "--missing", "--into", "(default)", "--at", moment)
	if got := left(); !slices.Equal(got, []string{theirs}) {
		t.Errorf("after what was missing was put back, there are %v", got)
	}
	c.read(&answer, "backup", "restore", "--into", "another", "--at", moment)
	c.env["RYGGRAD_DATABASE"] = "another"
	if got := left(); !slices.Equal(got, []string{theirs}) {
		t.Errorf("after a restore there are %v", got)
	}
	if _, err := c.run("clients", "list", ours); err == nil {
		t.Error("the tenant's clients can be listed")
	}
	c.seal()
	if _, err := c.run("audit", "verify"); err != nil {
		t.Errorf("the log does not hold: %v", err)
	}
}

func TestAnOfflineKeyIsWrittenOnce(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	file := filepath.Join(t.TempDir(), "offline.key")
	var made map[string]string
	c.read(&made, "backup", "export-key", file)
	if !strings.HasPrefix(made["RYGGRAD_BACKUP_RECIPIENT"], "ryggrad-recipient-1:") {
		t.Errorf("made %v", made)
	}
	if _, err := c.run("backup", "export-key", file); err == nil {
		t.Error("a key is written over another")
	}
}
