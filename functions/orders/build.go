package orders

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/hub"
)

func init() { functions.HTTP("orders", gcp.Serve("orders", BuildOrders)) }

type config struct {
	gcp.Config
	httpapi.Limits
}

// BuildOrders makes the orders function.
func BuildOrders(ctx context.Context, env gcp.Env) (http.Handler, error) {
	cfg, err := gcp.Load[config](env)
	if err != nil {
		return nil, err
	}
	return build(ctx, cfg)
}

func build(ctx context.Context, cfg config) (http.Handler, error) {
	h, err := hub.Open(ctx, cfg.Config, slog.Default())
	if err != nil {
		return nil, err
	}
	announcer, err := h.Announcer(ctx)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return gcp.Closing(newHandler(deps{
		orders: h.Orders(), directory: h.Directory, announcer: announcer, now: h.Now, api: h.API(cfg.Limits),
	}), h), nil
}
