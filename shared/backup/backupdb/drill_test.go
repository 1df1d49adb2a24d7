package backupdb_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/backupdb"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
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
	return d.restorer.Drill(d.Context(), by("drill"), d.options(from, d.others().ledger))
}

func (d *drills) options(from backupdb.Pause, hub *ledgerdb.Store) backupdb.DrillOptions {
	return backupdb.DrillOptions{Hub: d.cfg.Database, Record: evidencedb.New(hub), From: from, Budget: time.Minute}
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
	stages, from, held := map[string]int{}, backupdb.Pause{}, 0
	for n := 1; ; n++ {
		d.pass(time.Minute)
		got, err := d.until(n, from)
		if err != nil || n > 60 {
			t.Fatalf("cut at commit %d from %+v: %v", n, from, err)
		}
		if got.Held {
			held++
			if restoring := time.Duration(stages["hot"]) * time.Minute; got.Took < restoring.Seconds() || got.Took > time.Hour.Seconds() || got.Behind < 1 {
				t.Errorf("it took %v s, paused in hot %d times, and is %v s behind", got.Took, stages["hot"], got.Behind)
			}
		}
		if got.Paused != nil {
			from = *got.Paused
			stages[from.Stage]++
			continue
		}
		if !got.Clean || len(d.left()) > 0 {
			t.Errorf("it left %d documents: %+v", len(d.left()), got)
		}
		break
	}
	if len(stages) < 5 || stages["clear"] == 0 || stages["hot"] == 0 || stages["empty"] == 0 {
		t.Errorf("paused in the stages %v", stages)
	}
	if held != 1 {
		t.Errorf("it was found %d times that it held", held)
	}
	d.heldAll(whole.Documents)
}

// heldAll checks that the newest drill was recorded, with so many documents.
func (d *drills) heldAll(documents int64) {
	d.Helper()
	facts := d.recorded()
	if n, _ := facts.Number("documents"); !facts.OK() || int64(n) != documents || documents == 0 {
		d.Errorf("recorded %v of %d documents", facts, documents)
	}
}

// TestAnyCallOfADrillMayFail disturbs one call of a drill that is done in many messages, each of which comes again until
// it is acknowledged. It must end, once, with nothing left behind.
func TestAnyCallOfADrillMayFail(t *testing.T) {
	t.Parallel()
	whole, err := newDrills(t).until(0, backupdb.Pause{})
	if err != nil {
		t.Fatal(err)
	}
	alike := func(method string, call int) bool { return method == runQuery && call%11 != 0 }
	cloudtest.AnyCallMayFail(t, cloudtest.Stage{Fewest: 60, Stride: 31, Pass: alike}, func(t *testing.T, trouble *cloudtest.Trouble) {
		t.Helper()
		d, commits := newDrills(t), 0
		d.faults.Set(func(method string, call int) wire.Fault {
			if method == commitCall {
				if commits++; commits%5 == 0 {
					d.over()
					return wire.Fault{Before: status.Error(codes.Canceled, "cut")}
				}
			}
			return trouble.Rule(method, call)
		})
		trouble.Watch(true)
		d.deliver(trouble)
		trouble.Watch(false)
		d.faults.Set(nil)
		if left := d.left(); len(left) > 0 {
			t.Errorf("%d documents are left", len(left))
		}
		d.heldAll(whole.Documents)
	})
}

// deliver drills message by message, until all are acknowledged.
func (d *drills) deliver(trouble *cloudtest.Trouble) {
	d.Helper()
	queue := []backupdb.Pause{{}}
	for tries := 0; len(queue) > 0; tries++ {
		from := queue[0]
		queue = queue[1:]
		got, err := d.restorer.Drill(trouble.Life(), by("drill"), d.options(from, d.ledger))
		if err == nil && got.Paused != nil {
			before, after := trouble.Strikes() // publishing is a call too
			if !before {
				queue = append(queue, *got.Paused)
			}
			if before || after {
				err = fmt.Errorf("not published")
			}
		}
		if before, after := trouble.Strikes(); before || after { // and acknowledging
			err = fmt.Errorf("not acknowledged")
		}
		if trouble.Died(d.Context()) {
			err = fmt.Errorf("died")
		}
		if backupdb.Lasting(err) {
			d.Fatalf("the failure lasts: %v", err)
		}
		if err != nil {
			queue = append(queue, from)
		}
		if tries > 200 {
			d.Fatalf("no end, with %+v: %v", queue, err)
		}
		d.pass(time.Minute)
	}
}

func TestADrillThatAnotherOneOvertookIsOver(t *testing.T) {
	t.Parallel()
	d := newDrills(t)
	paused := func(n int) backupdb.Pause {
		t.Helper()
		got, err := d.until(n, backupdb.Pause{})
		if err != nil || got.Paused == nil || got.Paused.Restore == "" {
			t.Fatalf("paused %+v, %v", got.Paused, err)
		}
		return *got.Paused
	}
	restoring := paused(6)
	clearing := paused(2) // of what that one has restored
	if clearing.Restore == restoring.Restore || clearing.Stage != "clear" || restoring.Stage == "clear" {
		t.Fatalf("paused %+v and %+v", restoring, clearing)
	}
	before := len(d.left())
	if got, err := d.until(0, restoring); err != nil || got.Paused != nil || got.Clean || got.Held || len(d.left()) != before {
		t.Errorf("the older one went on: %+v, %v", got, err)
	}
	if got, err := d.until(0, clearing); err != nil || !got.Clean || !got.Held || len(d.left()) > 0 {
		t.Errorf("the newer one did not: %+v, %v", got, err)
	}
	for _, again := range []backupdb.Pause{restoring, clearing} { // their messages come again
		if got, err := d.until(0, again); err != nil || got.Held || got.Clean || got.Paused != nil {
			t.Errorf("it drilled again: %+v, %v", got, err)
		}
	}
	if !d.recorded().OK() {
		t.Error("it was recorded as failed")
	}
}

// TestADrillWhoseProcessDiedBeforeItSaidSoIsRecorded has it die when all was restored and nothing recorded.
func TestADrillWhoseProcessDiedBeforeItSaidSoIsRecorded(t *testing.T) {
	t.Parallel()
	d := newDrills(t)
	out, err := d.restorer.Run(t.Context(), by("drill"), backupdb.Choice{})
	d.must(err)
	got, err := d.until(0, backupdb.Pause{Restore: out.ID, Stage: "config"})
	if err != nil || !got.Clean || !got.Held || got.ID != out.ID || len(d.left()) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
	d.heldAll(out.Documents)
}

func TestADrillThatGetsNoFurtherFails(t *testing.T) {
	t.Parallel()
	d := newDrills(t)
	d.must(d.scratch.ledger.Bookkeep(t.Context(), tenant, ledgerdb.Put(ledgerdb.Ref{Collection: "originals", ID: id("ord_", 1)}, map[string]any{"n": int64(1)})))
	got, err := d.until(2, backupdb.Pause{}) // the first says whose the database is
	if err != nil || got.Paused == nil {
		t.Fatalf("%+v, %v", got, err)
	}
	from, tries := *got.Paused, 1
	for ; tries < 10; tries++ {
		got, err := d.until(1, from)
		if errors.Is(err, backupdb.ErrTooSlow) {
			break
		}
		if err != nil || got.Paused == nil {
			t.Fatalf("%+v, %v", got, err)
		}
		from = *got.Paused
	}
	if tries != 3 || d.recorded() == nil || d.recorded().OK() {
		t.Errorf("after %d tries %v is recorded", tries, d.recorded())
	}
}

// TestADrillThatIsOvertakenWhileItEmptiesLeavesTheOtherAlone holds its first look at what it would delete until another
// drill has the database.
func TestADrillThatIsOvertakenWhileItEmptiesLeavesTheOtherAlone(t *testing.T) {
	t.Parallel()
	d := newDrills(t)
	restored, err := d.until(6, backupdb.Pause{})
	if err != nil || restored.Paused == nil {
		t.Fatalf("%+v, %v", restored, err)
	}
	gate, claimed := wire.NewGate(), atomic.Bool{}
	d.faults.Set(func(method string, _ int) wire.Fault {
		switch {
		case method == commitCall:
			claimed.Store(true)
		case method == runQuery && claimed.Load():
			return wire.Fault{Hold: gate}
		}
		return wire.Fault{}
	})
	type answer struct {
		backupdb.Drilled
		error
	}
	older := make(chan answer, 1)
	go func() {
		got, err := d.restorer.Drill(t.Context(), by("drill"), d.options(backupdb.Pause{}, d.others().ledger))
		older <- answer{got, err}
	}()
	select {
	case <-gate.Reached():
	case got := <-older:
		t.Fatalf("it emptied nothing: %+v", got)
	}
	d.faults.Set(nil)
	newer, err := d.until(2, backupdb.Pause{})
	if err != nil || newer.Paused == nil || newer.Paused.Restore == "" {
		t.Fatalf("%+v, %v", newer, err)
	}
	gate.Open()
	if got := <-older; got.Held || got.Clean || got.Paused != nil {
		t.Errorf("the older one went on: %+v", got)
	}
	if got, err := d.until(0, *newer.Paused); err != nil || !got.Held || !got.Clean || len(d.left()) > 0 || !d.recorded().OK() {
		t.Errorf("the newer one: %+v, %v", got, err)
	}
}

func TestOnlyWhatAnotherTryFindsAgainLasts(t *testing.T) {
	t.Parallel()
	passing := fault.New(fault.Unavailable, "busy")
	for name, c := range map[string]struct {
		err   error
		lasts bool
	}{
		"none":                        {nil, false},
		"a service is away":           {passing, false},
		"nobody knows":                {errors.New("broken"), false},
		"somebody else writes":        {fault.New(fault.Conflict, "another one"), true},
		"a file is broken":            {fmt.Errorf("hot: %w", backup.Broken("hot/1", "it does not open", nil)), true},
		"the time is too short":       {fmt.Errorf("%w: %w", backupdb.ErrTooSlow, passing), true},
		"there is nothing to restore": {fmt.Errorf("%w: %w", backupdb.ErrNoBackup, passing), true},
	} {
		if got := backupdb.Lasting(c.err); got != c.lasts {
			t.Errorf("%s: %t", name, got)
		}
	}
}

func TestADrillWithoutABackupSaysSo(t *testing.T) {
	t.Parallel()
	d := &drills{world: newWorld(t)}
	d.scratch = d.open("scratch")
	d.restorer = d.world.restorer(d.scratch, d.vault())
	if _, err := d.restorer.Drill(t.Context(), by("drill"), d.options(backupdb.Pause{}, d.ledger)); !errors.Is(err, backupdb.ErrNoBackup) {
		t.Error(err)
	}
}

func TestMessagesThatSayNothingOfADrillAreRefused(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{`[]`, `{`, `{"restores":"rst_x"}`, `{"restore":"rst_x"}`, `{"restore":"../hub"}`, `{"tries":"1"}`} {
		if p, err := backupdb.ParsePause([]byte(raw)); !fault.Is(err, fault.Malformed) {
			t.Errorf("%s: %+v, %v", raw, p, err)
		}
	}
	for _, raw := range []string{``, `{}`} {
		if p, err := backupdb.ParsePause([]byte(raw)); err != nil || p != (backupdb.Pause{}) {
			t.Errorf("%q: %+v, %v", raw, p, err)
		}
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
