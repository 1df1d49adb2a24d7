package backupdb

import (
	"context"
	"errors"
	"time"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/evidence"
	"ryggrad.internal/hub/shared/gcp/objects"
)

// finish makes a run a backup, if all its parts are there; if not, the shard that ends last does it. Whoever made it one may
// have died before the copy of the month was begun, so that is seen to every time.
func (k *Maker) finish(ctx context.Context, r backup.Run) error {
	made, err := k.has(ctx, r, r.Manifest())
	if err != nil {
		return err
	}
	if made {
		return k.keepForAYear(ctx, r)
	}
	abandoned, err := k.has(ctx, r, r.Abandoned())
	if err != nil || abandoned {
		return err
	}
	m, whole, err := k.gather(ctx, r)
	if err != nil || !whole {
		return err
	}
	if m.Checkpoint, err = k.opts.Checkpoint(ctx); err != nil {
		return err
	}
	signed, err := k.opts.Signer.Sign(ctx, m)
	if err != nil {
		return err
	}
	err = k.opts.Buckets.Of(r.Set).CreateNoted(ctx, r.Manifest(), signed, "")
	if errors.Is(err, objects.ErrExists) { // another one was faster, or this one, without being told
		_, _, err = k.opts.Vault.Manifest(ctx, r.Set, r.At)
	}
	if err != nil {
		return passing(err)
	}
	k.tell(ctx, m)
	return k.keepForAYear(ctx, r)
}

// gather makes the manifest of the parts that are there, and tells whether they are the whole run.
func (k *Maker) gather(ctx context.Context, r backup.Run) (m backup.Manifest, whole bool, err error) {
	there, err := k.opts.Buckets.Of(r.Set).ListNoted(ctx, r.FilesPrefix())
	if err != nil {
		return m, false, passing(err)
	}
	m = backup.Manifest{Run: r, Collections: backup.Tallies{}}
	shard, number := 0, 0
	for _, o := range there {
		part := r.Part(shard, number)
		if o.Name != part.Object() {
			return m, false, nil // the one before it is still to come
		}
		note, err := parseNote(o, part)
		if err != nil {
			return m, false, err
		}
		if o.Size != note.Size || o.CRC32C != note.CRC32C {
			return m, false, backup.Broken(o.Name, "it is not the file that was written", nil)
		}
		m.Files = append(m.Files, note.File)
		m.Collections.Sum(note.Tallies)
		if number++; note.Next.Done {
			shard, number = shard+1, 0
		}
	}
	return m, shard == r.Shards, nil
}

// tell logs and records that a backup was made.
func (k *Maker) tell(ctx context.Context, m backup.Manifest) {
	size := int64(0)
	for _, f := range m.Files {
		size += f.Size
	}
	took := k.opts.Now().Sub(m.At)
	k.opts.Log.InfoContext(ctx, "backup made", "set", m.Set, "at", m.At, "full", m.Full(), "documents", m.Documents(),
		"files", len(m.Files), "bytes", size, "seconds_after", int(took.Seconds()))
	kinds := map[backup.Set]evidence.Kind{backup.Hot: evidence.BackupHot, backup.Config: evidence.BackupConfig, backup.Keys: evidence.BackupKeys}
	err := k.opts.Evidence.Record(ctx, kinds[m.Set], m.At, map[string]any{
		"documents": m.Documents(), "bytes": size, "full": m.Full(), "files": len(m.Files), "secondsAfter": took.Seconds(),
	})
	if err != nil {
		k.opts.Log.WarnContext(ctx, "evidence of a backup was not recorded", "error", err)
	}
}

// keepForAYear begins to copy the run, if it is the first full one of its month.
func (k *Maker) keepForAYear(ctx context.Context, r backup.Run) error {
	if !r.Set.Monthly() || !r.Full() {
		return nil
	}
	copied, err := moments(ctx, BucketShelf(k.opts.Buckets.Monthly), backup.ManifestsPrefix(r.Set), time.Time{})
	if err != nil {
		return err
	}
	newest := time.Time{}
	if len(copied) > 0 {
		newest = copied[len(copied)-1]
	}
	if !backup.CopyDue(r, newest) {
		return nil
	}
	return k.opts.Send(ctx, Message{Step: Copy, Run: r})
}

// copy copies a run's files from a number on, and its manifest last, until its time is over.
func (k *Maker) copy(ctx context.Context, msg Message) error {
	m, _, err := k.opts.Vault.Manifest(ctx, msg.Run.Set, msg.Run.At)
	if err != nil {
		return err
	}
	from, to := k.opts.Buckets.Of(m.Set), k.opts.Buckets.Monthly
	until := k.opts.Now().Add(k.opts.Budget)
	for ; msg.Number < len(m.Files); msg.Number++ {
		if !k.opts.Now().Before(until) {
			return k.opts.Send(ctx, msg)
		}
		f := m.Files[msg.Number]
		if err := from.CopyTo(ctx, to, m.Part(f.Shard, f.Number).Object()); err != nil {
			return passing(err)
		}
	}
	if err := from.CopyTo(ctx, to, m.Manifest()); err != nil {
		return passing(err)
	}
	k.opts.Log.InfoContext(ctx, "backup kept for a year", "set", m.Set, "at", m.At)
	return nil
}
