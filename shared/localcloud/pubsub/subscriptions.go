package pubsub

import (
	"context"
	"errors"
	"io"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"
)

const (
	minLease   = 10  // seconds
	maxLease   = 600 // seconds
	mostAtOnce = 1000
	pullFor    = 90 * time.Second // how long a pull waits for the first message
	lookAgain  = time.Second      // the wait before leases are looked at again
)

// CreateSubscription implements google.pubsub.v1.Subscriber.
func (s *Server) CreateSubscription(_ context.Context, req *pubsubpb.Subscription) (*pubsubpb.Subscription, error) {
	if !subscriptionName.MatchString(req.GetName()) {
		return nil, invalid("Invalid subscription name: %s", req.GetName())
	}
	if err := completeSubscription(req); err != nil {
		return nil, err
	}
	return req, s.change(func() (*record, error) {
		if s.subs[req.GetName()] != nil {
			return nil, exists(req.GetName())
		}
		if s.topics[req.GetTopic()] == nil {
			return nil, notFound(req.GetTopic())
		}
		s.subs[req.GetName()] = newQueue(req)
		return &record{kind: recordSubscription, message: req}, nil
	})
}

// completeSubscription sets what was left open, and refuses what this server would not do.
func completeSubscription(req *pubsubpb.Subscription) error {
	if req.GetPushConfig().GetPushEndpoint() != "" || req.GetBigqueryConfig() != nil || req.GetCloudStorageConfig() != nil ||
		req.GetFilter() != "" || req.GetDeadLetterPolicy() != nil || req.GetEnableExactlyOnceDelivery() || len(req.GetMessageTransforms()) > 0 {
		return status.Error(codes.Unimplemented, "the embedded Pub/Sub has plain pull subscriptions only: its pusher does the rest")
	}
	if req.AckDeadlineSeconds == 0 {
		req.AckDeadlineSeconds = minLease
	}
	if req.AckDeadlineSeconds < minLease || req.AckDeadlineSeconds > maxLease {
		return invalid("The ack deadline is %d to %d seconds.", minLease, maxLease)
	}
	return nil
}

// queue finds a subscription. It is called with the lock held.
func (s *Server) queue(name string) (*queue, error) {
	if q := s.subs[name]; q != nil {
		return q, nil
	}
	return nil, notFound(name)
}

// GetSubscription implements google.pubsub.v1.Subscriber.
func (s *Server) GetSubscription(_ context.Context, req *pubsubpb.GetSubscriptionRequest) (*pubsubpb.Subscription, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(req.GetSubscription())
	if err != nil {
		return nil, err
	}
	return q.resource, nil
}

// ListSubscriptions implements google.pubsub.v1.Subscriber.
func (s *Server) ListSubscriptions(_ context.Context, req *pubsubpb.ListSubscriptionsRequest) (*pubsubpb.ListSubscriptionsResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	names, next := page(s.subs, req.GetProject()+"/subscriptions/", req.GetPageSize(), req.GetPageToken())
	answer := &pubsubpb.ListSubscriptionsResponse{NextPageToken: next}
	for _, name := range names {
		answer.Subscriptions = append(answer.Subscriptions, s.subs[name].resource)
	}
	return answer, nil
}

// DeleteSubscription implements google.pubsub.v1.Subscriber.
func (s *Server) DeleteSubscription(_ context.Context, req *pubsubpb.DeleteSubscriptionRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.change(func() (*record, error) {
		q, err := s.queue(req.GetSubscription())
		if err != nil {
			return nil, err
		}
		s.dropSubscription(q)
		return &record{kind: recordSubscriptionGone, message: req}, nil
	})
}

func (s *Server) dropSubscription(q *queue) {
	delete(s.subs, q.resource.GetName())
	q.gone = true
	q.notify()
}

// Pull implements google.pubsub.v1.Subscriber.
func (s *Server) Pull(ctx context.Context, req *pubsubpb.PullRequest) (*pubsubpb.PullResponse, error) {
	if req.GetMaxMessages() <= 0 {
		return nil, invalid("max_messages must be positive.")
	}
	s.mu.Lock()
	q, err := s.queue(req.GetSubscription())
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, pullFor)
	defer cancel()
	wait := !req.GetReturnImmediately() //nolint:staticcheck // deprecated, and heeded
	messages, err := s.take(ctx, q, min(int(req.GetMaxMessages()), mostAtOnce), 0, wait)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil
	}
	return &pubsubpb.PullResponse{ReceivedMessages: messages}, err
}

// take pulls messages, and waits for the first one. A lease of 0 is the subscription's.
func (s *Server) take(ctx context.Context, q *queue, most int, lease time.Duration, wait bool) ([]*pubsubpb.ReceivedMessage, error) {
	for {
		s.mu.Lock()
		if q.gone {
			s.mu.Unlock()
			return nil, notFound(q.resource.GetName())
		}
		if lease == 0 {
			lease = q.lease()
		}
		taken, changed := q.pull(most, lease, s.opts.Now()), q.changed
		s.mu.Unlock()
		if len(taken) > 0 || !wait {
			return taken, nil
		}
		timer := time.NewTimer(lookAgain)
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
}

// Acknowledge implements google.pubsub.v1.Subscriber. Ids of what is acknowledged already are passed over.
func (s *Server) Acknowledge(_ context.Context, req *pubsubpb.AcknowledgeRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, s.acknowledge(req.GetSubscription(), req.GetAckIds())
}

func (s *Server) acknowledge(name string, ackIDs []string) error {
	return s.change(func() (*record, error) {
		q, err := s.queue(name)
		if err != nil {
			return nil, err
		}
		done := &pubsubpb.AcknowledgeRequest{Subscription: name}
		for _, ackID := range ackIDs {
			if h := q.find(ackID); h != nil {
				q.drop(h.message.GetMessageId())
				done.AckIds = append(done.AckIds, h.message.GetMessageId())
			}
		}
		if len(done.GetAckIds()) == 0 {
			return nil, nil //nolint:nilnil // nothing has changed
		}
		if q.resource.GetEnableMessageOrdering() {
			q.notify()
		}
		return &record{kind: recordAcknowledge, message: done}, nil
	})
}

// ModifyAckDeadline implements google.pubsub.v1.Subscriber.
func (s *Server) ModifyAckDeadline(_ context.Context, req *pubsubpb.ModifyAckDeadlineRequest) (*emptypb.Empty, error) {
	if req.GetAckDeadlineSeconds() < 0 || req.GetAckDeadlineSeconds() > maxLease {
		return nil, invalid("The ack deadline is 0 to %d seconds.", maxLease)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(req.GetSubscription())
	if err != nil {
		return nil, err
	}
	q.extend(req.GetAckIds(), time.Duration(req.GetAckDeadlineSeconds())*time.Second, s.opts.Now())
	return &emptypb.Empty{}, nil
}

// extend changes for how long messages are their puller's. For 0 they are nobody's.
func (q *queue) extend(ackIDs []string, lease time.Duration, now time.Time) {
	for _, ackID := range ackIDs {
		if h := q.find(ackID); h != nil && h.ackID() == ackID {
			h.until = now.Add(lease)
		}
	}
	if lease == 0 {
		q.notify()
	}
}

// StreamingPull implements google.pubsub.v1.Subscriber.
func (s *Server) StreamingPull(stream pubsubpb.Subscriber_StreamingPullServer) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	s.mu.Lock()
	q, err := s.queue(first.GetSubscription())
	s.mu.Unlock()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(stream.Context())
	go func() { cancel(s.listen(stream, q)) }()
	lease := time.Duration(first.GetStreamAckDeadlineSeconds()) * time.Second
	for {
		messages, err := s.take(ctx, q, mostAtOnce, lease, true)
		if cause := context.Cause(ctx); cause != nil {
			if errors.Is(cause, io.EOF) {
				return nil
			}
			return cause
		}
		if err != nil {
			return err
		}
		if err := stream.Send(&pubsubpb.StreamingPullResponse{ReceivedMessages: messages}); err != nil {
			return err
		}
	}
}

// listen does what the puller of a stream says, until he ends it.
func (s *Server) listen(stream pubsubpb.Subscriber_StreamingPullServer, q *queue) error {
	for {
		req, err := stream.Recv()
		if err != nil {
			return err
		}
		if len(req.GetAckIds()) > 0 {
			if err := s.acknowledge(q.resource.GetName(), req.GetAckIds()); err != nil {
				return err
			}
		}
		if len(req.GetModifyDeadlineSeconds()) != len(req.GetModifyDeadlineAckIds()) {
			return invalid("There must be a deadline for each ack id.")
		}
		s.mu.Lock()
		for i, ackID := range req.GetModifyDeadlineAckIds() {
			q.extend([]string{ackID}, time.Duration(req.GetModifyDeadlineSeconds()[i])*time.Second, s.opts.Now())
		}
		s.mu.Unlock()
	}
}
