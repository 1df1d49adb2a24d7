package backup

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"github.com/go-json-experiment/json"

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
	// Budget is how long one message is worked at, before the rest is left to another one.
	Budget time.Duration `env:"RYGGRAD_DRILL_BUDGET" envDefault:"8m"`
}

// BuildDrill makes the function that restores the newest backup into a scratch database once a week, compares it, and
// empties the database again. What takes longer than one message has goes on with the next, which it sends itself. A hub
// that cannot even be compared in one drills by the command line, `ryggrad backup drill`, which does the same.
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
	own, err := h.AnnouncerOn(ctx, "drill")
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	d := &driller{hub: h, restorer: r, topic: own.Topic, options: backupdb.DrillOptions{
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
	hub      *hub.Hub
	restorer *backupdb.Restorer
	topic    *pubsub.Publisher
	options  backupdb.DrillOptions
}

// drill begins a drill, as the schedule's message asks for by saying nothing, or goes on with one.
func (d *driller) drill(ctx context.Context, m event.Message) error {
	options, log := d.options, d.hub.Log
	if len(m.Data) > 0 {
		if err := json.Unmarshal(m.Data, &options.From, json.RejectUnknownMembers(true)); err != nil {
			return fault.New(fault.Malformed, "this says nothing about a drill").Because(err)
		}
	}
	by := ledgerdb.Act{Tenant: identity.Hub, Actor: identity.Actor{Kind: identity.KindSystem, ID: "drill"}}
	out, err := d.restorer.Drill(ctx, by, options)
	switch {
	case fault.Is(err, fault.NotFound):
		log.WarnContext(ctx, "there is no backup yet to drill with", "error", err)
		return nil
	case err != nil:
		log.ErrorContext(ctx, "drill failed", "error", err)
		return err
	case out.Paused != nil:
		log.InfoContext(ctx, "drill goes on with another message", "stage", out.Paused.Stage, "done", out.Paused.Done)
		return d.send(ctx, *out.Paused)
	case out.Documents > 0:
		log.InfoContext(ctx, "drill succeeded", "documents", out.Documents, "seconds", out.Took, "seconds_behind", out.Behind)
	}
	return nil
}

// send leaves the rest of a drill to another message.
func (d *driller) send(ctx context.Context, from backupdb.Pause) error {
	data, err := json.Marshal(from)
	if err != nil {
		return err
	}
	if _, err := d.topic.Publish(ctx, &pubsub.Message{Data: data}).Get(ctx); err != nil {
		return fault.New(fault.Unavailable, "the rest of the drill could not be sent").Because(err)
	}
	return nil
}
