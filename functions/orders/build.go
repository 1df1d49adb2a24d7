package orders

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order/orderdb"
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
	cloud := gcp.Open(cfg.Config)
	db, err := cloud.Firestore(ctx)
	if err != nil {
		return nil, err
	}
	kms, err := cloud.KMS(ctx)
	if err != nil {
		return nil, err
	}
	topic, err := cloud.Publisher(ctx, event.TopicEvents)
	if err != nil {
		return nil, err
	}
	log := slog.Default()
	store, err := ledgerdb.New(ledgerdb.Options{Firestore: db, Now: time.Now, Random: rand.Reader, Log: log})
	if err != nil {
		return nil, err
	}
	keys := envelopedb.New(envelopedb.Options{Firestore: db, KMS: kms, KeyName: cfg.KeyName("tenant-keys"), Now: time.Now, Log: log})
	directory := identitydb.NewDirectory(identitydb.DirectoryOptions{Ledger: store, Keys: keys, Now: time.Now})
	auth := identitydb.NewAuthenticator(identitydb.AuthenticatorOptions{Ledger: store, Directory: directory, Issuer: cfg.BaseURL, Now: time.Now, Log: log})
	h := newHandler(deps{
		orders:    orderdb.New(orderdb.Options{Ledger: store, Keys: keys, Now: time.Now, Random: rand.Reader}),
		directory: directory,
		announcer: event.Announcer{Topic: topic, Log: log},
		now:       time.Now,
		api: httpapi.Options{
			Authenticate: auth.Authenticate, Limit: cfg.Limit(), Log: log, Now: time.Now, TrustedHops: cfg.TrustedHops,
		},
	})
	return gcp.Closing(h, cloud), nil
}
