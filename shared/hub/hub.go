// Package hub opens what every function of the hub stands on: the clients, the way to documents, the keys of personal
// data, and who calls. A function's build opens one [Hub], takes what it needs of it, and closes it with itself.
//
//	h, err := hub.Open(ctx, cfg.Config, slog.Default())
//	api := h.API(cfg.Limits)
//	return gcp.Closing(newHandler(…), h), nil
//
// It is the one place where the production clock and randomness are chosen; everything below takes them as fields.
package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"cloud.google.com/go/firestore"
	firestoreapi "cloud.google.com/go/firestore/apiv1"
	kms "cloud.google.com/go/kms/apiv1"

	"ryggrad.internal/hub/functions"
	"ryggrad.internal/hub/shared/channel/channeldb"
	"ryggrad.internal/hub/shared/envelope/envelopedb"
	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/incident/incidentdb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order/orderdb"
)

// Hub is what a function stands on. It is safe for concurrent use.
type Hub struct {
	Config    gcp.Config
	Firestore *firestore.Client
	KMS       *kms.KeyManagementClient
	Ledger    *ledgerdb.Store
	Keys      *envelopedb.Keyring
	Directory *identitydb.Directory
	Auth      *identitydb.Authenticator
	Log       *slog.Logger
	Now       func() time.Time
	Random    io.Reader

	cloud *gcp.Cloud
	owned []func() error
}

// Open opens the clients of cfg. When it fails, nothing stays open, so that it can be tried again and again.
func Open(ctx context.Context, cfg gcp.Config, log *slog.Logger) (*Hub, error) {
	h := &Hub{Config: cfg, Log: log, Now: time.Now, Random: rand.Reader, cloud: gcp.Open(cfg)}
	if err := h.open(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open the hub: %w", err), h.Close())
	}
	return h, nil
}

func (h *Hub) open(ctx context.Context) (err error) {
	if h.Firestore, err = h.cloud.Firestore(ctx); err != nil {
		return err
	}
	if h.KMS, err = h.cloud.KMS(ctx); err != nil {
		return err
	}
	commits, err := h.cloud.Commits(ctx)
	if err != nil {
		return err
	}
	if h.Ledger, err = ledgerdb.New(ledgerdb.Options{
		Firestore: h.Firestore, Commits: commits, Now: h.Now, Random: h.Random, Log: h.Log, Patience: h.Config.Patience,
	}); err != nil {
		return err
	}
	h.Keys = envelopedb.New(envelopedb.Options{
		Firestore: h.Firestore, KMS: h.KMS, KeyName: h.Config.KeyName("tenant-keys"), Now: h.Now, Log: h.Log,
		Patience: h.Config.Patience,
	})
	h.Directory = identitydb.NewDirectory(identitydb.DirectoryOptions{Ledger: h.Ledger, Keys: h.Keys, Now: h.Now})
	h.Auth = identitydb.NewAuthenticator(identitydb.AuthenticatorOptions{
		Ledger: h.Ledger, Directory: h.Directory, Issuer: h.Config.BaseURL, Now: h.Now, Log: h.Log,
		Patience: h.Config.Patience,
	})
	return nil
}

// Orders returns the store of orders.
func (h *Hub) Orders() *orderdb.Store {
	return orderdb.New(orderdb.Options{Ledger: h.Ledger, Keys: h.Keys, Now: h.Now, Random: h.Random, Retention: h.Directory.Retention})
}

// Messages returns the store of what channels sent and what made no order.
func (h *Hub) Messages() *channeldb.Store {
	return channeldb.New(channeldb.Options{Ledger: h.Ledger, Keys: h.Keys, Now: h.Now, Random: h.Random, Retention: h.Directory.Retention})
}

// Identities returns the store of tenants, locations, channel links and clients.
func (h *Hub) Identities() *identitydb.Store {
	return identitydb.New(identitydb.Options{Ledger: h.Ledger, Keys: h.Keys, Now: h.Now, Random: h.Random})
}

// Incidents returns the store of incidents and reports.
func (h *Hub) Incidents() *incidentdb.Store {
	return incidentdb.New(incidentdb.Options{Ledger: h.Ledger, Keys: h.Keys, Tenants: h.Identities(), Now: h.Now, Random: h.Random})
}

// Announcer returns what announces events of the outbox.
func (h *Hub) Announcer(ctx context.Context) (event.Announcer, error) {
	return h.AnnouncerOn(ctx, event.TopicEvents)
}

// AnnouncerOn returns what announces on another topic.
func (h *Hub) AnnouncerOn(ctx context.Context, name string) (event.Announcer, error) {
	topic, err := h.cloud.Publisher(ctx, name)
	return event.Announcer{Topic: topic, Log: h.Log, Patience: h.Config.Patience}, err
}

// Documents returns the generated client of the hub's database, for those who handle documents as they are.
func (h *Hub) Documents(ctx context.Context) (*firestoreapi.Client, error) {
	return h.cloud.Commits(ctx)
}

// API returns how a function's HTTP edge authenticates, limits and logs. The function adds its name and description.
func (h *Hub) API(limits httpapi.Limits) httpapi.Options {
	return httpapi.Options{
		Authenticate: h.Auth.Authenticate, Limit: limits.Limit(), Log: h.Log, Now: h.Now, TrustedHops: h.Config.TrustedHops,
		Refused: h.Ledger.Refuse, Behalf: h.behalf,
	}
}

// Subscriber returns a Pub/Sub function, with the time that the table of functions gives its handler, which closes the hub
// when it ends. When it fails, the hub is closed.
func (h *Hub) Subscriber(name string, handle func(context.Context, event.Message) error) (http.Handler, error) {
	f, err := functions.Find(name)
	if err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return gcp.Closing(event.Handler(event.Options{
		Name: name, Firestore: h.Firestore, Log: h.Log, Now: h.Now, Deadline: f.Handling(),
	}, handle), h), nil
}

// Owns has Close call another thing's close first. The newest is closed first.
func (h *Hub) Owns(closeIt func() error) { h.owned = append(h.owned, closeIt) }

// behalf writes a request of the hub's support down for the tenant to see.
func (h *Hub) behalf(ctx context.Context, caller identity.Caller, requestID string, r *http.Request) error {
	return h.Identities().RecordSupport(ctx, ledgerdb.ActOf(caller, "", requestID), caller.Grant,
		identitydb.SupportRequest{Method: r.Method, Path: r.URL.Path})
}

// Close closes what the hub owns, writes the refusals that are only counted yet, sends what waits to be published and
// closes the clients.
func (h *Hub) Close() error {
	var all []error
	for _, closeIt := range slices.Backward(h.owned) {
		all = append(all, closeIt())
	}
	if h.Ledger != nil {
		h.Ledger.Close(context.Background())
	}
	return errors.Join(append(all, h.cloud.Close())...)
}
