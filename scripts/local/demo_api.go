package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// guest is who orders in the demo; none of it may ever stand anywhere in plain.
func guest() []string {
	return []string{"Alva Lindqvist", "+46701740605", "alva.lindqvist@example.com", "Storgatan", "port 4711", "nut allergy, please"}
}

// sampleTotal is what the sample order comes to, in öre: two pizzas with cheese, a lemonade and the delivery.
const sampleTotal = 2*(11900+2500) + 3500 + 4900

// sample is an order on our own API.
func (d *demo) sample(number string) map[string]any {
	g := guest()
	return map[string]any{
		"channelOrderId": number, "displayId": number[len(number)-3:], "location": d.credentials.Location, "type": "delivery",
		"placedAt": time.Now().UTC().Format(time.RFC3339), "currency": "SEK",
		"items": []any{
			map[string]any{"plu": "PIZ-01", "name": "Margherita", "quantity": 2, "unitPrice": 11900, "note": g[5],
				"modifiers": []any{map[string]any{"plu": "TOP-07", "name": "Buffalo mozzarella", "quantity": 1, "unitPrice": 2500}}},
			map[string]any{"plu": "DRI-03", "name": "Lemonade", "quantity": 1, "unitPrice": 3500},
		},
		"fees": []any{map[string]any{"kind": "delivery", "amount": 4900}}, "total": sampleTotal,
		"payment":         map[string]any{"method": "online", "status": "paid", "due": 0},
		"customer":        map[string]any{"name": g[0], "phone": g[1], "email": g[2]},
		"deliveryAddress": map[string]any{"street": g[3], "streetNumber": "7", "postalCode": "11122", "city": "Stockholm", "country": "SE", "extra": g[4]},
	}
}

// ownAPI follows one order placed on our own API through the whole hub.
func (d *demo) ownAPI(ctx context.Context) {
	d.title("An order on the hub's own API")
	order := d.sample(fmt.Sprintf("WEB-%d", time.Now().UnixNano()))
	var id string
	if !d.stop("taken in", func() (string, error) {
		r, err := expect(http.StatusCreated)(d.shop.call(ctx, http.MethodPost, "/v1/orders", order))
		if err != nil {
			return "", err
		}
		id, err = placedID(r)
		return "201, " + id, err
	}) {
		return
	}
	d.stop("totals", func() (string, error) { return d.totals(ctx, id) })
	d.stop("encrypted at rest", func() (string, error) { return d.nothingInPlain(ctx, id, guest()) })
	d.stop("audit entry in the same commit", func() (string, error) { return d.audited(ctx, id) })
	d.stop("event published and dispatched", func() (string, error) { return d.published(ctx, id) })
	d.stop("the POS received a signed webhook", func() (string, error) {
		m, err := d.receives(ctx, id, "order.received")
		return m.ID + ", signature holds", err
	})
	d.stop("the POS answered with a status", func() (string, error) {
		m, err := d.receives(ctx, id, "order.status_changed")
		if err == nil && (m.Data.Status != "accepted" || m.Data.Sequence != 2) {
			err = fmt.Errorf("the event says %s, sequence %d", m.Data.Status, m.Data.Sequence)
		}
		return "order.status_changed, sequence 2", err
	})
	d.stop("the status is readable", func() (string, error) {
		shown, err := d.status(ctx, id)
		if err == nil && shown.Status != "accepted" {
			err = fmt.Errorf("the order is %s", shown.Status)
		}
		return fmt.Sprintf("%s, version %d", shown.Status, shown.Version), err
	})
	d.stop("a duplicate is answered as a replay", func() (string, error) { return d.replays(ctx, id, order) })
	d.stop("a conflicting duplicate is refused", func() (string, error) { return d.conflicts(ctx, order) })
}

func placedID(r response) (string, error) {
	var placed struct {
		ID       string `json:"id"`
		Status   string `json:"status"`
		Warnings []any  `json:"warnings"`
	}
	if err := r.json(&placed); err != nil {
		return "", err
	}
	if placed.Status != "received" || len(placed.Warnings) != 0 || r.header.Get("Location") != "/v1/orders/"+placed.ID {
		return "", fmt.Errorf("answered %s with Location %q", r.body, r.header.Get("Location"))
	}
	return placed.ID, nil
}

// totals checks that the order reads as it was placed, and that the guest is masked for a client that may not see them.
func (d *demo) totals(ctx context.Context, id string) (string, error) {
	shown, err := d.status(ctx, id)
	switch {
	case err != nil:
		return "", err
	case shown.Order.Total != sampleTotal || shown.Order.Currency != "SEK":
		return "", fmt.Errorf("the order reads %d %s", shown.Order.Total, shown.Order.Currency)
	case strings.Contains(shown.Order.Customer.Name, guest()[0]):
		return "", fmt.Errorf("a client without orders:read.pii sees the guest's name")
	}
	return fmt.Sprintf("%d.%02d %s adds up; the guest shows as %q", shown.Order.Total/100, shown.Order.Total%100, shown.Order.Currency, shown.Order.Customer.Name), nil
}

func (d *demo) replays(ctx context.Context, id string, order map[string]any) (string, error) {
	r, err := expect(http.StatusOK)(d.shop.call(ctx, http.MethodPost, "/v1/orders", order))
	if err != nil {
		return "", err
	}
	again, err := placedID(r)
	if err == nil && (again != id || r.header.Get("Idempotent-Replayed") != "true") {
		err = fmt.Errorf("answered %s, Idempotent-Replayed %q", again, r.header.Get("Idempotent-Replayed"))
	}
	return "200, the same id, Idempotent-Replayed: true", err
}

func (d *demo) conflicts(ctx context.Context, order map[string]any) (string, error) {
	order["total"] = 1
	r, err := expect(http.StatusConflict)(d.shop.call(ctx, http.MethodPost, "/v1/orders", order))
	if err == nil && !strings.Contains(string(r.body), `"body.total"`) {
		err = fmt.Errorf("the refusal does not name what differs: %s", r.body)
	}
	return "409, body.total differs", err
}
