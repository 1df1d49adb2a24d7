package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// deliverectGuest is the guest of the demo's Deliverect order.
func deliverectGuest() []string {
	return []string{"Nils Ekdahl", "+46701740611", "Vasagatan", "ring twice"}
}

// deliverectOrder is an order in the shape that Deliverect documents for channels.
func deliverectOrder(number string) map[string]any {
	g := deliverectGuest()
	return map[string]any{
		"channelOrderId": number, "channelOrderDisplayId": number[len(number)-4:], "orderType": 2, "courier": "restaurant",
		"payment": map[string]any{"amount": 28700, "type": 3}, "orderIsAlreadyPaid": true,
		"placedTime": time.Now().UTC().Format("2006-01-02T15:04:05Z"), "deliveryIsAsap": true, "decimalDigits": 2,
		"customer":        map[string]any{"name": g[0], "phoneNumber": g[1]},
		"deliveryAddress": map[string]any{"street": g[2], "streetNumber": "12", "postalCode": "11120", "city": "Stockholm", "country": "SE", "extraAddressInfo": g[3]},
		"items": []any{
			map[string]any{"plu": "BOWL-2", "name": "Salmon bowl", "price": 14900, "quantity": 1, "remark": "",
				"subItems": []any{map[string]any{"plu": "X-AVO", "name": "Avocado", "price": 2000, "quantity": 1}}},
			map[string]any{"plu": "MISO", "name": "Miso soup", "price": 4900, "quantity": 1},
		},
		"deliveryCost": 4900, "serviceCharge": 2000, "taxes": []any{},
	}
}

// deliverect follows an order that comes by a delivery platform's own webhook, and its cancellation.
func (d *demo) deliverect(ctx context.Context) {
	d.title("An order by Deliverect's webhook")
	order := deliverectOrder(fmt.Sprintf("DLV-%d", time.Now().UnixNano()))
	body, err := json.Marshal(order)
	if !d.stop("written", func() (string, error) { return fmt.Sprintf("%d bytes", len(body)), err }) {
		return
	}
	var id string
	if !d.stop("taken in", func() (string, error) {
		if _, err := expect(http.StatusCreated)(d.post(ctx, body)); err != nil {
			return "", err
		}
		var err error
		id, err = d.find(ctx, order["channelOrderId"])
		return "201, " + id, err
	}) {
		return
	}
	d.stop("encrypted at rest, the original too", func() (string, error) { return d.sealedWhole(ctx, id, deliverectGuest()) })
	d.stop("the POS received a signed webhook", func() (string, error) {
		m, err := d.receives(ctx, id, "order.received")
		return m.ID + ", signature holds", err
	})
	d.stop("a duplicate changes nothing", func() (string, error) {
		r, err := d.post(ctx, body)
		if err == nil && r.status/100 != 2 {
			err = fmt.Errorf("answered %d: %s", r.status, r.body)
		}
		return fmt.Sprintf("%d", r.status), err
	})
	d.stop("a forged one is refused", func() (string, error) {
		_, err := expect(http.StatusUnauthorized)(d.forge(ctx, body))
		return "401", err
	})
	d.stop("cancelled by the platform", func() (string, error) { return d.cancel(ctx, id, order) })
	d.stop("the POS heard of it", func() (string, error) {
		m, err := d.receives(ctx, id, "order.cancelled")
		return fmt.Sprintf("order.cancelled, sequence %d", m.Data.Sequence), err
	})
}

// sealedWhole is nothingInPlain of an order whose original is kept.
func (d *demo) sealedWhole(ctx context.Context, id string, words []string) (string, error) {
	docs, err := d.stored(ctx, id)
	if err == nil && docs["originals/"+id] == nil {
		err = errors.New("the original is not there")
	}
	if err != nil {
		return "", err
	}
	return d.nothingInPlain(ctx, id, words)
}

// post sends a webhook as the platform does: signed over the bytes with the link's secret.
func (d *demo) post(ctx context.Context, body []byte) (response, error) {
	mac := hmac.New(sha256.New, []byte(d.credentials.Channels["deliverect"].Secret))
	mac.Write(body)
	return d.postSigned(ctx, body, hex.EncodeToString(mac.Sum(nil)))
}

func (d *demo) forge(ctx context.Context, body []byte) (response, error) {
	signature := make([]byte, sha256.Size)
	_, _ = rand.Read(signature) // never fails
	return d.postSigned(ctx, body, hex.EncodeToString(signature))
}

func (d *demo) postSigned(ctx context.Context, body []byte, signature string) (response, error) {
	return client{}.send(ctx, http.MethodPost, d.credentials.Channels["deliverect"].URL, body, http.Header{"X-Server-Authorization-Hmac-Sha256": {signature}})
}

// find looks the order up by the platform's own id.
func (d *demo) find(ctx context.Context, channelOrderID any) (string, error) {
	r, err := expect(http.StatusOK)(d.shop.call(ctx, http.MethodGet, "/v1/orders?limit=200&updatedAfter="+time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), nil))
	if err != nil {
		return "", err
	}
	var list struct {
		Items []struct {
			ID    string `json:"id"`
			Order struct {
				ChannelOrderID string `json:"channelOrderId"`
			} `json:"order"`
		} `json:"items"`
	}
	if err := r.json(&list); err != nil {
		return "", err
	}
	for i := range list.Items {
		if o := list.Items[len(list.Items)-1-i]; o.Order.ChannelOrderID == channelOrderID {
			return o.ID, nil
		}
	}
	return "", errors.New("the list of orders does not show it")
}

func (d *demo) cancel(ctx context.Context, id string, order map[string]any) (string, error) {
	body, err := json.Marshal(map[string]any{
		"channelOrderId": order["channelOrderId"], "channelOrderDisplayId": order["channelOrderDisplayId"], "status": 100,
		"cancellationReason": "The guest changed their mind",
	})
	if err != nil {
		return "", err
	}
	r, err := d.post(ctx, body)
	if err == nil && r.status/100 != 2 {
		err = fmt.Errorf("answered %d: %s", r.status, r.body)
	}
	if err != nil {
		return "", err
	}
	shown, err := d.status(ctx, id)
	if err == nil && shown.Status != "cancelled" {
		err = fmt.Errorf("the order is %s", shown.Status)
	}
	return fmt.Sprintf("%d, the order is %s", r.status, shown.Status), err
}

// realPayloads sends the platform's own published examples, where somebody has laid them beside the checkout.
func (d *demo) realPayloads(ctx context.Context) {
	files, err := filepath.Glob(filepath.Join("..", "shared", "samples", "deliverect", "channel-create-order*.json"))
	if err != nil || len(files) == 0 {
		return
	}
	d.title("Deliverect's published examples")
	for _, file := range files {
		d.stop(filepath.Base(file), func() (string, error) {
			body, err := os.ReadFile(file) //nolint:gosec // a file beside the checkout
			if err != nil {
				return "", err
			}
			r, err := d.post(ctx, bytes.TrimSpace(body))
			if err == nil && r.status/100 != 2 {
				err = fmt.Errorf("answered %d: %s", r.status, r.body)
			}
			return fmt.Sprintf("%d %s", r.status, strings.TrimSpace(string(r.body))), err
		})
	}
}
