package orders

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"ryggrad.internal/hub/shared/channel/fetchdb"
	"ryggrad.internal/hub/shared/channel/platformapi"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/webhook"
	"ryggrad.internal/hub/shared/webhook/outbound"
)

func init() {
	functions.HTTP("orders", gcp.Serve("orders", BuildOrders))
	functions.HTTP("fetch", gcp.Serve("fetch", BuildFetch))
	functions.HTTP("reconcile", gcp.Serve("reconcile", BuildReconcile))
}

type config struct {
	gcp.Config
	httpapi.Limits
	// AllowLoopback lets platforms be on this very machine, also by plain HTTP. For one workstation only.
	AllowLoopback bool `env:"RYGGRAD_ALLOW_LOOPBACK" envDefault:"false"`
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
	h, d, err := assemble(ctx, cfg)
	if err != nil {
		return nil, err
	}
	return gcp.Closing(newHandler(d), h), nil
}

func assemble(ctx context.Context, cfg config) (*hub.Hub, deps, error) {
	h, err := hub.Open(ctx, cfg.Config, slog.Default())
	if err != nil {
		return nil, deps{}, err
	}
	announcer, err := h.Announcer(ctx)
	if err != nil {
		return nil, deps{}, errors.Join(err, h.Close())
	}
	referrals, err := h.AnnouncerOn(ctx, event.TopicFetches)
	if err != nil {
		return nil, deps{}, errors.Join(err, h.Close())
	}
	return h, deps{
		orders: h.Orders(), messages: h.Messages(), directory: h.Directory, announcer: announcer, referrals: referrals,
		fetches: fetchdb.New(fetchdb.Options{Ledger: h.Ledger, Now: h.Now}), now: h.Now, api: h.API(cfg.Limits),
	}, nil
}

// BuildFetch makes the function that gets the orders that platforms only told of.
func BuildFetch(ctx context.Context, env gcp.Env) (http.Handler, error) {
	cfg, err := gcp.Load[config](env)
	if err != nil {
		return nil, err
	}
	h, d, err := assemble(ctx, cfg)
	if err != nil {
		return nil, err
	}
	client := outbound.New(outbound.Options{Policy: webhook.Policy{AllowLoopback: cfg.AllowLoopback}})
	p := &fetcher{
		server: &server{deps: d}, platforms: platformapi.New(client, h.Now), pause: wait, log: h.Log,
		notices: deliverydb.New(deliverydb.Options{Ledger: h.Ledger, Keys: h.Keys, Now: h.Now, Random: h.Random}),
	}
	return h.Subscriber("fetch", p.fetch)
}

// BuildReconcile makes the function that carries out cancellations which came before their orders.
func BuildReconcile(ctx context.Context, env gcp.Env) (http.Handler, error) {
	cfg, err := gcp.Load[config](env)
	if err != nil {
		return nil, err
	}
	h, err := hub.Open(ctx, cfg.Config, slog.Default())
	if err != nil {
		return nil, err
	}
	announcer, err := h.Announcer(ctx)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	c := &reconciler{orders: h.Orders(), messages: h.Messages(), announcer: announcer, now: h.Now, log: h.Log}
	return h.Subscriber("reconcile", c.reconcile)
}
