package main

import (
	"context"
	"crypto/rand"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// The demo platform's account for the hub.
const (
	platformClient = "demo-hub"
	platformSecret = "demo-platform-secret-of-this-run"
)

// platform is a demo delivery platform, as its documents say that Uber Eats is: it tells of an order, and hands it out only
// to who has its token, not at the first time of asking; and it notes what it is told of an order.
type platform struct {
	url string

	mu      sync.Mutex
	token   string
	orders  map[string][]byte // by the platform's own ids
	asked   map[string]int    // how often for each
	heard   []told
	changed chan struct{} // closed and renewed with everything that is heard
}

// told is what the platform was told.
type told struct{ path, body string }

// openPlatform starts the demo platform; it ends with the hub.
func (h *hub) openPlatform(ctx context.Context) (*platform, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &platform{
		url: "http://" + listener.Addr().String(), token: rand.Text(), orders: map[string][]byte{}, asked: map[string]int{}, changed: make(chan struct{}),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /oauth/v2/token", p.admit)
	mux.HandleFunc("GET /v2/eats/order/{id}", p.inside(p.handOut))
	mux.HandleFunc("POST /v1/eats/orders/{id}/{verb}", p.inside(p.hear))
	mux.HandleFunc("POST /callback/{capability}", p.hear)
	h.serve(listener, mux)
	return p, nil
}

// put lays out an order for the hub to fetch.
func (p *platform) put(id string, order []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.orders[id] = order
}

// fetched tells how often an order was asked for.
func (p *platform) fetched(id string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked[id]
}

// admit gives the token to who has the account's secret.
func (p *platform) admit(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("client_id") != platformClient || r.FormValue("client_secret") != platformSecret {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"access_token":"`+p.token+`","expires_in":3600,"token_type":"Bearer"}`) // the hub may have left
}

// inside lets only who has the token in.
func (p *platform) inside(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+p.token {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		serve(w, r)
	}
}

// handOut answers with an order. At the first time of asking it is not ready yet, as it is with platforms that tell of an
// order a moment before they hand it out.
func (p *platform) handOut(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := r.PathValue("id")
	order, there := p.orders[id]
	if p.asked[id]++; !there || p.asked[id] == 1 {
		http.Error(w, "not ready yet", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(order) // the hub may have left
}

// hear notes what the platform is told.
func (p *platform) hear(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		http.Error(w, "the body broke off", http.StatusBadRequest)
		return
	}
	p.mu.Lock()
	p.heard = append(p.heard, told{r.URL.Path, string(body)})
	close(p.changed)
	p.changed = make(chan struct{})
	p.mu.Unlock()
	w.WriteHeader(http.StatusNoContent)
}

// wait returns all that was told under a path as soon as there is something.
func (p *platform) wait(ctx context.Context, prefix string) ([]told, error) {
	for {
		p.mu.Lock()
		var fits []told
		for _, t := range p.heard {
			if strings.HasPrefix(t.path, prefix) {
				fits = append(fits, t)
			}
		}
		changed := p.changed
		p.mu.Unlock()
		if len(fits) > 0 {
			return fits, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-changed:
		}
	}
}
