package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// mix is how many of a hundred orders are of which kind.
type mix struct{ api, deliverect, replay int }

func parseMix(text string) (mix, error) {
	var m mix
	for part := range strings.SplitSeq(text, ",") {
		name, share, _ := strings.Cut(part, "=")
		n, err := strconv.Atoi(share)
		if err != nil || n < 0 {
			return m, fmt.Errorf("%q is not kind=share", part)
		}
		switch name {
		case "api":
			m.api = n
		case "deliverect":
			m.deliverect = n
		case "replay":
			m.replay = n
		default:
			return m, fmt.Errorf("there is no kind %q; the kinds: api, deliverect, replay", name)
		}
	}
	if m.api+m.deliverect+m.replay != 100 || m.api+m.deliverect == 0 {
		return m, errors.New("the shares must add up to 100, with some new orders among them")
	}
	return m, nil
}

// kind says what the n-th order is: the same for every run, spread evenly.
func (m mix) kind(n int64) string {
	switch at := int(n*37) % 100; {
	case at < m.api:
		return "api"
	case at < m.api+m.deliverect:
		return "deliverect"
	default:
		return "replay"
	}
}

// driver sends the load.
type driver struct {
	options
	target
	run     string // makes the orders of this run new
	next    atomic.Int64
	limiter *rate.Limiter
	http    *http.Client
	direct  *direct // nil: by HTTP
	results results
}

// drive sends until the time or the orders are used up, and calls tick after every answer.
func drive(ctx context.Context, opts options, t target, tick func()) (*results, error) {
	ctx, cancel := context.WithTimeout(ctx, opts.duration)
	defer cancel()
	limit := rate.Inf
	if opts.rate > 0 {
		limit = rate.Limit(opts.rate)
	}
	d := &driver{
		options: opts, target: t, run: strings.ToLower(rand.Text()[:8]), limiter: rate.NewLimiter(limit, 1),
		http: &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: opts.concurrency}},
	}
	if opts.direct {
		var err error
		if d.direct, err = openDirect(ctx, t); err != nil {
			return nil, err
		}
		defer d.direct.hub.Close() //nolint:errcheck // everything was committed
	}
	d.results.start = time.Now()
	var workers sync.WaitGroup
	for range opts.concurrency {
		workers.Go(func() {
			for d.one(ctx) {
				tick()
			}
		})
	}
	workers.Wait()
	d.results.took = time.Since(d.results.start)
	return &d.results, nil
}

// one sends one order and tells whether to go on.
func (d *driver) one(ctx context.Context) bool {
	n := d.next.Add(1)
	if n > int64(d.orders) || d.limiter.Wait(ctx) != nil {
		return false
	}
	kind := d.mix.kind(n)
	began := time.Now()
	status, err := d.send(context.WithoutCancel(ctx), kind, n)
	d.results.add(kind, status, err, time.Since(began))
	return true
}

// send sends an order and returns the status of the answer.
func (d *driver) send(ctx context.Context, kind string, n int64) (int, error) {
	if d.direct != nil {
		return d.direct.place(ctx, d.body(kind, n))
	}
	request, err := d.request(ctx, kind, n)
	if err != nil {
		return 0, err
	}
	answer, err := d.http.Do(request)
	if err != nil {
		return 0, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close() // it was read to its end
	return answer.StatusCode, err
}

// body is the n-th order in the form of its kind.
func (d *driver) body(kind string, n int64) []byte {
	switch kind {
	case "replay": // the first order of the run: new once, known ever after
		return d.apiOrder(0)
	case "deliverect":
		return d.deliverectOrder(n)
	default:
		return d.apiOrder(n)
	}
}

func (d *driver) request(ctx context.Context, kind string, n int64) (*http.Request, error) {
	url, body := d.BaseURL+"/v1/orders", d.body(kind, n)
	if kind == "deliverect" {
		url = d.Channels["deliverect"].URL
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	if kind == "deliverect" {
		mac := hmac.New(sha256.New, []byte(d.Channels["deliverect"].Secret))
		mac.Write(body)
		request.Header.Set("X-Server-Authorization-HMAC-SHA256", hex.EncodeToString(mac.Sum(nil)))
	} else {
		request.Header.Set("Authorization", "Bearer "+d.Clients["shop"].APIKey)
	}
	return request, nil
}

// placedAt is the same for all orders of a run, so that a replay is the same to the letter.
const placedAt = "2026-03-01T18:04:05+01:00"

func (d *driver) apiOrder(n int64) []byte {
	return fmt.Appendf(nil, `{"channelOrderId":"LOAD-%s-%d","displayId":"%d","location":%q,"type":"delivery","placedAt":%q,"currency":"SEK",`+
		`"items":[{"plu":"PIZ-01","name":"Margherita","quantity":2,"unitPrice":11900,"modifiers":[{"plu":"TOP-07","name":"Mozzarella","quantity":1,"unitPrice":2500}]},`+
		`{"plu":"DRI-03","name":"Lemonade","quantity":1,"unitPrice":3500}],"fees":[{"kind":"delivery","amount":4900}],"total":37200,`+
		`"payment":{"method":"online","status":"paid","due":0},"customer":{"name":"Load Test","phone":"+46701740605","email":"load@example.com"},`+
		`"deliveryAddress":{"street":"Storgatan","streetNumber":"%d","postalCode":"11122","city":"Stockholm","country":"SE"}}`,
		d.run, n, n%1000, d.Location, placedAt, n%100)
}

func (d *driver) deliverectOrder(n int64) []byte {
	return fmt.Appendf(nil, `{"channelOrderId":"LOAD-%s-%d","channelOrderDisplayId":"%d","orderType":2,"courier":"restaurant","placedTime":"2026-03-01T17:04:05Z",`+
		`"payment":{"amount":21800,"type":3},"orderIsAlreadyPaid":true,"deliveryIsAsap":true,"decimalDigits":2,"deliveryCost":4900,`+
		`"customer":{"name":"Load Test","phoneNumber":"+46701740605"},"deliveryAddress":{"street":"Storgatan","streetNumber":"%d","postalCode":"11122","city":"Stockholm"},`+
		`"items":[{"plu":"BOWL-2","name":"Salmon bowl","price":14900,"quantity":1,"subItems":[{"plu":"X-AVO","name":"Avocado","price":2000,"quantity":1}]}]}`,
		d.run, n, n%1000, n%100)
}
