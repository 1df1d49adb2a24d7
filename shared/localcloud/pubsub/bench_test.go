package pubsub_test

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	pubsubapi "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"ryggrad.internal/hub/shared/localcloud/pubsub"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

const (
	topic        = "projects/p/topics/events"
	deadTopic    = "projects/p/topics/events-dead"
	subscription = "projects/p/subscriptions/dispatch"
)

// bench is a Pub/Sub with an endpoint that the test answers for, one request at a time or several.
type bench struct {
	clock    atomic.Int64 // the server's, in nanoseconds that are added to the real time
	faults   wire.Faults  // of the clients
	server   *pubsub.Server
	topics   *pubsubapi.TopicAdminClient
	subs     *pubsubapi.SubscriptionAdminClient
	endpoint *httptest.Server
	requests chan request       // what arrived at the endpoint
	waits    chan time.Duration // the backoffs that began
	release  chan time.Time     // ends one backoff
	stop     func()             // ends the pusher and waits for it
}

// request is a push that waits for its answer.
type request struct {
	header http.Header
	body   body
	raw    string
	answer chan<- int // the status
}

// body is a push request's as its receiver reads it.
type body struct {
	Message struct {
		Data        []byte            `json:"data"`
		Attributes  map[string]string `json:"attributes"`
		MessageID   string            `json:"messageId"`
		PublishTime time.Time         `json:"publishTime"`
		OrderingKey string            `json:"orderingKey"`
	} `json:"message"`
	Subscription    string `json:"subscription"`
	DeliveryAttempt int    `json:"deliveryAttempt"`
}

// start runs a Pub/Sub and, unless told otherwise by the endpoint's absence, a pusher of a subscription like sub.
func start(tb testing.TB, sub pubsub.Subscription) *bench {
	tb.Helper()
	b := &bench{
		requests: make(chan request, 100),
		waits:    make(chan time.Duration, 100),
		release:  make(chan time.Time),
	}
	b.open(tb, "")
	b.endpoint = httptest.NewServer(http.HandlerFunc(b.receive))
	tb.Cleanup(b.endpoint.Close)
	for _, name := range []string{topic, deadTopic} {
		if _, err := b.topics.CreateTopic(tb.Context(), &pubsubpb.Topic{Name: name}); err != nil {
			tb.Fatal(err)
		}
	}
	sub.Name, sub.Topic, sub.Endpoint = subscription, topic, b.endpoint.URL
	inPubSub := sub
	inPubSub.Ordered = false // so that the pusher alone keeps the order
	if err := inPubSub.Create(tb.Context(), b.subs); err != nil {
		tb.Fatal(err)
	}
	b.push(tb, sub)
	return b
}

// open opens the server, and serves it.
func (b *bench) open(tb testing.TB, dir string) {
	tb.Helper()
	var err error
	b.server, err = pubsub.Open(pubsub.Options{
		Dir: dir, Now: func() time.Time { return time.Now().Add(time.Duration(b.clock.Load())) }})
	if err != nil {
		tb.Fatal(err)
	}
	b.serve(tb)
}

// serve puts the server on a loopback port and opens the real clients.
func (b *bench) serve(tb testing.TB) {
	tb.Helper()
	listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	g := grpc.NewServer()
	b.server.Register(g)
	var serving sync.WaitGroup
	serving.Go(func() { _ = g.Serve(listener) })
	opts := append(b.faults.DialOptions(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	conn, err := grpc.NewClient(listener.Addr().String(), opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		_ = conn.Close()
		g.Stop()
		serving.Wait()
		_ = b.server.Close()
	})
	ctx := context.WithoutCancel(tb.Context())
	if b.topics, err = pubsubapi.NewTopicAdminClient(ctx, option.WithGRPCConn(conn)); err != nil {
		tb.Fatal(err)
	}
	if b.subs, err = pubsubapi.NewSubscriptionAdminClient(ctx, option.WithGRPCConn(conn)); err != nil {
		tb.Fatal(err)
	}
}

func (b *bench) push(tb testing.TB, sub pubsub.Subscription) {
	tb.Helper()
	p := pubsub.NewPusher(sub, pubsub.PusherOptions{
		Subscriber: b.subs, Publisher: b.topics, Wake: b.server.Wake,
		After: func(d time.Duration) <-chan time.Time {
			b.waits <- d
			return b.release
		},
		Now: func() time.Time { return time.Now().Add(time.Duration(b.clock.Load())) },
	})
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx) })
	b.stop = func() {
		cancel()
		running.Wait()
	}
	tb.Cleanup(b.stop)
}

// receive hands a push to the test and answers what the test says.
func (b *bench) receive(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/elsewhere" {
		return
	}
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	answer := make(chan int, 1)
	req := request{header: r.Header, raw: string(raw), answer: answer}
	if err := json.Unmarshal(raw, &req.body); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	b.requests <- req
	select {
	case status := <-answer:
		w.Header().Set("Location", b.endpoint.URL+"/elsewhere") // where nobody must go
		w.WriteHeader(status)
		if status == http.StatusProcessing {
			<-r.Context().Done() // no further answer: this one must do
		}
	case <-r.Context().Done():
	}
}

func (b *bench) publish(t *testing.T, messages ...*pubsubpb.PubsubMessage) {
	t.Helper()
	for _, m := range messages {
		_, err := b.topics.Publish(t.Context(), &pubsubpb.PublishRequest{Topic: topic, Messages: []*pubsubpb.PubsubMessage{m}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// next returns the next push, answered with a status.
func (b *bench) next(status int) body {
	r := <-b.requests
	r.answer <- status
	return r.body
}

// nextLeased is next for a message whose lease must run out before: one lease after the other does, since the pusher may
// still hold the message at the end of the first.
func (b *bench) nextLeased(status int) body {
	leases := time.NewTicker(50 * time.Millisecond)
	defer leases.Stop()
	for {
		select {
		case r := <-b.requests:
			r.answer <- status
			return r.body
		case <-leases.C:
			b.clock.Add(int64(61 * time.Second))
		}
	}
}

func text(data string) *pubsubpb.PubsubMessage { return &pubsubpb.PubsubMessage{Data: []byte(data)} }
