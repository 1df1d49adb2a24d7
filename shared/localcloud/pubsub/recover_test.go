package pubsub_test

import (
	"slices"
	"strconv"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"ryggrad.internal/hub/shared/localcloud/pubsub"
)

const other = "projects/p/subscriptions/other"

// durable opens a Pub/Sub over a directory, with a topic and two subscriptions, and no pusher.
func durable(t *testing.T, dir string) *bench {
	t.Helper()
	b := &bench{}
	b.open(t, dir)
	if _, err := b.topics.GetTopic(t.Context(), &pubsubpb.GetTopicRequest{Topic: topic}); err == nil {
		return b
	}
	if _, err := b.topics.CreateTopic(t.Context(), &pubsubpb.Topic{Name: topic}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{subscription, other} {
		if err := (pubsub.Subscription{Name: name, Topic: topic}).Create(t.Context(), b.subs); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// pull takes what a subscription has, and returns it by its data.
func (b *bench) pull(t *testing.T, name string) (data []string, messages []*pubsubpb.ReceivedMessage) {
	t.Helper()
	answer, err := b.subs.Pull(t.Context(), atOnce(name, 100))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range answer.GetReceivedMessages() {
		data = append(data, string(m.GetMessage().GetData()))
	}
	return data, answer.GetReceivedMessages()
}

// atOnce asks for what is there now.
func atOnce(subscription string, most int32) *pubsubpb.PullRequest {
	return &pubsubpb.PullRequest{Subscription: subscription, MaxMessages: most, ReturnImmediately: true} //nolint:staticcheck // deprecated for those who would wait
}

func (b *bench) acknowledge(t *testing.T, name string, messages ...*pubsubpb.ReceivedMessage) {
	t.Helper()
	req := &pubsubpb.AcknowledgeRequest{Subscription: name}
	for _, m := range messages {
		req.AckIds = append(req.AckIds, m.GetAckId())
	}
	if err := b.subs.Acknowledge(t.Context(), req); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsNotAcknowledgedComesAgainAfterAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := durable(t, dir)
	b.publish(t, text("a"))
	b.publish(t, text("b"))
	b.publish(t, &pubsubpb.PubsubMessage{Data: []byte("c"), Attributes: map[string]string{"k": "v"}, OrderingKey: "o"})
	_, before := b.pull(t, subscription)
	b.acknowledge(t, subscription, before[1])

	for range 3 { // each as after a kill: nobody closes the one before
		b = durable(t, dir)
		data, after := b.pull(t, subscription)
		if !slices.Equal(data, []string{"a", "c"}) {
			t.Fatalf("%q come again, want a and c", data)
		}
		was, is := before[2].GetMessage(), after[1].GetMessage()
		if is.GetMessageId() != was.GetMessageId() || is.GetOrderingKey() != "o" || is.GetAttributes()["k"] != "v" ||
			!is.GetPublishTime().AsTime().Equal(was.GetPublishTime().AsTime()) {
			t.Errorf("came again as %v, was %v", is, was)
		}
		if data, _ := b.pull(t, other); !slices.Equal(data, []string{"a", "b", "c"}) {
			t.Errorf("%q come again to who acknowledged nothing", data)
		}
	}
}

func TestWhatIsDeletedStaysSoAfterAKill(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := durable(t, dir)
	b.publish(t, text("a"))
	if err := b.subs.DeleteSubscription(t.Context(), &pubsubpb.DeleteSubscriptionRequest{Subscription: other}); err != nil {
		t.Fatal(err)
	}
	b = durable(t, dir)
	if _, err := b.subs.GetSubscription(t.Context(), &pubsubpb.GetSubscriptionRequest{Subscription: other}); err == nil {
		t.Error("a deleted subscription is back")
	}
	if err := b.topics.DeleteTopic(t.Context(), &pubsubpb.DeleteTopicRequest{Topic: topic}); err != nil {
		t.Fatal(err)
	}
	b = &bench{}
	b.open(t, dir)
	if _, err := b.topics.GetTopic(t.Context(), &pubsubpb.GetTopicRequest{Topic: topic}); err == nil {
		t.Error("a deleted topic is back")
	}
	if data, _ := b.pull(t, subscription); !slices.Equal(data, []string{"a"}) {
		t.Errorf("the subscription of a deleted topic holds %q", data)
	}
}

func TestNoIDIsGivenTwice(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var last int64
	for range 4 {
		b := durable(t, dir)
		b.clock.Add(-int64(1e9)) // a clock that is set back
		b.publish(t, text("x"))
		_, messages := b.pull(t, subscription)
		b.acknowledge(t, subscription, messages...)
		id, err := strconv.ParseInt(messages[len(messages)-1].GetMessage().GetMessageId(), 10, 64)
		if err != nil || id <= last {
			t.Errorf("id %d after %d, %v", id, last, err)
		}
		last = id
	}
}

func TestAJournalThatHasGrownIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	b := durable(t, dir)
	for i := range byte(6) { // more than the journal may hold
		b.publish(t, &pubsubpb.PubsubMessage{Data: slices.Repeat([]byte{'a' + i}, 1<<20)})
	}
	if got := b.letters(t, other, true); got != "abcdef" {
		t.Errorf("published %q", got)
	}
	b = durable(t, dir)
	if got := b.letters(t, other, false); got != "" {
		t.Errorf("%q come again to who acknowledged all", got)
	}
	if got := b.letters(t, subscription, false); got != "abcdef" {
		t.Errorf("%q come again to who acknowledged nothing", got)
	}
}

// letters are the first bytes of what a subscription has, taken one by one.
func (b *bench) letters(t *testing.T, name string, acknowledge bool) (letters string) {
	t.Helper()
	for {
		answer, err := b.subs.Pull(t.Context(), atOnce(name, 1))
		if err != nil {
			t.Fatal(err)
		}
		if len(answer.GetReceivedMessages()) == 0 {
			return letters
		}
		letters += string(answer.GetReceivedMessages()[0].GetMessage().GetData()[:1])
		if acknowledge {
			b.acknowledge(t, name, answer.GetReceivedMessages()...)
		}
	}
}
