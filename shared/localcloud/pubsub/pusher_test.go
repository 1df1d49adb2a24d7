package pubsub_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/localcloud/pubsub"
	"ryggrad.internal/hub/shared/localcloud/wire"
)

func TestAPushIsWrappedAsGoogleWrapsIt(t *testing.T) {
	t.Parallel()
	b := start(t, pubsub.Subscription{DeadLetterTopic: deadTopic})
	b.publish(t, &pubsubpb.PubsubMessage{Data: []byte("{}"), Attributes: map[string]string{"a": "b"}, OrderingKey: "k"})
	r := <-b.requests
	r.answer <- http.StatusNoContent
	if got := r.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type %q", got)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(r.raw), &got); err != nil {
		t.Fatal(err)
	}
	published := b.server.Published(topic)[0]
	at, _ := got["message"].(map[string]any)["publishTime"].(string)
	if _, err := time.Parse(time.RFC3339Nano, at); err != nil || !strings.HasSuffix(at, "Z") {
		t.Errorf("publish time %q", at)
	}
	want := map[string]any{
		"message": map[string]any{
			"data": "e30=", "attributes": map[string]any{"a": "b"}, "orderingKey": "k",
			"messageId": published.MessageId, "message_id": published.MessageId, "publishTime": at, "publish_time": at,
		},
		"subscription": subscription, "deliveryAttempt": 1.0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("push (-want +got):\n%s", diff)
	}
}

func TestWithoutADeadLetterTopicThereIsNoDeliveryAttempt(t *testing.T) {
	t.Parallel()
	b := start(t, pubsub.Subscription{})
	b.publish(t, text("x"))
	r := <-b.requests
	r.answer <- http.StatusOK
	if strings.Contains(r.raw, "deliveryAttempt") {
		t.Errorf("push %s", r.raw)
	}
}

func TestTheseStatusesAcknowledge(t *testing.T) {
	t.Parallel()
	for _, status := range []int{102, 200, 201, 202, 204} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			b := start(t, pubsub.Subscription{Concurrency: 1})
			b.publish(t, text("one"))
			b.next(status)
			b.publish(t, text("two"))
			if got := b.next(http.StatusOK); string(got.Message.Data) != "two" {
				t.Errorf("after %d %q came, want the next message", status, got.Message.Data)
			}
			if len(b.waits) > 0 {
				t.Errorf("%d was not taken as an acknowledgement", status)
			}
		})
	}
}

func TestTheseStatusesBringTheMessageAgain(t *testing.T) {
	t.Parallel()
	for _, status := range []int{203, 206, 301, 302, 307, 400, 401, 404, 409, 410, 429, 500, 503} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			b := start(t, pubsub.Subscription{})
			b.publish(t, text("one"))
			first := b.next(status)
			<-b.waits
			b.release <- time.Time{}
			if again := b.next(http.StatusOK); again.Message.MessageID != first.Message.MessageID {
				t.Errorf("message %s, want %s again", again.Message.MessageID, first.Message.MessageID)
			}
		})
	}
}

func TestNoAnswerWithinTheAckDeadlineBringsTheMessageAgain(t *testing.T) {
	t.Parallel()
	b := start(t, pubsub.Subscription{AckDeadline: 20 * time.Millisecond})
	b.publish(t, text("one"))
	for came := 0; came < 2; {
		select {
		case <-b.requests: // never answered
			came++
		case <-b.waits: // perhaps even before the request came
			b.release <- time.Time{}
		}
	}
}

func TestTheBackoffOfEachMessageGrows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sub  pubsub.Subscription
		want []time.Duration
	}{
		"by production's defaults": {pubsub.Subscription{}, []time.Duration{
			10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second,
			320 * time.Second, 600 * time.Second, 600 * time.Second}},
		"within bounds of its own": {pubsub.Subscription{MinBackoff: time.Second, MaxBackoff: 3 * time.Second},
			[]time.Duration{time.Second, 2 * time.Second, 3 * time.Second, 3 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t, c.sub)
			b.publish(t, text("one"))
			var got []time.Duration
			for range c.want {
				b.next(http.StatusServiceUnavailable)
				got = append(got, <-b.waits)
				b.release <- time.Time{}
			}
			b.next(http.StatusOK)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("backoffs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAMessageInBackoffHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	b := start(t, pubsub.Subscription{Concurrency: 1})
	b.publish(t, text("bad"))
	b.next(http.StatusInternalServerError)
	<-b.waits
	b.publish(t, text("good"))
	if got := b.next(http.StatusOK); string(got.Message.Data) != "good" {
		t.Errorf("%q came, want the good message", got.Message.Data)
	}
}

func TestAfterTheLastAttemptAMessageIsForwarded(t *testing.T) {
	t.Parallel()
	b := start(t, pubsub.Subscription{DeadLetterTopic: deadTopic, MaxAttempts: 3})
	woken, stop := b.server.Wake(deadTopic)
	defer stop()
	b.publish(t, &pubsubpb.PubsubMessage{Data: []byte("bad"), Attributes: map[string]string{"a": "b"}, OrderingKey: "k"})
	for attempt := 1; attempt <= 3; attempt++ {
		if got := b.next(http.StatusInternalServerError).DeliveryAttempt; got != attempt {
			t.Errorf("delivery attempt %d, want %d", got, attempt)
		}
		if attempt < 3 {
			<-b.waits
			b.release <- time.Time{}
		}
	}
	<-woken
	dead := b.server.Published(deadTopic)
	if len(dead) != 1 || string(dead[0].Data) != "bad" || dead[0].OrderingKey != "k" {
		t.Fatalf("dead letters %v", dead)
	}
	at := dead[0].Attributes["CloudPubSubDeadLetterSourceTopicPublishTime"]
	if _, err := time.Parse("2006-01-02T15:04:05.000-07:00", at); err != nil {
		t.Errorf("publish time %q: %v", at, err)
	}
	want := map[string]string{
		"a": "b",
		"CloudPubSubDeadLetterSourceDeliveryCount":       "3",
		"CloudPubSubDeadLetterSourceSubscription":        "dispatch",
		"CloudPubSubDeadLetterSourceSubscriptionProject": "p",
		"CloudPubSubDeadLetterSourceTopicPublishTime":    at,
	}
	if diff := cmp.Diff(want, dead[0].Attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
	b.publish(t, text("next"))
	if got := b.next(http.StatusOK); string(got.Message.Data) != "next" {
		t.Errorf("%q came after the dead letter, want the next message", got.Message.Data)
	}
}

func TestADeadLetterThatCannotBeForwardedIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := start(t, pubsub.Subscription{DeadLetterTopic: "projects/p/topics/none", MaxAttempts: 1})
	b.publish(t, text("bad"))
	b.next(http.StatusInternalServerError)
	<-b.waits
	b.release <- time.Time{}
	if got := b.next(http.StatusOK).DeliveryAttempt; got != 2 {
		t.Errorf("delivery attempt %d, want 2", got)
	}
}

func TestNoMoreRequestsThanAllowedAreUnderWay(t *testing.T) {
	t.Parallel()
	b := start(t, pubsub.Subscription{Concurrency: 2})
	seen := map[string]bool{}
	for i := range 20 {
		b.publish(t, text(string(rune('a'+i))))
	}
	var open []request
	for range 20 {
		r := <-b.requests
		seen[string(r.body.Message.Data)] = true
		open = append(open, r)
		if len(open)+len(b.requests) > 2 {
			t.Fatalf("%d requests under way, want at most 2", len(open)+len(b.requests))
		}
		if len(open) == 2 {
			open[0].answer <- http.StatusOK
			open = open[1:]
		}
	}
	for _, r := range open {
		r.answer <- http.StatusOK
	}
	if len(seen) != 20 {
		t.Errorf("%d messages came, want all 20", len(seen))
	}
}

func TestWithOrderingAMessageWaitsForTheOneBefore(t *testing.T) {
	t.Parallel()
	b := start(t, pubsub.Subscription{Ordered: true})
	keyed := func(data, key string) *pubsubpb.PubsubMessage {
		return &pubsubpb.PubsubMessage{Data: []byte(data), OrderingKey: key}
	}
	b.publish(t, keyed("a1", "a"))
	first := <-b.requests
	b.publish(t, keyed("a2", "a"))
	b.publish(t, keyed("b1", "b"), text("free"))
	for range 2 { // both overtake a2, which waits
		if r := b.next(http.StatusOK); r.Message.OrderingKey == "a" {
			t.Errorf("%s came while a1 was under way", r.Message.Data)
		}
	}
	first.answer <- http.StatusServiceUnavailable
	<-b.waits
	b.release <- time.Time{}
	var order []string
	for range 2 {
		order = append(order, string(b.next(http.StatusOK).Message.Data))
	}
	if diff := cmp.Diff([]string{"a1", "a2"}, order); diff != "" {
		t.Errorf("order of a (-want +got):\n%s", diff)
	}
}

func TestAMessageWhoseAcknowledgementIsLostComesAgain(t *testing.T) {
	t.Parallel()
	b := start(t, pubsub.Subscription{})
	const acknowledge = "/google.pubsub.v1.Subscriber/Acknowledge"
	b.faults.Set(wire.Nth(acknowledge, 1, wire.Fault{Before: status.Error(codes.Aborted, "lost")}))
	b.publish(t, text("one"))
	first := b.next(http.StatusOK)
	if again := b.nextLeased(http.StatusOK); again.Message.MessageID != first.Message.MessageID {
		t.Errorf("%s came, want %s again", again.Message.MessageID, first.Message.MessageID)
	}
}

func TestAMessageThatComesAgainWhileItWaitsIsPushedOnce(t *testing.T) {
	t.Parallel()
	b := start(t, pubsub.Subscription{})
	b.publish(t, text("slow"))
	slow := <-b.requests
	b.clock.Add(int64(61 * time.Second)) // the lease runs out, and the message is pulled again
	b.publish(t, text("other"))
	if got := b.next(http.StatusOK); string(got.Message.Data) != "other" {
		t.Errorf("%q came, want the other message", got.Message.Data)
	}
	slow.answer <- http.StatusOK
	b.publish(t, text("last"))
	if got := b.next(http.StatusOK); string(got.Message.Data) != "last" {
		t.Errorf("%q came, want the last message", got.Message.Data)
	}
}

func TestAMessageThatPubSubWouldNotKeepIsNotPushedAgain(t *testing.T) {
	t.Parallel()
	b := start(t, pubsub.Subscription{})
	b.publish(t, text("old"))
	old := <-b.requests
	b.clock.Add(int64(7*24*time.Hour + time.Second))
	old.answer <- http.StatusServiceUnavailable
	b.publish(t, text("new"))
	if got := b.next(http.StatusOK); string(got.Message.Data) != "new" || len(b.waits) > 0 {
		t.Errorf("%q came with %d backoffs, want the new message and none", got.Message.Data, len(b.waits))
	}
}

// This test is not parallel: it looks at all goroutines.
func TestStoppingLeavesNothingRunning(t *testing.T) { //nolint:paralleltest // see above
	b := start(t, pubsub.Subscription{})
	for range 50 {
		b.publish(t, text("x"))
		b.next(http.StatusServiceUnavailable)
		<-b.waits
	}
	b.stop()
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if bytes.Contains(stacks, []byte("pubsub.(*Pusher)")) {
		t.Errorf("still running:\n%s", stacks)
	}
}

func TestStoppingBreaksOffAndGivesBack(t *testing.T) {
	t.Parallel()
	b := start(t, pubsub.Subscription{})
	b.publish(t, text("waiting"))
	b.next(http.StatusServiceUnavailable)
	<-b.waits
	b.publish(t, text("under way"))
	<-b.requests
	b.stop() // returns only when nothing is left running
	var got []string
	for len(got) < 2 {
		answer, err := b.subs.Pull(t.Context(), &pubsubpb.PullRequest{Subscription: subscription, MaxMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range answer.ReceivedMessages {
			got = append(got, string(m.Message.Data))
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"under way", "waiting"}, got); diff != "" {
		t.Errorf("given back (-want +got):\n%s", diff)
	}
}
