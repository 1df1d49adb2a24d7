package pubsub

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

var (
	topicName        = regexp.MustCompile(`^projects/[^/]+/topics/[A-Za-z][-A-Za-z0-9_.~+%]{2,254}$`)
	subscriptionName = regexp.MustCompile(`^projects/[^/]+/subscriptions/[A-Za-z][-A-Za-z0-9_.~+%]{2,254}$`)
)

func invalid(format string, args ...any) error {
	return status.Errorf(codes.InvalidArgument, format, args...)
}

func notFound(name string) error {
	return status.Errorf(codes.NotFound, "Resource not found (resource=%s).", name)
}

func exists(name string) error {
	return status.Errorf(codes.AlreadyExists, "Resource already exists in the project (resource=%s).", name)
}

// CreateTopic implements google.pubsub.v1.Publisher.
func (s *Server) CreateTopic(_ context.Context, req *pubsubpb.Topic) (*pubsubpb.Topic, error) {
	if !topicName.MatchString(req.GetName()) {
		return nil, invalid("Invalid topic name: %s", req.GetName())
	}
	if req.GetSchemaSettings() != nil || req.GetIngestionDataSourceSettings() != nil || len(req.GetMessageTransforms()) > 0 {
		return nil, status.Error(codes.Unimplemented, "schemas, ingestion and transforms are not part of the embedded Pub/Sub")
	}
	return req, s.change(func() (*record, error) {
		if s.topics[req.GetName()] != nil {
			return nil, exists(req.GetName())
		}
		s.addTopic(req)
		return &record{kind: recordTopic, message: req}, nil
	})
}

func (s *Server) addTopic(t *pubsubpb.Topic) { s.topics[t.GetName()] = &topic{resource: t} }

// GetTopic implements google.pubsub.v1.Publisher.
func (s *Server) GetTopic(_ context.Context, req *pubsubpb.GetTopicRequest) (*pubsubpb.Topic, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.topics[req.GetTopic()]; t != nil {
		return t.resource, nil
	}
	return nil, notFound(req.GetTopic())
}

// ListTopics implements google.pubsub.v1.Publisher.
func (s *Server) ListTopics(_ context.Context, req *pubsubpb.ListTopicsRequest) (*pubsubpb.ListTopicsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names, next := page(s.topics, req.GetProject()+"/topics/", req.GetPageSize(), req.GetPageToken())
	answer := &pubsubpb.ListTopicsResponse{NextPageToken: next}
	for _, name := range names {
		answer.Topics = append(answer.Topics, s.topics[name].resource)
	}
	return answer, nil
}

// page are the names that begin with a prefix and come after a token, at most so many; and the token of what follows.
func page[T any](all map[string]T, prefix string, size int32, after string) (names []string, next string) {
	for name := range all {
		if strings.HasPrefix(name, prefix) && name > after {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if size > 0 && len(names) > int(size) {
		names = names[:size]
		next = names[size-1]
	}
	return names, next
}

// ListTopicSubscriptions implements google.pubsub.v1.Publisher.
func (s *Server) ListTopicSubscriptions(
	_ context.Context, req *pubsubpb.ListTopicSubscriptionsRequest,
) (*pubsubpb.ListTopicSubscriptionsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.topics[req.GetTopic()] == nil {
		return nil, notFound(req.GetTopic())
	}
	of := map[string]*queue{}
	for name, q := range s.subs {
		if q.resource.GetTopic() == req.GetTopic() {
			of[name] = q
		}
	}
	names, next := page(of, "", req.GetPageSize(), req.GetPageToken())
	return &pubsubpb.ListTopicSubscriptionsResponse{Subscriptions: names, NextPageToken: next}, nil
}

// deletedTopic is what the subscriptions of a topic that is gone are subscribed to.
const deletedTopic = "_deleted-topic_"

// DeleteTopic implements google.pubsub.v1.Publisher. Its subscriptions stay, with what waits in them.
func (s *Server) DeleteTopic(_ context.Context, req *pubsubpb.DeleteTopicRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.change(func() (*record, error) {
		if s.topics[req.GetTopic()] == nil {
			return nil, notFound(req.GetTopic())
		}
		s.dropTopic(req.GetTopic())
		return &record{kind: recordTopicGone, message: req}, nil
	})
}

func (s *Server) dropTopic(name string) {
	delete(s.topics, name)
	for _, q := range s.subs {
		if q.resource.GetTopic() == name {
			q.resource = proto.CloneOf(q.resource)
			q.resource.Topic = deletedTopic
		}
	}
}

// Publish implements google.pubsub.v1.Publisher. With a directory, what it answers is durable.
func (s *Server) Publish(_ context.Context, req *pubsubpb.PublishRequest) (*pubsubpb.PublishResponse, error) {
	if err := checkPublish(req); err != nil {
		return nil, err
	}
	answer := &pubsubpb.PublishResponse{}
	return answer, s.change(func() (*record, error) {
		t := s.topics[req.GetTopic()]
		if t == nil {
			return nil, notFound(req.GetTopic())
		}
		now := s.opts.Now()
		for _, m := range req.GetMessages() {
			s.lastID = max(s.lastID+1, now.UnixMicro())
			m.MessageId, m.PublishTime = strconv.FormatInt(s.lastID, 10), timestamppb.New(now)
			answer.MessageIds = append(answer.MessageIds, m.MessageId)
		}
		t.remember(req.GetMessages())
		s.enqueue(req)
		s.wake(req.GetTopic())
		return &record{kind: recordPublish, message: req}, nil
	})
}

// enqueue puts messages into the topic's subscriptions.
func (s *Server) enqueue(req *pubsubpb.PublishRequest) {
	for _, q := range s.subs {
		if q.resource.GetTopic() == req.GetTopic() {
			q.add(req.GetMessages())
		}
	}
}
