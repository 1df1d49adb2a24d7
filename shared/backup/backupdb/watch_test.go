package backupdb_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/backupdb"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
)

func TestADrillThatNobodyTriedIsOverdue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var log bytes.Buffer
	watch := &backupdb.Watch{Evidence: evidencedb.New(w.hub.Ledger), Log: slog.New(slog.NewTextHandler(&log, nil))}
	overdue := func(at time.Time) bool {
		t.Helper()
		log.Reset()
		late, err := watch.Drilled(t.Context(), w.vault(), at)
		w.must(err)
		if late != strings.Contains(log.String(), "restore drill is overdue") {
			t.Errorf("late is %t, and the log says %s", late, log.String())
		}
		return late
	}
	const day = 24 * time.Hour
	if overdue(w.clock().Add(30 * day)) {
		t.Error("a hub without any backup is to drill")
	}
	w.fill()
	w.backUp()
	first := w.moments(backup.Hot)[0]
	if overdue(first.Add(8*day)) || !overdue(first.Add(8*day+time.Second)) {
		t.Error("the first drill is overdue too early, or never")
	}
	w.must(watch.Evidence.Record(t.Context(), evidence.Drill, first.Add(9*day), map[string]any{"ok": false}))
	if overdue(first.Add(17*day)) || !overdue(first.Add(17*day+time.Second)) {
		t.Error("the next drill is overdue too early, or never")
	}
}
