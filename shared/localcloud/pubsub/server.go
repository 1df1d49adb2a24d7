package pubsub

import (
	"fmt"
	"log/slog"
	"sync"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc"

	"ryggrad.internal/hub/shared/localcloud/journal"
)

// Options say what a server keeps.
type Options struct {
	Dir string           // where messages that are not acknowledged survive; in memory only when empty
	Now func() time.Time // time.Now when nil
	Log *slog.Logger     // discarded when nil
}

// Server is Pub/Sub in this process, for publishers and pullers. It is safe for concurrent use. Open one with [Open].
type Server struct {
	pubsubpb.UnimplementedPublisherServer
	pubsubpb.UnimplementedSubscriberServer
	opts    Options
	journal *journal.Journal // nil: in memory only

	mu       sync.Mutex
	topics   map[string]*topic
	subs     map[string]*queue
	lastID   int64                      // of a message
	waiting  map[string][]chan struct{} // by topic
	snapshot int64                      // the last one's size, in bytes
}

// topic is a topic with what was published on it since the server was opened.
type topic struct {
	resource  *pubsubpb.Topic
	published []*pubsubpb.PubsubMessage
}

// Open opens a server with what its directory holds. Whoever opens a server must close it.
func Open(opts Options) (*Server, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{opts: opts, topics: map[string]*topic{}, subs: map[string]*queue{}, waiting: map[string][]chan struct{}{}}
	if opts.Dir == "" {
		return s, nil
	}
	if err := s.recover(); err != nil {
		return nil, fmt.Errorf("open pubsub: %w", err)
	}
	return s, nil
}

// Register makes a gRPC server answer with this one.
func (s *Server) Register(r grpc.ServiceRegistrar) {
	pubsubpb.RegisterPublisherServer(r, s)
	pubsubpb.RegisterSubscriberServer(r, s)
}

// mostPublished is how many messages of a topic are remembered, at least half of it.
const mostPublished = 1 << 17

// Published returns the messages that were published on a topic since the server was opened, by the topic's full name, in
// the order of publication: all of them, up to some ten thousand, then the newest ones.
func (s *Server) Published(name string) []*pubsubpb.PubsubMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.topics[name]; t != nil {
		return append([]*pubsubpb.PubsubMessage(nil), t.published...)
	}
	return nil
}

func (t *topic) remember(messages []*pubsubpb.PubsubMessage) {
	if len(t.published) > mostPublished {
		t.published = append([]*pubsubpb.PubsubMessage(nil), t.published[mostPublished/2:]...)
	}
	t.published = append(t.published, messages...)
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

// wake tells those who wait for a topic. It is called with the lock held.
func (s *Server) wake(topic string) {
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

// Close makes everything durable and ends the server. The gRPC server should have stopped; what it still asks fails.
func (s *Server) Close() error {
	if s.journal == nil {
		return nil
	}
	return s.journal.Close()
}
