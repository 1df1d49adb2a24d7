package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/go-json-experiment/json"

	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/localcloud"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/order/orderdb"
)

// direct places orders by the hub's own store, without HTTP: an order writes all that it writes otherwise, with its guest
// sealed, its key, its event and its entry in the audit log. It is not announced; the hub's relay finds its event.
type direct struct {
	hub    *hub.Hub
	orders *orderdb.Store
	act    ledgerdb.Act
}

func openDirect(ctx context.Context, t target) (*direct, error) {
	env := gcp.Env(localcloud.EnvAt(t.Endpoints, localcloud.DefaultProject))
	env["RYGGRAD_BASE_URL"] = t.BaseURL
	cfg, err := gcp.Load[gcp.Config](env)
	if err != nil {
		return nil, err
	}
	h, err := hub.Open(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	shop := identity.Actor{Kind: identity.KindClient, ID: t.Clients["shop"].ClientID}
	return &direct{hub: h, orders: h.Orders(), act: ledgerdb.Act{Tenant: t.Tenant, Actor: shop, Action: "order.receive"}}, nil
}

// place places the order of a request's body and returns the status that it would have been answered with.
func (d *direct) place(ctx context.Context, body []byte) (int, error) {
	var sent order.Order
	if err := json.Unmarshal(body, &sent); err != nil {
		return 0, fmt.Errorf("read an order: %w", err)
	}
	placed, err := d.orders.Place(ctx, orderdb.Placement{
		Order: sent, Act: d.act, Region: "SE",
		Origin: order.Origin{Tenant: d.act.Tenant, Link: d.act.Actor.ID, Identity: []string{sent.ChannelOrderID}},
	})
	switch {
	case fault.Is(err, fault.Conflict):
		return http.StatusConflict, nil
	case err != nil:
		return 0, err
	case placed.Replayed:
		return http.StatusOK, nil
	}
	return http.StatusCreated, nil
}
