package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"ryggrad.internal/hub/shared/envelope"
	"ryggrad.internal/hub/shared/gcp"
	backbone "ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/ledger/ledgerdb"
)

// forgottenGuest is who asks the demo's restaurants what they hold, and then to be forgotten.
func forgottenGuest() map[string]any {
	return map[string]any{"name": "Vera Sundin", "phone": "+46701740622", "email": "vera.sundin@example.com"}
}

// finishWithin is how long the demo waits for an export or an erasure. It takes milliseconds; on a machine that is too busy
// to announce it within a second, the next minute's look finds it.
const finishWithin = 150 * time.Second

// subjectAnswer is as much of the answers about guests as the demo looks at.
type subjectAnswer struct {
	Job       string `json:"job"`
	State     string `json:"state"`
	Confirmed struct {
		Count int `json:"count"`
	} `json:"confirmed"`
	Candidates struct {
		Count  int `json:"count"`
		Orders []struct {
			Customer struct {
				Name string `json:"name"`
			} `json:"customer"`
		} `json:"orders"`
	} `json:"candidates"`
	Manifest struct {
		SHA256 string `json:"sha256"`
	} `json:"manifest"`
}

// privacy follows a guest who wants to know what is held, and to be forgotten.
func (d *demo) privacy(ctx context.Context) {
	d.title("A guest asks what is held about them, and to be forgotten")
	desk, guest := client{d.baseURL, d.credentials.Clients["privacy"].APIKey}, forgottenGuest()
	order := d.sample(fmt.Sprintf("GST-%d", time.Now().UnixNano()))
	order["customer"] = guest
	var id string
	if !d.stop("their order is taken in", func() (string, error) {
		r, err := expect(http.StatusCreated)(d.shop.call(ctx, http.MethodPost, "/v1/orders", order))
		if err == nil {
			id, err = placedID(r)
		}
		return id, err
	}) {
		return
	}
	d.stop("a phone number alone shows masked candidates", func() (string, error) { return d.candidates(ctx, desk, guest) })
	d.stop("everything held is exported, and taken out once", func() (string, error) { return d.export(ctx, desk, guest, id) })
	var stolen sealedGuest
	if !d.stop("somebody copies the raw documents", func() (found string, err error) {
		stolen, err = d.steal(ctx, id)
		return fmt.Sprintf("%d sealed bytes", len(stolen.bytes)), err
	}) {
		return
	}
	d.stop("before, the right key opens them", func() (string, error) { return d.opens(ctx, stolen, true) })
	d.stop("the guest is erased", func() (string, error) { return d.eraseGuest(ctx, desk, guest, id) })
	d.stop("no key that is left opens the copy", func() (string, error) { return d.opens(ctx, stolen, false) })
	d.stop("the same order again is a replay, compared with nothing", func() (string, error) {
		order["note"] = "other words"
		_, err := d.replays(ctx, id, order)
		return "200 though its words differ", err
	})
}

// about asks about the guest by the fields named.
func about(guest map[string]any, fields ...string) map[string]any {
	body := map[string]any{}
	for _, f := range fields {
		body[f] = guest[f]
	}
	return body
}

func (d *demo) candidates(ctx context.Context, desk client, guest map[string]any) (string, error) {
	var a subjectAnswer
	r, err := expect(http.StatusOK)(desk.call(ctx, http.MethodPost, "/v1/subjects/erase", about(guest, "phone")))
	if err == nil {
		err = r.json(&a)
	}
	if err == nil && (a.Job != "" || a.Confirmed.Count != 0 || len(a.Candidates.Orders) == 0 || a.Candidates.Orders[0].Customer.Name != "V***") {
		err = fmt.Errorf("answered %s", r.body)
	}
	return fmt.Sprintf("%d, as %q; nothing is erased", a.Candidates.Count, "V***"), err
}

// finished asks for an export or erasure and waits until it is done.
func (d *demo) finished(ctx context.Context, desk client, kind, at string, body map[string]any) (subjectAnswer, error) {
	var a subjectAnswer
	r, err := expect(http.StatusAccepted)(desk.call(ctx, http.MethodPost, "/v1/subjects/"+kind, body))
	if err == nil {
		err = r.json(&a)
	}
	if err != nil {
		return a, err
	}
	ctx, cancel := context.WithTimeout(ctx, finishWithin)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	job := a.Job
	for a.State != "done" {
		select {
		case <-ctx.Done():
			return a, fmt.Errorf("the job is %s after %s", a.State, finishWithin)
		case <-tick.C:
		}
		if r, err = expect(http.StatusOK)(desk.call(ctx, http.MethodGet, at+job, nil)); err == nil {
			err = r.json(&a)
		}
		if err != nil {
			return a, err
		}
	}
	a.Job = job
	return a, nil
}

func (d *demo) export(ctx context.Context, desk client, guest map[string]any, id string) (string, error) {
	a, err := d.finished(ctx, desk, "export", "/v1/subjects/exports/", about(guest, "phone", "email"))
	if err != nil {
		return "", err
	}
	content := "/v1/subjects/exports/" + a.Job + "/content"
	r, err := expect(http.StatusOK)(desk.call(ctx, http.MethodPost, content, nil))
	if err != nil {
		return "", err
	}
	_, lines, _ := bytes.Cut(r.body, []byte("\n"))
	if sum := sha256.Sum256(lines); hex.EncodeToString(sum[:]) != a.Manifest.SHA256 {
		return "", errors.New("the lines are not what the manifest says")
	}
	if !bytes.Contains(lines, []byte(id)) || !bytes.Contains(lines, []byte(fmt.Sprint(guest["email"]))) {
		return "", errors.New("the order or its guest is not in it")
	}
	if _, err := expect(http.StatusConflict)(desk.call(ctx, http.MethodPost, content, nil)); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d documents, the manifest's hash holds; then 409", bytes.Count(lines, []byte("\n"))), nil
}

func (d *demo) eraseGuest(ctx context.Context, desk client, guest map[string]any, id string) (string, error) {
	a, err := d.finished(ctx, desk, "erase", "/v1/subjects/erasures/", about(guest, "phone", "email"))
	if err != nil {
		return "", err
	}
	docs, err := d.stored(ctx, id)
	if err != nil {
		return "", err
	}
	if docs["orderKeys/"+id] != nil || docs["originals/"+id] != nil || docs["orders/"+id].Data()["guest"] != nil {
		return "", errors.New("something of the guest is still stored")
	}
	return a.Job + ": key, original and sealed guest are gone", nil
}

// sealedGuest is a guest as the store has it, and where.
type sealedGuest struct {
	bytes []byte
	at    envelope.Binding
}

// steal copies the sealed guest of an order.
func (d *demo) steal(ctx context.Context, id string) (sealedGuest, error) {
	docs, err := d.stored(ctx, id)
	if err != nil {
		return sealedGuest{}, err
	}
	sealed, _ := docs["orders/"+id].Data()["guest"].([]byte)
	if len(sealed) == 0 {
		return sealedGuest{}, errors.New("there is no sealed guest")
	}
	return sealedGuest{sealed, envelope.Binding{Tenant: d.credentials.Tenant, Collection: "orders", Document: id, Field: "guest"}}, nil
}

// opens tries every key that there is on a copy of a sealed guest, with all rights of the hub itself.
func (d *demo) opens(ctx context.Context, stolen sealedGuest, want bool) (found string, err error) {
	keys, err := d.everyKey(ctx)
	if err != nil {
		return "", err
	}
	opened := false
	for _, key := range keys {
		if _, err := key.Open(stolen.bytes, stolen.at); err == nil {
			opened = true
		}
	}
	if opened != want {
		return "", fmt.Errorf("of %d keys one opens it: %t", len(keys), opened)
	}
	return fmt.Sprintf("tried %d keys", len(keys)), nil
}

// everyKey unwraps every order's key that is stored.
func (d *demo) everyKey(ctx context.Context) (keys []*envelope.DataKey, err error) {
	cfg, err := gcp.Load[gcp.Config](d.env)
	if err != nil {
		return nil, err
	}
	base, err := backbone.Open(ctx, cfg, slog.Default())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	for _, collection := range []string{"orderKeys", "exportKeys"} {
		found, err := base.Ledger.List(ctx, base.Ledger.QueryAllTenants(collection))
		if err != nil {
			return nil, err
		}
		for _, o := range found {
			key, err := unwrap(ctx, base, o)
			if err != nil {
				return nil, fmt.Errorf("unwrap %s: %w", o.Ref, err)
			}
			keys = append(keys, key)
		}
	}
	return keys, nil
}

func unwrap(ctx context.Context, base *backbone.Hub, o ledgerdb.Object) (*envelope.DataKey, error) {
	wrapped, _ := o.Fields["key"].([]byte)
	return base.Keys.Unwrap(ctx, wrapped, envelope.Binding{Tenant: o.Tenant, Collection: o.Collection, Document: o.ID, Field: "key"})
}
