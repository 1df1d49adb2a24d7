package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"ryggrad.internal/hub/shared/webhook"
)

// posPath is where the demo POS receives webhooks. No other endpoint ends so: it is how the one of an earlier start is
// told from a person's own.
const posPath = "/ryggrad-demo-pos"

// pos is a demo point of sale: it receives the hub's webhooks, checks their signature as any receiver must, and accepts
// every new order.
type pos struct {
	url string

	mu       sync.Mutex
	secrets  []webhook.Secret
	hub      client
	seen     map[string]bool // webhook ids: the same message may come twice
	received []message
	changed  chan struct{} // closed and renewed with every message
}

// message is a webhook that the POS received.
type message struct {
	ID     string
	Signed error  // nil when the signature held
	Type   string `json:"type"`
	Data   struct {
		Order    string `json:"order"`
		Status   string `json:"status"`
		Sequence int64  `json:"sequence"`
	} `json:"data"`
}

// openPOS starts the demo POS. It accepts orders once it is told who it is, by connect.
func (h *hub) openPOS(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	h.pos = &pos{url: "http://" + listener.Addr().String() + posPath, seen: map[string]bool{}, changed: make(chan struct{})}
	mux := http.NewServeMux()
	mux.Handle("POST "+posPath, h.pos)
	h.serve(listener, mux)
	return nil
}

// connect gives the POS its endpoint's secret and its access to the hub.
func (p *pos) connect(hub client, secrets ...webhook.Secret) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hub, p.secrets = hub, secrets
}

// ServeHTTP receives a webhook.
func (p *pos) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		http.Error(w, "the body broke off", http.StatusBadRequest)
		return
	}
	m, fresh := p.take(r.Header, body)
	switch {
	case m.Signed != nil:
		http.Error(w, m.Signed.Error(), http.StatusUnauthorized)
		return
	case fresh && m.Type == "order.received":
		if err := p.accept(r.Context(), m.Data.Order); err != nil {
			slog.WarnContext(r.Context(), "the demo POS could not accept an order", "order", m.Data.Order, "error", err)
			p.forget(m.ID)
			http.Error(w, "try again", http.StatusServiceUnavailable)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// take checks and notes a message; fresh is false for one that was here before.
func (p *pos) take(header http.Header, body []byte) (m message, fresh bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := webhook.Headers{ID: header.Get(webhook.HeaderID), Timestamp: header.Get(webhook.HeaderTimestamp), Signature: header.Get(webhook.HeaderSignature)}
	m.Signed = webhook.Verify(p.secrets, h, body, time.Now())
	if m.Signed == nil {
		m.Signed = json.Unmarshal(body, &m)
	}
	m.ID = h.ID
	fresh = !p.seen[m.ID]
	if m.Signed == nil {
		p.seen[m.ID] = true
	}
	p.received = append(p.received, m)
	close(p.changed)
	p.changed = make(chan struct{})
	return m, fresh
}

func (p *pos) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.seen, id)
}

// accept tells the hub that the kitchen takes the order.
func (p *pos) accept(ctx context.Context, order string) error {
	p.mu.Lock()
	hub := p.hub
	p.mu.Unlock()
	r, err := hub.call(ctx, http.MethodPost, "/v1/orders/"+order+"/status", map[string]any{
		"status": "accepted", "readyAt": time.Now().Add(20 * time.Minute).UTC().Format(time.RFC3339),
	})
	if err == nil && r.status == http.StatusConflict { // it was cancelled before the kitchen could take it
		return nil
	}
	_, err = expect(http.StatusOK)(r, err)
	return err
}

// wait returns the first message that fits, as soon as it is here.
func (p *pos) wait(ctx context.Context, fits func(message) bool) (message, error) {
	for {
		p.mu.Lock()
		changed := p.changed
		for _, m := range p.received {
			if fits(m) {
				p.mu.Unlock()
				return m, nil
			}
		}
		p.mu.Unlock()
		select {
		case <-ctx.Done():
			return message{}, ctx.Err()
		case <-changed:
		}
	}
}
