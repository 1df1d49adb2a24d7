package delivery

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"time"

	framework "github.com/GoogleCloudPlatform/functions-framework-go/functions"

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
	framework.HTTP("delivery", gcp.Serve("delivery", BuildDelivery))
	framework.HTTP("dispatch", gcp.Serve("dispatch", BuildDispatch))
	framework.HTTP("relay", gcp.Serve("relay", BuildRelay))
	framework.HTTP("deadlines", gcp.Serve("deadlines", BuildDeadlines))
	framework.HTTP("retry", gcp.Serve("retry", BuildRetry))
}

type config struct {
	gcp.Config
	httpapi.Limits
	// AllowLoopback lets endpoints be on this very machine, also by plain HTTP. For one workstation only.
	AllowLoopback bool `env:"RYGGRAD_ALLOW_LOOPBACK" envDefault:"false"`
	// EndpointCache is how long endpoints are used from memory, at most 60 s.
	EndpointCache time.Duration `env:"RYGGRAD_ENDPOINT_CACHE" envDefault:"30s"`
}

const longestCache = time.Minute

func load(env gcp.Env) (config, error) {
	cfg, err := gcp.Load[config](env)
	if err == nil && (cfg.EndpointCache < 0 || cfg.EndpointCache > longestCache) {
		err = fmt.Errorf("configuration: RYGGRAD_ENDPOINT_CACHE is not between 0 and %s", longestCache)
	}
	return cfg, err
}

// parts are what the functions of this package are made of.
type parts struct {
	*hub.Hub
	cfg     config
	courier courier
}

func assemble(ctx context.Context, env gcp.Env) (parts, error) {
	cfg, err := load(env)
	if err != nil {
		return parts{}, err
	}
	p := parts{cfg: cfg}
	if p.Hub, err = hub.Open(ctx, cfg.Config, slog.Default()); err != nil {
		return parts{}, err
	}
	client := outbound.New(outbound.Options{Policy: cfg.policy()})
	p.courier = courier{
		store: deliverydb.New(deliverydb.Options{
			Ledger: p.Ledger, Keys: p.Keys, Now: p.Now, Random: p.Random, CacheFor: cfg.EndpointCache,
		}),
		orders: p.Orders(), directory: p.Directory, lanes: newLanes(),
		client: client, platforms: platformapi.New(client, p.Now),
		now: p.Now, random: mathrand.Float64, claim: rand.Text, log: p.Log,
	}
	return p, nil
}

func (c config) policy() webhook.Policy { return webhook.Policy{AllowLoopback: c.AllowLoopback} }

// BuildDelivery makes the HTTP function.
func BuildDelivery(ctx context.Context, env gcp.Env) (http.Handler, error) {
	p, err := assemble(ctx, env)
	if err != nil {
		return nil, err
	}
	return gcp.Closing(newHandler(deps{
		courier: p.courier, directory: p.Directory, policy: p.cfg.policy(), entropy: p.Random, api: p.API(p.cfg.Limits),
	}), p), nil
}

// BuildDispatch makes the function that dispatches announced events.
func BuildDispatch(ctx context.Context, env gcp.Env) (http.Handler, error) {
	p, err := assemble(ctx, env)
	if err != nil {
		return nil, err
	}
	return p.Subscriber("dispatch", (&dispatcher{p.courier}).dispatch)
}

// BuildRelay makes the function that announces forgotten events again.
func BuildRelay(ctx context.Context, env gcp.Env) (http.Handler, error) {
	p, err := assemble(ctx, env)
	if err != nil {
		return nil, err
	}
	announcer, err := p.Announcer(ctx)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	fetches, err := p.AnnouncerOn(ctx, event.TopicFetches)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	r := &relayer{
		store: p.courier.store, announcer: announcer, now: p.Now, log: p.Log,
		left: fetchdb.New(fetchdb.Options{Ledger: p.Ledger, Now: p.Now}), fetches: fetches,
	}
	return p.Subscriber("relay", r.relay)
}

// BuildDeadlines makes the function that decides for those who do not.
func BuildDeadlines(ctx context.Context, env gcp.Env) (http.Handler, error) {
	p, err := assemble(ctx, env)
	if err != nil {
		return nil, err
	}
	announcer, err := p.Announcer(ctx)
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	w := &watch{store: p.courier.store, orders: p.courier.orders, directory: p.Directory, announcer: announcer, now: p.Now, log: p.Log}
	return p.Subscriber("deadlines", w.look)
}

// BuildRetry makes the function that attempts what is due.
func BuildRetry(ctx context.Context, env gcp.Env) (http.Handler, error) {
	p, err := assemble(ctx, env)
	if err != nil {
		return nil, err
	}
	return p.Subscriber("retry", (&retrier{p.courier}).retry)
}
