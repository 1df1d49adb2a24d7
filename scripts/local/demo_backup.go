package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"ryggrad.internal/hub/shared/backup"
	"ryggrad.internal/hub/shared/backup/backupdb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	backbone "ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/ledger/sealing"
)

// vaultConfig is what reaches backups and the log that belongs to them.
type vaultConfig struct {
	gcp.Config
	backupdb.Settings
	Log sealing.Settings
}

// pastAfter is after how long all that the demo has done lies before the moment that a backup shows: one second behind,
// by whole seconds.
const pastAfter = 2100 * time.Millisecond

// backedUp makes a backup of everything, checks it, and restores it into a database of its own.
func (d *demo) backedUp(ctx context.Context) {
	d.title("All of it is backed up, and comes back")
	if d.google {
		fmt.Fprintln(d.out, "  skipped beside Google's emulators: what they serve of the past is not what production does")
		return
	}
	d.stop("backup", func() (string, error) { return d.backUp(ctx) })
}

func (d *demo) backUp(ctx context.Context) (found string, err error) {
	ctx, cancel := context.WithTimeout(ctx, deliverWithin)
	defer cancel()
	cfg, err := gcp.Load[vaultConfig](d.env)
	if err != nil {
		return "", err
	}
	h, err := backbone.Open(ctx, cfg.Config, slog.Default())
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, h.Close()) }()
	store, err := objects.Open(ctx, cfg.Config, nil)
	if err != nil {
		return "", err
	}
	vault := cfg.Vault(h, cfg.Open(store))
	told := time.Now()
	select {
	case <-time.After(pastAfter):
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if err := askForBackup(ctx, h); err != nil {
		return "", err
	}
	checked, err := awaitBackup(ctx, vault, told)
	if err != nil {
		return "", err
	}
	out, err := d.comeBack(ctx, cfg, vault, store)
	if err != nil {
		return "", err
	}
	if out.Documents == 0 || out.Moments[backup.Hot].Before(told) {
		return "", fmt.Errorf("the moment %s came back with %d documents", out.Moments[backup.Hot], out.Documents)
	}
	return fmt.Sprintf("%d files hold and open; %d documents came back into an empty database, equal, with the log's root at %d entries",
		checked, out.Documents, out.Log.Size), nil
}

// askForBackup does what an operator does who does not want to wait for the schedule.
func askForBackup(ctx context.Context, h *backbone.Hub) error {
	topic, err := h.AnnouncerOn(ctx, backupdb.Topic)
	if err != nil {
		return err
	}
	return topic.Topic.Publish(ctx, []byte(`{"now":true}`), nil)
}

// awaitBackup waits until there is a backup of every set that shows a moment after one, and reads all backups.
func awaitBackup(ctx context.Context, vault backupdb.Vault, after time.Time) (files int, err error) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for _, set := range backup.Sets() {
		for {
			at, err := vault.Moments(ctx, set, after)
			if err != nil {
				return 0, err
			}
			if len(at) > 0 {
				break
			}
			select {
			case <-ctx.Done():
				return 0, fmt.Errorf("no backup of %s was made", set)
			case <-tick.C:
			}
		}
		checked, err := vault.Check(ctx, backupdb.CheckOptions{Set: set})
		if err != nil {
			return 0, err
		}
		if len(checked.Findings) > 0 {
			return 0, fmt.Errorf("the backup of %s: %v", set, checked.Findings)
		}
		files += checked.Files
	}
	return files, nil
}

// comeBack restores into an empty database; the restore itself compares what is there with what was backed up.
func (d *demo) comeBack(ctx context.Context, cfg vaultConfig, vault backupdb.Vault, store *objects.Client) (out backupdb.Restored, err error) {
	other := cfg.Config
	other.Database = fmt.Sprintf("demo-%d", time.Now().Unix())
	into, err := backbone.Open(ctx, other, slog.New(slog.DiscardHandler))
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, into.Close()) }()
	documents, err := into.Documents(ctx)
	if err != nil {
		return out, err
	}
	r, err := backupdb.NewRestorer(backupdb.RestoreOptions{
		Vault: vault, Erasures: backupdb.ErasuresIn(store.Bucket(cfg.ErasuresBucket)),
		Log:       backupdb.LogIn(store.Bucket(cfg.Log.LogBucket), store.Bucket(cfg.Log.HeadBucket), cfg.Log.Key(into).Keys),
		Documents: documents, Project: other.Project, Database: other.Database, Ledger: into.Ledger, Now: into.Now, Random: into.Random,
	})
	if err != nil {
		return out, err
	}
	by := ledgerdb.Act{Tenant: identity.Hub, Actor: identity.Actor{Kind: identity.KindOperator, ID: "local"}}
	return r.Run(ctx, by, backupdb.Choice{})
}
