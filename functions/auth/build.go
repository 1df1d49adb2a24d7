package auth

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
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
	cloud := gcp.Open(cfg.Config)
	db, err := cloud.Firestore(ctx)
	if err != nil {
		return nil, err
	}
	kms, err := cloud.KMS(ctx)
	if err != nil {
		return nil, err
	}
	ledger, err := ledgerdb.New(ledgerdb.Options{Firestore: db, Now: time.Now, Random: rand.Reader, Log: log})
	if err != nil {
		return nil, err
	}
	keyring := envelopedb.New(envelopedb.Options{
		Firestore: db, KMS: kms, KeyName: cfg.KeyName("tenant-keys"), Now: time.Now, Log: log,
	})
	directory := identitydb.NewDirectory(identitydb.DirectoryOptions{Ledger: ledger, Keys: keyring, Now: time.Now})
	clients := identitydb.NewAuthenticator(identitydb.AuthenticatorOptions{
		Ledger: ledger, Directory: directory, Issuer: cfg.BaseURL, Now: time.Now, Log: log,
	})
	h := newHandler(deps{
		issuer:  cfg.BaseURL,
		clients: clients,
		signer: identitydb.NewSigner(identitydb.SignerOptions{
			Ledger: ledger, KMS: kms, KeyName: cfg.KeyName("access-tokens"), Now: time.Now,
		}),
		random: rand.Reader,
		api: httpapi.Options{
			Authenticate: clients.Authenticate, Limit: cfg.Limit(), Log: log, Now: time.Now, TrustedHops: cfg.TrustedHops,
		},
	})
	return gcp.Closing(h, cloud), nil
}
