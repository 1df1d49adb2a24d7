package backupdb_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/backupdb"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

const commitCall = "/google.firestore.v1.Firestore/Commit"

// drills drills into a scratch database, each time until the time is over at a commit.
type drills struct {
	*world
	scratch  *place
	restorer *backupdb.Restorer
	over     context.CancelFunc
}

func newDrills(t *testing.T) *drills {
	t.Helper()
	d := &drills{world: newWorld(t)}
	d.fill()
	d.seal(d.place)
	d.backUp()
	d.scratch = d.open("scratch")
	d.restorer = d.world.restorer(d.scratch, d.vault())
	d.restorer.Within(func(ctx context.Context, _ time.Duration) (context.Context, context.CancelFunc) {
		ctx, d.over = context.WithCancel(ctx)
		return ctx, d.over
	})
	return d
}

// until drills until its n-th commit, which does not happen; 0: until it is done.
func (d *drills) until(n int, from backupdb.Pause) (backupdb.Drilled, error) {
	d.Helper()
	d.faults.Set(func(method string, call int) wire.Fault {
		if method != commitCall || call != n {
			return wire.Fault{}
		}
		d.over()
		return wire.Fault{Before: status.Error(codes.Canceled, "cut")}
	})
	defer d.faults.Set(nil)
	return d.restorer.Drill(d.Context(), by("drill"), backupdb.DrillOptions{
		Hub: d.cfg.Database, Record: evidencedb.New(d.others().ledger), From: from, Budget: time.Minute,
	})
}

// left returns what is in the scratch database.
func (d *drills) left() map[string]string {
	d.Helper()
	return d.state(d.scratch, time.Time{}, backup.Sets()...)
}

func (d *drills) recorded() evidence.Facts {
	d.Helper()
	all, _, err := evidencedb.New(d.ledger).Load(d.Context())
	d.must(err)
	return all[evidence.Drill].Facts
}

func TestADrillGoesOnWhereverItsTimeIsOver(t *testing.T) {
	t.Parallel()
	d := newDrills(t)
	whole, err := d.until(0, backupdb.Pause{})
	d.must(err)
	d.pass(time.Hour)
	stages, from, pauses := map[string]bool{}, backupdb.Pause{}, 0
	for n := 1; ; n++ {
		d.pass(time.Minute)
		got, err := d.until(n, from)
		switch {
		case err != nil && (!strings.Contains(err.Error(), "does not get further") || n > 60):
			t.Fatalf("cut at commit %d from %+v: %v", n, from, err)
		case err == nil && got.Paused != nil:
			from = *got.Paused
			stages[from.Stage] = true
			pauses++
			continue
		case err != nil:
			continue
		}
		if !got.Clean || len(d.left()) > 0 {
			t.Errorf("it left %d documents: %+v", len(d.left()), got)
		}
		break
	}
	if pauses < 5 || len(stages) < 4 || !stages["empty"] || !stages["hot"] {
		t.Errorf("%d pauses, in the stages %v", pauses, stages)
	}
	facts := d.recorded()
	if n, _ := facts.Number("documents"); !facts.OK() || int64(n) != whole.Documents || whole.Documents == 0 {
		t.Errorf("recorded %v, and in one go it was %d documents", facts, whole.Documents)
	}
}

func TestADrillThatAnotherOneOvertookIsOver(t *testing.T) {
	t.Parallel()
	d := newDrills(t)
	stale, err := d.until(6, backupdb.Pause{})
	if err != nil || stale.Paused == nil || stale.Paused.Restore == "" {
		t.Fatalf("paused %+v, %v", stale.Paused, err)
	}
	newer, err := d.until(8, backupdb.Pause{})
	if err != nil || newer.Paused == nil || newer.Paused.Restore == "" || newer.Paused.Restore == stale.Paused.Restore {
		t.Fatalf("paused %+v, %v", newer.Paused, err)
	}
	before := len(d.left())
	if got, err := d.until(0, *stale.Paused); err != nil || got.Paused != nil || got.Documents > 0 || len(d.left()) != before {
		t.Errorf("the older one went on: %+v, %v", got, err)
	}
	if done, err := d.until(0, *newer.Paused); err != nil || !done.Clean || done.Documents == 0 || len(d.left()) > 0 {
		t.Errorf("the newer one did not: %+v, %v", done, err)
	}
	for _, again := range []backupdb.Pause{*stale.Paused, *newer.Paused} { // their messages come again
		if got, err := d.until(0, again); err != nil || got.Documents > 0 {
			t.Errorf("it drilled again: %+v, %v", got, err)
		}
	}
	if !d.recorded().OK() {
		t.Error("it was recorded as failed")
	}
}

// TestADrillWhoseProcessDiedBeforeItSaidSoIsDoneAgain has it die when all was restored and nothing recorded.
func TestADrillWhoseProcessDiedBeforeItSaidSoIsDoneAgain(t *testing.T) {
	t.Parallel()
	d := newDrills(t)
	out, err := d.restorer.Run(t.Context(), by("drill"), backupdb.Choice{})
	d.must(err)
	got, err := d.until(0, backupdb.Pause{Restore: out.ID, Stage: "config"})
	if err != nil || !got.Clean || got.ID == out.ID || got.Documents != out.Documents || !d.recorded().OK() {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestADrillEmptiesItsDatabaseOfLargeDocuments(t *testing.T) {
	t.Parallel()
	d := newDrills(t)
	for _, one := range ids("ord_", 0, 12) { // 12 MB
		d.must(d.scratch.ledger.Bookkeep(t.Context(), tenant,
			ledgerdb.Put(ledgerdb.Ref{Collection: "originals", ID: one}, map[string]any{"original": make([]byte, 1_000_000)})))
	}
	got, err := d.until(0, backupdb.Pause{})
	if err != nil || !got.Clean || got.Documents == 0 {
		t.Errorf("drilled %+v, %v", got, err)
	}
}
