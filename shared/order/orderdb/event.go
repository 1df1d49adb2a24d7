package orderdb

import (
	"crypto/sha256"
	"encoding/base32"
	"strconv"
	"strings"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order"
)

// announce makes the event of an order's newest step, to be written with it. Its id is made of the order's and its
// version, so that a step can have one event only.
func announce(r order.Record) (write ledgerdb.Write, id string) {
	sum := sha256.Sum256([]byte(r.ID + " " + strconv.FormatInt(r.Version, 10)))
	id = delivery.EventPrefix + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:16]))
	newest := r.History[len(r.History)-1]
	e := delivery.Event{
		ID: id, Tenant: r.Tenant, Type: eventType(r.Status), Order: r.ID, Location: r.Order.Location, Sequence: r.Version,
		OccurredAt: newest.At, Pending: true,
		Data: map[string]any{
			"status": string(r.Status), "version": r.Version, "channel": r.Link,
			"channelOrderId": r.Order.ChannelOrderID, "displayId": r.Order.DisplayID, "by": newest.By,
		},
	}
	if r.Retimed() {
		e.Data["retimed"], e.Data["readyAt"] = true, string(r.ReadyAt)
	}
	return ledgerdb.Add(ledgerdb.Ref{Collection: collectionEvents, ID: id}, e.Document()), id
}

func eventType(s order.Status) delivery.Type {
	switch s {
	case order.Received:
		return delivery.OrderReceived
	case order.Cancelled:
		return delivery.OrderCancelled
	case order.Failed, order.Expired:
		return delivery.OrderFailed
	default:
		return delivery.OrderStatusChanged
	}
}
