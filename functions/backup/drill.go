package backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"ryggrad.internal/hub/shared/backup/backupdb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
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
	// Budget is how long one message is worked at, before the rest is left to another one.
	Budget time.Duration `env:"RYGGRAD_DRILL_BUDGET" envDefault:"8m"`
}

// longestBudget leaves time to say what was found, and where to go on.
const longestBudget = 8*time.Minute + 30*time.Second

// BuildDrill makes the function that restores the newest backup into a scratch database once a week, compares it, and
// empties the database again. What takes longer than one message has goes on with the next, which it sends itself. A hub
// that gets no further so, since one step is too long for one message, drills by the command line, `ryggrad backup drill`.
func BuildDrill(ctx context.Context, env gcp.Env) (http.Handler, error) {
	cfg, err := gcp.Load[drillConfig](env)
	if err != nil {
		return nil, err
	}
	if cfg.Budget <= 0 || cfg.Budget > longestBudget {
		return nil, fmt.Errorf("configuration: RYGGRAD_DRILL_BUDGET is more than 0 and at most %s", longestBudget)
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
	own, err := h.AnnouncerOn(ctx, "drill")
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	d := &driller{restorer: r, send: own.Send, log: h.Log, options: backupdb.DrillOptions{
		Hub: cfg.Database, Record: evidencedb.New(h.Ledger), Budget: cfg.Budget,
	}}
	return h.Subscriber("drill", d.drill)
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

// driller drills as messages ask for it.
type driller struct {
	restorer *backupdb.Restorer
	send     func(context.Context, any) error
	log      *slog.Logger
	options  backupdb.DrillOptions
}

// drill begins a drill, as the schedule's message asks for by saying nothing, or goes on with one.
func (d *driller) drill(ctx context.Context, m event.Message) error {
	from, err := backupdb.ParsePause(m.Data)
	if err != nil {
		return err
	}
	options := d.options
	options.From, options.Last = from, m.DeliveryAttempt >= attempts
	by := ledgerdb.Act{Tenant: identity.Hub, Actor: identity.Actor{Kind: identity.KindSystem, ID: "drill"}}
	out, err := d.restorer.Drill(ctx, by, options)
	if out.Held {
		d.log.InfoContext(ctx, "drill succeeded", "documents", out.Documents, "seconds", out.Took, "seconds_behind", out.Behind)
	}
	switch {
	case errors.Is(err, backupdb.ErrNoBackup):
		d.log.WarnContext(ctx, "there is nothing to drill with", "error", err)
		return nil
	case err != nil && !options.Last && !backupdb.Lasting(err):
		return err // the message comes again
	case err != nil:
		d.log.ErrorContext(ctx, "drill failed", "error", err)
	case out.Paused != nil:
		d.log.InfoContext(ctx, "drill goes on with another message", "stage", out.Paused.Stage, "files", out.Paused.Files, "deleted", out.Paused.Deleted)
		return d.send(ctx, out.Paused)
	case !out.Clean:
		d.log.InfoContext(ctx, "drill is over already", "restore", from.Restore)
	}
	return nil
}

// attempts is how often a message is tried, which is for hours, where its failure may pass.
const attempts = 20
