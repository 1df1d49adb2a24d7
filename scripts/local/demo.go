package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// deliverWithin is how long the demo waits for a message to reach the POS. It takes milliseconds; on a machine that is
// too busy to announce an event within a second, the relay does so within a minute and a half.
const deliverWithin = 150 * time.Second

// errDemo says that a stop was not verified; what was wrong is printed where it happened.
var errDemo = errors.New("the demo did not verify every stop")

// demo plays the life of orders and tells what it verified.
type demo struct {
	*hub
	out    io.Writer
	shop   client
	failed int
	stops  int
}

// play runs the demo. It goes on after a stop that fails, so that everything that is wrong is seen at once.
func play(ctx context.Context, h *hub, out io.Writer) error {
	d := &demo{hub: h, out: out, shop: client{h.baseURL, h.credentials.Clients["shop"].APIKey}}
	fmt.Fprintf(out, "Ryggrad demo on %s\n", h.baseURL)
	for _, act := range []func(context.Context){d.ownAPI, d.deliverect, d.fetched, d.people, d.privacy, d.log, d.troubled, d.realPayloads, d.backedUp} {
		act(ctx)
	}
	if d.failed > 0 {
		h.keep = true
		fmt.Fprintf(out, "\n%d of %d stops FAILED. The log is at %s\n", d.failed, d.stops, h.logFile)
		return errDemo
	}
	fmt.Fprintf(out, "\nAll %d stops verified.\n", d.stops)
	return nil
}

// title begins an order's story.
func (d *demo) title(text string) { fmt.Fprintf(d.out, "\n%s\n", text) }

// stop checks one thing and tells what came of it. What is checked says what it found.
func (d *demo) stop(what string, check func() (string, error)) bool {
	d.stops++
	found, err := check()
	if err != nil {
		d.failed++
		fmt.Fprintf(d.out, "  FAILED  %s: %v\n", what, err)
		return false
	}
	fmt.Fprintf(d.out, "  ok      %s: %s\n", what, found)
	return true
}

// expect turns an answer with another status into an error.
func expect(status int) func(response, error) (response, error) {
	return func(r response, err error) (response, error) {
		if err == nil && r.status != status {
			err = fmt.Errorf("answered %d instead of %d: %s", r.status, status, r.body)
		}
		return r, err
	}
}

// receives waits until the POS has a message about the order, with a signature that held.
func (d *demo) receives(ctx context.Context, order, kind string) (message, error) {
	ctx, cancel := context.WithTimeout(ctx, deliverWithin)
	defer cancel()
	m, err := d.pos.wait(ctx, func(m message) bool { return m.Data.Order == order && m.Type == kind })
	if err != nil {
		return m, fmt.Errorf("the POS heard nothing of %s within %s", kind, deliverWithin)
	}
	return m, nil
}

// status asks how an order stands.
func (d *demo) status(ctx context.Context, order string) (shownOrder, error) {
	var shown shownOrder
	r, err := expect(http.StatusOK)(d.shop.call(ctx, http.MethodGet, "/v1/orders/"+order, nil))
	if err == nil {
		err = r.json(&shown)
	}
	return shown, err
}

// shownOrder is as much of an order as the demo looks at.
type shownOrder struct {
	ID      string `json:"id"`
	Status  string `json:"status"`
	Version int64  `json:"version"`
	Order   struct {
		Total    int64  `json:"total"`
		Currency string `json:"currency"`
		Customer struct {
			Name string `json:"name"`
		} `json:"customer"`
	} `json:"order"`
}
