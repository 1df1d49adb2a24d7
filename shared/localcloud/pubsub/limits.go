package pubsub

import (
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// What production refuses, https://cloud.google.com/pubsub/quotas#resource_limits.
const (
	maxRequest     = 10_000_000 // bytes
	maxMessages    = 1000       // in one request
	maxAttributes  = 100        // of one message
	maxKey         = 256        // bytes
	maxValue       = 1024       // bytes
	maxOrderingKey = 1024       // bytes
)

func checkPublish(req *pubsubpb.PublishRequest) error {
	if n := len(req.Messages); n == 0 || n > maxMessages {
		return status.Errorf(codes.InvalidArgument, "A request holds 1 to %d messages, not %d.", maxMessages, n)
	}
	if size := proto.Size(req); size > maxRequest {
		return status.Errorf(codes.InvalidArgument, "A request holds at most %d bytes, not %d.", maxRequest, size)
	}
	for _, m := range req.Messages {
		if err := checkMessage(m); err != nil {
			return err
		}
		if m.OrderingKey != req.Messages[0].OrderingKey {
			return status.Error(codes.InvalidArgument, "All messages of a request have the same ordering key.")
		}
	}
	return nil
}

func checkMessage(m *pubsubpb.PubsubMessage) error {
	if len(m.Data) == 0 && len(m.Attributes) == 0 {
		return status.Error(codes.InvalidArgument, "Some messages in the request are empty.")
	}
	if len(m.Attributes) > maxAttributes {
		return status.Errorf(codes.InvalidArgument, "A message has at most %d attributes.", maxAttributes)
	}
	if len(m.OrderingKey) > maxOrderingKey {
		return status.Errorf(codes.InvalidArgument, "An ordering key has at most %d bytes.", maxOrderingKey)
	}
	for key, value := range m.Attributes {
		if key == "" || len(key) > maxKey || len(value) > maxValue {
			return status.Errorf(codes.InvalidArgument,
				"An attribute's key has 1 to %d bytes, its value at most %d.", maxKey, maxValue)
		}
	}
	return nil
}
