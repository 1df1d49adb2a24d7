package delivery

import (
	"context"

	"ryggrad.internal/hub/shared/delivery"
	"ryggrad.internal/hub/shared/httpapi"
	"ryggrad.internal/hub/shared/identity"
	"ryggrad.internal/hub/shared/webhook"
)

type trialOutput struct{ Body trialBody }

// trialBody is what came of a test message.
type trialBody struct {
	Delivered  bool            `json:"delivered" doc:"Whether the endpoint answered with a 2xx status"`
	Status     int             `json:"status" doc:"The status of the answer; 0 when there was none"`
	Failure    webhook.Failure `json:"failure,omitzero" doc:"Why there was no answer"`
	DurationMS int64           `json:"durationMs"`
	Answer     string          `json:"answer" doc:"The answer's first 1,024 bytes"`
}

// test sends a message that tells of nothing. It is sent to an endpoint that is switched off, too, so that its owner can
// see whether it works again; it leaves no trace but the access log's.
func (s *server) test(ctx context.Context, call httpapi.Call, in *endpointInput) (*trialOutput, error) {
	e, err := s.load(ctx, call.Caller, in.ID)
	if err != nil {
		return nil, err
	}
	id, err := identity.NewID(delivery.EventPrefix, s.entropy)
	if err != nil {
		return nil, err
	}
	body, err := delivery.TestBody(e.ID, s.courier.now())
	if err != nil {
		return nil, err
	}
	result, err := s.courier.send(ctx, e, id, body)
	if err != nil {
		return nil, err
	}
	return &trialOutput{trialBody{
		Delivered: result.Outcome() == webhook.Delivered, Status: result.Status, Failure: result.Failure,
		DurationMS: result.Duration.Milliseconds(), Answer: result.BodyPrefix,
	}}, nil
}
