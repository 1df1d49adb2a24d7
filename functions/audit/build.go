package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	framework "github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/ledger/sealing"
	"ryggrad.internal/hub/shared/ledger/tlog/tlogdb"
)

func init() {
	framework.HTTP("audit", gcp.Serve("audit", BuildAudit))
	framework.HTTP("seal", gcp.Serve("seal", BuildSeal))
}

type config struct {
	gcp.Config
	httpapi.Limits
	sealing.Settings
}

// BuildAudit makes the function that shows the log.
func BuildAudit(ctx context.Context, env gcp.Env) (http.Handler, error) {
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
	handler := newHandler(deps{
		ledger: h.Ledger, log: store.Bucket(cfg.LogBucket), head: store.Bucket(cfg.HeadBucket), now: h.Now, api: h.API(cfg.Limits),
	})
	return gcp.Closing(handler, closers{store.Close, h.Close}), nil
}

// BuildSeal makes the function that seals it.
func BuildSeal(ctx context.Context, env gcp.Env) (http.Handler, error) {
	cfg, err := gcp.Load[config](env)
	if err != nil {
		return nil, err
	}
	h, err := hub.Open(ctx, cfg.Config, slog.Default())
	if err != nil {
		return nil, err
	}
	sealer, closeStore, err := cfg.Open(ctx, h, nil)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	handler, err := handle(h, "seal", (&sealJob{
		sealer: sealer, batches: tlogdb.New(h.Ledger), evidence: evidencedb.New(h.Ledger), now: h.Now, log: h.Log,
	}).seal)
	if err != nil {
		return nil, errors.Join(err, closeStore(), h.Close())
	}
	return gcp.Closing(handler, closers{closeStore, h.Close}), nil
}

// handle makes the handler of a Pub/Sub function, with the time that the table of functions gives it.
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
