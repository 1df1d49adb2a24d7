package pubsub

import (
	"context"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc"
)

// Server is Pub/Sub in this process, for publishers and pullers. It keeps messages in memory. It is safe for concurrent
// use. Make one with [NewServer].
type Server struct {
	fake *pstest.Server

	mu      sync.Mutex
	waiting map[string][]chan struct{} // by topic
}

// NewServer returns a server that has no topics. Its clock is time.Now when now is nil.
func NewServer(now func() time.Time) *Server {
	s := &Server{fake: pstest.NewServerWithAddress("127.0.0.1:0"), waiting: map[string][]chan struct{}{}}
	if now != nil {
		s.fake.SetTimeNowFunc(now)
	}
	return s
}

// Register makes a gRPC server answer with this one.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	pubsubpb.RegisterPublisherServer(r, publisher{PublisherServer: &s.fake.GServer, wake: s.wake})
	pubsubpb.RegisterSubscriberServer(r, &s.fake.GServer)
	pubsubpb.RegisterSchemaServiceServer(r, &s.fake.GServer)
}

// Published returns every message that was ever published on a topic, by its full name, in the order of publication.
func (s *Server) Published(topic string) []*pubsubpb.PubsubMessage {
	var found []*pubsubpb.PubsubMessage
	for _, m := range s.fake.Messages() {
		if m.Topic == topic {
			found = append(found, &pubsubpb.PubsubMessage{
				MessageId: m.ID, Data: m.Data, Attributes: m.Attributes, OrderingKey: m.OrderingKey})
		}
	}
	return found
}

// Wake returns a channel that holds a value after messages were published on a topic, by its full name, so that a
// puller need not ask all the time; and a function that ends it.
func (s *Server) Wake(topic string) (woken <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting[topic] = append(s.waiting[topic], c)
	return c, func() { s.forget(topic, c) }
}

// Close ends the server and forgets all messages.
func (s *Server) Close() error { return s.fake.Close() }

func (s *Server) wake(topic string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.waiting[topic] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

func (s *Server) forget(topic string, c chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rest := s.waiting[topic][:0:0]
	for _, other := range s.waiting[topic] {
		if other != c {
			rest = append(rest, other)
		}
	}
	s.waiting[topic] = rest
}

// publisher is the fake's publisher, with production's limits and a word to those who wait.
type publisher struct {
	pubsubpb.PublisherServer
	wake func(topic string)
}

func (p publisher) Publish(ctx context.Context, req *pubsubpb.PublishRequest) (*pubsubpb.PublishResponse, error) {
	if err := checkPublish(req); err != nil {
		return nil, err
	}
	answer, err := p.PublisherServer.Publish(ctx, req)
	if err == nil {
		p.wake(req.Topic)
	}
	return answer, err
}
