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
)

func init() { functions.HTTP("auth", gcp.Serve("auth", BuildAuth)) }

type config struct {
	gcp.Config
	httpapi.Limits
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
		random: h.Random,
		api:    h.API(cfg.Limits),
	}), h), nil
}
