package order

import (
	"fmt"
	"time"
)

// Document returns the order's face as a database document: only nil, bool, int64, float64, string, time.Time, []any
// and map[string]any, so that the same order always becomes the same document. What belongs to the guest is left out
// even if the order has it.
func (o Order) Document() map[string]any {
	doc := map[string]any{
		"channelOrderId": o.ChannelOrderID,
		"displayId":      o.DisplayID,
		"location":       o.Location,
		"type":           string(o.Type),
		"placedAt":       string(o.PlacedAt),
		"currency":       string(o.Currency),
		"items":          list(o.Items, Item.document),
		"total":          o.Total,
		"payment":        map[string]any{"method": o.Payment.Method, "status": o.Payment.Status, "due": o.Payment.Due},
	}
	if o.RequestedFor != "" {
		doc["requestedFor"] = string(o.RequestedFor)
	}
	if len(o.Discounts) > 0 {
		doc["discounts"] = list(o.Discounts, Discount.document)
	}
	if len(o.Fees) > 0 {
		doc["fees"] = list(o.Fees, Fee.document)
	}
	if len(o.Taxes) > 0 {
		doc["taxes"] = list(o.Taxes, Tax.document)
	}
	return doc
}

func (i Item) document() map[string]any {
	doc := map[string]any{"plu": i.PLU, "name": i.Name, "quantity": i.Quantity, "unitPrice": i.UnitPrice}
	if len(i.Modifiers) > 0 {
		doc["modifiers"] = list(i.Modifiers, Item.document)
	}
	return doc
}

func (d Discount) document() map[string]any {
	return map[string]any{"name": d.Name, "amount": d.Amount, "fundedBy": d.FundedBy}
}

func (f Fee) document() map[string]any {
	return map[string]any{"kind": f.Kind, "amount": f.Amount}
}

func (t Tax) document() map[string]any {
	return map[string]any{"name": t.Name, "amount": t.Amount, "included": t.Included}
}

func list[T any](values []T, document func(T) map[string]any) []any {
	docs := make([]any, len(values))
	for i, v := range values {
		docs[i] = document(v)
	}
	return docs
}

// ParseDocument reads a face that [Order.Document] wrote. Missing fields are zero and unknown ones are ignored, so that
// versions of the hub can read each other's documents; a field of another type is an error.
func ParseDocument(doc map[string]any) (Order, error) {
	r := reader{}
	payment := read[map[string]any](&r, doc, "payment")
	o := Order{
		ChannelOrderID: read[string](&r, doc, "channelOrderId"),
		DisplayID:      read[string](&r, doc, "displayId"),
		Location:       read[string](&r, doc, "location"),
		Type:           Type(read[string](&r, doc, "type")),
		PlacedAt:       Time(read[string](&r, doc, "placedAt")),
		RequestedFor:   Time(read[string](&r, doc, "requestedFor")),
		Currency:       Currency(read[string](&r, doc, "currency")),
		Items:          readList(&r, doc, "items", (*reader).item),
		Discounts:      readList(&r, doc, "discounts", (*reader).discount),
		Fees:           readList(&r, doc, "fees", (*reader).fee),
		Taxes:          readList(&r, doc, "taxes", (*reader).tax),
		Total:          read[int64](&r, doc, "total"),
		Payment: Payment{
			Method: read[string](&r, payment, "method"),
			Status: read[string](&r, payment, "status"),
			Due:    read[int64](&r, payment, "due"),
		},
	}
	return o, r.err
}

// A reader reads fields of documents and keeps the first error.
type reader struct{ err error }

func (r *reader) item(doc map[string]any) Item {
	return Item{
		PLU:       read[string](r, doc, "plu"),
		Name:      read[string](r, doc, "name"),
		Quantity:  read[int64](r, doc, "quantity"),
		UnitPrice: read[int64](r, doc, "unitPrice"),
		Modifiers: readList(r, doc, "modifiers", (*reader).item),
	}
}

func (r *reader) discount(doc map[string]any) Discount {
	return Discount{read[string](r, doc, "name"), read[int64](r, doc, "amount"), read[string](r, doc, "fundedBy")}
}

func (r *reader) fee(doc map[string]any) Fee {
	return Fee{read[string](r, doc, "kind"), read[int64](r, doc, "amount")}
}

func (r *reader) tax(doc map[string]any) Tax {
	return Tax{read[string](r, doc, "name"), read[int64](r, doc, "amount"), read[bool](r, doc, "included")}
}

func (r *reader) step(doc map[string]any) Step {
	return Step{Status(read[string](r, doc, "status")), read[time.Time](r, doc, "at"), read[string](r, doc, "by")}
}

// read returns a field, or the zero value when it is missing.
func read[T any](r *reader, doc map[string]any, name string) (value T) {
	stored, ok := doc[name]
	if !ok || stored == nil {
		return value
	}
	value, ok = stored.(T)
	if !ok && r.err == nil {
		r.err = fmt.Errorf("order document: field %s is of type %T, want %T", name, stored, value)
	}
	return value
}

func readList[T any](r *reader, doc map[string]any, name string, parse func(*reader, map[string]any) T) []T {
	stored := read[[]any](r, doc, name)
	if len(stored) == 0 {
		return nil
	}
	values := make([]T, len(stored))
	for i, v := range stored {
		values[i] = parse(r, read[map[string]any](r, map[string]any{name: v}, name))
	}
	return values
}

// Document returns the record as a database document: see [Order.Document] for the types. The id is the document's own.
// Location and channelOrderId stand beside the order once more, for queries: orders of a location, and the order that a
// channel's cancellation means.
func (r Record) Document() map[string]any {
	doc := map[string]any{
		"tenant":         r.Tenant,
		"link":           r.Link,
		"adapter":        r.Adapter,
		"location":       r.Order.Location,
		"channelOrderId": r.Order.ChannelOrderID,
		"order":          r.Order.Document(),
		"status":         string(r.Status),
		"version":        r.Version,
		"receivedAt":     r.Received,
		"history":        list(r.History, Step.document),
	}
	if r.Reason != "" {
		doc["reason"] = r.Reason
	}
	if r.Status == Received && !r.AcceptBy.IsZero() { // only then there is something to look for
		doc["acceptBy"] = r.AcceptBy
	}
	if r.ReadyAt != "" {
		doc["readyAt"] = string(r.ReadyAt)
	}
	return doc
}

func (s Step) document() map[string]any {
	return map[string]any{"status": string(s.Status), "at": s.At, "by": s.By}
}

// ParseRecord reads a record that [Record.Document] wrote, under its document's id; see [ParseDocument].
func ParseRecord(id string, doc map[string]any) (Record, error) {
	r := reader{}
	face, err := ParseDocument(read[map[string]any](&r, doc, "order"))
	if err != nil {
		return Record{}, fmt.Errorf("order %s: %w", id, err)
	}
	record := Record{
		ID:       id,
		Tenant:   read[string](&r, doc, "tenant"),
		Link:     read[string](&r, doc, "link"),
		Adapter:  read[string](&r, doc, "adapter"),
		Order:    face,
		Status:   Status(read[string](&r, doc, "status")),
		Version:  read[int64](&r, doc, "version"),
		Reason:   read[string](&r, doc, "reason"),
		ReadyAt:  Time(read[string](&r, doc, "readyAt")),
		Received: read[time.Time](&r, doc, "receivedAt"),
		AcceptBy: read[time.Time](&r, doc, "acceptBy"),
		History:  readList(&r, doc, "history", (*reader).step),
	}
	if r.err != nil {
		return Record{}, fmt.Errorf("order %s: %w", id, r.err)
	}
	return record, nil
}
