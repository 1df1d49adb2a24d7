// Package platformapi calls delivery platforms' own APIs as package channel describes them: it gets access tokens, keeps them
// as long as they hold, and asks for another when the platform does not know one any more. Requests go through the safe
// outbound client, to the hosts that the adapter or the link names and to no others.
package platformapi

import (
	"context"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"ryggrad.internal/hub/shared/channel"
	"ryggrad.internal/hub/shared/fault"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/identity/identitydb"
	"ryggrad.internal/hub/shared/webhook"
	"ryggrad.internal/hub/shared/webhook/outbound"
)

const (
	maxToken   = 64 << 10 // bytes of an authorization server's answer
	mostTokens = 5000     // held in memory
	spare      = time.Minute
)

// Link is a channel link with its adapter, ready to be called.
type Link struct {
	ID      string
	Adapter channel.Adapter
	Account channel.Account
}

// Of returns how to call a link's platform. Its adapter not being known is [fault.NotFound].
func Of(link identitydb.OpenLink, now time.Time) (Link, error) {
	adapter, ok := channel.Named(link.Adapter)
	if !ok {
		return Link{}, fault.New(fault.NotFound, "there is no adapter %s", link.Adapter)
	}
	return Link{ID: link.ID, Adapter: adapter, Account: Account(link.Options, link.Credentials, now)}, nil
}

// Account returns what an adapter may know of a link to call its platform.
func Account(options map[string]string, secrets identity.LinkSecrets, now time.Time) channel.Account {
	return channel.Account{Options: options, Credential: func(name string) string {
		if values := secrets.Named(name, now); len(values) > 0 {
			return values[0]
		}
		return ""
	}}
}

// Client calls platforms. It is safe for concurrent use.
type Client struct {
	http    *outbound.Client
	now     func() time.Time
	flights singleflight.Group

	mu     sync.Mutex
	tokens map[string]held
}

type held struct {
	token string
	until time.Time
}

// New returns a client without any token.
func New(client *outbound.Client, now func() time.Time) *Client {
	return &Client{http: client, now: now, tokens: map[string]held{}}
}

// Call makes a call with an access token, where the platform wants one, and reads at most limit bytes of the answer. A
// token that the platform does not take is replaced once. The result of a token that could not be got is the result.
func (c *Client) Call(
	ctx context.Context, l Link, limit int, write func(token string) (webhook.Call, error),
) (result webhook.Result, body []byte, err error) {
	for again := range 2 {
		token, refusal, err := c.token(ctx, l)
		if err != nil || token == "" && refusal != (webhook.Result{}) {
			return refusal, nil, err
		}
		call, err := write(token)
		if err != nil {
			return webhook.Result{}, nil, err
		}
		result, body = c.http.Fetch(ctx, call, limit)
		if result.Status != http.StatusUnauthorized || token == "" || again > 0 {
			break
		}
		c.forget(l.ID, token)
	}
	return result, body, nil
}

// token returns a token that holds, "" where none is needed. When the platform gives none, refusal is its answer.
func (c *Client) token(ctx context.Context, l Link) (token string, refusal webhook.Result, err error) {
	call, needed := l.Adapter.TokenCall(l.Account)
	if !needed {
		return "", webhook.Result{}, nil
	}
	if h, ok := c.held(l.ID); ok {
		return h, webhook.Result{}, nil
	}
	if !l.Adapter.Allows(l.Account, call.URL) {
		return "", webhook.Result{}, fault.New(fault.Invalid, "the channel link does not say where its platform is")
	}
	type answer struct {
		token   string
		refusal webhook.Result
	}
	got, err, _ := c.flights.Do(l.ID, func() (any, error) {
		result, body := c.http.Fetch(ctx, call, maxToken)
		if result.Outcome() != webhook.Delivered {
			return answer{refusal: result}, nil
		}
		t, err := channel.ParseToken(body)
		if err != nil {
			return answer{}, err
		}
		c.keep(l.ID, held{t.Value, c.now().Add(t.For - min(spare, t.For/2))})
		return answer{token: t.Value}, nil
	})
	a, _ := got.(answer)
	return a.token, a.refusal, err
}

func (c *Client) held(link string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.tokens[link]
	return h.token, ok && c.now().Before(h.until)
}

func (c *Client) keep(link string, h held) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.tokens) >= mostTokens {
		clear(c.tokens)
	}
	c.tokens[link] = h
}

// forget drops a token, unless it has been replaced already.
func (c *Client) forget(link, token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tokens[link].token == token {
		delete(c.tokens, link)
	}
}
