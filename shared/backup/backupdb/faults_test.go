package backupdb_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/backupdb"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/localcloud/cloudtest"
)

// play is a life of backups in which one call is disturbed.
type play struct {
	*world
	*cloudtest.Trouble

	way  backupdb.Buckets // which is disturbed
	done []backupdb.Message
}

// TestAnyCallMayFail makes a full backup, one of changes, and a month later a full one that is kept for a year, and
// disturbs one call: to the database, the keys, the buckets or the topic. Every backup must hold what was there at its
// moment, once; and steps that come again afterwards, in whatever order, must change nothing.
func TestAnyCallMayFail(t *testing.T) {
	t.Parallel()
	alike := func(method string, call int) bool { return method == runQuery && call%7 != 0 }
	cloudtest.AnyCallMayFail(t, cloudtest.Stage{Fewest: 60, Stride: 53, Pass: alike}, func(t *testing.T, d *cloudtest.Trouble) {
		t.Helper()
		p := &play{world: newWorldAt(t, time.Date(2026, 3, 30, 12, 0, 0, 0, time.UTC)), Trouble: d}
		disturbed, err := objects.Open(t.Context(), p.cfg.Config, d)
		p.must(err)
		p.way = p.cfg.Open(disturbed)
		p.faults.Set(d.Rule)
		p.shards = 1
		p.restart()
		p.live()
	})
}

func (p *play) restart() { p.maker = p.newMaker(p.way, 5*time.Minute) }

func (p *play) live() {
	p.fill()
	first := p.makes(false)
	p.do("orders", map[string]any{"status": "accepted"}, ids("ord_", 5, 9)...)
	p.remove("orders", ids("ord_", 10, 12)...)
	p.pass(time.Hour)
	second := p.makes(true)
	p.do("orders", map[string]any{"status": "received"}, ids("ord_", 10, 11)...)
	p.pass(3 * 24 * time.Hour)
	third := p.makes(true)
	p.again()
	p.hold(first, second, third)
}

// makes makes the backups that are due, and returns what they must hold.
func (p *play) makes(disturbed bool) map[string]string {
	p.Helper()
	want := p.state(p.others(), time.Time{}, backup.Hot)
	p.pass(4 * time.Minute)
	p.Watch(disturbed)
	p.work()
	p.Watch(false)
	p.pass(25 * time.Minute) // the next planning sends again what was begun and never sent
	p.must(p.maker.Do(p.Context(), backupdb.Message{Step: backupdb.Plan}))
	p.deliver()
	return want
}

// work plans and does every step until each is acknowledged.
func (p *play) work() {
	p.Helper()
	p.queue = append(p.queue, backupdb.Message{Step: backupdb.Plan})
	for tries := 0; len(p.queue) > 0; tries++ {
		m := p.queue[0]
		p.queue = p.queue[1:]
		err := p.maker.Do(p.Life(), m)
		if before, after := p.Strikes(); before || after { // the acknowledgement of the message is a call too
			err = fmt.Errorf("not acknowledged")
		}
		if p.Died(p.Context()) {
			p.restart()
			err = fmt.Errorf("died")
		}
		if p.done = append(p.done, m); err != nil {
			p.queue = append(p.queue, m) // Pub/Sub sends it again
		}
		if tries > 300 {
			p.Fatalf("no end: %v\n%s", err, p.log.String())
		}
	}
}

// again delivers every message once more, the last one first.
func (p *play) again() {
	p.Helper()
	before := p.objects()
	slices.Reverse(p.done)
	for _, m := range p.done {
		p.must(p.maker.Do(p.Context(), m))
	}
	p.deliver()
	if diff := cmp.Diff(before, p.objects()); diff != "" {
		p.Errorf("what came again changed the bucket (-before +after):\n%.2000s", diff)
	}
}

// objects returns the checksums of everything that is kept, by bucket and name.
func (p *play) objects() map[string]uint32 {
	p.Helper()
	all := map[string]uint32{}
	for name, bucket := range map[string]objects.Bucket{"daily/": p.buckets.Daily, "keys/": p.buckets.Keys, "monthly/": p.buckets.Monthly} {
		there, err := bucket.ListNoted(p.Context(), "")
		p.must(err)
		for _, o := range there {
			all[name+o.Name] = o.CRC32C
		}
	}
	return all
}

// hold checks that there are the backups that there should be, whole, and nothing else.
func (p *play) hold(want ...map[string]string) {
	p.Helper()
	at := p.moments(backup.Hot)
	if len(at) != len(want) || len(p.moments(backup.Keys)) != len(want) || len(p.moments(backup.Config)) != 2 {
		p.Fatalf("backups of hot at %v, of keys at %v, of config at %v\n%s", at, p.moments(backup.Keys), p.moments(backup.Config), p.log.String())
	}
	for i, moment := range at {
		got, err := backupdb.ReadBack(p.Context(), p.vault(), backup.Hot, moment)
		p.must(err)
		if diff := cmp.Diff(want[i], got); diff != "" {
			p.Errorf("hot at %s (-want +got):\n%.2000s", moment, diff)
		}
	}
	for _, set := range backup.Sets() {
		checked, err := p.vault().Check(p.Context(), backupdb.CheckOptions{Set: set})
		if p.must(err); len(checked.Findings) > 0 {
			p.Errorf("%s: %v", set, checked.Findings)
		}
	}
	if strings.Contains(p.log.String(), "given up") {
		p.Errorf("the log says\n%s", p.log.String())
	}
	for _, set := range []backup.Set{backup.Hot, backup.Config} {
		p.keptForAYear(set, 2)
	}
	p.nothingLoose()
}

// keptForAYear checks the copies of a set.
func (p *play) keptForAYear(set backup.Set, want int) {
	p.Helper()
	v := p.vault()
	v.Shelf = func(backup.Set) backupdb.Shelf { return backupdb.BucketShelf(p.buckets.Monthly) }
	checked, err := v.Check(p.Context(), backupdb.CheckOptions{Set: set})
	if p.must(err); checked.Manifests != want || len(checked.Findings) > 0 {
		p.Errorf("kept for a year of %s: %+v", set, checked)
	}
}

// nothingLoose checks that every file belongs to a manifest.
func (p *play) nothingLoose() {
	p.Helper()
	files := map[string]bool{}
	for name := range p.objects() {
		if _, file, ok := strings.Cut(name, "/files/"); ok {
			files["files/"+file] = true
		}
	}
	for _, set := range backup.Sets() {
		for _, at := range p.moments(set) {
			m, _, err := p.vault().Manifest(p.Context(), set, at)
			p.must(err)
			for _, f := range m.Files {
				delete(files, m.Part(f.Shard, f.Number).Object())
			}
		}
	}
	if len(files) > 0 {
		p.Errorf("files of no manifest: %v", files)
	}
}
