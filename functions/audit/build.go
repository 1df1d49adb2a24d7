package audit

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	framework "github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/ledger/sealing"
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
	return gcp.Closing(newHandler(deps{
		ledger: h.Ledger, log: store.Bucket(cfg.LogBucket), head: store.Bucket(cfg.HeadBucket), now: h.Now, api: h.API(cfg.Limits),
	}), h), nil
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
	sealer, err := cfg.Open(ctx, h, nil)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h.Subscriber("seal", (&sealJob{
		sealer: sealer, ledger: h.Ledger, evidence: evidencedb.New(h.Ledger), now: h.Now, log: h.Log,
	}).seal)
}
