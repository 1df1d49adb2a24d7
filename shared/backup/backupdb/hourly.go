package backupdb

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"time"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/gcp/objects"
)

// hoursOfWeek is over how many hourly checks the opening of all files is spread.
const hoursOfWeek = 7 * 24

// Hourly checks everything that is kept: every manifest's signature and chain, and of every file that it is there with its
// size. The files that bring the newest moment back are read whole, and of all files another part is opened every hour, so
// that each is once a week. Checksums are not asked for every hour: lists do not tell them, and nobody can change a file.
//
// Those that are kept for a year are checked likewise, but none of them is read whole at once.
func (v Vault) Hourly(ctx context.Context, b Buckets, now time.Time) (Checked, error) {
	c := Checked{Findings: []string{}}
	monthly := v
	monthly.Shelf = func(backup.Set) Shelf { return BucketShelf(b.Monthly) }
	for _, set := range backup.Sets() {
		err := v.hourlySet(ctx, &c, set, hourly{bucket: b.Of(set), now: now, newest: true})
		if err == nil && set.Monthly() {
			err = monthly.hourlySet(ctx, &c, set, hourly{bucket: b.Monthly, now: now})
		}
		if err != nil {
			return c, fmt.Errorf("check the backups of %s: %w", set, err)
		}
	}
	return c, nil
}

// hourly says what of a bucket's backups is read.
type hourly struct {
	bucket objects.Bucket
	now    time.Time
	newest bool // what brings the newest moment back is read whole
}

func (v Vault) hourlySet(ctx context.Context, c *Checked, set backup.Set, h hourly) error {
	all, err := v.chosen(ctx, c, CheckOptions{Set: set})
	if err != nil || len(all) == 0 {
		return err
	}
	newest := map[time.Time]bool{}
	chain, err := v.Chain(ctx, set, all[len(all)-1].At)
	if err := c.take(err); err != nil {
		return err
	}
	for _, m := range chain {
		newest[m.At] = true
	}
	there, err := h.bucket.Sizes(ctx, backup.FilesPrefix(set))
	if err != nil {
		return passing(err)
	}
	for _, m := range all {
		c.Manifests++
		if err := v.hourlyFiles(ctx, c, m, there, hourly{newest: h.newest && newest[m.At], now: h.now}); err != nil {
			return err
		}
	}
	return nil
}

func (v Vault) hourlyFiles(ctx context.Context, c *Checked, m backup.Manifest, there map[string]int64, h hourly) error {
	for _, f := range m.Files {
		object := m.Part(f.Shard, f.Number).Object()
		size, ok := there[object]
		switch {
		case !ok:
			c.Findings = append(c.Findings, backup.Missing(object, nil).Error())
		case size != f.Size:
			c.Findings = append(c.Findings, backup.Broken(object, "it is not the file that was written: its size is another", nil).Error())
		case h.newest || due(object, h.now):
			open := func(backup.Manifest, string) bool { return due(object, h.now) }
			if err := v.checkFile(ctx, c, CheckOptions{Open: open}, m, f); err != nil {
				return err
			}
		default:
			c.Files++
		}
	}
	return nil
}

// due tells whether a file is opened in this hour of the week.
func due(object string, now time.Time) bool {
	sum := fnv.New32a()
	_, _ = io.WriteString(sum, object) // never fails, see hash.Hash
	return int64(sum.Sum32()%hoursOfWeek) == now.Unix()/3600%hoursOfWeek
}

// Watch tells of backups to those who look at logs and evidence.
type Watch struct {
	Evidence *evidencedb.Store
	Log      *slog.Logger
}

// Tell records what was checked, and logs what was found.
func (k *Watch) Tell(ctx context.Context, c Checked, at time.Time) error {
	for _, what := range c.Findings {
		k.Log.ErrorContext(ctx, "backup has a finding", "finding", what)
	}
	return k.Evidence.Record(ctx, evidence.BackupVerify, at, map[string]any{
		"ok": len(c.Findings) == 0, "manifests": c.Manifests, "files": c.Files, "opened": c.Opened, "documents": c.Documents, "findings": len(c.Findings),
	})
}

// Late logs the sets whose newest backup is too old, and returns them.
func (k *Watch) Late(ctx context.Context, v Vault, now time.Time) ([]backup.Set, error) {
	var late []backup.Set
	for _, set := range backup.Sets() {
		all, err := v.Moments(ctx, set, time.Time{})
		if err != nil {
			return late, err
		}
		if len(all) > 0 && now.Sub(all[len(all)-1]) <= set.Stale() {
			continue
		}
		late = append(late, set)
		k.Log.ErrorContext(ctx, "newest backup is too old", "set", set)
	}
	return late, nil
}

// Drilled logs when no restore was tried for longer than its rule lets pass, or none was since the oldest backup that is
// kept, and tells whether.
func (k *Watch) Drilled(ctx context.Context, v Vault, now time.Time) (overdue bool, err error) {
	newest, _, err := k.Evidence.Load(ctx)
	if err != nil {
		return false, err
	}
	tried := newest[evidence.Drill].At
	if tried.IsZero() {
		kept, err := v.Moments(ctx, backup.Hot, time.Time{})
		if err != nil || len(kept) == 0 {
			return false, err
		}
		tried = kept[0]
	}
	if overdue = now.Sub(tried) > evidence.RuleOf(evidence.Drill).Late; overdue {
		k.Log.ErrorContext(ctx, "restore drill is overdue", "since", tried)
	}
	return overdue, nil
}
