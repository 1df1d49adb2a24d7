package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"ryggrad.internal/hub/shared/event"
	"ryggrad.internal/hub/shared/gcp"
	backbone "ryggrad.internal/hub/shared/hub"
	"ryggrad.internal/hub/shared/ledger/sealing"
	"ryggrad.internal/hub/shared/ledger/tlog"
)

const (
	// sealWithin is how long the demo waits for an entry to be sealed after it asked for that.
	sealWithin = 90 * time.Second
	// askAgain is how long it waits between two questions.
	askAgain = 200 * time.Millisecond
)

// shownEntry is as much of an audit entry as the demo looks at.
type shownEntry struct {
	ID     string `json:"id"`
	Actor  string `json:"actor"`
	Action string `json:"action"`
}

// log follows an act into the sealed log.
func (d *demo) log(ctx context.Context) {
	d.title("The audit log")
	auditor := client{d.baseURL, d.credentials.Clients["auditor"].APIKey}
	var entry shownEntry
	var proof []byte
	if !d.stop("an act is in it, with who did it", func() (found string, err error) {
		entry, err = d.placedEntry(ctx, auditor)
		return entry.Action + " by " + entry.Actor, err
	}) {
		return
	}
	if !d.stop("it is sealed and has a proof", func() (found string, err error) {
		proof, err = d.sealed(ctx, auditor, entry.ID)
		return fmt.Sprintf("%d bytes", len(proof)), err
	}) {
		return
	}
	d.stop("the proof holds by itself, and no other does", func() (string, error) { return d.checks(ctx, proof) })
	d.stop("the sealed log is public, and tells of no tenant", func() (string, error) { return d.public(ctx) })
}

// public reads the log as anybody can: an entry in it is a hash and its length.
func (d *demo) public(ctx context.Context) (string, error) {
	anybody := client{baseURL: d.baseURL}
	r, err := expect(http.StatusOK)(anybody.call(ctx, http.MethodGet, "/log/"+tlog.CheckpointPath, nil))
	if err != nil {
		return "", err
	}
	head, err := tlog.Unverified(r.body)
	if err != nil {
		return "", err
	}
	tile, _ := tlog.Tile{Entries: true}.At(head.Size)
	if r, err = expect(http.StatusOK)(anybody.call(ctx, http.MethodGet, "/log/"+tile.Path(), nil)); err != nil {
		return "", err
	}
	if _, err := tlog.ParseBundle(r.body, tile.Width); err != nil {
		return "", err
	}
	return fmt.Sprintf("%d entries, each 32 bytes of SHA-256", head.Size), nil
}

// placedEntry places an order and finds its audit entry.
func (d *demo) placedEntry(ctx context.Context, auditor client) (shownEntry, error) {
	r, err := expect(http.StatusCreated)(d.shop.call(ctx, http.MethodPost, "/v1/orders", d.sample(fmt.Sprintf("LOG-%d", time.Now().UnixNano()))))
	if err != nil {
		return shownEntry{}, err
	}
	id, err := placedID(r)
	if err != nil {
		return shownEntry{}, err
	}
	if r, err = expect(http.StatusOK)(auditor.call(ctx, http.MethodGet, "/v1/audit?object="+url.QueryEscape("orders/"+id), nil)); err != nil {
		return shownEntry{}, err
	}
	var list struct {
		Items []shownEntry `json:"items"`
	}
	if err := r.json(&list); err != nil {
		return shownEntry{}, err
	}
	shop := "client:" + d.credentials.Clients["shop"].ClientID
	for _, e := range list.Items {
		if e.Action == "order.receive" && e.Actor == shop {
			return e, nil
		}
	}
	return shownEntry{}, fmt.Errorf("no entry says that %s placed %s: %s", shop, id, r.body)
}

// tick has a scheduled function run now, as the scheduler does it when the time has come.
func (h *hub) tick(ctx context.Context, topic string) (err error) {
	cfg, err := gcp.Load[gcp.Config](h.env)
	if err != nil {
		return err
	}
	base, err := backbone.Open(ctx, cfg, slog.Default())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	announcer, err := base.AnnouncerOn(ctx, topic)
	if err != nil {
		return err
	}
	return announcer.Publish(ctx, event.Announcement{})
}

// sealed has the log sealed and waits for the entry's proof.
func (d *demo) sealed(ctx context.Context, auditor client, entry string) ([]byte, error) {
	if err := d.tick(ctx, "seal"); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, sealWithin)
	defer cancel()
	for {
		r, err := auditor.call(ctx, http.MethodGet, "/v1/audit/"+entry+"/proof", nil)
		if err != nil || r.status != http.StatusNotFound {
			r, err = expect(http.StatusOK)(r, err)
			return r.body, err
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("%s is not sealed after %s", entry, sealWithin)
		case <-time.After(askAgain):
		}
	}
}

// checks checks a proof with nothing but the log's public key, and one with another entry in it.
func (d *demo) checks(ctx context.Context, text []byte) (found string, err error) {
	keys, err := d.logKeys(ctx)
	if err != nil {
		return "", err
	}
	proof, err := tlog.ParseProof(text)
	if err != nil {
		return "", err
	}
	_, head, err := proof.Check(keys)
	if err != nil {
		return "", err
	}
	proof.Entry = bytes.Replace(proof.Entry, []byte("order.receive"), []byte("order.advance"), 1)
	if _, _, err := proof.Check(keys); err == nil {
		return "", errors.New("a changed entry has the same proof")
	}
	return fmt.Sprintf("entry %d of %s at %d entries", proof.Index, head.Origin, head.Size), nil
}

func (d *demo) logKeys(ctx context.Context) (keys tlog.Keys, err error) {
	cfg, err := gcp.Load[struct {
		gcp.Config
		sealing.Settings
	}](d.env)
	if err != nil {
		return nil, err
	}
	base, err := backbone.Open(ctx, cfg.Config, slog.Default())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, base.Close()) }()
	return cfg.Key(base).Keys(ctx)
}
