package pubsub_test

import (
	"maps"
	"strings"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"ryggrad.internal/hub/shared/localcloud/pubsub"
)

func TestPublishRefusesWhatProductionRefuses(t *testing.T) {
	t.Parallel()
	b := start(t, pubsub.Subscription{})
	attributes := func(n int) map[string]string {
		all := map[string]string{}
		for i := range n {
			all[strings.Repeat("k", i+1)] = "v"
		}
		return all
	}
	several := func(n int) []*pubsubpb.PubsubMessage {
		var all []*pubsubpb.PubsubMessage
		for range n {
			all = append(all, text("x"))
		}
		return all
	}
	one := func(m *pubsubpb.PubsubMessage) []*pubsubpb.PubsubMessage { return []*pubsubpb.PubsubMessage{m} }
	for name, c := range map[string]struct {
		topic    string
		messages []*pubsubpb.PubsubMessage
		want     codes.Code
	}{
		"no messages":               {topic, nil, codes.InvalidArgument},
		"an empty message":          {topic, one(&pubsubpb.PubsubMessage{}), codes.InvalidArgument},
		"an attribute alone":        {topic, one(&pubsubpb.PubsubMessage{Attributes: attributes(1)}), codes.OK},
		"100 attributes":            {topic, one(&pubsubpb.PubsubMessage{Attributes: attributes(100)}), codes.OK},
		"101 attributes":            {topic, one(&pubsubpb.PubsubMessage{Attributes: attributes(101)}), codes.InvalidArgument},
		"an attribute without key":  {topic, one(&pubsubpb.PubsubMessage{Attributes: map[string]string{"": "v"}}), codes.InvalidArgument},
		"a long attribute":          {topic, one(&pubsubpb.PubsubMessage{Attributes: map[string]string{"k": strings.Repeat("v", 1025)}}), codes.InvalidArgument},
		"a long ordering key":       {topic, one(&pubsubpb.PubsubMessage{Data: []byte("x"), OrderingKey: strings.Repeat("k", 1025)}), codes.InvalidArgument},
		"1,000 messages":            {topic, several(1000), codes.OK},
		"1,001 messages":            {topic, several(1001), codes.InvalidArgument},
		"two ordering keys":         {topic, []*pubsubpb.PubsubMessage{text("x"), {Data: []byte("x"), OrderingKey: "k"}}, codes.InvalidArgument},
		"a topic that is not there": {"projects/p/topics/none", several(1), codes.NotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := b.topics.Publish(t.Context(), &pubsubpb.PublishRequest{Topic: c.topic, Messages: c.messages})
			if got := status.Code(err); got != c.want {
				t.Errorf("code %v (%v), want %v", got, err, c.want)
			}
		})
	}
}

func TestPublishedKeepsTopicsApart(t *testing.T) {
	t.Parallel()
	b := start(t, pubsub.Subscription{})
	m := &pubsubpb.PubsubMessage{Data: []byte("x"), Attributes: map[string]string{"a": "b"}, OrderingKey: "k"}
	b.publish(t, m)
	got := b.server.Published(topic)
	if len(got) != 1 || string(got[0].Data) != "x" || got[0].OrderingKey != "k" || !maps.Equal(got[0].Attributes, m.Attributes) {
		t.Errorf("published %v, want %v", got, m)
	}
	if got := b.server.Published(deadTopic); len(got) != 0 {
		t.Errorf("published on another topic %v", got)
	}
}

func TestWakeEndsWhenItIsStopped(t *testing.T) {
	t.Parallel()
	b := start(t, pubsub.Subscription{})
	woken, stop := b.server.Wake(topic)
	other, stopOther := b.server.Wake(topic)
	defer stopOther()
	stop()
	b.publish(t, text("x"))
	<-other
	select {
	case <-woken:
		t.Error("woken after it was stopped")
	default:
	}
}
