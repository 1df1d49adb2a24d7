package backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	framework "github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"ryggrad.internal/hub/functions"
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
	maker, closeStore, err := cfg.Maker(ctx, h, cfg.Log, nil)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	handler, err := handle(h, "backup", func(ctx context.Context, m event.Message) error {
		step, err := backupdb.ParseMessage(m.Data, cfg.Project, cfg.Database)
		if err != nil {
			return err
		}
		return maker.Do(ctx, step)
	})
	if err != nil {
		return nil, errors.Join(err, closeStore(), h.Close())
	}
	return gcp.Closing(handler, closers{closeStore, h.Close}), nil
}

// handle makes the handler of a function, with the time that the table of functions gives it.
func handle(h *hub.Hub, name string, handle func(context.Context, event.Message) error) (http.Handler, error) {
	table, err := functions.Table()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(table, func(f functions.Function) bool { return f.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("function %s is not in the table", name)
	}
	return event.Handler(event.Options{
		Name: name, Firestore: h.Firestore, Log: h.Log, Now: h.Now, Deadline: table[i].Deadline(),
	}, handle), nil
}

// closers are closed one after the other.
type closers []func() error

// Close closes all of them.
func (c closers) Close() error {
	var all []error
	for _, one := range c {
		all = append(all, one())
	}
	return errors.Join(all...)
}
