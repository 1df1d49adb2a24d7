package cloudtest

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"testing"

	pubsubapi "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"ryggrad.internal/hub/shared/localcloud"
)

// batch is how many messages are asked for at once.
const batch = 1000

// watch sees what is published on a project's topics of Google's emulator, which does not tell: it has a subscription
// to each of them from the start.
type watch struct {
	project string
	client  *pubsubapi.SubscriptionAdminClient

	mu   sync.Mutex
	seen map[string]map[string]*pubsubpb.PubsubMessage // by topic and id
}

// watched returns the topics whose messages tests look at: all of them would be more than the emulator bears.
func watched() []string { return []string{"events", "fetches"} }

func startWatch(tb testing.TB, shared *localcloud.Cloud, project string) *watch {
	tb.Helper()
	client, err := pubsubapi.NewSubscriptionAdminClient(context.WithoutCancel(tb.Context()),
		options(shared.Endpoints()["pubsub"], nil)...)
	if err != nil {
		tb.Fatal(err)
	}
	w := &watch{project: project, client: client, seen: map[string]map[string]*pubsubpb.PubsubMessage{}}
	tb.Cleanup(func() { w.stop(tb, watched()) })
	for _, topic := range watched() {
		_, err := client.CreateSubscription(tb.Context(), &pubsubpb.Subscription{
			Name: w.subscription(topic), Topic: "projects/" + project + "/topics/" + topic})
		if err != nil {
			tb.Fatal(err)
		}
	}
	return w
}

// stop deletes the subscriptions, for each of which the emulator keeps a busy thread.
func (w *watch) stop(tb testing.TB, topics []string) {
	tb.Helper()
	for _, topic := range topics {
		err := w.client.DeleteSubscription(context.WithoutCancel(tb.Context()),
			&pubsubpb.DeleteSubscriptionRequest{Subscription: w.subscription(topic)})
		if err != nil {
			tb.Error(err)
		}
	}
	closeWith(tb, w.client.Close)
}

func (w *watch) subscription(topic string) string {
	return "projects/" + w.project + "/subscriptions/watch-" + topic
}

// published returns what has been published on a topic until now.
func (w *watch) published(tb testing.TB, topic string) []*pubsubpb.PubsubMessage {
	tb.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.seen[topic] == nil {
		w.seen[topic] = map[string]*pubsubpb.PubsubMessage{}
	}
	for w.pull(tb, topic) > 0 {
	}
	var messages []*pubsubpb.PubsubMessage
	for _, m := range w.seen[topic] {
		messages = append(messages, m)
	}
	slices.SortFunc(messages, func(a, b *pubsubpb.PubsubMessage) int {
		return cmp.Or(a.PublishTime.AsTime().Compare(b.PublishTime.AsTime()), cmp.Compare(a.MessageId, b.MessageId))
	})
	return messages
}

func (w *watch) pull(tb testing.TB, topic string) int {
	tb.Helper()
	answer, err := w.client.Pull(tb.Context(), &pubsubpb.PullRequest{
		Subscription: w.subscription(topic), MaxMessages: batch,
		ReturnImmediately: true, //nolint:staticcheck // deprecated for consumers; a test wants to know what is there now
	})
	if err != nil {
		tb.Fatal(err)
	}
	var ids []string
	for _, r := range answer.ReceivedMessages {
		w.seen[topic][r.Message.MessageId] = r.Message
		ids = append(ids, r.AckId)
	}
	if len(ids) == 0 {
		return 0
	}
	err = w.client.Acknowledge(tb.Context(), &pubsubpb.AcknowledgeRequest{Subscription: w.subscription(topic), AckIds: ids})
	if err != nil {
		tb.Fatal(err)
	}
	return len(ids)
}
