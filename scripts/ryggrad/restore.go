package main

import (
	"errors"
	"fmt"
	"log/slog"

	"ryggrad.internal/hub/shared/backup/backupdb"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/sealing"
)

// backupConfig is what commands need of backups and of the log that belongs to them.
type backupConfig struct {
	backupdb.Settings
	Log sealing.Settings
}

// backups opens the buckets of the hub's backups.
func (d *desk) backups() (backupConfig, backupdb.Buckets, error) {
	cfg, store, err := d.backupStore()
	if err != nil {
		return cfg, backupdb.Buckets{}, err
	}
	return cfg, cfg.Open(store), nil
}

func (d *desk) backupStore() (backupConfig, *objects.Client, error) {
	env, err := d.environment()
	if err != nil {
		return backupConfig{}, nil, err
	}
	cfg, err := gcp.Load[backupConfig](env)
	if err != nil {
		return cfg, nil, err
	}
	h, err := d.hub()
	if err != nil {
		return cfg, nil, err
	}
	store, err := objects.Open(d.ctx, h.Config, nil)
	if err != nil {
		return cfg, nil, err
	}
	return cfg, store, nil
}

// database opens another database of the hub's project.
func (d *desk) database(name string) (*hub.Hub, error) {
	h, err := d.hub()
	if err != nil {
		return nil, err
	}
	cfg := h.Config
	cfg.Database = name
	other, err := hub.Open(d.ctx, cfg, slog.New(slog.NewTextHandler(d.err, nil)))
	if err != nil {
		return nil, err
	}
	d.closeWithDesk(other.Close)
	return other, nil
}

// restorer returns what restores into a database.
func (d *desk) restorer(into *hub.Hub, k keepers, tell func(backupdb.Tidings)) (*backupdb.Restorer, error) {
	v, err := k.vault(d)
	if err != nil {
		return nil, err
	}
	cfg, store, err := d.backupStore()
	if err != nil {
		return nil, err
	}
	documents, err := into.Documents(d.ctx)
	if err != nil {
		return nil, err
	}
	return backupdb.NewRestorer(backupdb.RestoreOptions{
		Vault: v, Erasures: backupdb.ErasuresIn(store.Bucket(cfg.ErasuresBucket)),
		Log:       backupdb.LogIn(store.Bucket(cfg.Log.LogBucket), store.Bucket(cfg.Log.HeadBucket), cfg.Log.Key(into).Keys),
		Documents: documents, Project: into.Config.Project, Database: into.Config.Database, Ledger: into.Ledger,
		Now: into.Now, Random: into.Random, Tell: tell,
	})
}

type restoreBackup struct {
	keepers

	Into     string            `required:"" help:"The DATABASE to restore into. It must be empty, and the hub must not use it yet; with --missing it may be the hub's own." placeholder:"DATABASE"`
	At       string            `help:"The newest backup at or before this MOMENT, such as 2026-03-01T12:00Z; by default the newest." placeholder:"MOMENT"`
	SetAt    map[string]string `help:"The newest backup of one SET at or before another MOMENT, such as keys=2026-03-01T11:00Z where the newest keys are damaged. Without it, keys are the newest there are." placeholder:"SET=MOMENT"`
	Continue string            `help:"Go on with the restore of this ID that broke off." placeholder:"ID"`

	Missing    bool     `help:"Write only what the database has not any more, each object by an act; what is there stays as it is."`
	Tenant     string   `help:"Only what is this TENANT's. Without --missing, the database is one to look at then." placeholder:"TENANT"`
	Collection []string `help:"Only of this COLLECTION; several times for several. Without --missing, the database is one to look at then." placeholder:"COLLECTION"`
}

// Run restores.
func (c *restoreBackup) Run(d *desk) error {
	by, err := d.act(identity.Hub)
	if err != nil {
		return err
	}
	at, err := parseMoment(c.At)
	if err != nil {
		return err
	}
	setAt, err := parseMoments(c.SetAt)
	if err != nil {
		return err
	}
	into, err := d.database(c.Into)
	if err != nil {
		return err
	}
	tell, end := d.progress("restore")
	r, err := d.restorer(into, c.keepers, tell)
	if err != nil {
		return err
	}
	choice := backupdb.Choice{At: at, SetAt: setAt, Tenant: c.Tenant, Collections: c.Collection}
	var out backupdb.Restored
	switch {
	case c.Missing:
		out, err = r.PutBack(d.ctx, by, choice)
	case c.Continue != "":
		out, err = r.Continue(d.ctx, by, c.Continue)
	default:
		out, err = r.Run(d.ctx, by, choice)
	}
	end()
	if err != nil {
		return err
	}
	if len(out.Disabled) > 0 {
		fmt.Fprintf(d.err, "%d credentials were changed after the moment and came back disabled. Look at each, then: ryggrad backup confirm --into %s %s [OBJECT…]\n",
			len(out.Disabled), c.Into, out.ID)
	}
	if len(out.Lost) > 0 {
		fmt.Fprintf(d.err, "%d objects are named in the audit log after the moment and are in no backup; ask their channels for them.\n", len(out.Lost))
	}
	return d.print(out)
}

type confirmRestored struct {
	Into    string   `required:"" help:"The DATABASE that was restored." placeholder:"DATABASE"`
	Restore string   `arg:"" help:"The restore's ID."`
	Objects []string `arg:"" optional:"" help:"Only these, as in clients/cli_…; by default all that it disabled."`
}

// Run enables.
func (c *confirmRestored) Run(d *desk) error {
	by, err := d.act(identity.Hub)
	if err != nil {
		return err
	}
	into, err := d.database(c.Into)
	if err != nil {
		return err
	}
	r, err := d.restorer(into, keepers{}, nil)
	if err != nil {
		return err
	}
	enabled, err := r.Confirm(d.ctx, by, c.Restore, c.Objects)
	return errors.Join(d.print(map[string][]string{"enabled": enabled}), err)
}

type drillBackup struct {
	keepers

	Into string `help:"The scratch DATABASE. Whatever is in it is deleted." default:"scratch" placeholder:"DATABASE"`
}

// Run drills.
func (c *drillBackup) Run(d *desk) error {
	by, err := d.act(identity.Hub)
	if err != nil {
		return err
	}
	h, err := d.hub()
	if err != nil {
		return err
	}
	into, err := d.database(c.Into)
	if err != nil {
		return err
	}
	tell, end := d.progress("drill")
	r, err := d.restorer(into, c.keepers, tell)
	if err != nil {
		return err
	}
	out, err := r.Drill(d.ctx, by, backupdb.DrillOptions{Hub: h.Config.Database, Record: evidencedb.New(h.Ledger), Last: true})
	end()
	if err == nil && !out.Clean {
		err = fault.New(fault.Conflict, "another drill took the database %s meanwhile; drill again when that one has ended", c.Into)
	}
	return errors.Join(d.print(out), err)
}
