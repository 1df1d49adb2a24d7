package backup

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"ryggrad.internal/hub/shared/backup/backupdb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/ledger/sealing"
)

// drillConfig is what the drill needs.
type drillConfig struct {
	gcp.Config
	backupdb.Settings
	Log sealing.Settings
	// Scratch is the database that drills restore into and empty. The hub never uses it.
	Scratch string `env:"RYGGRAD_SCRATCH_DATABASE" envDefault:"scratch"`
}

// BuildDrill makes the function that restores the newest backup into a scratch database once a week, compares it, and
// empties the database again. It has the time of one message: a hub whose restore takes longer drills by the command
// line, `ryggrad backup drill`, which does the same.
func BuildDrill(ctx context.Context, env gcp.Env) (http.Handler, error) {
	cfg, err := gcp.Load[drillConfig](env)
	if err != nil {
		return nil, err
	}
	h, err := hub.Open(ctx, cfg.Config, slog.Default())
	if err != nil {
		return nil, err
	}
	scratch := cfg.Config
	scratch.Database = cfg.Scratch
	// What is written there is no part of the hub's history, so nothing of it is witnessed in the log.
	into, err := hub.Open(ctx, scratch, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	h.Owns(into.Close)
	store, err := objects.Open(ctx, cfg.Config, nil)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	r, err := cfg.restorer(ctx, h, into, store)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h.Subscriber("drill", func(ctx context.Context, _ event.Message) error {
		return drill(ctx, h, r, cfg.Database)
	})
}

func (c drillConfig) restorer(ctx context.Context, h, into *hub.Hub, store *objects.Client) (*backupdb.Restorer, error) {
	documents, err := into.Documents(ctx)
	if err != nil {
		return nil, err
	}
	buckets := c.Open(store)
	return backupdb.NewRestorer(backupdb.RestoreOptions{
		Vault: c.Vault(h, buckets), Erasures: backupdb.ErasuresIn(buckets.Erasures),
		Log:       backupdb.LogIn(store.Bucket(c.Log.LogBucket), store.Bucket(c.Log.HeadBucket), c.Log.Key(h).Keys),
		Documents: documents, Project: into.Config.Project, Database: into.Config.Database, Ledger: into.Ledger,
		Now: h.Now, Random: h.Random,
	})
}

func drill(ctx context.Context, h *hub.Hub, r *backupdb.Restorer, database string) error {
	by := ledgerdb.Act{Tenant: identity.Hub, Actor: identity.Actor{Kind: identity.KindSystem, ID: "drill"}}
	out, err := r.Drill(ctx, by, database, evidencedb.New(h.Ledger))
	if fault.Is(err, fault.NotFound) {
		h.Log.WarnContext(ctx, "there is no backup yet to drill with", "error", err)
		return nil
	}
	if err != nil {
		h.Log.ErrorContext(ctx, "drill failed", "error", err)
		return err
	}
	h.Log.InfoContext(ctx, "drill succeeded", "documents", out.Documents, "seconds", out.Took, "seconds_behind", out.Behind)
	return nil
}
