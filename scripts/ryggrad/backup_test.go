package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	makers "ryggrad.internal/hub/functions/backup"
)

// backUp has the hub backed up as it is now.
func (c *console) backUp() {
	c.t.Helper()
	c.env["RYGGRAD_BACKUP_BEHIND"] = "0s"
	second := time.Now().Truncate(time.Second)
	for time.Now().Truncate(time.Second).Equal(second) { // until the moment lies after what was done
	}
	h, err := makers.BuildBackup(c.t.Context(), c.env)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = h.(io.Closer).Close() })
	c.cloud.PushSteps(c.t, h, "backup", nil)
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
