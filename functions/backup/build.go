package backup

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	framework "github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"ryggrad.internal/hub/shared/backup/backupdb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/ledger/sealing"
)

func init() {
	framework.HTTP("backup", gcp.Serve("backup", BuildBackup))
	framework.HTTP("verify", gcp.Serve("verify", BuildVerify))
	framework.HTTP("drill", gcp.Serve("drill", BuildDrill))
}

type config struct {
	gcp.Config
	backupdb.Settings
	Log sealing.Settings
}

// BuildBackup makes the function that makes backups.
func BuildBackup(ctx context.Context, env gcp.Env) (http.Handler, error) {
	cfg, err := gcp.Load[config](env)
	if err != nil {
		return nil, err
	}
	h, err := hub.Open(ctx, cfg.Config, slog.Default())
	if err != nil {
		return nil, err
	}
	maker, err := cfg.Maker(ctx, h, cfg.Log, nil)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h.Subscriber("backup", func(ctx context.Context, m event.Message) error {
		step, err := backupdb.ParseMessage(m.Data, cfg.Project, cfg.Database)
		if err != nil {
			return err
		}
		return maker.Do(ctx, step)
	})
}
