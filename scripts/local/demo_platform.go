package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// partner is a platform's side of a channel link: what its webhooks come by and are proven with.
type partner struct {
	adapter channel.Adapter
	base    string // of the link's paths
	secret  string
	options channel.Options
}

// partnerOn makes a channel link of the demo tenant for this run.
func (d *demo) partnerOn(ctx context.Context, adapter string, options channel.Options, more ...identity.LinkSecret) (p partner, err error) {
	a, ok := channel.Named(adapter)
	if !ok {
		return p, fmt.Errorf("there is no adapter %s", adapter)
	}
	store, closeStore, err := d.identities(ctx)
	if err != nil {
		return p, err
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	secret := hex.EncodeToString(raw)
	by := ledgerdb.Act{Tenant: d.credentials.Tenant, Actor: identity.Actor{Kind: identity.KindOperator, ID: "local"}}
	link, err := store.CreateLink(ctx, by, identity.Link{
		Adapter: adapter, Locations: []identity.LinkedLocation{{Location: d.credentials.Location}}, Options: options,
		Policy: identity.Policy{OnDeadline: identity.DeadlineExpire}, Enabled: true,
	}, append(identity.LinkSecrets{{Name: identity.WebhookSecret, Value: secret}}, more...))
	return partner{a, d.baseURL + "/v1/channels/" + adapter + "/" + link.ID + "/", secret, options}, err
}

// send sends a webhook with the platform's own proof.
func (p partner) send(ctx context.Context, path string, payload any) (response, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return response{}, err
	}
	proof, err := p.adapter.Prove(channel.Request{URL: p.base + path, Body: body, At: time.Now()}, p.secret, p.options)
	if err != nil {
		return response{}, err
	}
	header := http.Header{}
	for name, value := range proof {
		header.Set(name, value)
	}
	return client{}.send(ctx, http.MethodPost, p.base+path, body, header)
}

// fetchedGuest is the guest of the order that is fetched.
func fetchedGuest() []string {
	return []string{"Vera Norlund", "+46105550001", "Ringvagen 9", "blue gate", "sesame"}
}

// fetchedOrder is an order in the shape that Uber Eats documents.
func fetchedOrder(id string) map[string]any {
	g := fetchedGuest()
	money := func(amount int) map[string]any { return map[string]any{"amount": amount, "currency_code": "SEK"} }
	return map[string]any{
		"id": id, "display_id": strings.ToUpper(id[:5]), "current_state": "CREATED", "type": "DELIVERY_BY_RESTAURANT", "placed_at": time.Now().UTC().Format(time.RFC3339),
		"store": map[string]any{"id": "store-1"},
		"eater": map[string]any{"first_name": "Vera", "last_name": "Norlund", "phone": g[1], "delivery": map[string]any{
			"notes": g[3], "location": map[string]any{"street_address": g[2], "unit_number": "1102"},
		}},
		"cart": map[string]any{"items": []any{map[string]any{
			"id": "burger", "title": "Halloumi burger", "external_data": "BURG-7", "quantity": 2, "special_instructions": "no " + g[4],
			"price": map[string]any{"base_unit_price": money(11900), "unit_price": money(13900)},
			"selected_modifier_groups": []any{map[string]any{"selected_items": []any{
				map[string]any{"id": "fries", "title": "Fries", "external_data": "FRY-2", "quantity": 1, "price": map[string]any{"unit_price": money(2000)}},
			}}},
		}}},
		"payment": map[string]any{"charges": map[string]any{"total": money(2*(11900+2000) + 4900), "delivery_fee": money(4900)}},
	}
}

// fetched follows orders of platforms that do not simply bring them, or that hear of them in a way of their own.
func (d *demo) fetched(ctx context.Context) {
	d.title("An order that Uber Eats only tells of")
	var vendor *platform
	var uber partner
	if !d.stop("a platform with a link", func() (string, error) {
		var err error
		if vendor, err = d.openPlatform(ctx); err != nil {
			return "", err
		}
		uber, err = d.partnerOn(ctx, "ubereats", channel.Options{channel.OptionAPI: vendor.url},
			identity.LinkSecret{Name: channel.CredentialID, Value: platformClient}, identity.LinkSecret{Name: channel.CredentialSecret, Value: platformSecret})
		return vendor.url, err
	}) {
		return
	}
	number := newUUID()
	if id, ok := d.fetch(ctx, vendor, uber, number); ok {
		d.afterFetch(ctx, vendor, id, number)
		d.stop("told again, nothing is fetched", func() (string, error) {
			before := vendor.fetched(number)
			_, err := expect(http.StatusOK)(uber.send(ctx, "events", notice(number)))
			if n := vendor.fetched(number); err == nil && n != before {
				err = fmt.Errorf("the order was asked for %d times more", n-before)
			}
			return "200, recognised by the event's id", err
		})
	}
	d.calledBack(ctx, vendor)
}

// notice is the webhook by which Uber Eats tells of an order.
func notice(number string) map[string]any {
	return map[string]any{
		"event_id": "ev-" + number, "event_type": "orders.notification", "event_time": 1772388245,
		"meta": map[string]any{"resource_id": number, "status": "pos"}, "resource_href": "https://api.uber.com/v2/eats/order/" + number,
	}
}

// fetch has the platform tell of an order, and waits until the hub has it.
func (d *demo) fetch(ctx context.Context, vendor *platform, uber partner, number string) (id string, ok bool) {
	ok = d.stop("its webhook is taken", func() (string, error) {
		order, err := json.Marshal(fetchedOrder(number))
		if err != nil {
			return "", err
		}
		vendor.put(number, order)
		_, err = expect(http.StatusOK)(uber.send(ctx, "events", notice(number)))
		return "200, with nothing but the order's id", err
	})
	return id, ok && d.stop("the order is fetched", func() (string, error) {
		var err error
		id, err = d.appears(ctx, number)
		return fmt.Sprintf("%s, with the link's credentials; asked for %d times", id, vendor.fetched(number)), err
	})
}

// afterFetch follows a fetched order to the POS and back to its platform.
func (d *demo) afterFetch(ctx context.Context, vendor *platform, id, number string) {
	d.stop("it adds up", func() (string, error) {
		shown, err := d.status(ctx, id)
		if err == nil && (shown.Order.Total != 32700 || shown.Order.Currency != "SEK") {
			err = fmt.Errorf("the order reads %d %s", shown.Order.Total, shown.Order.Currency)
		}
		return "327.00 SEK", err
	})
	d.stop("encrypted at rest, the original too", func() (string, error) { return d.sealedWhole(ctx, id, fetchedGuest()) })
	d.stop("the POS received a signed webhook", func() (string, error) {
		m, err := d.receives(ctx, id, "order.received")
		return m.ID + ", signature holds", err
	})
	d.stop("the platform heard that the POS took it", func() (string, error) { return d.reported(ctx, vendor, id, number) })
}

// reported waits until the platform has heard that its order was accepted.
func (d *demo) reported(ctx context.Context, vendor *platform, id, number string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, deliverWithin)
	defer cancel()
	all, err := vendor.wait(ctx, "/v1/eats/orders/"+number+"/")
	if err != nil {
		return "", fmt.Errorf("the platform heard nothing within %s", deliverWithin)
	}
	if !strings.HasSuffix(all[0].path, "/accept_pos_order") || !strings.Contains(all[0].body, id) {
		err = fmt.Errorf("it heard %s %s", all[0].path, all[0].body)
	}
	return "POST " + all[0].path, err
}

// appears waits until the list of orders shows one under the platform's id.
func (d *demo) appears(ctx context.Context, channelOrderID string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, deliverWithin)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		id, err := d.find(ctx, channelOrderID)
		if err == nil {
			return id, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("it did not come within %s: %w", deliverWithin, err)
		case <-tick.C:
		}
	}
}

// calledBack follows an order whose webhook names where the platform wants to hear what became of it.
func (d *demo) calledBack(ctx context.Context, vendor *platform) {
	d.title("An order by JET Connect's webhook, with an address to call back")
	number, capability := newUUID(), newUUID()
	var id string
	if !d.stop("taken in", func() (string, error) {
		jet, err := d.partnerOn(ctx, "jet", nil)
		if err != nil {
			return "", err
		}
		path := "order-ready-for-preparation-async?callback=" + vendor.url + "/callback/" + capability
		if _, err := expect(http.StatusAccepted)(jet.send(ctx, path, calledBackOrder(number))); err != nil {
			return "", err
		}
		id, err = d.find(ctx, number)
		return "202, " + id, err
	}) {
		return
	}
	d.stop("the address is sealed", func() (string, error) { return d.nothingInPlain(ctx, id, []string{capability}) })
	d.stop("called back when the POS took it", func() (string, error) {
		within, cancel := context.WithTimeout(ctx, deliverWithin)
		defer cancel()
		all, err := vendor.wait(within, "/callback/"+capability)
		if err != nil {
			return "", fmt.Errorf("nothing was heard within %s", deliverWithin)
		}
		if len(all) != 1 || !strings.Contains(all[0].body, `"status":"Success"`) {
			err = fmt.Errorf("heard %v", all)
		}
		return all[0].body, err
	})
}

// calledBackOrder is an order in the shape that JET Connect documents.
func calledBackOrder(number string) map[string]any {
	return map[string]any{
		"OrderId": number, "FriendlyOrderReference": number[:4], "Currency": "SEK", "PlacedDate": time.Now().UTC().Format(time.RFC3339), "TotalPrice": 119.5,
		"Customer":   map[string]any{"Name": "Ada Byrne"},
		"Fulfilment": map[string]any{"Method": "Collection", "CustomerDueAsap": true, "PhoneNumber": "+46105550002"},
		"Items":      []any{map[string]any{"Reference": "M1", "Name": "Meal", "Quantity": 1, "UnitPrice": 119.5, "Items": []any{}}},
		"Payment":    map[string]any{"Lines": []any{map[string]any{"Type": "Card", "Paid": true, "Value": 119.5}}},
	}
}

// newUUID returns an id as platforms give them.
func newUUID() string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", raw[:4], raw[4:6], raw[6:8], raw[8:10], raw[10:])
}
