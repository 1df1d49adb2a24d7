package backupdb_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/backupdb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

const runQuery = "/google.firestore.v1.Firestore/RunQuery"

// busy is a hub that works on while it is backed up: some take in orders as fast as they can, and between the reads of
// the backup one order is made, one changed and one deleted, with what belongs to them.
type busy struct {
	*place
	begun int   // orders that there are from before
	acts  int   // between two reads
	fault error // of them

	stop  context.CancelFunc
	group *errgroup.Group
}

// meanwhile has a hub work until it is told to stop. Every read of the backup takes some time.
func (w *world) meanwhile(begun int) *busy {
	w.Helper()
	b := &busy{place: w.others(), begun: begun}
	var ctx context.Context
	ctx, b.stop = context.WithCancel(w.Context())
	b.group, ctx = errgroup.WithContext(ctx)
	b.group.Go(func() error { return b.takeIn(ctx) })
	w.faults.Set(func(method string, call int) wire.Fault {
		if method == runQuery && call%5 == 0 { // one at a time, as faults are decided
			w.pass(100 * time.Millisecond)
			if err := b.disturb(w.Context(), call/5); err != nil && b.fault == nil {
				b.fault = err
			}
		}
		return wire.Fault{}
	})
	return b
}

// rest has the hub stop.
func (w *world) rest(b *busy) {
	w.Helper()
	w.faults.Set(nil)
	b.stop()
	if err := b.group.Wait(); w.Context().Err() == nil && b.fault == nil && err != nil && !strings.Contains(err.Error(), context.Canceled.Error()) {
		w.Error(err)
	}
	w.must(b.fault)
	if b.acts < 5 {
		w.Errorf("only %d acts happened between reads", b.acts)
	}
}

// takeIn takes in orders, and deletes every third again. A few are enough, unless all faults are asked for.
func (b *busy) takeIn(ctx context.Context) error {
	most := 100
	if os.Getenv("RYGGRAD_TEST_FAULTS") == "all" {
		most = math.MaxInt
	}
	for n := 0; ctx.Err() == nil && n < most; n++ {
		ref := ledgerdb.Ref{Collection: "orders", ID: id("ord_", 1_000_000*b.begun+n)}
		if err := b.act(ctx, ref, map[string]any{"status": "received"}); err != nil {
			return err
		}
		if n%3 == 0 {
			if err := b.act(ctx, ref, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *busy) disturb(ctx context.Context, call int) error {
	order := func(n int) ledgerdb.Ref { return ledgerdb.Ref{Collection: "orders", ID: id("ord_", n)} }
	key := func(n int) ledgerdb.Ref { return ledgerdb.Ref{Collection: "orderKeys", ID: id("ord_", n)} }
	made, gone, changed := b.begun+call, b.begun+call-20, 20+call%20
	b.acts++
	if err := b.act(ctx, order(made), map[string]any{"status": "received"}); err != nil {
		return err
	}
	if err := b.ledger.Bookkeep(ctx, tenant, ledgerdb.Put(key(made), map[string]any{"wrapped": []byte{byte(call)}})); err != nil {
		return err
	}
	if err := b.act(ctx, order(changed), map[string]any{"status": fmt.Sprint("changed by ", call)}); err != nil {
		return err
	}
	if call <= 20 {
		return nil
	}
	if err := b.act(ctx, order(gone), nil); err != nil {
		return err
	}
	return b.ledger.Bookkeep(ctx, tenant, ledgerdb.Drop(key(gone)))
}

// TestABackupIsOfOneMomentWhateverIsWrittenMeanwhile makes a full backup and two of changes of a hub that works on. With
// RYGGRAD_TEST_EMULATORS=google it does so on Google's emulator.
func TestABackupIsOfOneMomentWhateverIsWrittenMeanwhile(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Hour)
	if google() {
		now = time.Time{}
	}
	w := newWorldAt(t, now)
	w.maker = w.newMaker(w.buckets, 200*time.Millisecond) // so that every shard is handed on, in the middle of a collection
	w.fill()
	w.bulk(2200) // a shard has more than a query reads
	var hot, keys []map[string]string
	for round := range 3 {
		w.pass(backup.Overlap + 4*time.Minute)
		hot = append(hot, w.state(w.place, time.Time{}, backup.Hot))
		keys = append(keys, w.state(w.place, time.Time{}, backup.Keys))
		w.settle(4 * time.Minute)
		w.must(w.maker.Do(t.Context(), backupdb.Message{Step: backupdb.Plan, Sets: []backup.Set{backup.Hot, backup.Keys}, Now: true}))
		others := w.meanwhile(1000 * (round + 1))
		w.deliver()
		w.rest(others)
		w.pass(time.Hour)
	}
	moments := w.moments(backup.Hot)
	if len(moments) != len(hot) || len(w.moments(backup.Keys)) != len(hot) {
		t.Fatalf("backups of %v", moments)
	}
	for i, at := range moments {
		for set, want := range map[backup.Set]map[string]string{backup.Hot: hot[i], backup.Keys: keys[i]} {
			got, err := backupdb.ReadBack(t.Context(), w.vault(), set, at)
			w.must(err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s at %s (-want +got):\n%.2000s", set, at, diff)
			}
		}
	}
	to := w.open("scratch")
	_, err := w.restorer(to, w.vault()).Run(t.Context(), by(""), backupdb.Choice{Collections: []string{"orders", "orderKeys", "tenantKeys"}})
	w.must(err)
	if diff := cmp.Diff(keys[2], w.state(to, time.Time{}, backup.Keys)); diff != "" {
		t.Errorf("restored keys (-want +got):\n%.2000s", diff)
	}
}
