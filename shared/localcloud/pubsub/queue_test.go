package pubsub_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestAMessageIsItsPullersForATime(t *testing.T) {
	t.Parallel()
	b := durable(t, "")
	b.publish(t, text("a"))
	_, first := b.pull(t, subscription)
	if data, _ := b.pull(t, subscription); len(data) > 0 {
		t.Errorf("%q was given to two", data)
	}
	b.clock.Add(int64(time.Minute + time.Second))
	_, second := b.pull(t, subscription)
	if len(second) != 1 || second[0].GetMessage().GetMessageId() != first[0].GetMessage().GetMessageId() {
		t.Fatalf("after its time: %v", second)
	}
	late := &pubsubpb.ModifyAckDeadlineRequest{Subscription: subscription, AckIds: []string{first[0].GetAckId()}}
	if err := b.subs.ModifyAckDeadline(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	if data, _ := b.pull(t, subscription); len(data) > 0 {
		t.Errorf("%q was given back by who no longer had it", data)
	}
	b.acknowledge(t, subscription, first[0]) // late, but done is done
	b.clock.Add(int64(time.Minute + time.Second))
	if data, _ := b.pull(t, subscription); len(data) > 0 {
		t.Errorf("%q came after it was acknowledged", data)
	}
}

func TestMessagesAreForgottenAfterSevenDays(t *testing.T) {
	t.Parallel()
	b := durable(t, "")
	b.publish(t, text("old"))
	b.clock.Add(int64(7*24*time.Hour + time.Second))
	b.publish(t, text("new"))
	if data, _ := b.pull(t, subscription); !slices.Equal(data, []string{"new"}) {
		t.Errorf("%q are there", data)
	}
}

func TestAnOrderingKeyWaitsForItsFirst(t *testing.T) {
	t.Parallel()
	b := durable(t, "")
	const ordered = "projects/p/subscriptions/ordered"
	_, err := b.subs.CreateSubscription(t.Context(), &pubsubpb.Subscription{
		Name: ordered, Topic: topic, AckDeadlineSeconds: 60, EnableMessageOrdering: true})
	if err != nil {
		t.Fatal(err)
	}
	one := &pubsubpb.PullRequest{Subscription: ordered, MaxMessages: 1}
	b.publish(t, &pubsubpb.PubsubMessage{Data: []byte("1"), OrderingKey: "k"})
	b.publish(t, &pubsubpb.PubsubMessage{Data: []byte("2"), OrderingKey: "k"})
	b.publish(t, &pubsubpb.PubsubMessage{Data: []byte("free"), OrderingKey: "l"})
	first, err := b.subs.Pull(t.Context(), one)
	if err != nil || string(first.GetReceivedMessages()[0].GetMessage().GetData()) != "1" {
		t.Fatalf("first %v, %v", first, err)
	}
	if data, _ := b.pull(t, ordered); !slices.Equal(data, []string{"free"}) {
		t.Errorf("beside it %q", data)
	}
	b.acknowledge(t, ordered, first.GetReceivedMessages()...)
	if data, _ := b.pull(t, ordered); !slices.Equal(data, []string{"2"}) {
		t.Errorf("after it %q", data)
	}
}

func TestAPullWaitsForAMessage(t *testing.T) {
	t.Parallel()
	b := durable(t, "")
	pulled := make(chan *pubsubpb.PullResponse, 1)
	go func() {
		answer, err := b.subs.Pull(context.WithoutCancel(t.Context()), &pubsubpb.PullRequest{Subscription: subscription, MaxMessages: 10})
		if err != nil {
			t.Error(err)
		}
		pulled <- answer
	}()
	b.publish(t, text("a"))
	if got := (<-pulled).GetReceivedMessages(); len(got) != 1 {
		t.Errorf("pulled %v", got)
	}
}

func TestAStreamBringsAndTakes(t *testing.T) {
	t.Parallel()
	b := durable(t, "")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := b.subs.StreamingPull(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&pubsubpb.StreamingPullRequest{Subscription: subscription, StreamAckDeadlineSeconds: 60}); err != nil {
		t.Fatal(err)
	}
	b.publish(t, text("a"))
	first, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	again := first.GetReceivedMessages()[0].GetAckId()
	if err := stream.Send(&pubsubpb.StreamingPullRequest{ModifyDeadlineAckIds: []string{again}, ModifyDeadlineSeconds: []int32{0}}); err != nil {
		t.Fatal(err)
	}
	second, err := stream.Recv()
	if err != nil || string(second.GetReceivedMessages()[0].GetMessage().GetData()) != "a" {
		t.Fatalf("given back, it came as %v, %v", second, err)
	}
	if err := stream.Send(&pubsubpb.StreamingPullRequest{AckIds: []string{second.GetReceivedMessages()[0].GetAckId()}}); err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err == nil {
		t.Error("the stream goes on")
	}
	b.clock.Add(int64(time.Hour))
	if data, _ := b.pull(t, subscription); len(data) > 0 {
		t.Errorf("%q came after it was acknowledged", data)
	}
}

func TestResourcesAreRefusedAsInProduction(t *testing.T) {
	t.Parallel()
	b := durable(t, "")
	sub := func(change func(*pubsubpb.Subscription)) error {
		s := &pubsubpb.Subscription{Name: "projects/p/subscriptions/new", Topic: topic}
		change(s)
		_, err := b.subs.CreateSubscription(t.Context(), s)
		return err
	}
	for name, c := range map[string]struct {
		err  error
		want codes.Code
	}{
		"no topic":    {sub(func(s *pubsubpb.Subscription) { s.Topic = "projects/p/topics/none" }), codes.NotFound},
		"bad name":    {sub(func(s *pubsubpb.Subscription) { s.Name = "new" }), codes.InvalidArgument},
		"taken":       {sub(func(s *pubsubpb.Subscription) { s.Name = subscription }), codes.AlreadyExists},
		"no deadline": {sub(func(s *pubsubpb.Subscription) { s.AckDeadlineSeconds = 5 }), codes.InvalidArgument},
		"a filter":    {sub(func(s *pubsubpb.Subscription) { s.Filter = `attributes:x` }), codes.Unimplemented},
	} {
		if got := status.Code(c.err); got != c.want {
			t.Errorf("%s: %v, want %v", name, c.err, c.want)
		}
	}
}
