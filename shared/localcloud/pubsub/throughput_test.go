package pubsub_test

import (
	"net/http"
	"testing"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"ryggrad.internal/hub/shared/localcloud/pubsub"
)

// BenchmarkPush measures a message's way from its publication to its endpoint's acknowledgement, with 16 at once.
func BenchmarkPush(b *testing.B) {
	bench := start(b, pubsub.Subscription{})
	b.ReportAllocs()
	batch := make([]*pubsubpb.PubsubMessage, 16)
	for i := range batch {
		batch[i] = text("{}")
	}
	for b.Loop() {
		_, err := bench.topics.Publish(b.Context(), &pubsubpb.PublishRequest{Topic: topic, Messages: batch})
		if err != nil {
			b.Fatal(err)
		}
		for range batch {
			bench.next(http.StatusNoContent)
		}
	}
	b.ReportMetric(float64(b.N*len(batch))/b.Elapsed().Seconds(), "messages/s")
}
