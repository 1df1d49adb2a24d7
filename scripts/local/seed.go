package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/gcp"
	backbone "ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud"
	"ryggrad.internal/hub/shared/webhook"
)

// clientLife is how long the demo's clients may be used.
const clientLife = 365 * 24 * time.Hour

// prepare gives the hub its demo tenant, or finds the one that the data directory has, and connects the demo POS.
func prepare(ctx context.Context, h *hub) (c credentials, err error) {
	file := filepath.Join(h.dir, "credentials.json")
	c, err = readCredentials(file)
	if errors.Is(err, os.ErrNotExist) {
		c, err = h.seed(ctx)
	}
	if err != nil {
		return c, err
	}
	if err := h.complete(ctx, &c); err != nil {
		return c, err
	}
	h.locate(&c)
	if err := c.write(file); err != nil {
		return c, err
	}
	return c, h.connectPOS(ctx, c)
}

// locate fills in what changes with every start.
func (h *hub) locate(c *credentials) {
	c.BaseURL, c.Endpoints = h.baseURL, h.cloud.Endpoints()
	project := h.env["GOOGLE_CLOUD_PROJECT"]
	c.Buckets = map[string]string{"backup": localcloud.BackupBucket(project), "audit": localcloud.AuditBucket(project), "checkpoint": localcloud.CheckpointBucket(project),
		"erasures": localcloud.ErasuresBucket(project), "status": localcloud.StatusBucket(project)}
	link := c.Channels["deliverect"]
	link.URL = h.baseURL + "/v1/channels/deliverect/" + link.Link + "/orders"
	c.Channels["deliverect"] = link
}

// seed creates the demo tenant with everything that an order needs, through the stores that the functions use.
func (h *hub) seed(ctx context.Context) (c credentials, err error) {
	store, closeStore, err := h.identities(ctx)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	by := ledgerdb.Act{Actor: identity.Actor{Kind: identity.KindOperator, ID: "local"}}
	tenant, err := store.CreateTenant(ctx, by, "Demo restaurants")
	if err != nil {
		return c, fmt.Errorf("create the demo tenant: %w", err)
	}
	by.Tenant = tenant.ID
	location, err := store.CreateLocation(ctx, by, identity.Location{Name: "Storgatan", Timezone: "Europe/Stockholm", Currency: "SEK", Country: "SE"})
	if err != nil {
		return c, fmt.Errorf("create the demo location: %w", err)
	}
	c = credentials{
		Tenant: tenant.ID, Location: location.ID,
		Clients: map[string]clientKey{}, Channels: map[string]linkKey{},
	}
	if c.Channels["deliverect"], err = createLink(ctx, store, by, location.ID); err != nil {
		return c, err
	}
	if c.Users, err = h.seedUsers(ctx, by); err != nil {
		return c, err
	}
	return c, nil
}

// complete makes the demo's clients, or those that a data directory of an earlier version lacks.
func (h *hub) complete(ctx context.Context, c *credentials) (err error) {
	store, closeStore, err := h.identities(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	by := ledgerdb.Act{Tenant: c.Tenant, Actor: identity.Actor{Kind: identity.KindOperator, ID: "local"}}
	for name, scopes := range demoClients() {
		if _, there := c.Clients[name]; there {
			continue
		}
		if c.Clients[name], err = createClient(ctx, store, by, name, scopes); err != nil {
			return err
		}
	}
	return nil
}

// demoClients are the demo's integrations and what each may do.
func demoClients() map[string]identity.Scopes {
	return map[string]identity.Scopes{
		"shop": identity.NewScopes(identity.OrdersWrite, identity.OrdersRead),
		"pos": identity.NewScopes(identity.OrdersRead, identity.OrdersReadPII, identity.OrdersStatus,
			identity.EndpointsRead, identity.EndpointsWrite, identity.DeliveriesRead, identity.DeliveriesRetry),
		"auditor": identity.NewScopes(identity.AuditRead, identity.NoticesRead),
		"privacy": identity.NewScopes(identity.SubjectsExport, identity.SubjectsErase),
	}
}

func createClient(ctx context.Context, store *identitydb.Store, by ledgerdb.Act, name string, scopes identity.Scopes) (clientKey, error) {
	issued, err := store.CreateClient(ctx, by, identity.Client{
		Name: name, Scopes: scopes, Locations: identity.Locations{identity.EveryLocation}, ExpiresAt: time.Now().Add(clientLife),
	})
	if err != nil {
		return clientKey{}, fmt.Errorf("create the demo client %s: %w", name, err)
	}
	return clientKey{issued.Client.ID, issued.ClientSecret.Reveal(), issued.APIKey.Reveal()}, nil
}

func createLink(ctx context.Context, store *identitydb.Store, by ledgerdb.Act, location string) (linkKey, error) {
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	secret := hex.EncodeToString(raw)
	link, err := store.CreateLink(ctx, by, identity.Link{
		Adapter: "deliverect", Locations: []identity.LinkedLocation{{Location: location}},
		Policy: identity.Policy{OnDeadline: identity.DeadlineExpire}, Enabled: true,
	}, identity.LinkSecrets{{Name: identity.WebhookSecret, Value: secret}})
	if err != nil {
		return linkKey{}, fmt.Errorf("create the demo channel link: %w", err)
	}
	return linkKey{Secret: secret, Link: link.ID}, nil
}

// identities opens the store of tenants and clients beside the functions.
func (h *hub) identities(ctx context.Context) (*identitydb.Store, func() error, error) {
	cfg, err := gcp.Load[gcp.Config](h.env)
	if err != nil {
		return nil, nil, err
	}
	base, err := backbone.Open(ctx, cfg, slog.Default())
	if err != nil {
		return nil, nil, err
	}
	return base.Identities(), base.Close, nil
}

// connectPOS registers the demo POS as an endpoint over the API, as any POS is. Its address is new with every start, so
// the endpoint of an earlier start is given the new one and a new secret: what waits for it still arrives.
func (h *hub) connectPOS(ctx context.Context, c credentials) error {
	api := client{h.baseURL, c.Clients["pos"].APIKey}
	r, err := expect(http.StatusOK)(api.call(ctx, http.MethodGet, "/v1/endpoints", nil))
	if err != nil {
		return fmt.Errorf("list the endpoints: %w", err)
	}
	var there struct {
		Items []struct {
			ID  string `json:"id"`
			URL string `json:"url"`
		} `json:"items"`
	}
	if err := r.json(&there); err != nil {
		return err
	}
	for _, e := range there.Items {
		if strings.HasSuffix(e.URL, posPath) {
			return h.reconnect(ctx, api, e.ID)
		}
	}
	return h.adopt(api)(expect(http.StatusCreated)(api.call(ctx, http.MethodPost, "/v1/endpoints", h.endpoint())))
}

// endpoint is what the demo POS wants to hear, and where.
func (h *hub) endpoint() map[string]any {
	return map[string]any{
		"url": h.pos.url, "events": []string{"order.received", "order.status_changed", "order.cancelled", "order.failed"},
		"locations": []string{}, "payload": "thin", "format": "ryggrad",
	}
}

func (h *hub) reconnect(ctx context.Context, api client, id string) error {
	if err := h.adopt(api)(expect(http.StatusCreated)(api.call(ctx, http.MethodPost, "/v1/endpoints/"+id+"/secret", nil))); err != nil {
		return err
	}
	if _, err := expect(http.StatusOK)(api.call(ctx, http.MethodPut, "/v1/endpoints/"+id, h.endpoint())); err != nil {
		return fmt.Errorf("move the demo POS: %w", err)
	}
	return nil
}

// adopt gives the POS the secret that an answer shows.
func (h *hub) adopt(api client) func(response, error) error {
	return func(r response, err error) error {
		if err != nil {
			return fmt.Errorf("register the demo POS: %w", err)
		}
		var made struct {
			Secret string `json:"secret"`
		}
		if err := r.json(&made); err != nil {
			return err
		}
		secret, err := webhook.ParseSecret(made.Secret)
		if err != nil {
			return err
		}
		h.pos.connect(api, secret)
		return nil
	}
}
