// Package outbound sends HTTP requests to addresses that tenants chose, without letting them reach anything else than
// the public internet.
//
// Four things keep a request from being turned against the hub or its neighbours: the URL is checked before every
// attempt; the address is checked at every connect, after resolution, so that a name which suddenly points inwards
// leads nowhere; redirects are answers, never followed; and no proxy is taken from the environment, which would
// resolve names itself. Time, answer and headers are bounded. A request carries the trace of what caused it
// (https://www.w3.org/TR/trace-context/), so that a receiver's own traces can be joined to it.
package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"go.opentelemetry.io/otel/propagation"

	"ryggrad.internal/hub/shared/webhook"
)

// The bounds of an attempt.
const (
	Limit          = 15 * time.Second // from the start to the end of the answer, by default
	maxHeaderBytes = 32 << 10
	maxBodyRead    = 64 << 10 // read on, so that the connection can be used again
	maxBodyPrefix  = 1 << 10  // kept
	idleLimit      = 60 * time.Second
	idlePerHost    = 16
)

// Options are the choices of a client. The zero value is what production uses.
type Options struct {
	Policy webhook.Policy
	Limit  time.Duration  // of one attempt; 0 means [Limit]
	Roots  *x509.CertPool // who may vouch for receivers; nil means the system's
}

// Client sends signed messages. It is safe for concurrent use and keeps connections alive between attempts.
type Client struct {
	policy webhook.Policy
	limit  time.Duration
	http   *http.Client
}

// New returns a client.
func New(o Options) *Client {
	o.Limit, _ = o.limits()
	answerAsIs := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{o.Policy, o.Limit, &http.Client{Transport: Transport(o), CheckRedirect: answerAsIs}}
}

// limits returns the limit of an attempt, and that of each of its first steps: to connect, and to shake hands.
func (o Options) limits() (whole, step time.Duration) {
	if o.Limit == 0 {
		return Limit, Limit / 3
	}
	return o.Limit, o.Limit / 3
}

// Transport returns a transport that connects to nothing but what the policy allows. Who uses it for requests of another
// kind bounds the time and the answer, and keeps from following redirects, by itself.
func Transport(o Options) *http.Transport {
	_, step := o.limits()
	dialer := &net.Dialer{Timeout: step, Control: guard(o.Policy)}
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots},
		TLSHandshakeTimeout:    step,
		MaxResponseHeaderBytes: maxHeaderBytes,
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        idleLimit,
	}
}

// guard is called with the resolved address of every connection before it is made.
func guard(p webhook.Policy) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		target, err := netip.ParseAddrPort(address)
		if err != nil {
			return webhook.ErrAddress
		}
		return p.CheckAddr(target.Addr())
	}
}

// Send posts a signed JSON message and tells what came of it. It makes one attempt, except that a connection which went
// stale while idle is replaced silently: the message's id lets the receiver tell a copy. Nothing of the URL, the body or
// the certificate is in the result but the answer's first bytes.
func (c *Client) Send(ctx context.Context, url string, h webhook.Headers, body []byte) webhook.Result {
	return c.Do(ctx, webhook.Call{Method: http.MethodPost, URL: url, Body: body, Header: map[string]string{
		"Content-Type": "application/json", webhook.HeaderID: h.ID, webhook.HeaderTimestamp: h.Timestamp, webhook.HeaderSignature: h.Signature,
	}})
}

// Do makes a call and tells what came of it, as [Client.Send] does. The call must be one that may be made twice.
func (c *Client) Do(ctx context.Context, call webhook.Call) webhook.Result {
	result, _ := c.exchange(ctx, call, 0)
	return result
}

// Fetch makes a call and returns what it was answered, of which it reads at most limit bytes; a longer answer is a
// failure, [webhook.TooLong].
func (c *Client) Fetch(ctx context.Context, call webhook.Call, limit int) (webhook.Result, []byte) {
	return c.exchange(ctx, call, limit)
}

func (c *Client) exchange(ctx context.Context, call webhook.Call, limit int) (webhook.Result, []byte) {
	start := time.Now()
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	result, body := c.attempt(ctx, call, limit)
	result.Duration = time.Since(start)
	return result, body
}

func (c *Client) attempt(ctx context.Context, call webhook.Call, limit int) (webhook.Result, []byte) {
	if _, err := c.policy.CheckURL(call.URL); err != nil {
		return webhook.Result{Failure: webhook.BadURL}, nil
	}
	request, err := newRequest(ctx, call)
	if err != nil {
		return webhook.Result{Failure: webhook.BadURL}, nil
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return webhook.Result{Failure: failure(ctx, err)}, nil
	}
	result := webhook.Result{Status: answer.StatusCode, RetryAfter: retryAfter(answer.Header, time.Now())}
	if limit == 0 {
		result.BodyPrefix = drain(answer.Body)
		return result, nil
	}
	body, err := io.ReadAll(io.LimitReader(answer.Body, int64(limit)+1))
	_ = answer.Body.Close()
	switch {
	case err != nil:
		return webhook.Result{Failure: failure(ctx, err)}, nil
	case len(body) > limit:
		return webhook.Result{Failure: webhook.TooLong}, nil
	}
	return result, body
}

func newRequest(ctx context.Context, call webhook.Call) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, call.Method, call.URL, bytes.NewReader(call.Body))
	if err != nil {
		return nil, err
	}
	for name, value := range call.Header {
		request.Header.Set(name, value)
	}
	trace := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, trace)
	if parent := trace.Get("traceparent"); parent != "" { // and not tracestate, in which callers of ours may write anything
		request.Header.Set("traceparent", parent)
	}
	request.Header.Set("User-Agent", "Ryggrad-Webhooks/1")
	request.Header["X-Idempotency-Key"] = nil // not sent: tells the transport that a stale connection may be replaced
	return request, nil
}

// drain reads the answer as far as it is cheap and returns its first bytes. Errors are passed over: an answer that breaks
// off has still answered, and its status is all that counts.
func drain(body io.ReadCloser) string {
	prefix, _ := io.ReadAll(io.LimitReader(body, maxBodyPrefix))
	_, _ = io.CopyN(io.Discard, body, maxBodyRead)
	_ = body.Close()
	return strings.ToValidUTF8(string(prefix), "\uFFFD")
}

// failure names why there was no answer.
func failure(ctx context.Context, err error) webhook.Failure {
	var name *net.DNSError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return webhook.Interrupted
	case errors.Is(err, webhook.ErrAddress):
		return webhook.BadAddress
	case timedOut(err):
		return webhook.Timeout
	case errors.As(err, &name):
		return webhook.BadName
	case untrusted(err):
		return webhook.BadTLS
	}
	return webhook.Unreachable
}

func timedOut(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

func untrusted(err error) bool {
	var (
		verification *tls.CertificateVerificationError
		record       tls.RecordHeaderError
		alert        tls.AlertError
	)
	return errors.As(err, &verification) || errors.As(err, &record) || errors.As(err, &alert) ||
		errors.Is(err, http.ErrSchemeMismatch)
}
