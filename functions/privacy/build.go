package privacy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"

	framework "github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"ryggrad.internal/hub/functions"
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
	clerk := &clerk{store: storeOf(h), erasures: store.Bucket(cfg.ErasuresBucket), log: h.Log}
	handler, err := handle(h, "subjects", clerk.work)
	if err != nil {
		return nil, errors.Join(err, store.Close(), h.Close())
	}
	return gcp.Closing(handler, closers{store.Close, h.Close}), nil
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
	handler, err := handle(h, "retention", k.retain)
	if err != nil {
		return nil, errors.Join(err, store.Close(), h.Close())
	}
	return gcp.Closing(handler, closers{store.Close, h.Close}), nil
}

// handle makes the handler of a Pub/Sub function, with the time that the table of functions gives it.
func handle(h *hub.Hub, name string, handle func(context.Context, event.Message) error) (http.Handler, error) {
	table, err := functions.Table()
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(table, func(f functions.Function) bool { return f.Name == name })
	if i < 0 {
		return nil, fmt.Errorf("function %s is not in the table", name)
	}
	return event.Handler(event.Options{
		Name: name, Firestore: h.Firestore, Log: h.Log, Now: h.Now, Deadline: table[i].Deadline(),
	}, handle), nil
}

// closers are closed one after the other.
type closers []func() error

// Close closes all of them.
func (c closers) Close() error {
	var all []error
	for _, one := range c {
		all = append(all, one())
	}
	return errors.Join(all...)
}
