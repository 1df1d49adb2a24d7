package privacy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	framework "github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"ryggrad.internal/hub/shared/delivery/deliverydb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/privacy/privacydb"
)

func init() {
	framework.HTTP("privacy", gcp.Serve("privacy", BuildPrivacy))
	framework.HTTP("retention", gcp.Serve("retention", BuildRetention))
	framework.HTTP("subjects", gcp.Serve("subjects", BuildSubjects))
}

type config struct {
	gcp.Config
	httpapi.Limits
}

type subjectsConfig struct {
	gcp.Config
	// ErasuresBucket is the bucket in which erasures are created, for every restore to read.
	ErasuresBucket string `env:"RYGGRAD_ERASURES_BUCKET,required,notEmpty"`
}

func storeOf(h *hub.Hub) *privacydb.Store {
	return privacydb.New(privacydb.Options{
		Ledger: h.Ledger, Keys: h.Keys, Orders: h.Orders(), Messages: h.Messages(), Now: h.Now, Random: h.Random,
		Deliveries: deliverydb.New(deliverydb.Options{Ledger: h.Ledger, Keys: h.Keys, Now: h.Now, Random: h.Random}),
	})
}

// BuildPrivacy makes the HTTP function.
func BuildPrivacy(ctx context.Context, env gcp.Env) (http.Handler, error) {
	cfg, err := gcp.Load[config](env)
	if err != nil {
		return nil, err
	}
	h, err := hub.Open(ctx, cfg.Config, slog.Default())
	if err != nil {
		return nil, err
	}
	announcer, err := h.AnnouncerOn(ctx, event.TopicSubjects)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	handler := newHandler(deps{store: storeOf(h), announcer: announcer, now: h.Now, api: h.API(cfg.Limits)})
	return gcp.Closing(handler, h), nil
}

// BuildSubjects makes the function that carries exports and erasures out.
func BuildSubjects(ctx context.Context, env gcp.Env) (http.Handler, error) {
	cfg, err := gcp.Load[subjectsConfig](env)
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
	return h.Subscriber("subjects", (&clerk{store: storeOf(h), erasures: store.Bucket(cfg.ErasuresBucket), log: h.Log}).work)
}

// BuildRetention makes the function that deletes what was kept for long enough.
func BuildRetention(ctx context.Context, env gcp.Env) (http.Handler, error) {
	cfg, err := gcp.Load[subjectsConfig](env)
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
	k := &keeper{
		store: storeOf(h), tenants: h.Identities(), erasures: store.Bucket(cfg.ErasuresBucket), evidence: evidencedb.New(h.Ledger),
		now: h.Now, log: h.Log,
	}
	return h.Subscriber("retention", k.retain)
}
