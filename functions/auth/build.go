package auth

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/identity/password"
	"ryggrad.internal/hub/shared/identity/peopledb"
)

func init() { functions.HTTP("auth", gcp.Serve("auth", BuildAuth)) }

type config struct {
	gcp.Config
	httpapi.Limits
	// HashesAtOnce is how many passwords are hashed at a time, at 19 MiB each, and HashesWaiting how many more may wait.
	HashesAtOnce  int `env:"RYGGRAD_HASHES_AT_ONCE" envDefault:"2"`
	HashesWaiting int `env:"RYGGRAD_HASHES_WAITING" envDefault:"32"`
	// BreachRange is the address of a range service of breached passwords; none is asked when it is empty.
	BreachRange string `env:"RYGGRAD_BREACH_RANGE"`
}

// BuildAuth makes the auth function.
func BuildAuth(ctx context.Context, env gcp.Env) (http.Handler, error) {
	cfg, err := gcp.Load[config](env)
	if err != nil {
		return nil, err
	}
	return build(ctx, cfg, slog.Default())
}

func build(ctx context.Context, cfg config, log *slog.Logger) (http.Handler, error) {
	h, err := hub.Open(ctx, cfg.Config, log)
	if err != nil {
		return nil, err
	}
	return gcp.Closing(newHandler(deps{
		issuer:  cfg.BaseURL,
		clients: h.Auth,
		store:   h.Identities(),
		signer: identitydb.NewSigner(identitydb.SignerOptions{
			Ledger: h.Ledger, KMS: h.KMS, KeyName: cfg.KeyName("access-tokens"), Now: h.Now,
		}),
		people: people(h, cfg),
		random: h.Random,
		api:    h.API(cfg.Limits),
	}), h), nil
}

func people(h *hub.Hub, cfg config) *peopledb.People {
	opts := peopledb.Options{
		Ledger: h.Ledger, Keys: h.Keys, Directory: h.Directory, Now: h.Now, Random: h.Random, Log: h.Log, BaseURL: cfg.BaseURL,
		Gate: password.NewGate(cfg.HashesAtOnce, cfg.HashesWaiting), Cost: password.Recommended(),
	}
	if cfg.BreachRange != "" {
		opts.Breached = breaches{url: cfg.BreachRange, client: http.DefaultClient}.known
	}
	return peopledb.New(opts)
}
