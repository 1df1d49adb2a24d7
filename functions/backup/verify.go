package backup

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"ryggrad.internal/hub/shared/backup/backupdb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/hub"
)

// BuildVerify makes the function that checks backups once an hour: what is kept, and whether the newest are new.
func BuildVerify(ctx context.Context, env gcp.Env) (http.Handler, error) {
	cfg, err := gcp.Load[config](env)
	if err != nil {
		return nil, err
	}
	h, err := hub.Open(ctx, cfg.Config, slog.Default())
	if err != nil {
		return nil, err
	}
	store, err := objects.Open(ctx, cfg.Config, nil)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	buckets := cfg.Open(store)
	vault := cfg.Vault(h, buckets)
	watch := &backupdb.Watch{Evidence: evidencedb.New(h.Ledger), Log: h.Log}
	return h.Subscriber("verify", func(ctx context.Context, _ event.Message) error {
		now := h.Now()
		checked, err := vault.Hourly(ctx, buckets, now)
		if err != nil {
			return err
		}
		_, lateErr := watch.Late(ctx, vault, now)
		_, drillErr := watch.Drilled(ctx, vault, now)
		return errors.Join(watch.Tell(ctx, checked, now), lateErr, drillErr)
	})
}
