package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"cloud.google.com/go/firestore"
	"github.com/klauspost/compress/zstd"

	"ryggrad.internal/hub/shared/gcp"
	"ryggrad.internal/hub/shared/ledger"
)

// database opens the store directly, beside the hub, as somebody would who stole it.
func (d *demo) database(ctx context.Context) (*firestore.Client, func() error, error) {
	cfg, err := gcp.Load[gcp.Config](d.env)
	if err != nil {
		return nil, nil, err
	}
	cloud := gcp.Open(cfg)
	db, err := cloud.Firestore(ctx)
	return db, cloud.Close, err
}

// stored reads every document of an order, by collection.
func (d *demo) stored(ctx context.Context, id string) (docs map[string]*firestore.DocumentSnapshot, err error) {
	db, closeDB, err := d.database(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, closeDB()) }()
	docs = map[string]*firestore.DocumentSnapshot{}
	for _, ref := range []string{"orders/" + id, "orderKeys/" + id, "originals/" + id} {
		snap, err := db.Doc(ref).Get(ctx)
		if snap == nil {
			return nil, fmt.Errorf("read %s: %w", ref, err)
		}
		if snap.Exists() {
			docs[ref] = snap
		}
	}
	if err := addAll(ctx, docs, db.Collection("audit").Where("tenant", "==", d.credentials.Tenant).Where("object", "==", "orders/"+id).OrderBy("revision", firestore.Asc)); err != nil {
		return nil, err
	}
	err = addAll(ctx, docs, db.Collection("events").Where("tenant", "==", d.credentials.Tenant).Where("order", "==", id).OrderBy("sequence", firestore.Asc))
	return docs, err
}

func addAll(ctx context.Context, docs map[string]*firestore.DocumentSnapshot, q firestore.Query) error {
	found, err := q.Documents(ctx).GetAll()
	for i, snap := range found {
		docs[fmt.Sprintf("%s/#%d", snap.Ref.Parent.ID, i+1)] = snap
	}
	return err
}

// nothingInPlain looks for the guest in every document of the order.
func (d *demo) nothingInPlain(ctx context.Context, id string, words []string) (string, error) {
	docs, err := d.stored(ctx, id)
	if err != nil {
		return "", err
	}
	for name, snap := range docs {
		plain := spell(snap.Data())
		for _, word := range words {
			if strings.Contains(plain, word) {
				return "", fmt.Errorf("%s holds %q in plain", name, word)
			}
		}
	}
	sealed, _ := docs["orders/"+id].Data()["guest"].([]byte)
	if len(sealed) == 0 || docs["orderKeys/"+id] == nil {
		return "", errors.New("the guest is not there at all")
	}
	if original := docs["originals/"+id]; original != nil {
		if err := sealedOriginal(original); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d raw documents hold no word of the guest; %d bytes are sealed", len(docs), len(sealed)), nil
}

// sealedOriginal checks that an original is there and is not merely compressed, which would hide its words as well.
func sealedOriginal(snap *firestore.DocumentSnapshot) error {
	original, _ := snap.Data()["original"].([]byte)
	if len(original) == 0 {
		return errors.New("the original is empty")
	}
	decoder, err := zstd.NewReader(nil)
	if err != nil {
		return err
	}
	defer decoder.Close()
	for skip := range min(len(original), 64) {
		if _, err := decoder.DecodeAll(original[skip:], nil); err == nil {
			return errors.New("the original is compressed and not sealed")
		}
	}
	return nil
}

// spell writes a document out with its bytes as text, so that a word in them would be found.
func spell(v any) string {
	switch v := v.(type) {
	case []byte:
		return string(v)
	case []any:
		var b strings.Builder
		for _, one := range v {
			b.WriteString(spell(one) + "\n")
		}
		return b.String()
	case map[string]any:
		var b strings.Builder
		for name, one := range v {
			b.WriteString(name + "\n" + spell(one) + "\n")
		}
		return b.String()
	default:
		return fmt.Sprint(v)
	}
}

// audited checks that the order's first entry was written in the order's own commit and tells the truth about it.
func (d *demo) audited(ctx context.Context, id string) (string, error) {
	docs, err := d.stored(ctx, id)
	if err != nil {
		return "", err
	}
	object, first := docs["orders/"+id], docs["audit/#1"]
	if object == nil || first == nil {
		return "", errors.New("there is no order or no entry")
	}
	if !object.CreateTime.Equal(first.CreateTime) {
		return "", fmt.Errorf("the order was committed at %s and its entry at %s", object.CreateTime, first.CreateTime)
	}
	newest := first
	for i := 2; docs[fmt.Sprintf("audit/#%d", i)] != nil; i++ {
		newest = docs[fmt.Sprintf("audit/#%d", i)]
	}
	raw, _ := newest.Data()["bytes"].([]byte)
	entry, err := ledger.Parse(raw)
	if err != nil {
		return "", err
	}
	after, err := ledger.HashDocument(object.Data())
	if err != nil {
		return "", err
	}
	if head := object.Data()["entry"]; head != ledger.HashEntry(raw).String() || after != entry.After {
		return d.auditedAgain(ctx, id, object.UpdateTime)
	}
	return fmt.Sprintf("%s at the order's commit time; chain and document hash hold", first.Ref.ID), nil
}

// auditedAgain repeats the check when the order was changed between the reads, which are not one moment.
func (d *demo) auditedAgain(ctx context.Context, id string, seen time.Time) (string, error) {
	docs, err := d.stored(ctx, id)
	if err != nil {
		return "", err
	}
	if docs["orders/"+id].UpdateTime.Equal(seen) {
		return "", errors.New("the order's newest entry does not fit its document")
	}
	return d.audited(ctx, id)
}

// published waits until dispatch has marked the order's first event: it was published, pushed and taken.
func (d *demo) published(ctx context.Context, id string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, deliverWithin)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		docs, err := d.stored(ctx, id)
		if err != nil {
			return "", err
		}
		event := docs["events/#1"]
		if event == nil {
			return "", errors.New("there is no event in the outbox")
		}
		if pending, _ := event.Data()["pending"].(bool); !pending {
			return fmt.Sprintf("%s %v", event.Ref.ID, event.Data()["type"]), nil
		}
		select {
		case <-ctx.Done():
			return "", errors.New("the event was not dispatched")
		case <-tick.C:
		}
	}
}
