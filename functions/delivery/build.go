package delivery

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"time"

	"cloud.google.com/go/firestore"
	framework "github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order/orderdb"
	"ryggrad.internal/hub/shared/webhook"
	"ryggrad.internal/hub/shared/webhook/outbound"
)

func init() {
	framework.HTTP("delivery", gcp.Serve("delivery", BuildDelivery))
	framework.HTTP("dispatch", gcp.Serve("dispatch", BuildDispatch))
	framework.HTTP("relay", gcp.Serve("relay", BuildRelay))
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
	cfg     config
	cloud   *gcp.Cloud
	db      *firestore.Client
	log     *slog.Logger
	ledger  *ledgerdb.Store
	keys    *envelopedb.Keyring
	courier courier
}

func assemble(ctx context.Context, env gcp.Env) (parts, error) {
	cfg, err := load(env)
	if err != nil {
		return parts{}, err
	}
	p := parts{cfg: cfg, cloud: gcp.Open(cfg.Config), log: slog.Default()}
	if p.db, err = p.cloud.Firestore(ctx); err != nil {
		return p, err
	}
	kms, err := p.cloud.KMS(ctx)
	if err != nil {
		return p, err
	}
	if p.ledger, err = ledgerdb.New(ledgerdb.Options{Firestore: p.db, Now: time.Now, Random: rand.Reader, Log: p.log}); err != nil {
		return p, err
	}
	p.keys = envelopedb.New(envelopedb.Options{Firestore: p.db, KMS: kms, KeyName: cfg.KeyName("tenant-keys"), Now: time.Now, Log: p.log})
	p.courier = courier{
		store: deliverydb.New(deliverydb.Options{
			Ledger: p.ledger, Keys: p.keys, Now: time.Now, Random: rand.Reader, CacheFor: cfg.EndpointCache,
		}),
		orders: orderdb.New(orderdb.Options{Ledger: p.ledger, Keys: p.keys, Now: time.Now, Random: rand.Reader}),
		client: outbound.New(outbound.Options{Policy: cfg.policy()}),
		now:    time.Now, random: mathrand.Float64, claim: rand.Text, log: p.log,
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
	directory := identitydb.NewDirectory(identitydb.DirectoryOptions{Ledger: p.ledger, Keys: p.keys, Now: time.Now})
	auth := identitydb.NewAuthenticator(identitydb.AuthenticatorOptions{
		Ledger: p.ledger, Directory: directory, Issuer: p.cfg.BaseURL, Now: time.Now, Log: p.log,
	})
	h := newHandler(deps{
		courier: p.courier, directory: directory, policy: p.cfg.policy(), entropy: rand.Reader,
		api: httpapi.Options{
			Authenticate: auth.Authenticate, Limit: p.cfg.Limit(), Log: p.log, Now: time.Now, TrustedHops: p.cfg.TrustedHops,
		},
	})
	return gcp.Closing(h, p.cloud), nil
}

// BuildDispatch makes the function that dispatches announced events.
func BuildDispatch(ctx context.Context, env gcp.Env) (http.Handler, error) {
	p, err := assemble(ctx, env)
	if err != nil {
		return nil, err
	}
	return p.handle("dispatch", (&dispatcher{p.courier}).dispatch)
}

// BuildRelay makes the function that announces forgotten events again.
func BuildRelay(ctx context.Context, env gcp.Env) (http.Handler, error) {
	p, err := assemble(ctx, env)
	if err != nil {
		return nil, err
	}
	topic, err := p.cloud.Publisher(ctx, event.TopicEvents)
	if err != nil {
		return nil, err
	}
	r := &relayer{store: p.courier.store, announcer: event.Announcer{Topic: topic, Log: p.log}, now: time.Now, log: p.log}
	return p.handle("relay", r.relay)
}

// BuildRetry makes the function that attempts what is due.
func BuildRetry(ctx context.Context, env gcp.Env) (http.Handler, error) {
	p, err := assemble(ctx, env)
	if err != nil {
		return nil, err
	}
	return p.handle("retry", (&retrier{p.courier}).retry)
}

// handle makes the handler of a Pub/Sub function, with the time that the table of functions gives it.
func (p parts) handle(name string, handle func(context.Context, event.Message) error) (http.Handler, error) {
	table, err := functions.Table()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(table, func(f functions.Function) bool { return f.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("function %s is not in the table", name)
	}
	h := event.Handler(event.Options{
		Name: name, Firestore: p.db, Log: p.log, Now: time.Now, Deadline: table[i].Deadline(),
	}, handle)
	return gcp.Closing(h, p.cloud), nil
}
