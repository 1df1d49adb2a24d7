package pubsub

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	pubsubapi "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Defaults and bounds of push subscriptions, https://cloud.google.com/pubsub/docs/subscription-properties.
const (
	defaultAckDeadline = 10 * time.Second
	defaultMinBackoff  = 10 * time.Second
	defaultMaxBackoff  = 600 * time.Second
	defaultAttempts    = 5
	defaultConcurrency = 16
	retention          = 7 * 24 * time.Hour

	// lease is how long a pulled message is the pusher's, in seconds. One that takes longer comes again, and is
	// recognised; one whose acknowledgement was lost comes again, and is pushed again.
	lease = 60
)

// Subscription is a push subscription. Zero fields have the defaults of production.
type Subscription struct {
	Name     string // full name: projects/P/subscriptions/S
	Topic    string // full name: projects/P/topics/T
	Endpoint string // the URL that messages are posted to

	AckDeadline time.Duration // how long the endpoint has to answer
	MinBackoff  time.Duration // the wait before the second delivery; it doubles with each
	MaxBackoff  time.Duration // the longest wait
	Ordered     bool          // messages with the same ordering key are delivered one after the other

	DeadLetterTopic string // full name; without one, delivery is tried for seven days
	MaxAttempts     int    // deliveries before a message goes to the dead-letter topic

	Concurrency int // requests at once
}

func (s Subscription) complete() Subscription {
	s.AckDeadline = orElse(s.AckDeadline, defaultAckDeadline)
	s.MinBackoff = orElse(s.MinBackoff, defaultMinBackoff)
	s.MaxBackoff = max(orElse(s.MaxBackoff, defaultMaxBackoff), s.MinBackoff)
	s.MaxAttempts = orElse(s.MaxAttempts, defaultAttempts)
	s.Concurrency = orElse(s.Concurrency, defaultConcurrency)
	return s
}

func orElse[T int | time.Duration](value, otherwise T) T {
	if value <= 0 {
		return otherwise
	}
	return value
}

// backoff returns the wait after the n-th delivery has failed; the first is 1.
func (s Subscription) backoff(n int) time.Duration {
	wait := s.MinBackoff
	for range n - 1 {
		if wait >= s.MaxBackoff/2 {
			return s.MaxBackoff
		}
		wait *= 2
	}
	return min(wait, s.MaxBackoff)
}

// Create makes the subscription known to Pub/Sub, so that it holds what is published from now on. One of the same name
// stays as it is. It is a pull subscription there: pushing is the pusher's part.
func (s Subscription) Create(ctx context.Context, client *pubsubapi.SubscriptionAdminClient) error {
	_, err := client.CreateSubscription(ctx, &pubsubpb.Subscription{
		Name: s.Name, Topic: s.Topic, AckDeadlineSeconds: lease, EnableMessageOrdering: s.Ordered})
	if err != nil && status.Code(err) != codes.AlreadyExists {
		return fmt.Errorf("create subscription %s: %w", s.Name, err)
	}
	return nil
}

// deadLetter returns the message as Google would forward it,
// https://cloud.google.com/pubsub/docs/handling-failures#track-delivery-attempts.
func (s Subscription) deadLetter(m *pubsubpb.PubsubMessage, attempts int) *pubsubpb.PubsubMessage {
	_, rest, _ := strings.Cut(s.Name, "projects/")
	project, id, _ := strings.Cut(rest, "/subscriptions/")
	attributes := map[string]string{
		"CloudPubSubDeadLetterSourceDeliveryCount":       strconv.Itoa(attempts),
		"CloudPubSubDeadLetterSourceSubscription":        id,
		"CloudPubSubDeadLetterSourceSubscriptionProject": project,
		"CloudPubSubDeadLetterSourceTopicPublishTime":    m.PublishTime.AsTime().Format("2006-01-02T15:04:05.000-07:00"),
	}
	for key, value := range m.Attributes {
		attributes[key] = value
	}
	return &pubsubpb.PubsubMessage{Data: m.Data, Attributes: attributes, OrderingKey: m.OrderingKey}
}
