package backupdb_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/backupdb"
)

// plan has what is due of hot begun, and returns the steps that were sent, which are not done.
func (w *world) plan() []backupdb.Message {
	w.Helper()
	w.must(w.maker.Do(w.Context(), backupdb.Message{Step: backupdb.Plan, Sets: []backup.Set{backup.Hot}}))
	sent := w.queue
	w.queue = nil
	return sent
}

// finish does steps and those that they send.
func (w *world) finish(steps []backupdb.Message) {
	w.Helper()
	w.queue = append(w.queue, steps...)
	w.deliver()
}

// said counts the lines of the log that say something.
func (w *world) said(what string) int { return strings.Count(w.log.String(), what) }

func TestARunThatNeverEndsDoesNotBlockTheNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.maker.CutInto(1)
	w.fill()
	w.pass(backup.Overlap + 4*time.Minute)
	w.finish(w.plan())
	w.do("orders", map[string]any{"status": "accepted"}, ids("ord_", 0, 5)...)
	w.pass(time.Hour)
	stuck := w.plan()
	w.must(w.buckets.Daily.Create(t.Context(), stuck[0].Run.Part(0, 0).Object(), []byte("no file of a backup"))) // so it can never end
	w.do("orders", map[string]any{"status": "done"}, ids("ord_", 3, 8)...)
	w.remove("orders", ids("ord_", 0, 2)...)
	w.pass(time.Hour)
	want := w.state(w.place, time.Time{}, backup.Hot)
	w.pass(4 * time.Minute)
	var next []backupdb.Message
	resumed := 0
	for _, m := range w.plan() {
		if m.Run.At.Equal(stuck[0].Run.At) {
			resumed++
			if err := w.maker.Do(t.Context(), m); err == nil || !strings.Contains(err.Error(), m.Run.Part(0, 0).Object()) {
				t.Errorf("the step of the run that is stuck: %v", err)
			}
			continue
		}
		next = append(next, m)
	}
	if resumed != len(stuck) || len(next) == 0 || !next[0].Run.Follows.At.Equal(w.moments(backup.Hot)[0]) {
		t.Fatalf("%d steps are sent again, the next run is %+v", resumed, next)
	}
	w.finish(next)
	got, err := backupdb.ReadBack(t.Context(), w.vault(), backup.Hot, next[0].Run.At)
	w.must(err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the run after it (-want +got):\n%.2000s", diff)
	}
	w.pass(6 * time.Hour)
	for range 2 { // the alert comes once
		w.finish(w.plan())
		w.pass(time.Minute)
	}
	if n := w.said("backup was given up"); n != 1 {
		t.Errorf("it is given up %d times", n)
	}
	w.finish(stuck) // late
	if at := w.moments(backup.Hot); len(at) != 3 {
		t.Errorf("backups at %v", at)
	}
}

func TestAMomentThatCannotBeReadAnyMoreIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fill()
	w.pass(4 * time.Minute)
	late := w.plan()
	w.pass(2 * time.Hour) // longer than the store knows its past
	w.finish(late)
	if n := w.said("backup was given up"); n != 1 || len(w.moments(backup.Hot)) != 0 {
		t.Errorf("it is given up %d times, backups at %v", n, w.moments(backup.Hot))
	}
	w.finish(w.plan())
	if at := w.moments(backup.Hot); len(at) != 1 {
		t.Errorf("the next run does not end: %v", at)
	}
}

func TestABackupOfChangesCostsWhatChanged(t *testing.T) {
	t.Parallel()
	costs := map[string]map[string]int64{}
	for name, there := range map[string]int{"a small hub": 50, "a hub of twenty times as much": 1000} {
		w := newWorld(t)
		w.bulk(there)
		w.do("orders", map[string]any{"status": "received"}, ids("ord_", 0, 25)...)
		w.pass(backup.Overlap + 4*time.Minute)
		w.backUp()
		w.do("orders", map[string]any{"status": "accepted"}, ids("ord_", 0, 20)...)
		w.remove("orders", ids("ord_", 20, 25)...)
		w.pass(time.Hour)
		w.calls.Reset()
		w.received.Store(0)
		w.backUp()
		cost := map[string]int64{"documents received": w.received.Load()}
		for method, n := range w.calls.Snapshot() {
			cost[method] = int64(n)
		}
		costs[name] = cost
		if n := w.received.Load(); n < 25+25 || n > 3*(25+25) { // each with its entry; and what marks them
			t.Errorf("%s: %d documents are read for 25 changes", name, n)
		}
	}
	if diff := cmp.Diff(costs["a small hub"], costs["a hub of twenty times as much"]); diff != "" {
		t.Errorf("costs (-small +large):\n%s", diff)
	}
	t.Log(costs["a small hub"])
}
