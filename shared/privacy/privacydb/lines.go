package privacydb

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"cloud.google.com/go/firestore"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
	"ryggrad.internal/hub/shared/order"
	"ryggrad.internal/hub/shared/order/orderdb"
	"ryggrad.internal/hub/shared/privacy"
)

// inOne is how many orders' documents one query reads: Firestore compares with 30 values.
const inOne = 30

// exportedOrder is an order in an export.
type exportedOrder struct {
	Status     order.Status   `json:"status"`
	Channel    string         `json:"channel"`
	Adapter    string         `json:"adapter,omitzero"`
	Reason     string         `json:"reason,omitzero"`
	ReceivedAt time.Time      `json:"receivedAt"`
	KeptUntil  time.Time      `json:"keptUntil,omitzero"` // when the guest's part of it expires
	Unreadable bool           `json:"unreadable,omitzero"`
	Erased     bool           `json:"erased,omitzero"`
	History    []exportedStep `json:"history"`
	Order      order.Order    `json:"order"`
	Extra      any            `json:"extra,omitempty"` // what the channel sent that the hub has no field for
}

type exportedStep struct {
	Status order.Status `json:"status"`
	At     time.Time    `json:"at"`
	By     string       `json:"by"`
}

// exportedBytes are what a channel sent.
type exportedBytes struct {
	Text       string `json:"text,omitzero"`
	Bytes      []byte `json:"base64,omitzero"`     // of what is not text
	Unreadable bool   `json:"unreadable,omitzero"` // damaged, or its key is destroyed
}

// exportedMessage is a kept message in an export.
type exportedMessage struct {
	Channel    string            `json:"channel"`
	Adapter    string            `json:"adapter"`
	What       string            `json:"what"`
	State      channel.KeptState `json:"state"`
	ReceivedAt time.Time         `json:"receivedAt"`
	exportedBytes
}

// exportedDelivery tells who was told of an order, and when.
type exportedDelivery struct {
	Order     string         `json:"order"`
	Endpoint  string         `json:"endpoint"`
	Type      delivery.Type  `json:"type"`
	State     delivery.State `json:"state"`
	CreatedAt time.Time      `json:"createdAt"`
	Request   string         `json:"request,omitzero"` // as the log keeps it, masked
}

// writeAll writes everything that the tenant holds about the job's orders and messages.
func (s *Store) writeAll(ctx context.Context, j privacy.Job, e *export) error {
	for some := range slices.Chunk(j.Orders, inOne) {
		if err := s.writeOrders(ctx, e, some); err != nil {
			return err
		}
	}
	messages, err := s.opts.Messages.LoadAll(ctx, j.Tenant, j.Messages)
	if err != nil {
		return err
	}
	for _, m := range messages {
		body, err := bytesOf(s.opts.Messages.Body(ctx, m))
		if err != nil && !fault.Is(err, fault.NotFound) {
			return err
		}
		if err := e.add("messages", m.ID, exportedMessage{m.Link, m.Adapter, m.What, m.State, m.ReceivedAt, body}); err != nil {
			return err
		}
	}
	return nil
}

// writeOrders writes some orders, and what was done with them.
func (s *Store) writeOrders(ctx context.Context, e *export, ids []string) error {
	var orders []orderdb.Stored
	related := make([][]ledgerdb.Object, 3)
	group, within := errgroup.WithContext(ctx)
	group.Go(func() (err error) { orders, err = s.opts.Orders.LoadAll(within, e.tenant, ids); return err })
	for i, q := range s.related(e.tenant, ids) {
		group.Go(func() (err error) { related[i], err = s.opts.Ledger.List(within, q); return err })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, o := range orders {
		if err := s.writeOrder(ctx, e, o); err != nil {
			return err
		}
	}
	for _, objects := range related {
		for _, o := range objects {
			if err := e.add(o.Collection, o.ID, relatedOf(o)); err != nil {
				return err
			}
		}
	}
	return nil
}

// related are the queries for what tells of orders: who was told, what happened, and who did it.
func (s *Store) related(tenant string, ids []string) []firestore.Query {
	objects := make([]string, len(ids))
	for i, id := range ids {
		objects[i] = "orders/" + id
	}
	return []firestore.Query{
		s.opts.Ledger.Query(tenant, "deliveries").Where("order", "in", ids).OrderBy("sequence", firestore.Asc),
		s.opts.Ledger.Query(tenant, "events").Where("order", "in", ids).OrderBy("sequence", firestore.Asc),
		s.opts.Ledger.Query(tenant, "audit").Where("object", "in", objects).OrderBy("at", firestore.Asc),
	}
}

// relatedOf is what of a document goes into an export.
func relatedOf(o ledgerdb.Object) any {
	switch o.Collection {
	case "deliveries":
		d, err := delivery.ParseDelivery(o.ID, o.Tenant, o.Fields)
		if err != nil {
			return nil
		}
		return exportedDelivery{d.Order, d.Endpoint, d.Type, d.State, d.CreatedAt, d.Request}
	case "audit":
		raw, _ := o.Fields["bytes"].([]byte)
		return jsontext.Value(raw)
	default:
		return map[string]any{"order": o.Fields["order"], "type": o.Fields["type"], "occurredAt": o.Fields["occurredAt"], "data": o.Fields["data"]}
	}
}

func (s *Store) writeOrder(ctx context.Context, e *export, o orderdb.Stored) error {
	out := exportedOrder{
		Status: o.Status, Channel: o.Link, Adapter: o.Adapter, Reason: o.Reason, ReceivedAt: o.Received,
		KeptUntil: o.KeptUntil(), Erased: o.Erased(s.opts.Now()),
	}
	for _, step := range o.History {
		out.History = append(out.History, exportedStep(step))
	}
	whole, err := s.opts.Orders.Whole(ctx, o)
	if fault.Is(err, fault.Unavailable) {
		return err
	}
	if err != nil { // damaged, or its key is destroyed: nobody can read it any more
		whole, out.Unreadable = o.Order, true
	}
	out.Order = whole
	if len(whole.Extra) > 0 {
		out.Extra = whole.Extra
	}
	if err := e.add("orders", o.ID, out); err != nil {
		return err
	}
	if !o.HasOriginal(s.opts.Now()) || out.Unreadable {
		return nil
	}
	original, err := bytesOf(s.opts.Orders.Original(ctx, o))
	if fault.Is(err, fault.NotFound) { // it has expired just now
		return nil
	}
	if err != nil {
		return err
	}
	return e.add("originals", o.ID, original)
}

// bytesOf returns what was opened, or that nobody can open it any more. It fails where coming again may help, and for what
// is not kept.
func bytesOf(body []byte, err error) (exportedBytes, error) {
	switch {
	case fault.Is(err, fault.Unavailable) || fault.Is(err, fault.NotFound):
		return exportedBytes{}, err
	case err != nil:
		return exportedBytes{Unreadable: true}, nil //nolint:nilerr // that is what is told
	case utf8.Valid(body):
		return exportedBytes{Text: string(body)}, nil
	}
	return exportedBytes{Bytes: body}, nil
}
