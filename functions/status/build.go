package status

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"time"

	framework "github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/evidence/evidencedb"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/gcp/objects"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/hub"
)

func init() {
	framework.HTTP("status", gcp.Serve("status", BuildStatus))
	framework.HTTP("summarize", gcp.Serve("summarize", BuildSummarize))
	framework.HTTP("alerts", gcp.Serve("alerts", BuildAlerts))
}

// askWithin bounds one question to another function.
const askWithin = 8 * time.Second

type config struct {
	gcp.Config
	httpapi.Limits
	// StatusBucket is the bucket that copies of the pages are written to.
	StatusBucket string `env:"RYGGRAD_STATUS_BUCKET,required,notEmpty"`
	// Regions are where the hub serves: name=address, several by commas. The address is that of the region alone.
	Regions string `env:"RYGGRAD_REGIONS"`
	// SecurityContact is the URI of whom to tell of a weakness; the hub's own intake when it is empty.
	SecurityContact string `env:"RYGGRAD_SECURITY_CONTACT"`
	// SecurityExpires is until when somebody promises that the contact is right (RFC 3339). Without it there is none.
	SecurityExpires time.Time `env:"RYGGRAD_SECURITY_EXPIRES"`
	// SecurityKey is the URI of a key to encrypt reports with.
	SecurityKey string `env:"RYGGRAD_SECURITY_KEY"`
	// The addresses that the trust page links to; a claim without its address says so.
	PoliciesLink         string `env:"RYGGRAD_LINK_POLICIES"`
	ResponsibilitiesLink string `env:"RYGGRAD_LINK_RESPONSIBILITIES"`
	CertificatesLink     string `env:"RYGGRAD_LINK_CERTIFICATES" envDefault:"https://cloud.google.com/security/compliance/compliance-reports-manager"`
}

// BuildStatus makes the function that serves.
func BuildStatus(ctx context.Context, env gcp.Env) (http.Handler, error) {
	return open(ctx, env, func(_ config, h *hub.Hub, d deps) (http.Handler, error) {
		handler, err := newHandler(d, h.API(d.cfg.Limits))
		return gcp.Closing(handler, h), err
	})
}

// BuildSummarize makes the function that writes what is served.
func BuildSummarize(ctx context.Context, env gcp.Env) (http.Handler, error) {
	return open(ctx, env, func(_ config, h *hub.Hub, d deps) (http.Handler, error) {
		s, err := newSummarizer(d)
		if err != nil {
			return nil, err
		}
		return h.Subscriber("summarize", s.run)
	})
}

// BuildAlerts makes the function that hears Monitoring and operators.
func BuildAlerts(ctx context.Context, env gcp.Env) (http.Handler, error) {
	return open(ctx, env, func(_ config, h *hub.Hub, d deps) (http.Handler, error) {
		return h.Subscriber("alerts", (&listener{d}).hear)
	})
}

// open opens what all three stand on.
func open(ctx context.Context, env gcp.Env, build func(config, *hub.Hub, deps) (http.Handler, error)) (http.Handler, error) {
	cfg, err := gcp.Load[config](env)
	if err != nil {
		return nil, err
	}
	table, err := functions.Table()
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
	handler, err := build(cfg, h, deps{
		cfg: cfg, ledger: h.Ledger, identities: h.Identities(), evidence: evidencedb.New(h.Ledger), copies: store.Bucket(cfg.StatusBucket),
		incidents: h.Incidents(),
		table:     slices.DeleteFunc(table, func(f functions.Function) bool { return f.Coming }),
		client:    &http.Client{Timeout: askWithin}, now: h.Now, log: h.Log,
	})
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return handler, nil
}
